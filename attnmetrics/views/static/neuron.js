// The neuron view: how one head's attention comes about, from query and key to the softmax.

import { attend } from "./arithmetic/neuron-scores.js";
import { clamp } from "./arithmetic/scales.js";
import { tokens } from "./arithmetic/tokens.js";
import { choice, stepper } from "./shared/controls.js";
import { el } from "./shared/dom.js";
import { isPress } from "./shared/keys.js";
import { onWidth } from "./shared/resize.js";
import { tooltip } from "./shared/tooltip.js";
import { numbered, open, opening } from "./views/data.js";
import { frame, nullToggle } from "./views/frame.js";
import { drawLines } from "./views/lines.js";
import { layoutNeuron } from "./views/neuron-scene.js";
import { drawPlus, PLUS } from "./views/plus.js";
import { TokenReader } from "./views/token-reader.js";

const WIDEST = 760;
const NOTE = "Press ⊕ beside a token to see how its attention comes about. ";
const HINT = "Expand a token to see how its attention comes about: query, key, their product, the softmax.";

/** Fill root; `onShow(layer, [head])` hears which head is drawn, by their labels. */
export async function drawNeuron(root, data, onShow = () => {}) {
  new NeuronView(root, await open(data), onShow);
}

/** Which layer, head and token are shown, and which dimension is pointed at: `token` and `cursor` are null for none. */
class NeuronView {
  #picture = null;
  #width = 0;
  #one = null;

  constructor(root, data, onShow) {
    const { token, heads: [head] } = data.preset;
    const state = { ...opening(data), head: data.heads.indexOf(head), token, cursor: null };
    Object.assign(this, { root, data, onShow, state, side: tokens(data.sides[0], false) });
    this.back = el("button", { type: "button", class: "tool", onclick: () => this.#expand(null) }, "← All tokens");
    const { drawing, say } = frame(root, data, "Neuron view", this.#controls(), () => this.#picture);
    Object.assign(this, { drawing, say, tip: tooltip(root), menu: root.querySelector("[aria-label=Token]") });
    onWidth(drawing, (width) => { this.#width = width; this.#draw(); });
  }

  #controls() {
    const { data, state, side } = this;
    const set = (name) => (value) => { state[name] = Number(value); this.#draw(); };
    const toToken = (value) => this.#expand(value === "" ? null : Number(value));
    const options = side.map((token, place) => [place, `${place}  ${token.text}`]);
    return [
      stepper("Layer", numbered(data.layers), state.layer, set("layer")),
      stepper("Head", numbered(data.heads), state.head, set("head")),
      choice("Token", [["", "none"], ...options], state.token ?? "", toToken),
      ...(side.some((token) => token.isNull) ? [nullToggle(state, () => this.#draw())] : []),
      this.back,
    ];
  }

  #draw() {
    if (!this.#width) return;
    const { data, state } = this;
    this.menu.value = state.token ?? "";
    this.back.hidden = state.token === null;
    this.tip.hide();
    if (state.token === null) this.#drawAll();
    else this.#drawOne(state.token);
    this.onShow(data.layers[state.layer], [data.heads[state.head]]);
  }

  #vector(kind, token) {
    const { data: { heads, neuron }, state: { layer, head }, side } = this;
    const start = ((layer * heads.length + head) * side.length + token) * neuron.width;
    return neuron[kind].subarray(start, start + neuron.width);
  }

  #attend(token) {
    const reach = this.data.maps[0].causal ? token + 1 : this.side.length;
    const keys = Array.from({ length: reach }, (_, j) => this.#vector("key", j));
    return attend(this.#vector("query", token), keys, this.data.neuron.scaling[this.state.layer]);
  }

  #drawAll() {
    const { data, state, side } = this;
    const rows = side.map((_, token) => this.#attend(token).softmax);
    const at = (i, j) => (state.hideNull && side[j].isNull ? 0 : rows[i][j] ?? 0);
    const head = data.heads[state.head];
    const scene = {
      rows: side, columns: side, series: [{ head, at }], inset: PLUS, note: NOTE,
      label: `Attention of layer ${data.layers[state.layer]}, head ${head}`,
      decorate: (picture, y) => picture.append(...side.map((_, place) => this.#plus(place, y(place)))),
    };
    this.#picture = drawLines(this.drawing, this, scene, Math.min(this.#width, WIDEST));
    const sign = el("span", { class: "sign", "aria-hidden": "true" }, "+");
    this.drawing.prepend(el("p", { class: "hint" }, sign, HINT));
  }

  #drawOne(token) {
    const { data, state, side } = this;
    const scene = {
      layout: layoutNeuron(side, data.neuron.width, this.#width), scaling: data.neuron.scaling[state.layer],
      hideNull: state.hideNull, plus: (place, y) => this.#plus(place, y),
    };
    this.#one = new TokenReader(side, token, this.#attend(token), { scene, state, say: this.say, tip: this.tip });
    this.#picture = this.#one.picture;
    this.drawing.replaceChildren(el("div", { class: "scroll" }, this.#picture));
    this.#one.mark();
  }

  // ---- tokens

  #plus(place, y) {
    const { token } = this.state;
    const isOpen = token === place;
    const shape = drawPlus(this.side[place].text, { place, y, isOpen, isFirst: place === (token ?? 0) });
    shape.addEventListener("click", () => this.#expand(isOpen ? null : place));
    shape.addEventListener("keydown", (event) => this.#key(event, place));
    return shape;
  }

  #button(place) {
    return this.root.querySelector(`.plus[data-place="${place}"]`);
  }

  #expand(token) {
    Object.assign(this.state, { token, cursor: null });
    this.#draw();
    const button = token === null ? this.root.querySelector(".plus") : this.#button(token);
    button?.focus({ preventScroll: true });
  }

  #key(event, place) {
    const { state } = this;
    const isOne = state.token !== null;
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: this.side.length - 1 }[event.key];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (to !== undefined) this.#walk(clamp(to, 0, this.side.length - 1));
    else if (isPress(event.key)) this.#expand(state.token === place ? null : place);
    else if (event.key === "Escape" && isOne) this.#expand(null);
    else if (step && isOne) this.#one.step(step);
    else return;
    event.preventDefault();
  }

  #walk(place) {
    if (this.state.token === null) this.#button(place).focus();
    else this.#expand(place);
  }
}
