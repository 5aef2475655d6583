// Tables that pages save, by hand: one layer of two heads, one of them twice its chance level.

import assert from "node:assert/strict";
import { test } from "node:test";

import { headRows, labelRows, layerRows, metricRows, pairRows, profileRows } from "#arithmetic/csv.js";
import { Bounds, Intervals } from "#arithmetic/intervals.js";
import { Metric } from "#arithmetic/tables.js";

const LABELS = ["NOUN", "DET"];
const table = (name, values, chance = null, labels = LABELS) => {
  const described = { name, title: name, unit: "1", kind: "share", dim: labels.length ? "pos" : null, labels };
  const found = new Metric(described, {
    values: Float32Array.from(values), byLayer: Float32Array.of(0.5, 0.75), heads: 2, isFirst: true,
  });
  found.chance = chance;
  return found;
};
const SURE = table("pos_to", [0.5, 0.25, 0.75, 1], table("pos_to_uniform", [0.25, 0.125, 0.25, 0.125]));
const codes = (length) => new Int16Array(length);
SURE.sure = new Intervals(SURE, {
  own: new Bounds(SURE.values, codes(8)), ofLayers: new Bounds(SURE.byLayer, codes(4)),
});
const BARE = table("distance", [3, 4], null, []);
const ATLAS = { layers: [7], heads: [0, 1], metrics: [SURE, BARE], interval_title: "95% interval" };

test("a value has its bounds and its chance level beside it", () => {
  const [header, first] = headRows(ATLAS, SURE, 1);
  assert.deepEqual(header, ["layer", "head", "pos_to DET", "pos_to DET_low", "pos_to DET_high", "pos_to DET_chance"]);
  assert.deepEqual(first, [7, 0, 0.25, 0.25, 0.25, 0.125]);
  assert.deepEqual(headRows(ATLAS, BARE, 0), [["layer", "head", "distance"], [7, 0, 3], [7, 1, 4]]);
  assert.deepEqual(labelRows(ATLAS, SURE)[2], [7, 1, 0.75, 0.75, 0.75, 0.25, 1, 1, 1, 0.125]);
  const pair = { metric: SURE, label: 0 };
  assert.deepEqual(pairRows(ATLAS, pair, { metric: BARE, label: 0 }, [1])[1], [7, 1, 0.75, 0.75, 0.75, 0.25, 4]);
});

test("so has a layer", () => {
  const [header, noun] = layerRows(ATLAS, SURE, [0], "pos");
  assert.deepEqual(header, ["pos", "layer 7", "layer 7_low", "layer 7_high", "layer 7_chance"]);
  assert.deepEqual(noun, ["NOUN", 0.5, 0.5, 0.5, 0.5]);
});

test("a profile says how many times chance a value is", () => {
  const [header, , det] = profileRows(SURE, 0, 1, "layer 7 head 1");
  assert.deepEqual(header.slice(-3), ["layer 7 head 1_chance", "mean of all heads", "times chance"]);
  assert.deepEqual(det, ["DET", 1, 1, 1, 0.125, 0.625, 8]);
});

test("all values of a head have a column of chance, which is empty where there is none", () => {
  const [header, ...rows] = metricRows(ATLAS, 0, 0);
  assert.deepEqual(header.slice(6), ["low", "high", "chance", "rank_first", "rank_last"]);
  assert.deepEqual(rows.map((row) => row[8]), [0.25, 0.125, ""]);
});
