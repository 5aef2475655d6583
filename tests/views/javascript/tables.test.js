// Tables that describe themselves, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { scaleOf } from "#arithmetic/colours.js";
import { headsAsked, ordered, pairs, readQuestion, writeQuestion } from "#arithmetic/finder.js";
import { startLabel } from "#arithmetic/labels.js";
import { extent, linear, padded, spacing } from "#arithmetic/scales.js";
import { shelves } from "#arithmetic/shelves.js";
import { CorpusTable } from "#arithmetic/table.js";
import { Metric } from "#arithmetic/tables.js";

/** A made-up table of 2 layers of 2 heads. */
function metric(described, values, isFirst = true) {
  const whole = { name: "made_up", title: "Made up", unit: "1", kind: "share", dim: null, labels: [], ...described };
  const byLayer = Float64Array.from(values.slice(0, 2 * Math.max(1, whole.labels.length)));
  return new Metric(whole, { values: Float64Array.from(values), byLayer, heads: 2, isFirst });
}

const ANIMACY = { dim: "animacy", labels: ["alive", "not"] };

test("a table is called by its template, by known words, or by its title and the label", () => {
  const named = metric({ ...ANIMACY, heading: "Attention to {}" }, []);
  assert.deepEqual([named.heading(0), named.heading(null)], ["Attention to alive", "Made up"]);
  assert.equal(metric(ANIMACY, []).heading(1), "Made up: not");
  const direction = { dim: "direction", labels: ["either"] };
  assert.equal(metric(direction, []).heading(0), "Along dependencies");
  assert.equal(metric({ ...direction, heading: "By {}" }, []).heading(0), "Along dependencies");
  assert.equal(metric({ ...direction, heading: "By {}" }, [], false).heading(0), "By along dependencies");
  assert.equal(metric(direction, [], false).heading(0), "Made up: along dependencies");
  const offset = { dim: "offset", labels: ["1"], heading: "All attention at offset {}" };
  assert.equal(metric(offset, []).heading(0), "Attention to the previous piece");
  assert.equal(metric(offset, [], false).heading(0), "All attention at offset 1");
  assert.equal(metric({ ...ANIMACY, labels: ["$&", "b"], heading: "To {}" }, []).heading(0), "To $&");
});

test("a table has an address for each label", () => {
  const table = metric({ ...ANIMACY, labels: ["a/b", "c"] }, []);
  assert.deepEqual([table.href(0), table.href(null), metric({}, []).href(0)],
    ["#/metric/made_up/a%2Fb", "#/metric/made_up", "#/metric/made_up"]);
});

test("a dimension without a title is called by its name", () => {
  assert.equal(metric(ANIMACY, []).dimTitle, "animacy");
  assert.equal(metric({ ...ANIMACY, dim_title: "Animacy" }, []).dimTitle, "Animacy");
});

test("the label shown first is the usual one, or that of the largest mean", () => {
  assert.equal(startLabel(metric(ANIMACY, [0.1, 0.9, 0.2, 0.8, 0.1, 0.9, 0, 1])), 1);
  assert.equal(startLabel(metric({ dim: "pos", labels: ["ADJ", "NOUN"] }, [1, 0, 1, 0, 1, 0, 1, 0])), 1);
  assert.equal(startLabel(metric({}, [])), 0);
});

test("shares of few things are told so, and shown last", () => {
  const table = metric({ dim: "rel", labels: ["obj", "det"] }, [0.9, 0.1, 0.8, 0.2, 0.9, 0.1, 0.7, 0.1]);
  assert.deepEqual([table.countTold(0), table.isOfFew(0), startLabel(table)], ["", false, 0]);
  table.counts = new CorpusTable({ dim: "rel", labels: ["det", "obj"], unit: "edges", kind: "count" }, [1020, 17]);
  assert.deepEqual([0, 1].map((label) => table.countTold(label)), ["few: 17 edges", "1,020 edges"]);
  assert.deepEqual([table.isOfFew(0), table.isOfFew(1), startLabel(table)], [true, false, 1]);
});

