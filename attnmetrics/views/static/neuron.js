// The neuron view: how one head's attention comes about, from query and key to the softmax.

import { attend, attention, only } from "./arithmetic/neuron-scores.js";
import { clamp } from "./arithmetic/scales.js";
import { choice, stepper } from "./shared/controls.js";
import { el } from "./shared/dom.js";
import { isPress } from "./shared/keys.js";
import { onWidth } from "./shared/resize.js";
import { tooltip } from "./shared/tooltip.js";
import { remember } from "./views/address.js";
import { numbered, open, opening, sides } from "./views/data.js";
import { filterChoice, frame, nullToggle } from "./views/frame.js";
import { drawLines } from "./views/lines.js";
import { layoutNeuron } from "./views/neuron-scene.js";
import { drawPlus, PLUS } from "./views/plus.js";
import { TokenReader } from "./views/token-reader.js";

const WIDEST = 760;
const NOTE = "Press ⊕ beside a token to see how its attention comes about. ";
const HINT = "Expand a token to see how its attention comes about: query, key, their product, the softmax.";

/** Entries of the menu of tokens. */
const entriesOf = (rows) => [["", "none"], ...rows.map((token, place) => [place, `${place}  ${token.text}`])];
const optionsOf = (rows) => entriesOf(rows).map(([value, name]) => el("option", { value }, name));

/** Fill root; `onShow(layer, [head])` hears which head is drawn, by their labels. */
export async function drawNeuron(root, data, onShow = remember) {
  new NeuronView(root, await open(data), onShow);
}

/** Which layer, head and token are shown, and which dimension is pointed at: `token` and `cursor` are null for none. */
class NeuronView {
  #picture = null;
  #width = 0;
  #one = null;

