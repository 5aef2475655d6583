// A sentence of one's own: typed, seen in the three views, and beside each head what it does over the corpus.

import { drawHead } from "../head.js";
import { drawModel } from "../model.js";
import { drawNeuron } from "../neuron.js";
import { askJson } from "../shared/ask.js";
import { el } from "../shared/dom.js";
import { headCards } from "./head-card.js";
import { crumbs, OVERVIEW } from "./parts.js";
import { specialHeads } from "./special-heads.js";
import { TryForm } from "./try-form.js";

const TITLE = "A sentence of your own";
const OVER = "Over the corpus";
const KINDS = { head: ["Head view", drawHead], model: ["Model view", drawModel], neuron: ["Neuron view", drawNeuron] };
/** What an address may say. */
const ASKED = ["text", "second", "generate", "view", "layer", "head"];
const OTHER_MODEL = "The model that the server runs is not the one that was measured: other weights, or another place "
  + "of the same. The metrics are those of the run.";
const HINT = "Point at a head for its metrics.";
/** Width of a strip of all heads in pixels, as there is room. */
const STRIP = { narrow: 44, beside: 70, wide: 180 };
const NARROW = 560;

/** Fill root; `query` is what the address says. */
export function drawTry(root, atlas, _, go, query) {
  const page = new TryPage(atlas, query);
  root.replaceChildren(crumbs([OVERVIEW], TITLE), el("h1", {}, TITLE), page.element);
  page.start();
  return null;
}

class TryPage {
  #asked = new AbortController();
  #doing = "Loading the model…";

  constructor(atlas, query) {
    const state = Object.fromEntries(ASKED.map((name) => [name, query.get(name) ?? ""]));
    if (!Object.hasOwn(KINDS, state.view)) state.view = "head";
    Object.assign(this, { atlas, state, card: headCards(atlas) });
    this.form = new TryForm(state, (asked) => this.#ask(asked));
    this.fault = el("p", { class: "fault", role: "alert", hidden: true });
    this.note = el("p", { class: "note", hidden: true }, OTHER_MODEL);
    this.special = el("section", { class: "special", hidden: true });
    this.kinds = el("div", { class: "kinds", role: "group", "aria-label": "View" }, ...this.#kindButtons());
    this.place = el("div", { class: "place" });
    this.panel = el("aside", { "aria-label": "Corpus metrics of the heads shown" });
    const beside = el("div", { class: "beside" }, this.place, this.panel);
    this.result = el("div", { class: "result", hidden: true }, this.kinds, beside);
    const { form, examples } = this.form;
    this.element = el("div", { class: "try" }, form, this.fault, this.note, examples, this.special, this.result);
  }

  /** Show what the address asks for, and learn about the model. */
  async start() {
    this.#look();
    try {
      const model = await askJson("api/model");
      this.form.going.hidden = !model.causal;
      this.note.hidden = model.measured;
      this.#doing = "Reading…";
    } catch (error) {
      this.#say(error.message, "");
    }
  }

  #kindButtons() {
    return Object.entries(KINDS).map(([kind, [name]]) =>
      el("button", { type: "button", "data-kind": kind, onclick: () => this.#ask({ view: kind }) }, name));
  }

  /** Ask for something else, at an address of its own. */
  #ask(changed) {
    Object.assign(this.state, changed);
    history.pushState(null, "", this.#address());
    this.#look();
  }

  #address() {
    return `#/try?${new URLSearchParams(Object.entries(this.state).filter(([, value]) => value !== ""))}`;
  }

  /** Draw the view of the state; what was asked before is forgotten. */
  async #look() {
    this.#asked.abort();
    this.#asked = new AbortController();
    const { signal } = this.#asked;
    const { text, second, generate, view, layer, head } = this.state;
    for (const button of this.kinds.children) button.setAttribute("aria-pressed", String(button.dataset.kind === view));
    if (!text.trim()) { this.form.first.focus(); return; }
    this.#say(null, this.#doing);
    try {
      const query = new URLSearchParams({ kind: view, text, second, generate, layer, head });
      await this.#show(await askJson(`api/view?${query}`, signal), view, signal);
    } catch (error) {
      if (!signal.aborted) this.#say(error.message, "");
    }
  }

  async #show(data, view, signal) {
    const fresh = el("section", { class: "look" });
    await KINDS[view][1](fresh, data, (layer, heads, host) => this.#tell(layer, heads, host));
    if (signal.aborted) return;
    this.element.dataset.view = view;
    this.#fill(el("p", { class: "axis" }, HINT));
    this.place.replaceChildren(fresh);
    this.result.hidden = false;
    this.form.examples.hidden = true;
    this.#say(null, "");
    this.#tellSpecial(data, signal);
  }

  /** The heads that do in this text what they do not over the corpus; a click opens one. */
  async #tellSpecial(data, signal) {
    if (this.special.dataset.ask === data.ask) return;
    this.special.hidden = true;
    const found = await askJson(`api/special?${data.ask}`, signal).catch(() => []);
    if (signal.aborted || !found.length) return;
    this.special.dataset.ask = data.ask;
    const open = ({ layer, head }) =>
      this.#ask({ view: "head", layer: String(data.layers[layer]), head: String(data.heads[head]) });
    this.special.replaceChildren(...specialHeads(data, found, open));
    this.special.hidden = false;
  }

  /** Tell what is wrong, or null, and what is being done, or "". */
  #say(wrong, doing) {
    this.fault.textContent = wrong ?? "";
    this.fault.hidden = wrong === null;
    this.result.hidden ||= wrong !== null;
    this.form.tell(doing);
    this.place.setAttribute("aria-busy", String(Boolean(doing)));
  }

  // ---- the heads that are shown

  #fill(...content) {
    this.panel.replaceChildren(el("h2", {}, OVER), ...content);
  }

  /** Metrics of the heads of a layer: in the panel, or before a host where one is enlarged. */
  #tell(layer, heads, host = null) {
    const { atlas, card, state } = this;
    const width = this.#stripWidth(host);
    const help = el("p", { class: "axis" }, `Value, and rank among ${atlas.layers.length * atlas.heads.length} heads`);
    if (host) host.before(card(layer, heads[0], width, OVER));
    else this.#fill(help, ...heads.map((head) => card(layer, head, width)));
    if (state.view === "model" && !host) return;
    const isAll = state.view === "head" && heads.length === atlas.heads.length;
    Object.assign(state, { layer: String(layer), head: isAll ? "" : heads.join(",") });
    history.replaceState(history.state, "", this.#address());
  }

  #stripWidth(host) {
    if (this.element.clientWidth < NARROW) return STRIP.narrow;
    return host || this.state.view === "neuron" ? STRIP.wide : STRIP.beside;
  }
}
