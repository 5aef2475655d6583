// How far two heads are apart, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { apartTold, differenceTold } from "#arithmetic/pair.js";

const ENDS = [[0.8, 0.86], [0.1, 0.3], [0.25, 0.9], [NaN, NaN]];
const table = (kind, unit, values) =>
  ({ kind, unit, column: () => values, sure: { bounds: (place) => ENDS[place] } });

test("a difference has its sign, and of shares is in points", () => {
  const share = table("share", "1", [0.84, 0.2, 0.5, NaN]);
  assert.equal(differenceTold(share, 0, [0, 1]), "+64 points");
  assert.equal(differenceTold(share, 0, [1, 2]), "−30 points");
  assert.equal(differenceTold(share, 0, [0, 3]), "–");
  assert.equal(differenceTold(table("mean", "nats", [1.5, 2]), 0, [0, 1]), "−0.5 nats");
});

test("intervals overlap or are apart, in either order; nothing is said without both", () => {
  const share = table("share", "1", [0.84, 0.2, 0.5, 0.1]);
  assert.equal(apartTold(share, 0, [0, 1]), "intervals apart");
  assert.equal(apartTold(share, 0, [1, 0]), "intervals apart");
  assert.equal(apartTold(share, 0, [0, 2]), "intervals overlap");
  assert.equal(apartTold(share, 0, [2, 1]), "intervals overlap");
  assert.equal(apartTold(share, 0, [0, 3]), "");
  assert.equal(apartTold({ sure: null }, 0, [0, 1]), "");
});