  constructor(root, data, onShow) {
    const { token } = data.preset;
    const opened = opening(data);
    const state = { ...opened, head: [...opened.heads][0], token, cursor: null };
    Object.assign(this, { root, data, onShow, state, ...sides(data, state) });
    this.back = el("button", { type: "button", class: "tool", onclick: () => this.#expand(null) }, "← All tokens");
    const where = () => `layer ${data.layers[state.layer]}, head ${data.heads[state.head]}`;
    const saved = { picture: () => this.#picture, where };
    const { drawing, say } = frame(root, data, "Neuron view", this.#controls(), saved);
    Object.assign(this, { drawing, say, tip: tooltip(root), menu: root.querySelector("[aria-label=Token]") });
    onWidth(drawing, (width) => { this.#width = width; this.#draw(); });
  }

  #controls() {
    const { data, state, rows } = this;
    const set = (name) => (value) => { state[name] = Number(value); this.#draw(); };
    const toToken = (value) => this.#expand(value === "" ? null : Number(value));
    const filter = (chosen) => {
      Object.assign(state, { filter: chosen, token: null });
      Object.assign(this, sides(data, state));
      this.menu.replaceChildren(...optionsOf(this.rows));
      this.#draw();
    };
    return [
      stepper("Layer", numbered(data.layers), state.layer, set("layer")),
      stepper("Head", numbered(data.heads), state.head, set("head")),
      choice("Token", entriesOf(rows), state.token ?? "", toToken),
      ...filterChoice(data, state, filter),
      ...(rows.some((token) => token.isNull) ? [nullToggle(state, () => this.#draw())] : []),
      this.back,
    ];
  }

  async #draw() {
    if (!this.#width) return;
    const { data, state } = this;
    const { layer } = state;
    try {
      const vectors = await data.arrays.neurons(layer);
      if (layer !== state.layer) return;
      this.vectors = vectors;
    } catch (error) {
      this.say(error.message);
      return;
    }
    this.#drawLayer();
  }

  #drawLayer() {
    const { data, state } = this;
    this.menu.value = state.token ?? "";
    this.back.hidden = state.token === null;
    this.tip.hide();
    if (state.token === null) this.#drawAll();
    else this.#drawOne(state.token);
    this.onShow(data.layers[state.layer], [data.heads[state.head]]);
  }

  /** A head's vectors, of all pieces or of one. */
  #vectors(kind, piece = null) {
    const { width } = this.data.neuron;
    const count = this.data.sides[0].pieces.length;
    const [start, length] = [this.state.head * count + (piece ?? 0), piece === null ? count : 1];
    return this.vectors[kind].subarray(start * width, (start + length) * width);
  }

  #reach(piece) {
    return this.data.maps[0].causal ? piece + 1 : this.data.sides[0].pieces.length;
  }

  #attend(piece) {
    const keys = Array.from({ length: this.#reach(piece) }, (_, j) => this.#vectors("key", j));
    const found = attend(this.#vectors("query", piece), keys, this.data.neuron.scaling[this.state.layer]);
    return only(found, this.columns.map((token) => token.pieces[0]));
  }

  #drawAll() {
    const { data, state, rows, columns } = this;
    const [keys, scaling] = [this.#vectors("key"), data.neuron.scaling[state.layer]];
    const shares = rows.map(({ pieces: [piece] }) =>
      attention(this.#vectors("query", piece), keys, this.#reach(piece), scaling));
    const at = (i, j) => (state.hideNull && columns[j].isNull ? 0 : shares[i][columns[j].pieces[0]] ?? 0);
    const head = data.heads[state.head];
    const scene = {
      rows, columns, series: [{ head, at }], inset: PLUS, note: NOTE,
      label: `Attention of layer ${data.layers[state.layer]}, head ${head}`,
      decorate: (picture, y) => picture.append(...rows.map((_, place) => this.#plus(place, y(place)))),
    };
    this.#picture = drawLines(this.drawing, this, scene, Math.min(this.#width, WIDEST));
    const sign = el("span", { class: "sign", "aria-hidden": "true" }, "+");
    this.drawing.prepend(el("p", { class: "hint" }, sign, HINT));
  }

  #drawOne(token) {
    const { data, state, rows, columns } = this;
    const scene = {
      layout: layoutNeuron(rows, columns, data.neuron.width, this.#width),
      scaling: data.neuron.scaling[state.layer], hideNull: state.hideNull, plus: (place, y) => this.#plus(place, y),
      reach: this.#reach(rows[token].pieces[0]), scrub: (place) => this.#scrub(place),
    };
    const found = this.#attend(rows[token].pieces[0]);
    this.#one = new TokenReader({ rows, columns }, token, found, { scene, state, say: this.say, tip: this.tip });
    this.#picture = this.#one.picture;
    this.drawing.replaceChildren(el("div", { class: "scroll" }, this.#picture));
    this.#one.mark();
  }

  // ---- tokens

  #plus(place, y) {
    const { token } = this.state;
    const isOpen = token === place;
    const shape = drawPlus(this.rows[place].text, { place, y, isOpen, isFirst: place === (token ?? 0) });
    shape.addEventListener("click", () => this.#expand(isOpen ? null : place));
    shape.addEventListener("keydown", (event) => this.#key(event, place));
    return shape;
  }

  #button(place) {
    return this.root.querySelector(`.plus[data-place="${place}"]`);
  }

  #expand(token) {
    Object.assign(this.state, { token, cursor: null });
    this.#drawLayer();
    const button = token === null ? this.root.querySelector(".plus") : this.#button(token);
    button?.focus({ preventScroll: true });
  }

  #key(event, place) {
    const { state } = this;
    const isOne = state.token !== null;
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: this.rows.length - 1 }[event.key];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (to !== undefined) this.#walk(clamp(to, 0, this.rows.length - 1));
    else if (isPress(event.key)) this.#expand(state.token === place ? null : place);
    else if (event.key === "Escape" && isOne) this.#expand(null);
    else if (step && isOne) this.#one.step(step);
    else return;
    event.preventDefault();
  }

  /** To the token that is pointed at while one is expanded. */
  #scrub(place) {
    if (place === this.state.token) return;
    this.state.token = place;
    this.#drawLayer();
  }

  #walk(place) {
    if (this.state.token === null) this.#button(place).focus();
    else this.#expand(place);
  }
}
