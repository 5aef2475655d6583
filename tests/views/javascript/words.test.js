// What pages say, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { drawn, hasEnd, isNear, isShort, reach, visible, weightsFrom } from "#arithmetic/exemplars.js";
import { capital, headAt, headHref, headName, placeOf } from "#arithmetic/heads.js";
import { knownHeading, labelName, labelWords } from "#arithmetic/labels.js";
import { arcPath } from "#arithmetic/arcs.js";
import { textOf } from "#arithmetic/exemplars.js";
import { sentence } from "#arithmetic/lines-words.js";
import { lineAt } from "#arithmetic/lines.js";
import { scaleName, signedLevel } from "#arithmetic/neuron-scores.js";
import { mark, ordinal, powerOfTen, pValue, signed, weight } from "#arithmetic/numbers.js";

const ATLAS = { layers: [2, 3, 4], heads: [0, 1, 2, 3] };

test("powers of ten have raised exponents", () => {
  assert.deepEqual([-4, -12, 3].map(powerOfTen), ["10⁻⁴", "10⁻¹²", "10³"]);
});

test("marks of an axis have the digits that they have, and no more", () => {
  const [share, count] = [{ kind: "share" }, { kind: "count" }];
  const shares = [0, 0.05, 0.07, 0.125, 1, -0.1].map((one) => mark(share, one));
  assert.deepEqual(shares, ["0%", "5%", "7%", "12.5%", "100%", "−10%"]);
  const found = [0, 15, 2.552, 0.5, 12000, -0.2, 2e-6].map((one) => mark(count, one));
  assert.deepEqual(found, ["0", "15", "2.552", "0.5", "12,000", "−0.2", "2e−06"]);
});

test("ranks are ordinals", () => {
  const ranks = [1, 2, 3, 4, 10, 11, 12, 13, 20, 21, 22, 101, 111, 112, 113, 123, 1000, 1011, 1101];
  const words = "1st 2nd 3rd 4th 10th 11th 12th 13th 20th 21st 22nd 101st 111th 112th 113th 123rd 1,000th 1,011th "
    + "1,101st";
  assert.equal(ranks.map(ordinal).join(" "), words);
});

test("p-values are short", () => {
  const found = [0.5, 0.0012, 0.0009, 0, null, NaN].map(pValue);
  assert.deepEqual(found, ["p = 0.500", "p = 0.001", "p < 0.001", "p < 0.001", "p unknown", "p unknown"]);
});

test("weights and signed numbers have fixed decimals", () => {
  assert.deepEqual([weight(0.123456), weight(1)], ["0.12346", "1.00000"]);
  assert.deepEqual([signed(-0.12345), signed(2)], ["−0.123", "2.000"]);
});

test("a sentence has the end of its unit where its last piece is none of its text", () => {
  const text = encodeURIComponent("A cat sat.");
  assert.ok(hasEnd({ pieces: ["[CLS]", "a", "cat", "sat", ".", "[SEP]"], text }));
  assert.ok(!hasEnd({ pieces: ["a", "cat", "sat", "."], text }));
  assert.ok(!hasEnd({ pieces: ["A", "cat"], spaces: "01", text: null }));
});

test("a head has a place, a name and an address", () => {
  assert.equal(placeOf(ATLAS, 2, 1), 9);
  assert.deepEqual(headAt(ATLAS, 9), [2, 1]);
  assert.equal(headName(ATLAS, 2, 1), "layer 4 head 1");
  assert.equal(headHref(ATLAS, 2, 1), "#/head/4/1");
  assert.equal(capital("layer 4"), "Layer 4");
});

test("offsets and directions are called by words, other labels by none", () => {
  const offsets = ["0", "1", "-1", "5", "-32"].map((name) => knownHeading("offset", name));
  assert.deepEqual(offsets, [
    "Attention to the own piece", "Attention to the previous piece", "Attention to the next piece",
    "Attention 5 pieces back", "Attention 32 or more pieces ahead",
  ]);
  assert.equal(knownHeading("direction", "either"), "Along dependencies");
  assert.equal(knownHeading("direction", "sideways"), undefined);
  assert.equal(knownHeading("animacy", "either"), undefined);
  assert.deepEqual([labelName("direction", "either"), labelWords("direction", "either")],
    ["Along dependencies", "along dependencies"]);
  assert.deepEqual([labelName("pos", "NOUN"), labelWords("offset", "3")], ["NOUN", "3"]);
});

