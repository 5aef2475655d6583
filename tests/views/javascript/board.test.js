// What the board of all heads shows and says, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answerOfRoles, readBoard, rolesShown, toldOf, writeBoard } from "#arithmetic/board.js";
import { Roles } from "#arithmetic/roles.js";
import { Metric } from "#arithmetic/tables.js";

const metric = (name, labels, claims = []) => new Metric(
  { name, title: name, dim: labels.length ? "label" : null, labels, kind: "share", unit: "1", claims },
  { values: new Float64Array(4 * Math.max(1, labels.length)), byLayer: new Float64Array(2), heads: 2, isFirst: true },
);
const [NULLS, TAGS, SYNTAX, BEYOND] = [
  metric("null_attention", []), metric("pos_to", ["NOUN", "DET"], ["pos_to:NOUN", "pos_to:DET"]),
  metric("alignment", ["either"]), metric("excess", ["either"]),
];
SYNTAX.excess = BEYOND;
const score = (name, label = "") => ({ metric: name, label });
const KNOWN = [
  { name: "syntax", score: score("alignment", "either") }, { name: "tag", score: score("pos_to", "DET") },
  { name: "gone", score: score("other") }, { name: "bare", score: null },
];
const ROLES = {
  known: KNOWN, ofHead: [[["tag", "DET"]], [["syntax", ""], ["tag", "DET"]], [["bare", ""]], []],
  scores: [[score("pos_to", "DET")], [score("alignment", "either"), score("pos_to", "DET")], [], [score("other")]],
  claims: [["pos_to:DET"], ["alignment:either", "pos_to:DET"], [], ["other"]],
  sentences: ["", "", "", ""], questions: [], near: [], familyNames: [],
};
const METRICS = [NULLS, TAGS, SYNTAX, BEYOND];
const ATLAS = {
  layers: [2, 3], heads: [0, 1], metrics: METRICS, byName: new Map(METRICS.map((one) => [one.name, one])),
  roles: new Roles(ROLES, new Int16Array(4)),
  claimed: [
    { claim: "pos_to:DET", layer: 2, head: 1, list: ["a sentence"] }, { claim: "x", layer: 2, head: 0, list: ["b"] },
  ],
};

test("heads without a family are counted", () => {
  const families = Int16Array.of(0, 0, 1, -1, 0);
  const roles = new Roles({ ...ROLES, ofHead: [[], [], [], [], []], familyNames: ["a", "b"] }, families);
  assert.deepEqual(roles.families(), [{ name: "a", places: [0, 1, 4] }]);
  assert.equal(roles.inNoFamily(), 2);
});

test("the heads of a role are those that have it first of all or besides, the strongest first", () => {
  const ofHead = [[["a", "", 0.2]], [["b", "", 1], ["a", "", 0.7]], [], [["a", "", 0.7], ["a", "", 0.7]]];
  const luck = "By luck alone at most 0.50 of a would pass.";
  const roles = new Roles({ ...ROLES, ofHead, tried: 12, luck }, new Int16Array(4));
  assert.deepEqual(roles.holders("a").map(({ place, strength }) => [place, strength]), [[1, 0.7], [3, 0.7], [0, 0.2]]);
  assert.deepEqual(roles.holders("").map(({ place }) => place), [2]);
  assert.equal(roles.sharedBy([0, 1, 2]), "a");
  assert.equal(roles.sharedBy([1, 2]), "", "half is not most");
  assert.match(roles.luckTold(),
    /^12 rules were tried on each of 4 heads, .* luck.* \(held out\)\. By luck alone at most 0\.50/);
});

const read = (query) => readBoard(ATLAS, new URLSearchParams(query));

test("roles are offered with the map of what makes them, beyond chance where that is known", () => {
  const found = rolesShown(ATLAS).map(({ role, count, map }) => [role.name, count, map?.metric.name, map?.label]);
  assert.deepEqual(found, [
    ["syntax", 1, "excess", 0], ["tag", 1, "pos_to", 1], ["bare", 1, undefined, undefined],
    ["", 1, undefined, undefined],
  ]);
});

test("a card tells of the map shown, of the roles, then of what tells of any head", () => {
  const usual = [[NULLS, 0], [TAGS, 1], [BEYOND, 0]];
  const names = (place, shown) => toldOf(ATLAS, place, shown, usual).map((one) => `${one.metric.name} ${one.label}`);
  assert.deepEqual(names(1, null), ["alignment 0", "pos_to 1", "null_attention 0", "excess 0"]);
  assert.deepEqual(names(1, { metric: TAGS, label: 0 }),
    ["pos_to 0", "alignment 0", "pos_to 1", "null_attention 0", "excess 0"]);
  assert.deepEqual(names(3, { metric: NULLS, label: 0 }), ["null_attention 0", "pos_to 1", "excess 0"]);
});

test("the sentence of a card answers what makes a role", () => {
  assert.deepEqual(answerOfRoles(ATLAS, 1).list, ["a sentence"]);
  assert.equal(answerOfRoles(ATLAS, 0), undefined);
  assert.equal(answerOfRoles(ATLAS, 3), undefined);
});

test("an address says what is shown and kept; what it says wrong is left out", () => {
  for (const href of ["#/", "#/?map=null_attention", "#/?map=pos_to&label=DET&head=3.1", "#/?head=2.0",
    "#/?role=bare"]) {
    assert.equal(writeBoard(ATLAS, read(href.slice(3))), href);
  }
  assert.equal(read("map=pos_to&label=DET").role.name, "tag");
  for (const query of ["map=nope&head=9.9", "map=pos_to&label=nope&head=3", "role=nope"]) {
    assert.deepEqual(read(query), { shown: null, pinned: null, role: null });
  }
});
