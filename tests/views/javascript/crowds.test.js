// Ticks that fall together, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { crowds } from "#arithmetic/crowds.js";

test("a tick is the darker the more fall together; one alone can be seen however many there are", () => {
  assert.deepEqual(crowds([3, 9.1, 3.2, 2.9, 6, 6.4]), [[0.4, [9]], [0.7, [6]], [1, [3]]]);
  assert.deepEqual(crowds([4.5, 9]), [[0.4, [4.5, 9]]]);
  assert.deepEqual(crowds([...Array(1000).fill(30), 60]), [[0.4, [60]], [1, [30]]]);
  assert.deepEqual(crowds([]), []);
});
