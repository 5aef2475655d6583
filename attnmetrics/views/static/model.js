// The model view: every head of every layer at a glance; a click enlarges one.

import { el, sheet } from "./shared/dom.js";
import { arrow } from "./shared/keys.js";
import { onWidth } from "./shared/resize.js";
import { tooltip } from "./shared/tooltip.js";
import { open, opening, sides } from "./views/data.js";
import { Enlarged } from "./views/enlarged.js";
import { commonControls, frame } from "./views/frame.js";
import { drawGrid, drawSheet, drawThumbnail, thumbnailSize } from "./views/thumbnail.js";

/** Thumbnails are drawn this early before they come into sight. */
const MARGIN = "300px";

/**
 * Fill root; `onShow(layer, [head], host)` hears which head is pointed at, or, with a host, enlarged there; by their
 * labels.
 */
export async function drawModel(root, data, onShow = () => {}) {
  new ModelView(root, await open(data), onShow);
}

/** Which heads are drawn, and which is enlarged: [layer, head], counted from 0. */
class ModelView {
  #enlargedHead = null;

  constructor(root, data, onShow) {
    Object.assign(this, { data, onShow, state: opening(data), cells: [], size: null, tokens: null, isOnPaper: false });
    const redraw = () => { this.#draw(this.drawing.clientWidth); this.#enlarge(); };
    const controls = commonControls(data, this.state, redraw);
    const whole = () => drawSheet(data, this.size, (layer, head) => this.#thumbnail(layer, head));
    const { drawing, say } = frame(root, data, "Model view", controls, { picture: whole });
    Object.assign(this, { drawing, say });
    tooltip(root);
    this.enlarged = new Enlarged(root, data, {
      neighbour: (key, layer, head) => this.#neighbour(key, layer, head),
      go: (layer, head) => this.#open(layer, head),
      onclose: () => this.#close(),
    });
    this.seen = new IntersectionObserver((entries) => this.#fillSeen(entries), { rootMargin: MARGIN });
    addEventListener("beforeprint", () => { this.isOnPaper = true; this.#fillSeen(this.#unseen()); });
    addEventListener("afterprint", () => { this.isOnPaper = false; });
    onWidth(drawing, (width) => this.#draw(width));
  }

  /** All thumbnails, as if they were seen: on paper they are. */
  #unseen() {
    return [...this.drawing.querySelectorAll("button.cell:empty")].map((target) => ({ target, isIntersecting: true }));
  }

  #thumbnail(layer, head) {
    const { hideNull } = this.state;
    return drawThumbnail(this.data, this.tokens, { layer, head, hideNull }, this.size);
  }

  #fillSeen(entries) {
    for (const { target: button } of entries.filter((entry) => entry.isIntersecting)) {
      this.seen.unobserve(button);
      this.#fill(button, Number(button.dataset.layer), Number(button.dataset.head));
    }
  }

  async #fill(button, layer, head) {
    const { size, tokens } = this;
    await this.#has(layer);
    if (tokens !== this.tokens) return;
    const picture = sheet(size.width, size.height, { "aria-hidden": "true" });
    picture.append(this.#thumbnail(layer, head));
    button.replaceChildren(picture);
  }

  /** Have the weights of a layer at hand. */
  #has(layer) {
    return Promise.resolve(this.data.arrays.layer(this.tokens.map, layer)).catch((error) => this.say(error.message));
  }

  #cell(layer, head) {
    const { data, size } = this;
    const name = `Layer ${data.layers[layer]}, head ${data.heads[head]}`;
    const button = el("button", {
      type: "button", class: "cell", "aria-label": name, title: name, "data-layer": layer, "data-head": head,
      tabindex: layer || head ? -1 : 0, style: `width:${size.width}px;height:${size.height}px`,
    });
    const meet = (hint) => {
      this.say(`${name}. ${hint}`);
      this.onShow(data.layers[layer], [data.heads[head]]);
    };
    button.addEventListener("click", () => this.#open(layer, head));
    button.addEventListener("pointerenter", () => meet("Click to enlarge."));
    button.addEventListener("focus", () => meet("Press Enter to enlarge."));
    button.addEventListener("keydown", (event) => this.#move(event, layer, head));
    return button;
  }

  /** The head that an arrow key leads to, as [layer, head]; null at the edge. */
  #neighbour(key, layer, head) {
    const [down, right] = arrow(key) ?? [];
    return this.cells[layer + down]?.[head + right] ? [layer + down, head + right] : null;
  }

  #move(event, layer, head) {
    const next = this.#neighbour(event.key, layer, head);
    if (!next) return;
    this.cells[next[0]][next[1]].focus();
    event.preventDefault();
  }

  #draw(width) {
    const { data, drawing, seen } = this;
    this.tokens = sides(data, this.state);
    this.size = thumbnailSize(width, data.heads.length, this.tokens);
    seen.disconnect();
    this.cells = data.layers.map((_, layer) => data.heads.map((__, head) => this.#cell(layer, head)));
    const axis = el("div", { class: "axis" }, "Heads →  Layers ↓");
    drawing.replaceChildren(axis, el("div", { class: "scroll" }, drawGrid(data, this.size, this.cells)));
    this.cells.flat().forEach((button) => seen.observe(button));
    if (this.isOnPaper) this.#fillSeen(this.#unseen());  // paper has another width, which draws anew
    this.say(`${data.layers.length} layers of ${data.heads.length} heads. Click one to enlarge it.`);
  }

  #open(layer, head) {
    this.#enlargedHead = [layer, head];
    this.#enlarge();
  }

  async #enlarge() {
    if (!this.#enlargedHead) return;
    const [layer, head] = this.#enlargedHead;
    await this.#has(layer);
    if (this.#enlargedHead?.[0] !== layer || this.#enlargedHead[1] !== head) return;
    const host = this.enlarged.show(this.tokens, this.state.hideNull, layer, head);
    this.onShow(this.data.layers[layer], [this.data.heads[head]], host);
  }

  #close() {
    const [layer, head] = this.#enlargedHead ?? [0, 0];
    this.#enlargedHead = null;
    this.cells[layer]?.[head]?.focus();
  }
}