test("chance is that of the head or of the corpus, by the label's name", () => {
  const table = metric(ANIMACY, [0.1, 0.9, 0.2, 0.8, 0.1, 0.9, 0, 1]);
  assert.ok(Number.isNaN(table.chanceAt(0, 0, 0)));
  table.chance = new CorpusTable({ dim: "animacy", labels: ["not", "alive"] }, [0.7, 0.3]);
  assert.deepEqual([table.chanceAt(1, 1, 0), table.chanceOfLayer(0, 1)], [0.3, 0.7]);
  table.chance = new CorpusTable({ dim: null, labels: [] }, [0.4]);
  assert.equal(table.chanceAt(0, 1, 1), 0.4);
  table.chance = metric(ANIMACY, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(table.chanceAt(1, 0, 1), 6);
  table.chance = metric({ dim: "animacy", labels: ["other"] }, [1, 2, 3, 4]);
  assert.ok(Number.isNaN(table.chanceAt(0, 0, 0)));
});

test("how far intervals reach is told of the median head, of those that compete", () => {
  const without = metric({ kind: "mean", unit: "pieces" }, [1, 2, 3, 4]);
  assert.equal(without.usualReach(), "");
  const table = metric({ kind: "mean", unit: "pieces" }, [1, 2, 3, 4]);
  const reaches = [0.1, 0.21234, 0.4, NaN];
  table.sure = { bounds: (place) => [-1, 1].map((sign) => table.values[place] + sign * reaches[place]) };
  assert.equal(table.usualReach(), "±0.21 pieces (median head)");
  table.evidence = { isOff: (place) => place === 1, least: 0.05 };
  assert.equal(table.usualReach(), "±0.25 pieces (median head)");
  const share = metric({}, [0.1, 0.2, 0.3, 0.4]);
  share.sure = { bounds: () => [0.1, 0.134] };
  assert.equal(share.usualReach(), "±1.7 points (median head)");
});

test("a scale goes from 0, or to both sides of it where values are negative", () => {
  const share = scaleOf(metric({}, [0, 0.2, 0.4, NaN]), 0);
  assert.deepEqual([share.name, share.low, share.top, share.level(0.4), share.level(NaN)], ["share", 0, 0.4, 63, -1]);
  const score = scaleOf(metric({ kind: "score" }, [-0.4, 0, 0.2, NaN]), 0);
  assert.deepEqual([score.name, score.low, score.top], ["ratio", -0.4, 0.4]);
  assert.deepEqual([-0.4, 0, 0.4].map(score.level), [0, 32, 63]);
});

test("ranges hold what they are of", () => {
  assert.deepEqual(extent([3, NaN, -1, 2]), [-1, 3]);
  assert.deepEqual(extent([NaN]), [NaN, NaN]);
  assert.deepEqual([padded([]), padded([2, 2]), padded([0, 100])], [[0, 1], [1.5, 2.5], [-4, 104]]);
  assert.equal(linear([0, 2], [10, 30])(1), 20);
  assert.deepEqual([spacing(20, 17), spacing(10, 17), spacing(0.1, 17)], [1, 2, 50]);
});

const FIRST = metric({ name: "first", family: "One" }, [1, 2, NaN, 4]);
const SECOND = metric({ name: "second", family: "Two", ...ANIMACY }, [0, 1, 0, 2, 0, 3, 0, 4]);
const THIRD = metric({ name: "third", family: "One" }, [4, 3, 2, 1]);
const METRICS = [FIRST, SECOND, THIRD];
const BY_NAME = new Map(METRICS.map((one) => [one.name, one]));
const ATLAS = { layers: [5, 6], heads: [0, 1], metrics: METRICS, byName: BY_NAME };

test("metrics stand on the shelf of their family", () => {
  const found = shelves(ATLAS).map(({ title, metrics }) => [title, metrics.map((one) => one.name)]);
  assert.deepEqual(found, [["One", ["first", "third"]], ["Two", ["second"]]]);
});

test("a question and its address say the same", () => {
  const address = "y=second&yl=not&x=third&order=lowest&from=6";
  const question = readQuestion(ATLAS, new URLSearchParams(address));
  assert.deepEqual([question.y.metric, question.y.label, question.x.metric, question.from, question.to],
    [SECOND, 1, THIRD, 1, 1]);
  assert.equal(writeQuestion(ATLAS, question), `#/find?${address}`);
  assert.equal(readQuestion(ATLAS, new URLSearchParams()).x.metric, FIRST);
});

test("heads are those of the layers asked for, with evidence, in order", () => {
  const question = { ...readQuestion(ATLAS, new URLSearchParams("y=first&x=third")), order: "lowest" };
  assert.deepEqual(headsAsked(ATLAS, question), [0, 1, 2, 3]);
  assert.deepEqual(headsAsked(ATLAS, { ...question, from: 1 }), [2, 3]);
  assert.deepEqual(ordered(question, [0, 1, 2, 3]), [0, 1, 3]);
  assert.deepEqual(ordered({ ...question, order: "highest" }, [0, 3]), [3, 0]);
  assert.deepEqual(pairs(question, [1, 2, 3]), [[3, 2], [1, 4]]);
});
