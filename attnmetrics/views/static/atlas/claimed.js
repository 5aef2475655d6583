// Sentences that answer a claim of a head: a relation that it finds or misses.

import { headHref, placeOf } from "../arithmetic/heads.js";
import { el } from "../shared/dom.js";
import { drawExemplar } from "./exemplar.js";

/** Sentences of the head [layer, head], by its places, whose claim is `claim:hit` and `claim:miss`, `most` of each. */
export function hitsAndMisses(atlas, [layer, head], claim, most = Infinity) {
  return [["Right", "hit"], ["Wrong", "miss"]].map(([name, end]) => {
    const all = atlas.exemplars[placeOf(atlas, layer, head)].filter((one) => one.claim === `${claim}:${end}`);
    return el("div", {}, el("h4", {}, name), list(atlas, layer, head, all.slice(0, most)));
  });
}

function list(atlas, layer, head, kept) {
  if (!kept.length) return el("p", { class: "note" }, "No sentence of this kind is kept in this run.");
  const items = kept.map((one) => drawExemplar(one, headHref(atlas, layer, head)));
  return el("ol", { class: "exemplars" }, ...items);
}
