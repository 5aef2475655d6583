// The map of a metric, read by pointer and keys: values on hover, a click leads to the head.

import { headName, placeOf } from "../arithmetic/heads.js";
import { against, shown } from "../arithmetic/numbers.js";
import { clamp, round } from "../arithmetic/scales.js";
import { pointIn } from "../shared/dom.js";
import { arrow } from "../shared/keys.js";
import { tooltip } from "../shared/tooltip.js";
import { intervalLine } from "./error-bars.js";
import { cellAt, corner, drawMap, layoutMap, linesBelow } from "./head-map-scene.js";

/** The cells of a map take up no more than this part of the window's height, as long as they can be told apart. */
const TALLEST = 0.7;

/**
 * Fill host with the map of a metric at a label.
 *
 * say: writes the status line; choose(layer, head): what a click or Enter does; look: how it is laid out (see
 * head-map-scene.js), and tell(cell), what is told of a head where that is not its value and rank: { name, words,
 * lines }.
 */
export function headMap(host, atlas, { metric, label }, { say, choose }, look = {}) {
  const tall = innerHeight * TALLEST;
  const hasBars = metric.byLayer.some((value) => !Number.isNaN(value));
  const layout = layoutMap(atlas, host.clientWidth, { lines: linesBelow(metric, label), tall, hasBars, ...look });
  const scene = drawMap(atlas, metric, label, layout);
  host.replaceChildren(scene.picture);
  const tell = look.tell ?? ((cell) => describe({ atlas, metric, label }, cell));
  new MapReader(scene, layout, { atlas, tell, say, choose, tip: tooltip(host) }).listen();
  return scene.picture;
}

/** What is told of a head: its name, a line of words, and the lines beside the pointer. */
export function describe({ atlas, metric, label }, [layer, head]) {
  const place = placeOf(atlas, layer, head);
  const name = headName(atlas, layer, head);
  const [value, interval] = metric.told(place, label);
  const from = metric.hasNull ? "" : atlas.evidence.fromHowMuch(place);
  const rankWords = metric.standing(place, label) || unranked(from);
  const beside = besideValue(metric, [layer, head, label], from);
  const spoken = beside.map((pair) => pair.join(" "));
  const sentence = atlas.roles?.sentence(place);
  return {
    name,
    words: [`${name}: ${metric.inWords(place, label)} (${rankWords})`, ...spoken].join(", "),
    lines: [[value, rankWords], ...intervalLine(atlas, interval), ...beside, ...(sentence ? [[sentence, ""]] : [])],
  };
}

const unranked = (from) => (from ? "no rank" : "no evidence");

/**
 * [name, value] of a value's chance level, of the value against it, and of how much attention it is from, as far as
 * there is any.
 */
function besideValue(metric, at, from) {
  const [value, chance] = [metric.at(...at), metric.chanceAt(...at)];
  const told = against(metric, value, chance);
  return [
    ...(Number.isNaN(chance) ? [] : [[metric.chance.caption, shown(metric, chance)]]),
    ...(told ? [["against it", told]] : []), ...(from ? [["nearly switched off", from]] : []),
  ];
}

/**
 * Which cell is pointed at. The subject: tell(cell) gives { name, words, lines }; say, choose, tip; and open, what
 * Enter and a double click do, where that is not what a click does.
 */
export class MapReader {
  #cell = [0, 0];

  constructor({ picture, cursor }, layout, subject) {
    Object.assign(this, { picture, cursor, layout, subject });
  }

  /** From the cell that the keyboard begins at. */
  listen(start = [0, 0]) {
    this.#cell = start;
    const { picture, subject: { choose } } = this;
    const on = (name, hear) => picture.addEventListener(name, hear);
    on("pointermove", (event) => this.#hover(event));
    on("pointerleave", () => this.#leave());
    on("click", (event) => { const cell = this.#find(event); if (cell) choose(...cell); });
    on("dblclick", (event) => { const cell = this.#find(event); if (cell) this.subject.open?.(...cell); });
    on("focus", () => { if (picture.matches(":focus-visible")) this.#point(this.#cell); });
    on("blur", () => this.#leave());
    on("keydown", (event) => this.#key(event));
  }

  #find(event) {
    return cellAt(this.subject.atlas, this.layout, pointIn(this.picture, event));
  }

  #point(cell) {
    this.#cell = cell;
    const [x, y] = corner(this.layout.box, cell);
    this.cursor.setAttribute("x", round(x));
    this.cursor.setAttribute("y", round(y));
    this.cursor.setAttribute("visibility", "visible");
    const told = this.subject.tell(cell);
    this.subject.say(told.words);
    return told;
  }

  #hover(event) {
    const cell = this.#find(event);
    if (!cell) { this.#leave(); return; }
    const { name, lines } = this.#point(cell);
    this.subject.tip.show(event, name, lines);
    this.picture.style.cursor = "pointer";
  }

  #leave() {
    this.cursor.setAttribute("visibility", "hidden");
    this.subject.tip.hide();
    this.subject.say("");
  }

  #key(event) {
    const step = arrow(event.key);
    const { choose, open = choose } = this.subject;
    if (event.key === "Enter") open(...this.#cell);
    else if (step) this.#step(this.#next(step));
    else return;
    event.preventDefault();
  }

  /** Go to a cell by keyboard: it stays in the window, and what is told of it stands beside it. */
  #step(cell) {
    const { name, lines } = this.#point(cell);
    this.cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    const { right, bottom } = this.cursor.getBoundingClientRect();
    this.subject.tip.show({ clientX: right, clientY: bottom }, name, lines);
  }

  #next([down, right]) {
    const { layers, heads } = this.subject.atlas;
    const [layer, head] = this.#cell;
    return [clamp(layer + down, 0, layers.length - 1), clamp(head + right, 0, heads.length - 1)];
  }
}
