// Results by a field, by hand: one layer of three heads at two values, of which the last head has evidence at one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { byHref, byRows, farthestApart } from "#arithmetic/by.js";
import { Bounds, Intervals } from "#arithmetic/intervals.js";
import { Metric } from "#arithmetic/tables.js";

const UNKNOWN = -32768;
const described = { name: "pos_to", title: "Made up", unit: "1", kind: "share", dim: "pos", labels: ["NOUN", "X/Y"] };

function value(name, numbers) {
  const values = Float32Array.from(numbers);
  const metric = new Metric(described, { values, byLayer: new Float32Array(2), heads: 3, isFirst: true });
  const codes = new Int16Array(2 * values.length).fill(0);
  codes[0] = UNKNOWN;
  metric.sure = new Intervals(metric, { own: new Bounds(values, codes) });
  return { name, layers: [4], heads: [0, 1, 2], byName: new Map([["pos_to", metric]]) };
}

const shown = {
  atlases: [value("news", [0.5, 1, 0.25, 2, NaN, 3]), value("song", [0.5, 1, 0.75, 2, 0.9, 3])], name: "pos_to",
  label: 0,
};

test("heads come in order of the largest difference of two values, and with evidence at two", () => {
  assert.deepEqual(farthestApart(shown), [1, 0]);
});

test("a file has each value of the field with its bounds", () => {
  const rows = byRows(shown);
  assert.deepEqual(rows[0], ["layer", "head", "news", "news_low", "news_high", "song", "song_low", "song_high"]);
  assert.deepEqual(rows[1], [4, 0, 0.5, NaN, 0.5, 0.5, NaN, 0.5]);
  assert.deepEqual(rows[2], [4, 1, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75]);
});

test("an address names the field, the metric and its label", () => {
  const [{ byName }] = shown.atlases;
  assert.equal(byHref("meta::genre", byName.get("pos_to"), 1), "#/by/meta%3A%3Agenre/pos_to/X%2FY");
  assert.equal(byHref("year", { name: "entropy", dim: null }), "#/by/year/entropy");
});
