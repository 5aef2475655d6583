// How alike heads attend, by hand: two layers of two heads, of which the last has no evidence.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readSimilarityColour, Similarity, writeSimilarityColour } from "#arithmetic/similarity.js";
import { Metric } from "#arithmetic/tables.js";

const HEADS = { heads: 2, isFirst: true, byLayer: new Float64Array() };
const USUAL = { title: "Made up", unit: "1", kind: "share" };
const table = (described, values) =>
  new Metric({ ...USUAL, ...described }, { ...HEADS, values: Float64Array.from(values) });
const axes = table({ name: "head_map", dim: "axis", labels: ["0", "1"] }, [0, 1, 2, 3, -1, 0, NaN, NaN]);
const found = new Similarity(axes, {
  cluster: Float64Array.from([1, 0, 0, NaN]), others: Uint16Array.from([1, 2, 2, 0, 1, 0, 0, 1]),
  distances: Float32Array.from([0.25, 0.5, 0.125, 0.25, 0.125, 0.5, NaN, NaN]), layers: Float64Array.from([1, 2, 2, 3]),
}, { unit: "nats", shares: [0.5, 0.25], rows: 8 });

test("heads without evidence have no place, no cluster and none near them", () => {
  assert.deepEqual(found.places, [0, 1, 2]);
  assert.deepEqual(found.clusters(), [{ number: 0, places: [1, 2] }, { number: 1, places: [0] }]);
  assert.deepEqual([0, 1].map((number) => found.clusterName(number, null)), ["0", "1"]);
  assert.equal(found.clusterName(0, { sharedBy: (places) => (places.length === 2 ? "broad" : "") }), "0, broad");
  assert.deepEqual(found.near(1), [{ place: 2, distance: 0.125 }, { place: 0, distance: 0.25 }]);
  assert.deepEqual(found.near(3), []);
  assert.equal(found.ofLayers(1, 0), 2);
});

test("an address names the layer, the cluster, or a metric and its label", () => {
  const pos = table({ name: "pos_to", dim: "pos", labels: ["NOUN", "DET"] }, [1, 2, 3, 4, 5, 6, 7, 8]);
  const atlas = { byName: new Map([["pos_to", pos]]) };
  const read = (query) => readSimilarityColour(atlas, new URLSearchParams(query));
  assert.deepEqual(read(""), { by: "layer" });
  assert.deepEqual(read("c=nonsense"), { by: "layer" });
  assert.deepEqual(read("c=cluster"), { by: "cluster" });
  assert.deepEqual(read("c=pos_to&l=DET"), { by: "pos_to", metric: pos, label: 1 });
  assert.equal(read("c=pos_to&l=nonsense").label, 0);
  for (const query of ["c=cluster", "c=pos_to&l=DET"]) {
    assert.equal(writeSimilarityColour(read(query)), `#/similarity?${query}`);
  }
  assert.equal(writeSimilarityColour(read("")), "#/similarity");
});
