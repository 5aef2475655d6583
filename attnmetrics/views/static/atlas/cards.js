// Cards that lead to a metric or a head.

import { scaleOf } from "../arithmetic/colours.js";
import { claimHref, placeOf } from "../arithmetic/heads.js";
import { shown } from "../arithmetic/numbers.js";
import { el, sheet } from "../shared/dom.js";
import { cells } from "./map-parts.js";

const WIDTH = 168;
const TALLEST = 240;
const WIDEST_CELL = 24;

/** A small map without words. */
function thumbnail(atlas, metric, label) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const width = Math.min(WIDTH / columns, WIDEST_CELL);
  const height = Math.min(width, TALLEST / rows);
  const scale = scaleOf(metric, label);
  const box = { left: 0, top: 0, width, height, gap: width > 5 ? 1 : 0 };
  const levelAt = (layer, head) => scale.level(metric.at(layer, head, label));
  const map = cells(rows, columns, levelAt, box, scale.name);
  return sheet(columns * width, rows * height, { "aria-hidden": "true" }, map);
}

/** A card that leads to a metric at a label, with its small map. */
export function card(atlas, metric, label, title = metric.heading(label)) {
  const top = metric.top(label);
  const note = Number.isNaN(top) ? "no evidence" : `up to ${shown(metric, top)}`;
  return el("a", { class: "map-card", href: metric.href(label) },
    el("b", {}, title), thumbnail(atlas, metric, label), el("span", { class: "note" }, note));
}

/** A card that leads to a head that stands out. */
export function standoutCard(atlas, { title, metric: name, claim, layer, head, value, median, chance }) {
  const metric = atlas.byName.get(name);
  const beside = chance === null ? [] : [el("span", { class: "note" }, `chance ${shown(metric, chance)}`)];
  const at = [atlas.layers.indexOf(layer), atlas.heads.indexOf(head)];
  const href = claimHref(atlas, ...at, claim);
  const sentence = atlas.roles?.sentence(placeOf(atlas, ...at));
  const does = sentence ? [el("span", { class: "note card-does", title: sentence }, sentence)] : [];
  return el("a", { class: "role-card", href },
    el("span", { class: "role" }, title), el("span", { class: "value" }, shown(metric, value)),
    el("span", { class: "where" }, `layer ${layer} head ${head}`), ...does,
    el("span", { class: "note" }, `median ${shown(metric, median)}`), ...beside);
}
