// Runs compared, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { differenceRows } from "#arithmetic/comparison-csv.js";
import { Changes, Comparison } from "#arithmetic/comparison.js";
import { scaleOf } from "#arithmetic/colours.js";
import { DifferenceTable, qTold, qWords, RunTable, Scaled } from "#arithmetic/differences.js";
import { Intervals } from "#arithmetic/intervals.js";

const MADE_UP = { name: "made_up", title: "Made up", unit: "1", kind: "share", dim: null, labels: [] };
const bounds = (list) => ({ at: (n) => list[n], isUnsure: () => false });

/** Differences of 2 layers of 2 heads: +0.1, −0.2, +0.05, none known. */
function differences(described = MADE_UP) {
  const raw = [0.1, -0.2, 0.05, NaN];
  const factor = described.kind === "share" ? 100 : 1;
  const arrays = { values: Float64Array.from(raw, (one) => one * factor), byLayer: new Float64Array(2), heads: 2 };
  const sure = { q: [0.01, 0.04, 0.05, NaN], qOfLayers: [NaN, NaN], level: 0.05 };
  const table = new DifferenceTable(described, arrays, sure);
  const own = bounds([[0.08, 0.12], [-0.3, -0.1], [-0.01, 0.11], [NaN, NaN]]);
  table.sure = new Intervals(table, { own: new Scaled(own, factor) });
  return table;
}

function run(values) {
  return new RunTable(MADE_UP, { values: Float64Array.from(values), byLayer: new Float64Array(2), heads: 2 });
}

function comparison() {
  const tables = [run([0.2, 0.5, 0.3, NaN]), run([0.3, 0.3, 0.35, 0.9])];
  const atlases = tables.map((table) => ({ byName: new Map([["made_up", table]]), evidence: table.evidence }));
  const about = {
    layers: [3, 4], heads: [0, 1], runs: [{ name: "a" }, { name: "b" }], clear: 0.05, confidence: 0.95, axis: null,
  };
  const changes = [new Changes({ result: [0, 0, -1, -1], size: [1, 2, 0, 0] })];
  return new Comparison(about, { atlases, differences: [new Map([["made_up", differences()]])], changes });
}

test("differences of shares are in points, with their sign; others in their own unit", () => {
  assert.deepEqual(differences().told(0), ["+10 points", "8 to 12"]);
  assert.deepEqual(differences().told(1), ["−20 points", "−30 to −10"]);
  assert.deepEqual(differences({ ...MADE_UP, kind: "mean", unit: "nats" }).told(0), ["+0.10 nats", "0.08 to 0.12"]);
  assert.equal(differences().raw(1), -0.2);
  assert.deepEqual(differences().rawBounds(1), [-0.3, -0.1]);
});

test("a head is striped unless its q is below the level; where nothing is known, none is", () => {
  const table = differences();
  assert.deepEqual([0, 1, 2, 3].map((place) => table.isStriped(place)), [false, false, true, true]);
  assert.deepEqual(table.count(), { clear: 2, of: 3 });
  const unknown = new DifferenceTable(MADE_UP, { values: [1], byLayer: [1], heads: 1 }, { q: [NaN], level: 0.05 });
  assert.equal(unknown.isStriped(0), false);
});

test("the scale of differences has 0 in its middle", () => {
  const { name, low, top, level } = scaleOf(differences(), 0);
  assert.deepEqual([name, low, top], ["change", -20, 20]);
  assert.deepEqual([-20, 0, 20].map(level), [0, 32, 63]);
});

test("clear differences come first, the largest before others", () => {
  assert.deepEqual(differences().changed(), [[1, 0], [2]]);
  assert.deepEqual(differences().largest(), { place: 1, label: 0 });
  assert.equal(differences().strength(0).toFixed(9), "5.000000000");
});

test("q is written short, and what is not clear says so", () => {
  assert.deepEqual([0.0004, 0.01234, 0.5, NaN, null].map(qWords), ["< 0.001", "0.012", "0.5", "", ""]);
  assert.deepEqual([0.0004, 0.012, 0.05, NaN].map((q) => qTold(q, 0.05)),
    ["q < 0.001", "q = 0.012", "not clear, q = 0.05", ""]);
});

test("the maps of both runs have one scale", () => {
  const { first, other } = comparison();
  const tops = [first, other].map(({ byName }) => byName.get("made_up").top());
  assert.deepEqual(tops, [0.9, 0.9]);
});

test("a head's values come in the order of how surely they differ", () => {
  const [one] = comparison().ofHead(0);
  assert.deepEqual([one.metric.name, one.q], ["made_up", 0.01]);
  assert.deepEqual(comparison().ofHead(3), []);
  assert.deepEqual(comparison().change.order(), [1, 0]);
});

test("a table has both runs' values, the difference as the result has it, and q", () => {
  const [header, first] = differenceRows(comparison(), "made_up", 0);
  const ofRun = (name) => ["", "_low", "_high"].map((end) => `made_up ${name}${end}`);
  const last = ["difference", "difference_low", "difference_high", "q"];
  assert.deepEqual(header, ["layer", "head", ...ofRun("a"), ...ofRun("b"), ...last]);
  assert.deepEqual(first, [3, 0, 0.2, NaN, NaN, 0.3, NaN, NaN, 0.1, 0.08, 0.12, 0.01]);
});
