// A part of a plot, chosen by drawing a rectangle with the pointer.

import { clamp, linear, round } from "../arithmetic/scales.js";
import { pointIn, svg } from "../shared/dom.js";

/** Pixels that a pointer moves before it draws; less is a click. */
const LEAST = 5;

/**
 * Let a part of a scatter be chosen. layout: as in scatter-scene.js; chosen: { x: [from, to], y: [from, to] } in the
 * axes' values, or null; choose: hears another one, null after a click beside all dots.
 */
export function brush(picture, layout, chosen, choose) {
  const area = svg("rect", { class: "brush", visibility: "hidden", "data-screen": "" });
  picture.append(area);
  if (chosen) put(area, [layout.x(chosen.x[0]), layout.y(chosen.y[1])], [layout.x(chosen.x[1]), layout.y(chosen.y[0])]);
  let start = null;
  picture.addEventListener("pointerdown", (event) => { start = event.button === 0 ? pointIn(picture, event) : null; });
  picture.addEventListener("pointermove", (event) => {
    if (!start || !isFar(start, pointIn(picture, event))) return;
    picture.setPointerCapture(event.pointerId);
    put(area, ...corners(start, pointIn(picture, event), layout.box));
  });
  picture.addEventListener("pointerup", (event) => {
    const end = pointIn(picture, event);
    const from = start;
    start = null;
    if (!from || !isFar(from, end)) return;
    swallowClick();
    choose(valuesOf(layout, corners(from, end, layout.box)));
  });
}

const isFar = ([x, y], [a, b]) => Math.hypot(a - x, b - y) >= LEAST;

/** The upper left and the lower right corner, within the plot. */
function corners([x, y], [a, b], { left, right, top, bottom }) {
  const [xs, ys] = [[x, a].sort((m, n) => m - n), [y, b].sort((m, n) => m - n)];
  const at = (n) => [clamp(xs[n], left, right), clamp(ys[n], top, bottom)];
  return [at(0), at(1)];
}

function put(area, [left, top], [right, bottom]) {
  const size = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
  for (const [name, value] of Object.entries(size)) area.setAttribute(name, round(value));
  area.setAttribute("visibility", "visible");
}

/** Pixels as values of the axes. */
function valuesOf({ box, xs, ys }, [[left, top], [right, bottom]]) {
  const [x, y] = [linear([box.left, box.right], xs), linear([box.bottom, box.top], ys)];
  return { x: [x(left), x(right)], y: [y(bottom), y(top)] };
}

/** A pointer that drew something clicks nothing. */
function swallowClick() {
  const stop = (event) => event.stopPropagation();
  addEventListener("click", stop, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", stop, true));
}