test("scores are called by their scaling", () => {
  assert.deepEqual([scaleName(0.125, 64), scaleName(0.2, 64)], ["q·k ÷ √64", "q·k · 0.200"]);
});

test("a value's level has its sign and grows with its size", () => {
  assert.deepEqual([-1, -0.5, 0, 0.01, 1].map((value) => signedLevel(value, 1, 12)), [-12, -6, 0, 1, 12]);
});

const EXEMPLAR = { i: 100, j: 20, weight: 0.9, row: null, pieces: Array(240).fill("x") };

test("a sentence says how far its pair reaches", () => {
  const found = [[1, 1], [2, 1], [1, 4]].map(([i, j]) => reach({ i, j }));
  assert.deepEqual(found, ["to itself", "1 piece back", "3 pieces ahead"]);
});

test("a long sentence is shown around its pair", () => {
  assert.equal(isShort(EXEMPLAR), false);
  const shown = EXEMPLAR.pieces.map((_, piece) => piece).filter((piece) => isNear(EXEMPLAR, piece));
  assert.deepEqual([shown[0], shown.at(-1), shown.includes(60), shown.includes(61)], [0, 140, true, true]);
  assert.equal(isNear({ i: 150, j: 20 }, 61), false);
});

test("without rows a sentence has its pair alone", () => {
  assert.deepEqual([...weightsFrom(EXEMPLAR, 100)], [[20, 0.9]]);
  assert.deepEqual([...weightsFrom(EXEMPLAR, 99)], []);
  const row = weightsFrom({ ...EXEMPLAR, row: () => [[1, 0.2], [2, 0.004], [3, 0.7], [4, 0.01]] }, 5);
  assert.deepEqual(visible(row), [[3, 0.7], [1, 0.2], [4, 0.01]]);
  assert.deepEqual(drawn(visible(row), 4), [[3, 0.7], [1, 0.2], [4, 0.01]]);
  assert.deepEqual(drawn(visible(row), 1), [[3, 0.7], [1, 0.2]]);
});

const token = (text) => ({ text });
const SCENE = {
  rows: [token("a"), token("b")], columns: [token("x"), token("y")], note: "",
  series: [{ head: 3, at: (i, j) => (i === j ? 0.9 : 0.1) }, { head: 5, at: () => 0.001 }],
};

test("a sentence is the corpus's text, not what its pieces show", () => {
  const pieces = ["In", "␣", "1"];
  assert.equal(textOf({ text: "In %201", pieces, spaces: "001" }), "In  1");
  assert.equal(textOf({ text: null, pieces: ["In", "1"], spaces: "01" }), "In 1");
});

test("an arc between two lines goes out over one edge and in over the other", () => {
  const [right, left] = ["l-3 -3m3 3l-3 3m3 -3", "l3 -3m-3 3l3 3m-3 -3"];
  const [on, back] = [`H100${right}M0 51H3${right}`, `H0${left}M100 11H97${left}`];
  assert.equal(arcPath([10, 20], [50, 20], 12, [0, 100]), "M10 20C10 8 50 8 50 20");
  assert.equal(arcPath([10, 20], [50, 60], 12, [0, 100]), `M10 20q0 -9 9 -9${on}H41q9 0 9 9`);
  assert.equal(arcPath([10, 60], [50, 20], 12, [0, 100]), `M10 60q0 -9 -9 -9${back}H59q-9 0 -9 9`);
  assert.match(arcPath([10, 20], [50, 60], 12, [100, 0]), /^M10 20q0 -9 -9 -9H0.*M100 51/, "leftward text");
});

test("the status line names a token's strongest lines", () => {
  const held = sentence(SCENE, { side: "left", place: 0 }, 4);
  assert.equal(held, "a → x 0.90000 (head 3), y 0.10000 (head 3). Numbers: mean of 2 heads.");
  assert.equal(sentence({ ...SCENE, series: [SCENE.series[1]] }, { side: "right", place: 1 }, 0),
    "y ← nothing above 0.005.");
  assert.match(sentence(SCENE, null, 2000), /^The strongest 2,000 of 8 lines\. Point at a token/);
  assert.match(sentence({ ...SCENE, series: [] }, null, 0), /^No head is chosen\./);
});

test("the line at a point is the strongest within reach", () => {
  const lines = [{ start: 0, stop: 100, weight: 0.2 }, { start: 2, stop: 102, weight: 0.4 }];
  assert.equal(lineAt(lines, 0.5, 50), lines[1]);
  assert.equal(lineAt(lines, 0.5, 60), undefined);
  assert.equal(lineAt(lines, 1.2, 100), undefined);
});
