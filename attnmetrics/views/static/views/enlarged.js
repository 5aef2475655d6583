// One head of the model view, enlarged in a dialog over it.

import { weightsOf } from "../arithmetic/tokens.js";
import { el } from "../shared/dom.js";
import { tooltip } from "../shared/tooltip.js";
import { drawLines } from "./lines.js";

const WIDEST = 560;
const STEPS = [
  ["ArrowLeft", "←", "Head before"], ["ArrowRight", "→", "Next head"],
  ["ArrowUp", "↑", "Layer above"], ["ArrowDown", "↓", "Layer below"],
];

/** The dialog of a view: `show(tokens, hideNull, layer, head)` opens it at a head, by its places. */
export class Enlarged {
  /** `neighbour(key, layer, head)` gives the places an arrow key leads to, or null; `go` hears of a step. */
  constructor(root, data, { neighbour, go, onclose }) {
    const onclick = (event) => { if (event.target === this.dialog) this.dialog.close(); };
    this.dialog = el("dialog", { "aria-label": "One head, enlarged", onclose, onclick });
    root.append(this.dialog);
    Object.assign(this, { data, neighbour, go, tip: tooltip(this.dialog) });
  }

  /** Returns the element that the head is drawn in. */
  show(tokens, hideNull, layer, head) {
    const { data, dialog, tip } = this;
    const status = el("p", { class: "status", role: "status" });
    const host = el("div", { class: "drawing" });
    dialog.replaceChildren(this.#top(layer, head), host, status, tip.box);
    if (!dialog.open) dialog.showModal();
    const series = [{ head: data.heads[head], at: weightsOf(data, tokens, layer, head, hideNull) }];
    const label = `Attention of layer ${data.layers[layer]}, head ${data.heads[head]}`;
    const say = (words) => { status.textContent = words; };
    drawLines(host, { say, tip }, { ...tokens, series, label }, Math.min(host.clientWidth, WIDEST));
    return host;
  }

  #top(layer, head) {
    const { data, dialog } = this;
    const title = el("h2", {}, `Layer ${data.layers[layer]}, head ${data.heads[head]}`);
    const close = { type: "button", class: "tool", "aria-label": "Close", onclick: () => dialog.close() };
    const steps = STEPS.map(([key, sign, name]) => this.#step(name, sign, this.neighbour(key, layer, head)));
    return el("div", { class: "top" }, title, el("div", { class: "tools" }, ...steps, el("button", close, "Close")));
  }

  #step(name, sign, to) {
    const onclick = () => this.go(...to);
    return el("button", { type: "button", class: "step", "aria-label": name, disabled: !to, onclick }, sign);
  }
}
