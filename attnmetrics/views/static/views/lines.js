// Two columns of tokens and the attention between them, read by pointer and keys: the drawing of the head view, and of
// one enlarged head.

import { lineAt, linesOf, pairOf } from "../arithmetic/lines.js";
import { sentence } from "../arithmetic/lines-words.js";
import { weight } from "../arithmetic/numbers.js";
import { clamp } from "../arithmetic/scales.js";
import { nameOf } from "../arithmetic/tokens.js";
import { headColour, pointIn } from "../shared/dom.js";
import { isPress } from "../shared/keys.js";
import { drawBoxes, drawLine, drawNumbers, drawScene, emphasise, layoutLines } from "./lines-scene.js";

/**
 * Draw attention and let a person read it.
 *
 * host: element that is filled; say: writes the status line; tip: a tooltip; width: in pixels; focus: the token that is
 * held at first, { side: "left" or "right", place }, or null;
 * scene: rows and columns (tokens), series [{ head, at(i, j) }], label; where wanted, inset (pixels left free),
 * decorate (draws there), note (for the status line), onPin (hears which token is held), onPair (hears where the other
 * token is, once the pointer has rested on it).
 */
export function drawLines(host, { say, tip }, scene, width, focus = null) {
  const reader = new LinesReader(scene, layoutLines(scene, width), { say, tip });
  host.replaceChildren(reader.picture);
  scene.decorate?.(reader.picture, reader.layout.y);
  reader.open(focus);
  return reader.picture;
}

const isSame = (a, b) => a?.side === b?.side && a?.place === b?.place;

/** Milliseconds after which a pointer rests on a token, and is not on its way across. */
const REST = 150;

/** Which token is pointed at, which is held, and what is shown of it. An end is { side, place }. */
class LinesReader {
  #hover = null;
  #held = null;
  #marked = null;
  #resting = 0;

  constructor(scene, layout, { say, tip }) {
    Object.assign(this, { scene, layout, say, tip, parts: drawScene(scene, layout) });
    this.picture = this.parts.picture;
    this.all = linesOf(scene, layout.y, null);
    this.drawn = this.all;
    this.parts.whole.append(...this.all.map((line) => drawLine(layout, line)));
    for (const side of ["left", "right"]) {
      this.parts.tokens[side].forEach(({ hit }, place) => this.#listen(hit, { side, place }));
    }
    this.picture.addEventListener("pointermove", (event) => this.#tellLine(event));
    this.picture.addEventListener("pointerleave", tip.hide);
  }

  open(held) {
    this.#held = held;
    this.#update();
  }

  #listen(hit, end) {
    const on = (name, hear) => hit.addEventListener(name, hear);
    on("pointerenter", (event) => { this.#point(end); this.#tellPair(event); });
    on("pointermove", (event) => this.#tellPair(event));
    on("pointerleave", () => { this.tip.hide(); this.#point(null); });
    on("focus", () => { if (hit.matches(":focus-visible")) this.#point(end); });
    on("blur", () => this.#point(null));
    on("click", () => this.#hold(end));
    on("keydown", (event) => this.#key(event, end));
  }

  #point(end) {
    const held = this.#held;
    this.#hover = end;
    this.#update();
    clearTimeout(this.#resting);
    if (end && held && held.side !== end.side && this.scene.onPair) {
      this.#resting = setTimeout(() => this.scene.onPair(end.place), REST);
    }
  }

  /** Hold a token, or let go of it. */
  #hold(end) {
    this.#held = this.#held && isSame(this.#held, end) ? null : end;
    this.scene.onPin?.(this.#held);
    this.#update();
  }

  #key(event, end) {
    const next = this.#neighbour(event.key, end);
    if (next) next.hit.focus();
    else if (isPress(event.key)) this.#hold(end);
    else if (event.key === "Escape" && this.#held) {
      this.#hold(this.#held);
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }

  /** The token that a key leads to. */
  #neighbour(key, { side, place }) {
    const { tokens } = this.parts;
    const own = tokens[side].length;
    const targets = {
      ArrowUp: [side, place - 1], ArrowDown: [side, place + 1], Home: [side, 0], End: [side, own - 1],
      ArrowLeft: ["left", place], ArrowRight: ["right", place],
    };
    const [to, at] = targets[key] ?? [];
    return to && tokens[to][clamp(at, 0, tokens[to].length - 1)];
  }

  /** The weights between the held and the hovered token, head by head. */
  #tellPair(event) {
    const [held, hover] = [this.#held, this.#hover];
    if (!held || !hover || held.side === hover.side) { this.tip.hide(); return; }
    const [i, j] = pairOf(held, hover.place);
    const lines = this.scene.series.map(({ head, at }) => [`head ${head}`, weight(at(i, j)), headColour(head)]);
    this.tip.show(event, this.#pairName(i, j), lines);
  }

  /** The line that the pointer is near. */
  #tellLine(event) {
    if (event.target.classList.contains("token")) return;
    const [x, y] = pointIn(this.picture, event);
    const { x0, x1 } = this.layout;
    const line = lineAt(this.drawn, (x - x0) / (x1 - x0), y);
    if (!line) { this.tip.hide(); return; }
    const told = [`head ${line.head}`, weight(line.weight), headColour(line.head)];
    this.tip.show(event, this.#pairName(line.i, line.j), [told]);
  }

  #pairName(i, j) {
    return `${nameOf(this.scene.rows, i)} → ${nameOf(this.scene.columns, j)}`;
  }

  #update() {
    const end = this.#held ?? this.#hover;
    this.drawn = end ? linesOf(this.scene, this.layout.y, end) : this.all;
    this.#show(end);
    this.#mark(end);
    this.say(sentence(this.scene, end, this.drawn.length));
  }

  #show(end) {
    const { scene, layout, parts } = this;
    parts.whole.setAttribute("visibility", end ? "hidden" : "visible");
    parts.lines.replaceChildren(...(end ? this.drawn.map((line) => drawLine(layout, line)) : []));
    parts.boxes.replaceChildren(...(end ? drawBoxes(scene, layout, end) : []));
    parts.numbers.replaceChildren(...(end ? drawNumbers(scene, layout, end) : []));
    for (const side of ["left", "right"]) {
      parts.groups[side].setAttribute("fill-opacity", end?.side === side ? 0.35 : 1);
    }
  }

  #mark(end) {
    const { tokens } = this.parts;
    if (this.#marked) emphasise(tokens[this.#marked.side][this.#marked.place], false);
    this.#marked = end;
    if (end) emphasise(tokens[end.side][end.place], true, isSame(end, this.#held));
  }
}
