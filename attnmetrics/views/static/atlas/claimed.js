// Sentences that answer a claim: those that a head reads right, and those that it reads wrong.

import { el } from "../shared/dom.js";
import { drawExemplar } from "./exemplar.js";
import { headLink } from "./relations.js";

const MARKED = "Where the head is wrong, the word that is right by those labels is underlined twice.";
const UNKEPT = "A sentence shows where the head looks, not which word would be right by those labels.";
const NONE = "This run keeps no sentence for it.";

/**
 * Sentences whose claim is `claim:hit` and `claim:miss`, `most` of each, of whatever heads the run kept them; above
 * them by which labels, unless that is told already.
 */
export function hitsAndMisses(atlas, claim, { most = Infinity, isTold = false } = {}) {
  if (!isKept(atlas, claim)) return el("p", { class: "note" }, NONE);
  const sides = [["Right", "hit"], ["Wrong", "miss"]].map(([name, end]) => {
    const found = atlas.claimed.filter((one) => one.claim === `${claim}:${end}`);
    return el("div", {}, el("h4", {}, name), ...lists(atlas, found, most));
  });
  return el("div", {}, ...(isTold ? [] : [labelsNote(atlas)]), el("div", { class: "side-by-side" }, ...sides));
}

/** Whether the run kept any sentence for it. */
export const isKept = (atlas, claim) => atlas.claimed.some((one) => one.claim.startsWith(`${claim}:`));

/** By what heads are right or wrong. */
export function labelsNote(atlas) {
  const isMarked = atlas.claimed.some(({ list }) => list.some(({ right }) => right));
  return el("p", { class: "note labels-from" }, `${atlas.labels_from} ${isMarked ? MARKED : UNKEPT}`.trim());
}

function lists(atlas, found, most) {
  if (!found.length) return [el("p", { class: "note" }, "None of this kind is kept.")];
  return found.flatMap(({ layer, head, list }) => {
    const link = headLink(atlas, layer, head);
    const items = list.slice(0, most).map((one) => drawExemplar(one, link.getAttribute("href")));
    return [el("p", { class: "note" }, link), el("ol", { class: "exemplars" }, ...items)];
  });
}
