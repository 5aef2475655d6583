// The head view: the heads of one layer between two columns of tokens.

import { commonControls, el, frame, grid, headColour, onWidth, open, opening, sides, stepper, tooltip } from "./shared.js";
import { drawLines } from "./lines.js";

/** `onShow(layer, heads)` hears which heads are drawn, by their labels. */
export async function drawHead(root, data, onShow = () => {}) {
  await open(data);
  const state = opening(data);
  let [picture, width, pinned] = [null, 0, null];
  const squares = data.heads.map(square);
  const everything = el("button", { type: "button", class: "link", onclick: () => { choose(state.heads.size === squares.length ? [] : squares.keys()); } });
  const layers = data.layers.map((layer, place) => [place, String(layer)]);
  const controls = [
    stepper("Layer", layers, state.layer, (value) => { state.layer = Number(value); draw(); }),
    el("div", { class: "heads", role: "group", "aria-label": "Heads: click toggles, double-click isolates" }, el("span", { class: "name" }, "Heads"), ...squares, everything),
    ...commonControls(data, state, () => { pinned = null; draw(); }),
  ];
  const { drawing, say } = frame(root, data, "Head view", controls, () => picture);
  const tip = tooltip(root);

  function square(head, place) {
    const button = el("button", {
      type: "button", class: "square", style: `--own:${headColour(head)}`, "aria-label": `Head ${head}`,
      title: "Click: on or off. Double-click, or Shift+Enter: this head alone; again: all",
    }, String(head));
    button.addEventListener("click", (event) => (event.shiftKey ? isolate(place) : flip(place)));
    button.addEventListener("dblclick", () => isolate(place));
    return button;
  }

  function flip(place) {
    const heads = new Set(state.heads);
    if (!heads.delete(place)) heads.add(place);
    choose(heads);
  }

  function isolate(place) {
    const alone = state.heads.size === 1 && state.heads.has(place);
    choose(alone ? squares.keys() : [place]);
  }

  function choose(heads) {
    state.heads = new Set([...heads].sort((a, b) => a - b));
    draw();
  }

  function draw() {
    if (!width) return;
    squares.forEach((button, place) => button.setAttribute("aria-pressed", String(state.heads.has(place))));
    everything.textContent = state.heads.size === squares.length ? "none" : "all";
    const { map, rows, columns } = sides(data, state);
    const series = [...state.heads].map((place) => ({ head: data.heads[place], at: grid(data, map, state.layer, place, rows, columns, state.hideNull) }));
    const label = `Attention of layer ${data.layers[state.layer]}, left attends to right`;
    picture = drawLines(drawing, say, tip, { rows, columns, series, label, onPin: (end) => { pinned = end; } }, Math.min(width, 760), pinned);
    onShow(data.layers[state.layer], series.map((one) => one.head));
  }

  onWidth(drawing, (now) => { width = now; draw(); });
}
