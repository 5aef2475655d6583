// Where a head is, as a small map of all heads: what they do, or the first metric where the run has no roles.

import { scaleOf } from "../arithmetic/colours.js";
import { headHref } from "../arithmetic/heads.js";
import { clamp, round } from "../arithmetic/scales.js";
import { el, sheet, svg } from "../shared/dom.js";
import { tooltip } from "../shared/tooltip.js";
import { corner } from "./head-map-scene.js";
import { describe, MapReader } from "./head-map.js";
import { cells } from "./map-parts.js";
import { describeRole, drawRoles } from "./role-map.js";

/** Pixels: of a cell at most, of the map at most. */
const [CELL, WIDEST, TALLEST] = [13, 260, 128];
const EDGE = 2;

export function whereFigure(atlas, { layer, head, name }, go) {
  const metric = atlas.byName.get("null_attention") ?? atlas.metrics[0];
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const [width, height] = [clamp(WIDEST / columns, 2, CELL), clamp(TALLEST / rows, 2, CELL)];
  const box = { left: EDGE, top: EDGE, width, height, gap: Math.min(width, height) < 5 ? 0.5 : 1.5 };
  const label = `Where ${name} is: layers down, heads across. Arrow keys move, Enter opens a head.`;
  const picture = sheet(columns * width + 2 * EDGE, rows * height + 2 * EDGE,
    { class: "head-map where-map", tabindex: 0, role: "group", "aria-label": label });
  const scale = scaleOf(metric, 0);
  const shown = atlas.roles
    ? drawRoles(atlas, { box }).nodes
    : [cells(rows, columns, (a, b) => scale.level(metric.at(a, b, 0)), box, scale.name)];
  const [own, cursor] = [frame(box, "var(--ink)"), frame(box, "var(--baseline)")];
  move(own, box, [layer, head]);
  picture.append(...shown, own, cursor);
  const usual = `Where it is; colours: ${atlas.roles ? "what heads do" : metric.title}`;
  const caption = el("figcaption", { role: "status" }, usual);
  const found = el("figure", { class: "where-is" }, picture, caption);
  const tell = (cell) => (atlas.roles ? describeRole(atlas, cell) : describe({ atlas, metric, label: 0 }, cell));
  const choose = (a, b) => go(headHref(atlas, a, b));
  const say = (words) => { caption.textContent = words || usual; };
  const subject = { atlas, tell, say, choose, tip: tooltip(found) };
  new MapReader({ picture, cursor }, { box }, subject).listen([layer, head]);
  return found;
}

function frame({ width, height, gap }, colour) {
  return svg("rect", {
    width: round(width - gap + 2), height: round(height - gap + 2), fill: "none", stroke: colour, "stroke-width": 2,
    rx: 1, visibility: "hidden", "pointer-events": "none",
  });
}

function move(node, box, cell) {
  const [x, y] = corner(box, cell);
  for (const [name, value] of [["x", round(x - 1)], ["y", round(y - 1)], ["visibility", "visible"]]) {
    node.setAttribute(name, value);
  }
}
