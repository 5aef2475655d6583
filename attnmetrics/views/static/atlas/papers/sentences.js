// Figure 5: the best heads of some relations, and of coreference, in sentences that they read right and wrong.

import { el } from "../../shared/dom.js";
import { hitsAndMisses, isKept, labelsNote } from "../claimed.js";
import { relationHref } from "../relations.js";

const HELP = "The best head of a relation in a sentence that it reads right, and in one that it reads wrong: the "
  + "outlined piece attends.";
const NONE = "This run has none of the paper's relations.";
/** Relations of the paper's figure, by each name that a treebank may have for them. */
const SHOWN = [["dobj", "obj"], ["det"], ["poss", "nmod:poss"], ["auxpass", "aux:pass"], ["pobj", "case"]];

export function sentences(found, atlas) {
  const known = new Set(atlas.relations.map(([first]) => first.rel));
  const kept = SHOWN.map((names) => names.find((rel) => known.has(rel))).filter(Boolean);
  found.append(el("p", { class: kept.length ? "help" : "note" }, kept.length ? HELP : NONE));
  const examples = kept.map((rel) => [`relation:${rel}`, relationHref(rel), rel]);
  if (atlas.coreference.length) examples.push(["coreference", "#/coreference", "coreference"]);
  if (examples.some(([claim]) => isKept(atlas, claim))) found.append(labelsNote(atlas));
  for (const one of examples) found.append(...example(atlas, ...one));
}

const example = (atlas, claim, href, name) =>
  [el("h3", {}, el("a", { href }, name)), hitsAndMisses(atlas, claim, { most: 1, isTold: true })];
