// Tabs: one of several parts is shown, chosen by pointer or by arrow keys.

import { clamp } from "../arithmetic/scales.js";
import { el } from "./dom.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
/** Every list of tabs has its own number, of which the names of its parts are made. */
let lists = 0;

/**
 * A list of tabs, and the panel of the one that is chosen; the panel alone, where there is but one.
 *
 * name: of the list; choices: [{ key, title, draw }], where draw() gives what the panel holds; first: the key of the
 * one that is shown at the beginning; chosen(key) hears which one a reader chooses.
 */
export function tabs(name, choices, first, chosen) {
  lists += 1;
  const id = `tabs-${lists}`;
  const panel = el("div", { class: "tab-panel", id });
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": name });
  const show = (n) => {
    [...list.children].forEach((one, at) => select(one, at === n));
    panel.setAttribute("aria-labelledby", `${id}-${n}`);
    panel.replaceChildren(...choices[n].draw());
  };
  const choose = (n) => { show(n); list.children[n].focus(); chosen(choices[n].key); };
  list.append(...choices.map(({ title }, n) => tab(title, id, n, choose)));
  list.addEventListener("keydown", (event) => walk(event, list, choose));
  show(Math.max(0, choices.findIndex(({ key }) => key === first)));
  if (choices.length === 1) return [panel];
  panel.setAttribute("role", "tabpanel");
  return [list, panel];
}

function tab(title, panel, n, choose) {
  const attributes = { type: "button", role: "tab", id: `${panel}-${n}`, "aria-controls": panel };
  return el("button", { ...attributes, onclick: () => choose(n) }, title);
}

function select(one, isChosen) {
  one.setAttribute("aria-selected", String(isChosen));
  one.tabIndex = isChosen ? 0 : -1; // the arrow keys lead to the others
}

function walk(event, list, choose) {
  const step = STEPS[event.key];
  if (!step) return;
  const all = [...list.children];
  choose(clamp(all.indexOf(event.target) + step, 0, all.length - 1));
  event.preventDefault();
}
