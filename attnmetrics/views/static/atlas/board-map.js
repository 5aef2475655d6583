// The map on the board: rows as low as it takes to have all layers on one screen, what the colours mean apart from it.

import { scaleOf } from "../arithmetic/colours.js";
import { headAt, placeOf } from "../arithmetic/heads.js";
import { clamp, round } from "../arithmetic/scales.js";
import { sheet, svg, text } from "../shared/dom.js";
import { corner, scaleWords } from "./head-map-scene.js";
import { describe, MapReader } from "./head-map.js";
import { cells, colourBar, columnNumbers, noEvidence, rowNumbers, stripedCell, withBeneath } from "./map-parts.js";
import { describeRole, drawRoles, roleLegend } from "./role-map.js";

const [LEFT, ABOVE, BELOW] = [34, 22, 20];
/** A map is no taller than this part of the window. */
const TALLEST = 0.62;
const [LOWEST, HIGHEST] = [9, 36];
const WIDEST = 64;
const OF_ONE = "Coloured: the heads that have this role, first of all or besides another, the fuller the higher their "
  + "best score in it.";
const FRAMED = "framed: the role's heads";
const OF_ROLES = "Coloured by what a head does first of all, by rules over the run's results. Numbers: heads "
  + "that do it first of all + besides another.";

/** The same in a file, which has no such numbers. */
export const OF_ROLES_IN_FILE = "Coloured by what a head does first of all, by the rules of attnmetrics "
  + "(describing/rules.yaml). What each rule asks for, the atlas tells under Find heads.";

/**
 * Fill host with the map of { metric, label }, the heads of a role framed; that of roles, where it is null.
 *
 * subject: tell(place) hears which head is pointed at, rest() that none is any more; choose(layer, head) a click,
 * open(layer, head) a double click or Enter. Returns
 * { picture, legend, light(role or null), mark([layer, head] or null), file() }, the last for the picture as a file has
 * it: with what the colours mean beneath.
 */
export function boardMap(host, atlas, shown, subject, role = null) {
  const layout = layoutBoard(atlas, host.clientWidth);
  const words = `${shown ? shown.metric.heading(shown.label) : "What each head does"}: layers down, heads across. `
    + "Arrow keys move, Enter opens a head.";
  const attributes = { class: "head-map board-map", tabindex: 0, role: "group", "aria-label": words };
  const picture = sheet(layout.width, layout.height, attributes);
  const { nodes, light } = shown ? drawMetric(atlas, shown, layout, role) : drawRoles(atlas, layout);
  const [cursor, pin] = [frame(layout.box, "var(--ink)"), frame(layout.box, "var(--baseline)")];
  const numbers = [...columnNumbers(atlas.heads, layout.box, ABOVE - 6), ...rowNumbers(atlas.layers, layout.box)];
  picture.append(...nodes, ...numbers, text(LEFT, layout.height - 6, "heads across, layers down"), pin,
    cursor);
  host.replaceChildren(picture);
  listen({ picture, cursor }, layout, { atlas, shown, subject });
  const ofRoles = role ? OF_ONE : OF_ROLES;
  const legend = shown ? scaleAbove(atlas, shown, role) : ofRoles;
  const meaning = () => (shown ? scaleAbove(atlas, shown, role) : roleLegend(atlas, layout.width - LEFT));
  const file = () => withBeneath(picture, meaning());
  return { picture, legend, light, mark: (cell) => place(pin, layout.box, cell), file };
}

/** Pixels: { width, height } of the picture, box { left, top, width, height, gap } of cells. */
function layoutBoard(atlas, available) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const width = clamp(((available || 700) - LEFT - 4) / columns, LOWEST, WIDEST);
  const height = clamp(Math.min(width, (innerHeight * TALLEST) / rows), LOWEST, HIGHEST);
  const box = { left: LEFT, top: ABOVE, width, height, gap: 1.5 };
  return { box, width: LEFT + columns * width + 4, height: ABOVE + rows * height + BELOW };
}

function drawMetric(atlas, { metric, label }, { box }, role) {
  const scale = scaleOf(metric, label);
  const levelAt = (layer, head) => scale.level(metric.at(layer, head, label));
  const isOff = (layer, head) => atlas.evidence.isOff(placeOf(atlas, layer, head));
  const nodes = [cells(atlas.layers.length, atlas.heads.length, levelAt, { ...box, isOff }, scale.name)];
  if (role) nodes.push(...atlas.roles.holders(role.name).map((one) => held(headAt(atlas, one.place), box)));
  return { nodes, light: () => {} };
}

/** What shows that the head of a cell has the role that is looked for. */
function held(cell, box) {
  const node = frame(box, "var(--ink)");
  node.removeAttribute("data-screen");
  node.setAttribute("class", "held");
  node.setAttribute("stroke-width", 1.2);
  place(node, box, cell);
  return node;
}

/** The meaning of the colours, which stands above the map. */
function scaleAbove(atlas, { metric, label }, role) {
  const scale = scaleOf(metric, label);
  const reach = metric.usualReach(label);
  const more = [...(reach ? [`${atlas.interval_title}: ${reach}`] : []), ...(role ? [FRAMED] : [])].join(" · ");
  const picture = sheet(560, more ? 62 : 46, { class: "scale", role: "img", "aria-label": "What the colours mean" });
  const bar = colourBar(scale.name, { x: 0, y: 18, width: 220, gap: 21 }, scaleWords(metric, scale));
  picture.append(text(0, 11, metric.heading(label), { "font-size": 12, fill: "var(--ink)" }), ...bar);
  if (more) picture.append(text(0, 58, more));
  if (metric.unknown(label)) picture.append(...noEvidence(238, 18));
  if (atlas.evidence.off.length) picture.append(...stripedCell(332, 18, "nearly switched off"));
  return picture;
}

function frame(box, colour) {
  return svg("rect", {
    width: round(box.width - box.gap), height: round(box.height - box.gap), fill: "none", stroke: colour,
    "stroke-width": 2, rx: 2, visibility: "hidden", "pointer-events": "none", "data-screen": "",
  });
}

function place(node, box, cell) {
  node.setAttribute("visibility", cell ? "visible" : "hidden");
  if (!cell) return;
  const [x, y] = corner(box, cell);
  node.setAttribute("x", round(x));
  node.setAttribute("y", round(y));
}

function listen(scene, layout, { atlas, shown, subject }) {
  const tell = (cell) => {
    subject.tell(placeOf(atlas, ...cell));
    return shown ? describe({ atlas, ...shown }, cell) : describeRole(atlas, cell);
  };
  const say = () => {}; // the card says it
  const tip = { show: () => {}, hide: () => subject.rest() };
  const { choose, open } = subject;
  new MapReader(scene, layout, { atlas, tell, say, choose, open, tip }).listen();
}
