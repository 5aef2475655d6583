// The head view: the heads of one layer between two columns of tokens.

import { linking, weightsOf } from "./arithmetic/tokens.js";
import { action, stepper } from "./shared/controls.js";
import { el, headColour } from "./shared/dom.js";
import { onWidth } from "./shared/resize.js";
import { tooltip } from "./shared/tooltip.js";
import { remember } from "./views/address.js";
import { numbered, open, opening, sides } from "./views/data.js";
import { commonControls, frame } from "./views/frame.js";
import { withHeads } from "./views/head-legend.js";
import { drawLines } from "./views/lines.js";
import { drawLinkMap } from "./views/link-map.js";

const WIDEST = 760;
const HEADS_HINT = "Heads: click toggles, double-click isolates";
const SQUARE_HINT = "Click: on or off. Double-click, or Shift+Enter: this head alone; again: all";

/** Of the squares of heads of one colour, as their lines are dashed. */
const BORDERS = ["solid", "dashed", "dotted", "double"];

/** Fill root; `onShow(layer, heads)` hears which heads are drawn, by their labels. */
export async function drawHead(root, data, onShow = remember) {
  new HeadView(root, await open(data), onShow);
}

/** Which layer and heads are drawn, and which token is held. */
class HeadView {
  #picture = null;
  #width = 0;
  #held = null;
  #pair = null;

  constructor(root, data, onShow) {
    Object.assign(this, { data, onShow, state: opening(data) });
    this.squares = data.heads.map((head, place) => this.#square(head, place));
    this.everything = action("", () => this.#choose(this.#hasAll() ? [] : this.squares.keys()));
    const saved = { picture: () => withHeads(this.#picture, this.#heads()), where: () => this.#where() };
    const { drawing, say } = frame(root, data, "Head view", this.#controls(), saved);
    this.links = el("section", { class: "links", "aria-label": "All heads between two tokens" });
    drawing.after(this.links);
    Object.assign(this, { drawing, say, tip: tooltip(root) });
    onWidth(drawing, (width) => { this.#width = width; this.#draw(); });
  }

  /** The heads that are drawn, by their labels. */
  #heads() {
    const { data, state } = this;
    return [...state.heads].map((place) => data.heads[place]).sort((a, b) => a - b);
  }

  /** Which layer and heads are drawn. */
  #where() {
    const { data, state } = this;
    const heads = this.#heads();
    return `layer ${data.layers[state.layer]}, head${heads.length === 1 ? "" : "s"} ${heads.join(", ") || "none"}`;
  }

  #controls() {
    const { data, state } = this;
    const toLayer = (value) => { state.layer = Number(value); this.#draw(); };
    const name = el("span", { class: "name" }, "Heads");
    const group = { class: "heads", role: "group", "aria-label": HEADS_HINT };
    this.stepper = stepper("Layer", numbered(data.layers), state.layer, toLayer);
    return [
      this.stepper,
      el("div", group, name, ...this.squares, this.everything),
      ...commonControls(data, state, () => { this.#held = null; this.#draw(); }),
    ];
  }

  #square(head, place) {
    const style = `--own:${headColour(head)};border-style:${BORDERS[Math.floor(head / 8) % 4]}`;
    const attributes = { type: "button", class: "square", style, "aria-label": `Head ${head}`, title: SQUARE_HINT };
    const button = el("button", attributes, String(head));
    button.addEventListener("click", (event) => (event.shiftKey ? this.#isolate(place) : this.#flip(place)));
    button.addEventListener("dblclick", () => this.#isolate(place));
    return button;
  }

  #hasAll() {
    return this.state.heads.size === this.squares.length;
  }

  #flip(place) {
    const heads = new Set(this.state.heads);
    if (!heads.delete(place)) heads.add(place);
    this.#choose(heads);
  }

  #isolate(place) {
    const isAlone = this.state.heads.size === 1 && this.state.heads.has(place);
    this.#choose(isAlone ? this.squares.keys() : [place]);
  }

  #choose(heads) {
    this.state.heads = new Set([...heads].sort((a, b) => a - b));
    this.#draw();
  }

  async #draw() {
    if (!this.#width) return;
    const { data, state } = this;
    const { layer, map } = state;
    try {
      await data.arrays.layer(data.maps[map], layer);
    } catch (error) {
      this.say(error.message);
      return;
    }
    if (layer === state.layer && map === state.map) this.#drawLayer();
  }

  #drawLayer() {
    const { data, state } = this;
    this.squares.forEach((button, place) => button.setAttribute("aria-pressed", String(state.heads.has(place))));
    this.everything.textContent = this.#hasAll() ? "none" : "all";
    const tokens = sides(data, state);
    const series = [...state.heads].map((place) =>
      ({ head: data.heads[place], at: weightsOf(data, tokens, state.layer, place, state.hideNull) }));
    const label = `Attention of layer ${data.layers[state.layer]}, left attends to right`;
    const scene = {
      ...tokens, series, label, onPin: (end) => { this.#held = end; this.#link(tokens); },
      onPair: (place) => { this.#pair = place; this.#link(tokens); },
    };
    this.#picture = drawLines(this.drawing, this, scene, Math.min(this.#width, WIDEST), this.#held);
    this.#link(tokens);
    this.onShow(data.layers[state.layer], series.map((one) => one.head));
  }

  /** Where a token is held, show how much each head of the model links it to another one. */
  async #link({ map, rows, columns }) {
    const { data, state, links } = this;
    const held = this.#held;
    if (!held) { links.replaceChildren(); this.#pair = null; return; }
    const [own, others] = held.side === "left" ? [rows, columns] : [columns, rows];
    const found = await data.arrays.token(map, held.side, own[held.place].pieces).catch(() => null);
    if (!found || this.#held !== held) return;
    const isHidden = (token) => state.hideNull && token.isNull;
    const between = (place) =>
      linking(found, held.side, others[place], isHidden(held.side === "left" ? others[place] : own[held.place]));
    drawLinkMap(links, data, { held, own, others, between, place: this.#pair, layer: state.layer }, (layer, head) => {
      Object.assign(state, { layer, heads: new Set([head]) });
      this.stepper.querySelector("select").value = layer;
      this.#draw();
    });
  }
}
