// Sentences that answer a claim: those that a head reads right, and those that it reads wrong.

import { el } from "../shared/dom.js";
import { drawExemplar } from "./exemplar.js";
import { headLink } from "./relations.js";

/** Sentences whose claim is `claim:hit` and `claim:miss`, `most` of each, of whatever heads the run kept them. */
export function hitsAndMisses(atlas, claim, most = Infinity) {
  const sides = [["Right", "hit"], ["Wrong", "miss"]].map(([name, end]) => {
    const found = atlas.claimed.filter((one) => one.claim === `${claim}:${end}`);
    return el("div", {}, el("h4", {}, name), ...lists(atlas, found, most));
  });
  return el("div", { class: "side-by-side" }, ...sides);
}

function lists(atlas, found, most) {
  if (!found.length) return [el("p", { class: "note" }, "This run keeps no sentence of this kind.")];
  return found.flatMap(({ layer, head, list }) => {
    const link = headLink(atlas, layer, head);
    const items = list.slice(0, most).map((one) => drawExemplar(one, link.getAttribute("href")));
    return [el("p", { class: "note" }, link), el("ol", { class: "exemplars" }, ...items)];
  });
}
