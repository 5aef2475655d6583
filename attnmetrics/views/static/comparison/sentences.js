// The sentences of a head with its strongest attention, of both runs side by side.

import { headHref } from "../arithmetic/heads.js";
import { drawExemplar } from "../atlas/exemplar.js";
import { section } from "../atlas/parts.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { runName } from "./run-choice.js";

/** Sentences of a run at first. */
const FIRST = 2;
const NONE = "No sentence: the head attends to nothing that is measured.";
const NOT_HERE = "This page has no sentences of the run.";
const HELP = "Those with its strongest single attention in either run. The outlined piece looks at the coloured ones.";

/** The section; nothing where the page has sentences of neither run. */
export function sentencesOfBoth(comparison, one) {
  const atlases = [comparison.first, comparison.other];
  if (atlases.every(({ exemplars }) => exemplars === null)) return [];
  const found = section("Sentences of both", HELP);
  const columns = atlases.map((atlas, n) => column(comparison, atlas, one, n === 0));
  found.append(el("div", { class: "side-by-side" }, ...columns));
  return [found];
}

function column(comparison, { exemplars }, { layer, head, place }, isFirst) {
  const found = el("div", {}, el("h3", {}, runName(comparison, isFirst)));
  const list = exemplars?.of(place) ?? [];
  if (!list.length) found.append(el("p", { class: "note" }, exemplars ? NONE : NOT_HERE));
  const items = el("ol", { class: "exemplars" });
  const href = headHref(comparison, layer, head);
  const add = (some) => items.append(...some.map((exemplar) => drawExemplar(exemplar, href)));
  add(list.slice(0, FIRST));
  found.append(items);
  if (list.length > FIRST) {
    found.append(action(`${list.length - FIRST} more`, (event) => { add(list.slice(FIRST)); event.target.remove(); }));
  }
  return found;
}
