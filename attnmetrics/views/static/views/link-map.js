// Which heads link two tokens: a map of all heads of all layers.

import { weight } from "../arithmetic/numbers.js";
import { nameOf } from "../arithmetic/tokens.js";
import { choice } from "../shared/controls.js";
import { el, sheet, svg, text, title } from "../shared/dom.js";

const MARGIN = { left: 30, top: 20 };
const CELL = { most: 18, least: 8 };
/** Pixels that a map takes at most, down. */
const TALLEST = 420;
/** Numbers beside a map have this much room. */
const ROOM = 20;

/**
 * Fill host: the map of the weights between a held token and another one, which a menu names.
 *
 * link: { held { side, place }, own and others (tokens), between(place) [layer][head], place of the other token or null
 * for the one with the largest weight, layer that is shown }; pick(layer, head) hears of a cell that is chosen.
 */
export function drawLinkMap(host, data, { held, own, others, between, place, layer }, pick) {
  const from = nameOf(own, held.place);
  const other = place ?? strongestOther(others, between);
  const map = el("div", { class: "scroll" });
  const draw = (to) => {
    const ends = held.side === "left" ? [from, nameOf(others, to)] : [nameOf(others, to), from];
    map.replaceChildren(picture(data, between(to), { name: `${ends[0]} → ${ends[1]}`, layer }, pick));
  };
  const entries = others.map((_, to) => [to, nameOf(others, to)]);
  const question = `Which heads link ${from} ${held.side === "left" ? "to" : "from"}`;
  const menu = choice(question, entries, other, (to) => draw(Number(to)));
  host.replaceChildren(menu, map);
  draw(other);
}

function strongestOther(others, between) {
  const tops = others.map((_, place) => Math.max(...between(place).flat()));
  return tops.indexOf(Math.max(...tops));
}

function picture(data, values, { name, layer }, pick) {
  const fits = Math.floor(TALLEST / data.layers.length);
  const cell = Math.max(CELL.least, Math.min(CELL.most, fits));
  const [width, height] = [MARGIN.left + cell * data.heads.length + 150, MARGIN.top + cell * data.layers.length + 8];
  const top = Math.max(...values.flat());
  const drawn = sheet(width, height, { class: "link-map", role: "group", "aria-label": `${name} in every head` });
  drawn.append(...axes(data, cell));
  const at = (row, column) => ({ x: MARGIN.left + cell * column, y: MARGIN.top + cell * row });
  values.forEach((heads, row) => heads.forEach((value, column) => {
    const told = `layer ${data.layers[row]} head ${data.heads[column]}: ${name} ${weight(value)}`;
    const ground = { ...at(row, column), width: cell - 1, height: cell - 1 };
    const shape = svg("rect", {
      ...ground, fill: "var(--link)", "fill-opacity": (value / (top || 1)).toFixed(4), class: "linked", tabindex: -1,
      role: "button", "aria-label": told, "data-layer": row, "data-head": column, "data-weight": value.toFixed(6),
    }, title(told));
    shape.addEventListener("click", () => pick(row, column));
    drawn.append(svg("rect", { ...ground, fill: "var(--card)" }), shape);
  }));
  const own = { ...at(layer, 0), width: cell * data.heads.length - 1, height: cell - 1 };
  const frame = { fill: "none", stroke: "var(--ink)", "pointer-events": "none", "data-screen": "" };
  drawn.append(svg("rect", { ...own, ...frame }));
  drawn.append(...legend(top, width - 140));
  return drawn;
}

function axes(data, cell) {
  const every = Math.ceil(ROOM / cell);
  const told = (labels) => [...labels.entries()].filter(([place]) => place % every === 0);
  const middle = { "text-anchor": "middle" };
  const heads = told(data.heads).map(([place, head]) => text(MARGIN.left + cell * (place + 0.5), 14, head, middle));
  const layers = told(data.layers).map(([place, layer]) =>
    text(MARGIN.left - 6, MARGIN.top + cell * (place + 0.5) + 4, layer, { "text-anchor": "end" }));
  return [...heads, ...layers];
}

/** What the colours mean. */
function legend(top, x) {
  const steps = Array.from({ length: 11 }, (_, n) => n / 10);
  const step = (share) => svg("rect", {
    x: x + 80 * share, y: MARGIN.top + 4, width: 8, height: 10, fill: "var(--link)", "fill-opacity": share,
  });
  return [
    ...steps.map(step), text(x, MARGIN.top + 28, "0"),
    text(x + 88, MARGIN.top + 28, weight(top), { "text-anchor": "end" }),
    text(x, MARGIN.top + 46, "Layers ↓ heads →"),
  ];
}
