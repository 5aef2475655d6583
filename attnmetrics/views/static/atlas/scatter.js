// One metric against another, read by pointer and keys.

import { headAt, headName } from "../arithmetic/heads.js";
import { clamp } from "../arithmetic/scales.js";
import { pointIn } from "../shared/dom.js";
import { tooltip } from "../shared/tooltip.js";
import { brush } from "./brush.js";
import { axisName, cross, drawScatter, layoutScatter, nearest } from "./scatter-scene.js";

/** Pixels around a dot that count as pointing at it. */
const GAP = 16;
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * Fill host. x and y: { metric, label }; places: of the heads that are drawn; say: writes the status line;
 * choose(layer, head, event): what a click or Enter does; look: how it is drawn (see scatter-scene.js), tell(place),
 * what is told of a head: [[name, value], …], its values on the axes unless it is given, and brush, [chosen, choose] of
 * brush.js, where a part may be chosen.
 */
export function scatter(host, atlas, { x, y, places }, { say, choose }, look = {}) {
  const isOff = (at) => atlas.evidence.isOff(at);
  const layout = layoutScatter(x, y, places, host.clientWidth, { isOff, ...look });
  const scene = drawScatter(atlas, x, y, layout, look);
  host.replaceChildren(scene.picture);
  new DotReader(scene, layout, { atlas, x, y, say, choose, tell: look.tell, tip: tooltip(host) }).listen();
  if (look.brush) brush(scene.picture, layout, ...look.brush);
  return scene.picture;
}

/** Which dot is pointed at; null for none. */
class DotReader {
  #point = null;

  constructor({ picture, ring, own }, layout, subject) {
    Object.assign(this, { picture, ring, own, layout, subject });
    this.sorted = [...layout.points].sort((a, b) => a.a - b.a);
  }

  listen() {
    const on = (name, hear) => this.picture.addEventListener(name, hear);
    on("pointermove", (event) => this.#hover(event));
    on("pointerleave", () => this.#leave());
    on("click", (event) => this.#choose(event));
    on("keydown", (event) => this.#key(event));
  }

  #show(point) {
    const { subject: { x, y, say }, layout, ring, own } = this;
    this.#point = point;
    ring.setAttribute("visibility", "visible");
    ring.setAttribute("cx", layout.x(point.a));
    ring.setAttribute("cy", layout.y(point.b));
    own.replaceChildren(...(layout.isMap ? [] : cross(x, y, layout, point, { "stroke-width": 2 })));
    say(`${this.#name(point)}: ${this.#inWords(point)}`);
  }

  /** [[name, value], …] of a point. */
  #told(point) {
    const { x, y, tell } = this.subject;
    if (tell) return tell(point.place);
    return [x, y].map((axis) => [axisName(axis), axis.metric.inWords(point.place, axis.label)]);
  }

  #inWords(point) {
    const words = this.#told(point).map(([name, value]) => (this.subject.tell ? `${name} ${value}` : value));
    return words.join(", ");
  }

  #name({ place }) {
    const { atlas } = this.subject;
    const from = atlas.evidence.fromHowMuch(place);
    return headName(atlas, ...headAt(atlas, place)) + (from && `, ${from}`);
  }

  #leave() {
    this.#point = null;
    this.ring.setAttribute("visibility", "hidden");
    this.own.replaceChildren();
    this.subject.tip.hide();
    this.subject.say("");
  }

  #hover(event) {
    const near = nearest(this.layout, pointIn(this.picture, event));
    const isNear = near?.gap <= GAP;
    this.picture.style.cursor = isNear ? "pointer" : "";
    if (!isNear) { this.#leave(); return; }
    this.#show(near.point);
    const sentence = this.subject.atlas.roles?.sentence(near.point.place);
    const lines = [...this.#told(near.point), ...(sentence ? [[sentence, ""]] : [])];
    this.subject.tip.show(event, this.#name(near.point), lines);
  }

  #choose(event) {
    if (this.#point) this.subject.choose(...headAt(this.subject.atlas, this.#point.place), event);
  }

  /** Arrow keys go from left to right. */
  #key(event) {
    const step = STEPS[event.key];
    if (event.key === "Enter" && this.#point) this.#choose(event);
    else if (step && this.sorted.length) {
      const next = this.sorted.indexOf(this.#point) + step;
      this.#show(this.sorted[clamp(next, 0, this.sorted.length - 1)]);
    } else return;
    event.preventDefault();
  }
}
