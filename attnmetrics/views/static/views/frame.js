// The frame of a view: title, controls, drawing, status line.

import { choice, toggle } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { savePng, saveSvg } from "../shared/export.js";
import { themeButton } from "../shared/theme.js";

const FILTERS = [["", "All"], ["AA", "A → A"], ["AB", "A → B"], ["BA", "B → A"], ["BB", "B → B"]];
const NULL_HINT = "Attention to pieces without content, such as the first or [SEP]";
const WORDS_HINT = "Words instead of pieces: from a word the mean of its pieces, to a word their sum";

/**
 * Fill root; `picture` gives the SVG element to save, `where` says of which layer and heads it is. Returns where to
 * draw and how to tell.
 */
export function frame(root, data, title, controls, { picture, where = () => "" }) {
  const status = el("p", { class: "status", role: "status" });
  const drawing = el("div", { class: "drawing" });
  const named = [title, data.name].filter(Boolean).join(": ");
  const titles = () => [named, [where(), data.made].filter(Boolean).join(" · ")].filter(Boolean);
  const heading = el("h1", {}, title, ...(data.name ? [el("span", {}, data.name)] : []));
  const top = el("div", { class: "top" }, heading, tools(`${data.view}-view`, picture, titles));
  const header = el("header", {}, top, el("div", { class: "controls" }, ...controls));
  root.replaceChildren(header, drawing, status);
  return { drawing, say: (words) => { status.textContent = words; } };
}

function tools(name, picture, titles) {
  const button = (kind, onclick) =>
    el("button", { type: "button", class: "tool", title: `Save as ${kind}`, onclick }, kind);
  return el("div", { class: "tools" }, themeButton(),
    button("SVG", () => saveSvg(picture(), name, titles())), button("PNG", () => savePng(picture(), name, titles())));
}

/** The controls that head and model view share, as far as the data gives a choice; `redraw` follows each. */
export function commonControls(data, state, redraw) {
  const set = (changed) => { Object.assign(state, changed); redraw(); };
  const found = [];
  if (data.maps.length > 1) {
    const names = data.maps.map((map, place) => [place, map.name]);
    found.push(choice("Attention", names, state.map, (value) => set({ map: Number(value), filter: "" })));
  }
  found.push(...filterChoice(data, state, (filter) => set({ filter })));
  if (data.sides.some((side) => new Set(side.words).size < side.pieces.length)) {
    found.push(toggle("Words", state.words, (words) => set({ words }), WORDS_HINT));
  }
  if (data.sides.some((side) => side.null.some(Boolean))) found.push(nullToggle(state, redraw));
  return found;
}

const hasSecond = (side) => side.second !== null && side.second !== undefined;

/** Between which of two texts attention is drawn; nothing where there is one. */
export function filterChoice(data, state, change) {
  return data.sides.some(hasSecond) ? [choice("Sentences", FILTERS, state.filter, change)] : [];
}

/** Whether attention to null pieces is drawn. */
export function nullToggle(state, redraw) {
  const change = (isShown) => { state.hideNull = !isShown; redraw(); };
  return toggle("Null attention", !state.hideNull, change, NULL_HINT);
}
