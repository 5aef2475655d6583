// What the search finds, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { headNumber, twoHeads } from "#arithmetic/head-number.js";
import { PieceTypes } from "#arithmetic/piece-types.js";
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
  sentences: ["goes back", "looks at determiners", "goes back too", "does nothing"], near: [], familyNames: [],
  headlines: [[["Goes back", "40%"]], [["Looks at determiners", ""], ["Is quick", ""]], [["Goes far back", "70%"]], []],
  questions: [{ key: "copying", title: "Which copy?", words: "Heads that copy.", places: [2] }],
};
const [ONE, OTHER] = [exemplar("The Storer went home", 1, 0.2), exemplar("The Storer went home", 2, 0.4)];
/** Two heads show the same sentence, as the page's data has it. */
const LISTED = [[ONE], [{ ...OTHER, pieces: ONE.pieces }], [], []];
const RELATIONS = ["nsubj:pass", "nsubj", "csubj", "cc"];
const GLOSSARY = {
  nsubj: ["the subject: who does it", "It rains", "It", "rains"], "nsubj:pass": ["the subject of a passive"],
  csubj: ["a clause as a subject"], cc: ["a conjunction, before what it joins"],
};
/** Of each head two types that it looks at; the last of the first head is none. */
const PIECES = new PieceTypes({ types: ["␣the", "The", "."], shown: 2 }, {
  key: { type: [0, -1, 2, 1, 0, 1, -1, -1], lift: [3, 0, 9, 4, 2, 5, 0, 0], occurrences: Array(8).fill(9) },
  query: null,
});
const ATLAS = {
  pieceTypes: PIECES, relations: RELATIONS.map((rel) => [{ rel }]), glossary: GLOSSARY,
  layers: [2, 3], heads: [0, 1], evidence: { least: 0.05 }, roles: new Roles(ROLES, new Int16Array(4)),
  metrics: [
    metric("attention_at_offset", "Attention by distance", "offset", ["0", "1"]),
    metric("pos_to", "Attention to a part of speech", "pos", ["NOUN", "DET", "PRON"]),
    metric("null_attention", "Attention to null pieces", null, []),
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
  assert.deepEqual(translate("Previous token"), { lists: [["previous", "piece"], ["previous", "token"]], told });
  assert.deepEqual(translate("tokens of DET").lists[0], ["pieces", "of", "det"]);
  assert.deepEqual(translate("tokenizer"), { lists: [["tokenizer"]], told: [] });
});

test("a head is found, or told to be missing", () => {
  const [{ hits }] = found("L3H1").groups;
  assert.deepEqual(hits, [{ words: "layer 3 head 1", note: "does nothing", href: "#/head/3/1" }]);
  const [{ hits: [none] }] = found("9.9").groups;
  assert.equal(none.href, null);
  assert.equal(none.note, "layers 2 to 3, heads 0 to 1");
});

test("a head is told by its headlines", () => {
  const notes = found("previous token").groups[0].hits.map(({ note }) => note);
  assert.deepEqual(notes, ["Goes far back", "Goes back"]);
  assert.equal(found("2.1").groups[0].hits[0].note, "Looks at determiners; Is quick");
});

test("two heads are found beside each other, then each", () => {
  const pair = [{ layer: "23", head: "6" }, { layer: "10", head: "1" }];
  for (const text of ["23.6 10.1", "L23H6, L10H1", "layer 23 head 6 and layer 10 head 1", "23.6 vs 10.1"]) {
    assert.deepEqual(twoHeads(text), pair, text);
  }
  const others = ["23.6", "23 6", "1.2.3", "23.6 10.1 4.4", "23.6 of 10.1"];
  for (const text of others) assert.equal(twoHeads(text), null, text);
  assert.deepEqual(hrefs("3.1 2.0"), ["#/find?pair=3.1,2.0", "#/head/3/1", "#/head/2/0"]);
  assert.deepEqual(hrefs("3.1 9.9"), ["#/head/3/1", null]);
});

test("each text finds first what is of its kind", () => {
  const first = {
    the: ["Heads that look most at “the”", "layer 3 head 0"],
    pronoun: ["Metrics", "Attention to a part of speech: PRON"],
    subject: ["Relations", "Which heads find nsubj"], conjunction: ["Relations", "Which heads find cc"],
    copy: ["Questions", "Which copy?"], "attention sink": ["Metrics", "Attention to null pieces"],
  };
  for (const [text, [title, words]] of Object.entries(first)) {
    const [{ title: kind, hits: [hit] }] = found(text).groups;
    assert.deepEqual([kind, hit.words], [title, words], text);
  }
});

test("heads are found by a piece, whatever its case, those with most lift first", () => {
  const [{ hits }] = found("the").groups;
  assert.deepEqual(hits.map(({ href, note }) => [href, note]), [
    ["#/head/3/0", "The 5× even attention"], ["#/head/2/1", "The 4× even attention"],
    ["#/head/2/0", "␣the 3× even attention"],
  ]);
});

test("a head that rests on a piece is told to be a second sink", () => {
  const sink = ["second sink", "second sink: most often the", 0.2];
  const roles = new Roles({ ...ROLES, ofHead: [[sink], ...ROLES.ofHead.slice(1)] }, new Int16Array(4));
  const [{ hits }] = new Search({ ...ATLAS, roles }).find("the").groups;
  const notes = hits.map(({ note }) => note);
  assert.deepEqual(notes, [
    "The 5× even attention", "The 4× even attention", "␣the 3× even attention; second sink: most often the",
  ]);
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

test("a sentence is cut between words around what was found in it", () => {
  const long = "Until now it was never decided whether the miller acted out of loyalty or out of anger about the sheep";
  const exemplars = { of: (place) => (place ? [] : [{ ...exemplar(long, 1, 0.2), spaces: "0".padEnd(20, "1") }]) };
  const [{ hits: [hit] }] = new Search({ ...ATLAS, exemplars }).find("miller").groups;
  assert.equal(hit.words, "…it was never decided whether the miller acted out of loyalty or out of…");
  const together = { ...exemplar("x".repeat(50) + "storer" + "y".repeat(50), 1, 0.2), spaces: "0" };
  const [{ hits: [whole] }] = new Search({ ...ATLAS, exemplars: { of: () => [together] } }).find("storer").groups;
  assert.equal(whole.words, `…${"x".repeat(36)}storer${"y".repeat(36)}…`);
});

test("coreference is found in a run that has none", () => {
  assert.deepEqual(hrefs("coreference"), ["#/coreference"]);
  assert.deepEqual(hrefs("antecedent"), ["#/coreference"]);
});
