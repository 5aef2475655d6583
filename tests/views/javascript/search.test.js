// What the search finds, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { headNumber } from "#arithmetic/head-number.js";
import { Roles } from "#arithmetic/roles.js";
import { Search } from "#arithmetic/search.js";
import { Metric } from "#arithmetic/tables.js";
import { translate } from "#arithmetic/terms.js";

const values = new Float64Array(4).fill(0.5);
const metric = (name, title, dim, labels) => new Metric(
  { name, title, dim, labels, kind: "share", unit: "1", family: "Some" },
  { values: new Float64Array(4 * Math.max(1, labels.length)).fill(0.5), byLayer: values, heads: 2, isFirst: true },
);
const exemplar = (words, rank, weight) =>
  ({ pieces: words.split(" "), spaces: "0111111", rank, weight, source: ["d", 1], i: 1, j: 0, row: null, text: null });
const ROLES = {
  known: [{ name: "previous piece" }, { name: "part of speech" }],
  ofHead: [
    [["previous piece", "previous piece", 0.4]],
    [["part of speech", "part of speech: DET", 0.2]], [["previous piece", "previous piece", 0.7]],
    [],
  ],
  sentences: ["goes back", "looks at determiners", "goes back too", "does nothing"], questions: [], near: [],
  familyNames: [],
};
const [ONE, OTHER] = [exemplar("The Storer went home", 1, 0.2), exemplar("The Storer went home", 2, 0.4)];
/** Two heads show the same sentence, as the page's data has it. */
const LISTED = [[ONE], [{ ...OTHER, pieces: ONE.pieces }], [], []];
const ATLAS = {
  layers: [2, 3], heads: [0, 1], evidence: { least: 0.05 }, roles: new Roles(ROLES, new Int16Array(4)),
  metrics: [
    metric("attention_at_offset", "Attention by distance", "offset", ["0", "1"]),
    metric("pos_to", "Attention to a part of speech", "pos", ["NOUN", "DET"]),
    metric("dependency_alignment", "Attention along dependencies", "direction", ["either"]),
    metric("entropy", "Mean attention entropy", null, []),
  ],
  exemplars: { of: (place) => LISTED[place] },
};

const found = (text) => new Search(ATLAS).find(text);
const hrefs = (text) => found(text).groups.flatMap(({ hits }) => hits.map(({ href }) => href));

test("a head is named by two numbers in any spelling", () => {
  const spellings = ["16.0", "L16H0", "l16h0", "16 0", " 16,0", "layer 16 head 0", "Layer 16, head 0", "16/0", "16:00"];
  for (const text of spellings) assert.deepEqual(headNumber(text), { layer: "16", head: "0" }, text);
  for (const text of ["16", "head 0", "1.2.3", "det", "", "x16.0"]) assert.equal(headNumber(text), null, text);
});

test("the field's terms are translated, and told", () => {
  const told = [["previous token", "previous piece"]];
  assert.deepEqual(translate("Previous token"), { words: ["previous", "piece"], told });
  assert.deepEqual(translate("tokens of DET").words, ["pieces", "of", "det"]);
  assert.deepEqual(translate("tokenizer"), { words: ["tokenizer"], told: [] });
});

test("a head is found, or told to be missing", () => {
  const [{ hits }] = found("L3H1").groups;
  assert.deepEqual(hits, [{ words: "layer 3 head 1", note: "does nothing", href: "#/head/3/1" }]);
  const [{ hits: [none] }] = found("9.9").groups;
  assert.equal(none.href, null);
  assert.equal(none.note, "layers 2 to 3, heads 0 to 1");
});

test("what heads do comes before metrics", () => {
  const strongestFirst = ["#/head/3/0", "#/head/2/0"];
  assert.deepEqual(hrefs("previous token"), [...strongestFirst, "#/metric/attention_at_offset/1"]);
  assert.deepEqual(hrefs("which head looks at det"), hrefs("det"));
  assert.deepEqual(hrefs("det"), ["#/head/2/1", "#/metric/pos_to/DET"]);
  assert.equal(hrefs("syntax")[0], "#/metric/dependency_alignment");
  assert.deepEqual(hrefs("entropy"), ["#/metric/entropy"]);
  assert.deepEqual(hrefs("entropy mean"), hrefs("mean entropy"));
  assert.deepEqual(hrefs("entropy det"), ["#/head/2/1", "#/metric/entropy", "#/metric/pos_to/DET"]);
});

test("a word of a sentence leads to the head that it is the strongest of", () => {
  const { groups } = found("storer");
  assert.deepEqual(groups.map(({ title }) => title), ["Sentences"]);
  assert.deepEqual(groups[0].hits, [{ words: "The Storer went home", note: "layer 2 head 1", href: "#/head/2/1/2" }]);
  assert.deepEqual(found("zzz").groups, []);
  assert.deepEqual(found("  ").groups, []);
});

test("coreference is found in a run that has none", () => {
  assert.deepEqual(hrefs("coreference"), ["#/coreference"]);
  assert.deepEqual(hrefs("antecedent"), ["#/coreference"]);
});
