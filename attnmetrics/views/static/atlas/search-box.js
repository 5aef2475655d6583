// The box that finds a head, a metric, a sentence; hits below it, reached by the arrow keys.

import { Search } from "../arithmetic/search.js";
import { el } from "../shared/dom.js";

const HINT = "Search: 4.11, previous token, det";
const HELP = "A head (4.11, L4H11) or two (4.11 5.0), what heads do (previous token), a metric, a relation "
  + "(nsubj, subject), a piece or a word of a sentence (the)";

export class SearchBox {
  #chosen = 0;

  constructor(atlas, go) {
    Object.assign(this, { search: new Search(atlas), go });
    this.input = el("input", {
      type: "search", placeholder: HINT, title: HELP, autocomplete: "off", spellcheck: "false", role: "combobox",
      "aria-label": "Search", "aria-expanded": "false", "aria-controls": "hits", "aria-autocomplete": "list",
      oninput: () => this.#show(), onfocus: () => this.#show(), onkeydown: (event) => this.#key(event),
    });
    this.list = el("div", { class: "hits", id: "hits", role: "listbox", "aria-label": "Found", hidden: true });
    const attributes = { class: "search", role: "search", onsubmit: (event) => this.#submit(event) };
    this.form = el("form", attributes, this.input, this.list);
    this.form.addEventListener("focusout", ({ relatedTarget }) => {
      if (!this.form.contains(relatedTarget)) this.#close();
    });
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #show() {
    const text = this.input.value.trim();
    if (!text) { this.#close(); return; }
    const { groups, told } = this.search.find(text);
    const notes = told.map(([theirs, ...ours]) => `“${theirs}” is called ${ours.map(quoted).join(" or ")} here.`);
    if (!groups.length) notes.push(`Nothing found. ${HELP}.`);
    const lines = notes.map((words) => el("p", { class: "note" }, words));
    this.list.replaceChildren(...lines, ...groups.flatMap(drawGroup));
    this.hits = [...this.list.querySelectorAll("a")];
    this.hits.forEach((hit, n) => { hit.id = `hit-${n}`; hit.addEventListener("click", () => this.#leave()); });
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#choose(0);
  }

  #choose(place) {
    this.#chosen = place;
    this.hits.forEach((hit, n) => hit.setAttribute("aria-selected", String(n === place)));
    const hit = this.hits[place];
    if (!hit) { this.input.removeAttribute("aria-activedescendant"); return; }
    this.input.setAttribute("aria-activedescendant", hit.id);
    hit.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { this.#leave(); this.input.blur(); } else if (!step || this.list.hidden) return;
    else this.#choose(Math.min(Math.max(this.#chosen + step, 0), this.hits.length - 1));
    event.preventDefault();
  }

  #submit(event) {
    event.preventDefault();
    const hit = this.list.hidden ? null : this.hits[this.#chosen];
    if (!hit) return;
    const href = hit.getAttribute("href");
    this.#leave();
    this.go(href);
  }

  /** Empty again, as after something was chosen. */
  #leave() {
    this.input.value = "";
    this.#close();
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

const quoted = (words) => `“${words}”`;

function drawGroup({ title, hits, more }) {
  const left = more ? [el("p", { class: "note" }, `and ${more} more`)] : [];
  return [el("b", { class: "hits-title" }, title), ...hits.map(drawHit), ...left];
}

/** A hit without an address is told, not offered. */
function drawHit({ words, note, href }) {
  const told = [el("span", {}, words), el("span", { class: "note" }, note)];
  return href ? el("a", { href, role: "option", tabindex: -1 }, ...told) : el("p", { role: "status" }, ...told);
}
