// Coreference: which heads attend from a mention to an earlier one of the same thing.

import { headHref } from "../arithmetic/heads.js";
import { counted } from "../arithmetic/numbers.js";
import { el } from "../shared/dom.js";
import { accuracyMaps } from "./accuracy-maps.js";
import { hitsAndMisses } from "./claimed.js";
import { crumbs, OVERVIEW, section, table } from "./parts.js";
import { headLink, number, sure, withInterval } from "./relations.js";

const HELP = "A mention with an earlier mention of the same thing in its unit is found where, of all candidates, it "
  + "attends most to one of those. Candidates are the earlier mentions, or all earlier words.";
const NONE = "This run has no coreference: it takes a corpus with mentions (CoNLL-U with Entity, or a pipeline that "
  + "finds them) and units of more than a sentence, such as --unit window:128.";
const CANDIDATES = { mentions: "Among earlier mentions", words: "Among all earlier words" };

export function drawCoreference(root, atlas, _, go) {
  root.append(crumbs([OVERVIEW], "Coreference"), el("h1", {}, "Heads that find antecedents"),
    el("p", { class: "help" }, HELP), coreferenceTable(atlas));
  if (!atlas.coreference.length) return null;
  root.append(examples(atlas));
  const maps = atlas.coreference.map(({ candidates, mention_class: kind }) => [
    `${CANDIDATES[candidates] ?? candidates}: ${kind}`, "", { candidates, mention_class: kind },
  ]);
  accuracyMaps(root, atlas, "coreference_accuracy", maps, (layer, head) => go(headHref(atlas, layer, head)));
  return null;
}

function examples(atlas) {
  const found = section("In sentences", "The outlined piece is of the mention; it attends to its candidates.");
  found.append(hitsAndMisses(atlas, "coreference"));
  return found;
}

/** Each class of mentions, over each kind of candidates: the best head beside rules that need none. */
export function coreferenceTable(atlas) {
  if (!atlas.coreference.length) return el("p", { class: "note" }, NONE);
  const heuristics = Object.keys(atlas.coreference[0].heuristics);
  const header = ["mentions", "candidates", "anaphors", "best head", "accuracy", "held out",
    ...heuristics.map((name) => name.replaceAll("_", " "))];
  const rows = atlas.coreference.map((one) => rowOf(atlas, one, heuristics));
  return el("div", { class: "scroll" }, table("results", header, rows));
}

function rowOf(atlas, one, heuristics) {
  const isOfMentions = one.candidates === "mentions";
  const told = (name) => withInterval(one.heuristics[name], one.heuristics_bounds[name]);
  const beside = (name) => (isOfMentions ? told(name) : number(""));
  return [
    el("td", {}, one.mention_class), el("td", {}, one.candidates), number(counted(one.anaphors)),
    el("td", {}, headLink(atlas, one.layer, one.head)), sure(one, "accuracy"), sure(one, "held_out"),
    ...heuristics.map(beside),
  ];
}
