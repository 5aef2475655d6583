// The row that shows a diffuse head, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { atMiddleRow } from "#arithmetic/exemplars.js";

/** Entropies of what goes to other pieces than the first: none, 0, ln 2, 0.33, ln 3. */
const ROWS = [
  [[0, 1]], [[0, 0.2], [1, 0.8]], [[0, 0.5], [1, 0.25], [2, 0.25]], [[1, 0.09], [2, 0.81], [3, 0]],
  [[0, 0.1], [1, 0.3], [2, 0.3], [3, 0.3]],
];
const ONE = { pieces: ["a", "b", "c", "d", "e"], i: 3, j: 2, weight: 0.81, right: null };

test("the middle of the rows by entropy, at its largest weight", () => {
  const { i, j, weight } = atMiddleRow({ ...ONE, row: (piece) => ROWS[piece] });
  assert.deepEqual([i, j, weight], [2, 1, 0.25]);
});

test("without rows it stays as it is", () => {
  const one = { ...ONE, row: null };
  assert.equal(atMiddleRow(one), one);
});
