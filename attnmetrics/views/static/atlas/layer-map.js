// How far apart the heads of any two layers are: a map of layers by layers, read by pointer and keys.

import { number } from "../arithmetic/numbers.js";
import { clamp, extent, level, round } from "../arithmetic/scales.js";
import { pointIn, sheet, svg, text } from "../shared/dom.js";
import { arrow } from "../shared/keys.js";
import { tooltip } from "../shared/tooltip.js";
import { cells, colourBar, columnNumbers, noEvidence, rowNumbers } from "./map-parts.js";

const [LEFT, ABOVE, BELOW] = [34, 22, 62];
/** Pixels beside the scale for what has no evidence. */
const BESIDE = 96;
const WORDS = "Mean distance between heads of two layers. Arrow keys move.";

/** Fill host with the map; `say` writes the status line. */
export function layerMap(host, atlas, { say }) {
  const side = clamp(((host.clientWidth || 300) - LEFT - 4) / atlas.layers.length, 6, 30);
  const box = { left: LEFT, top: ABOVE, width: side, height: side, gap: side > 10 ? 1.5 : 0.5 };
  const scene = draw(atlas, box);
  host.replaceChildren(scene.picture);
  new LayerReader(scene, box, { atlas, say, tip: tooltip(host) }).listen();
  return scene.picture;
}

function draw(atlas, box) {
  const { layers, similarity } = atlas;
  const size = layers.length * box.width;
  const [, top] = extent(similarity.layers);
  const attributes = { class: "layer-map", tabindex: 0, role: "group", "aria-label": WORDS };
  const bar = { x: LEFT, y: ABOVE + size + 24, width: clamp(size, 120, 200), gap: 21 };
  const picture = sheet(LEFT + Math.max(size + 4, bar.width + BESIDE), ABOVE + size + BELOW, attributes);
  const levelAt = (row, column) => level(similarity.ofLayers(row, column), top);
  picture.append(
    cells(layers.length, layers.length, levelAt, box), ...columnNumbers(layers, box, ABOVE - 6),
    ...rowNumbers(layers, box), text(LEFT, ABOVE + size + 14, "layers down and across"),
    ...colourBar("share", bar, ["0", similarity.unit, number(top)]),
  );
  if (similarity.layers.some(Number.isNaN)) picture.append(...noEvidence(LEFT + bar.width + 14, bar.y));
  const cursor = svg("rect", {
    width: round(box.width - box.gap), height: round(box.height - box.gap), fill: "none", stroke: "var(--ink)",
    "stroke-width": 2, rx: 2, visibility: "hidden", "pointer-events": "none", "data-screen": "",
  });
  picture.append(cursor);
  return { picture, cursor };
}

/** Which cell is pointed at. */
class LayerReader {
  #cell = [0, 0];

  constructor({ picture, cursor }, box, subject) {
    Object.assign(this, { picture, cursor, box, subject });
  }

  listen() {
    const { picture } = this;
    const on = (name, hear) => picture.addEventListener(name, hear);
    on("pointermove", (event) => this.#hover(event));
    on("pointerleave", () => this.#leave());
    on("focus", () => { if (picture.matches(":focus-visible")) this.#point(this.#cell); });
    on("blur", () => this.#leave());
    on("keydown", (event) => this.#key(event));
  }

  #point(cell) {
    const { box, cursor, subject: { atlas: { layers, similarity }, say } } = this;
    const [row, column] = this.#cell = cell;
    cursor.setAttribute("x", round(box.left + column * box.width));
    cursor.setAttribute("y", round(box.top + row * box.height));
    cursor.setAttribute("visibility", "visible");
    const value = similarity.ofLayersInWords(row, column);
    const name = row === column ? `within layer ${layers[row]}` : `layers ${layers[row]} and ${layers[column]}`;
    say(`${name}: ${value}`);
    return { name, value };
  }

  #hover(event) {
    const { box, subject: { atlas, tip } } = this;
    const [x, y] = pointIn(this.picture, event);
    const cell = [Math.floor((y - box.top) / box.height), Math.floor((x - box.left) / box.width)];
    if (cell.some((n) => n < 0 || n >= atlas.layers.length)) { this.#leave(); return; }
    const { name, value } = this.#point(cell);
    tip.show(event, name, [["mean distance", value]]);
  }

  #leave() {
    this.cursor.setAttribute("visibility", "hidden");
    this.subject.tip.hide();
    this.subject.say("");
  }

  #key(event) {
    const step = arrow(event.key);
    if (!step) return;
    const last = this.subject.atlas.layers.length - 1;
    this.#point(this.#cell.map((n, side) => clamp(n + step[side], 0, last)));
    event.preventDefault();
  }
}
