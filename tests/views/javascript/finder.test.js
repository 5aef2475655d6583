// What the finder's address says, which heads are chosen, which are farthest from the others: by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { brushed, paired } from "#arithmetic/chosen-heads.js";
import { readQuestion, writeQuestion } from "#arithmetic/finder.js";
import { readHeads, writeHeads } from "#arithmetic/head-numbers.js";
import { outliers } from "#arithmetic/outliers.js";
import { Metric } from "#arithmetic/tables.js";

const metric = (name, values) => new Metric(
  { name, title: name, dim: null, labels: [], kind: "mean", unit: "1" },
  { values: Float64Array.from(values), byLayer: new Float64Array(2), heads: 2, isFirst: true },
);
const METRICS = [metric("entropy", [1, 2, 3, NaN]), metric("distance", [4, 3, 2, 1])];
const ATLAS = {
  layers: [5, 6], heads: [0, 1], metrics: METRICS, byName: new Map(METRICS.map((one) => [one.name, one])), roles: null,
};
const read = (query) => readQuestion(ATLAS, new URLSearchParams(query));

test("an address says all that is chosen; what it says wrong is the usual", () => {
  const usual = "#/find?y=entropy&x=distance";
  assert.equal(writeQuestion(ATLAS, read("")), usual);
  for (const more of ["&c=entropy", "&in=1%2C2%2C0.5%2C0.75", "&pair=5.1%2C6.0", "&order=lowest&from=6&c=distance"]) {
    assert.equal(writeQuestion(ATLAS, read((usual + more).slice(7))), usual + more);
  }
  assert.equal(writeQuestion(ATLAS, read("c=nope&in=1,2,x&pair=9.9,1&y=nope")), usual);
});

test("a part of the plot holds the heads whose two values lie in it", () => {
  const question = { ...read(""), brush: { x: [2, 3.5], y: [1.5, 3] } };
  assert.deepEqual(brushed(question, [0, 1, 2, 3]), [1, 2]);
  assert.deepEqual(brushed({ ...question, brush: null }, [0, 3]), [0, 3]);
});

test("two heads at most are seen side by side", () => {
  assert.deepEqual(paired([], 3), [3]);
  assert.deepEqual(paired([3], 1), [3, 1]);
  assert.deepEqual(paired([3, 1], 0), [1, 0]);
  assert.deepEqual(paired([3, 1], 3), [1]);
});

test("heads are named by their layer and number", () => {
  assert.deepEqual(readHeads(ATLAS, "5.1,6.0,7.0,x"), [1, 2]);
  assert.equal(writeHeads(ATLAS, [1, 2]), "5.1,6.0");
  assert.deepEqual(readHeads(ATLAS, null), []);
});

test("those farthest from the middle of both axes come first", () => {
  const points = [[0, 0], [1, 1], [2, 0], [3, 1], [4, 0], [50, 1], [2, 9]].map(([a, b]) => ({ a, b }));
  assert.deepEqual(outliers(points, 2), [points[5], points[6]]);
  assert.deepEqual(outliers([], 3), []);
  assert.equal(outliers(points, 99).length, 7);
});
