// A head's sentences on its page.

import { textOf } from "../arithmetic/exemplars.js";
import { answersOf, claimHref, headHref, headName, placeOf } from "../arithmetic/heads.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { drawExemplar } from "./exemplar.js";
import { section, tools } from "./parts.js";

/** Sentences shown at first. */
const FIRST = 3;
const OF_UNIT = {
  sentence: "Those with its strongest single attention.",
  window: "Of the windows with its strongest single attention, the sentences that hold the two pieces.",
  "segment pair": "Of the pairs of segments with its strongest single attention, the sentences that hold the two "
    + "pieces.",
};
const ANSWERS = "Of the pairs of pieces that this is about, those with its strongest single attention.";
const NONE = "No sentence: the head attends to nothing that is measured.";

/** Those that answer a claim that the address names; none without one. */
export function answerSection(atlas, { layer, head }, claim) {
  const answers = answersOf(atlas, layer, head, claim);
  if (!answers) return [];
  const found = section(claimWords(atlas, claim), ANSWERS);
  const href = claimHref(atlas, layer, head, claim);
  const items = answers.list.map((one) => drawExemplar(one, href, links(atlas, one, layer, head)));
  found.append(el("ol", { class: "exemplars" }, ...items));
  return [found];
}

/** What a claim is about: as the metric is headed that it is of, or by its own name. */
function claimWords(atlas, claim) {
  const metric = atlas.metrics.find((one) => one.claims.includes(claim));
  return metric ? metric.heading(metric.claims.indexOf(claim)) : claim;
}

/** `rank`: of the sentence that the address names; 0 for none. */
export function sentenceSection(atlas, { layer, head }, rank) {
  const list = atlas.exemplars[placeOf(atlas, layer, head)];
  const found = section("Sentences", list.length ? help(atlas, list) : "");
  found.id = "sentences";
  const items = el("ol", { class: "exemplars" });
  if (!list.length) found.append(el("p", { class: "note" }, NONE));
  found.append(items);
  const href = headHref(atlas, layer, head);
  const item = (one) => drawExemplar(one, `${href}/${one.rank}`, links(atlas, one, layer, head));
  const add = (some) => items.append(...some.map(item));
  const first = rank > FIRST ? list.length : FIRST;
  add(list.slice(0, first));
  if (list.length > first) found.append(moreButton(items, list.length - first, () => add(list.slice(first))));
  if (list.length) found.append(tools(null, () => sentenceRows(list), `${headName(atlas, layer, head)} sentences`));
  items.querySelector(`[data-rank="${rank}"]`)?.classList.add("chosen");
  return found;
}

function help(atlas, list) {
  const others = list.some((one) => one.row)
    ? "the coloured ones; point at any other piece to see where it looks."
    : "the coloured one.";
  return `${OF_UNIT[atlas.unit]} The outlined piece looks at ${others}`;
}

/** A button that adds the others, and leads the keyboard to the first of them. */
function moreButton(items, count, add) {
  return action(`${count} more`, (event) => {
    const shown = items.children.length;
    add();
    event.target.remove();
    items.children[shown].querySelector("a").focus();
  });
}

/** Where a server stands behind the page, the way to all heads in the sentence. */
function links(atlas, exemplar, layer, head) {
  if (!atlas.served) return [];
  const at = { layer: atlas.layers[layer], head: atlas.heads[head] };
  const query = new URLSearchParams({ text: textOf(exemplar), view: "head", ...at });
  return [" · ", el("a", { href: `#/try?${query}` }, "see all heads in it")];
}

function sentenceRows(list) {
  const row = (one) =>
    [one.rank, one.weight, one.source, one.pieces[one.i], one.pieces[one.j], one.i, one.j, textOf(one)];
  return [["rank", "weight", "source", "attending", "attended", "i", "j", "text"], ...list.map(row)];
}
