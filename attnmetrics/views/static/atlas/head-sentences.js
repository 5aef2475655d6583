// A head's sentences on its page.

import { textOf } from "../arithmetic/exemplars.js";
import { answersOf, claimHref, headHref, headName, placeOf } from "../arithmetic/heads.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { drawExemplar } from "./exemplar.js";
import { typicalHelp, typicalLists } from "./head-typical.js";
import { section } from "./parts.js";
import { tools } from "./tools.js";

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
export function claimWords(atlas, claim) {
  const metric = atlas.metrics.find((one) => one.claims.includes(claim));
  return metric ? metric.heading(metric.claims.indexOf(claim)) : claim;
}

/** `rank`: of the sentence that the address names; 0 for none. `kind`: "typical" for these first. */
export function sentenceSection(atlas, one, rank, kind) {
  const found = section("Sentences");
  found.id = "sentences";
  const typical = atlas.typical[placeOf(atlas, one.layer, one.head)];
  const shown = el("div", {});
  const choices = {
    Strongest: () => shown.replaceChildren(...strongest(atlas, one, rank)),
    Typical: () => shown.replaceChildren(...typicalOf(atlas, one, typical)),
  };
  const first = kind === "typical" && typical.length ? "Typical" : "Strongest";
  choices[first]();
  found.append(...(typical.length ? [tabs(choices, first)] : []), shown);
  return found;
}

/** A button for each choice, { name: what it does }; one is pressed, `first` at the beginning. */
function tabs(choices, first) {
  const buttons = Object.entries(choices).map(([name, choose]) => {
    const press = () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      choose();
    };
    const state = { "aria-pressed": String(name === first) };
    const button = el("button", { type: "button", class: "toggle", ...state, onclick: press }, name);
    return button;
  });
  return el("div", { class: "tabs" }, ...buttons);
}

function typicalOf(atlas, { layer, head }, list) {
  const actions = (one) => links(atlas, one, layer, head);
  const href = `${headHref(atlas, layer, head)}?sentences=typical`;
  return [el("p", { class: "help" }, typicalHelp(atlas)), ...typicalLists(list, href, actions)];
}

function strongest(atlas, { layer, head }, rank) {
  const list = atlas.exemplars[placeOf(atlas, layer, head)];
  if (!list.length) return [el("p", { class: "note" }, NONE)];
  const found = [el("p", { class: "help" }, help(atlas, list))];
  const items = el("ol", { class: "exemplars" });
  found.push(items);
  const href = headHref(atlas, layer, head);
  const item = (one) => drawExemplar(one, `${href}/${one.rank}`, links(atlas, one, layer, head));
  const add = (some) => items.append(...some.map(item));
  const first = rank > FIRST ? list.length : FIRST;
  add(list.slice(0, first));
  if (list.length > first) found.push(moreButton(items, list.length - first, () => add(list.slice(first))));
  found.push(tools(null, () => sentenceRows(list), `${headName(atlas, layer, head)} sentences`));
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
