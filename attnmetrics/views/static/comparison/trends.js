// A result over all runs: lines of the heads that changed most, and a small line of every head.

import { trendRows } from "../arithmetic/comparison-csv.js";
import { headHref } from "../arithmetic/heads.js";
import { clamp, extent } from "../arithmetic/scales.js";
import { section } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { el } from "../shared/dom.js";
import { shortName, titlesOf } from "./parts.js";
import { headGrid } from "./head-grid.js";
import { trendLines } from "./trend-lines.js";

/** Heads with lines of their own. */
const LINES = 5;
const LINES_HELP = "Lines are the heads that move most between any two runs, with their intervals.";
const GRID_HELP = "layers go down, heads across, all on one scale; a line ends in a dot.";
const COLOURS = [0, 1, 2, 3, 4].map((n) => `var(--head-${n})`);

export function trendSection(root, comparison, { metric, label, title }, choose) {
  const { axis } = comparison;
  const over = axis?.name ?? "the runs";
  const found = section(`Over ${over}`, `${LINES_HELP} Beneath, every head: ${GRID_HELP}`);
  root.append(found);
  const places = mostMoved(comparison, metric.name, label);
  const width = clamp(found.clientWidth || 700, 280, 900);
  const line = (place, n) => lineOf(comparison, { name: metric.name, label, place }, COLOURS[n]);
  const lines = places.slice(0, LINES).map(line);
  const picture = trendLines(comparison, comparison.first.byName.get(metric.name), lines, { width, name: title });
  const grid = headGrid(comparison, { name: metric.name, label, title }, width, choose);
  const rows = () => trendRows(comparison, metric.name, label, [...metric.column(label).keys()]);
  const [words, name] = [`${title} over ${over}`, `${title} over ${over} ${comparison.name}`];
  const titles = (legend) => titlesOf(comparison, words, metric, legend, comparison.sources);
  found.append(picture, tools(() => picture, rows, name, titles(LINES_HELP)), el("h3", {}, "Every head"), ...grid.nodes,
    tools(() => grid.picture, rows, `${name} heads`, titles(GRID_HELP)));
}

/** Places of heads, those first whose value has the widest range over all runs. */
function mostMoved({ atlases }, name, label) {
  const columns = atlases.map((atlas) => atlas.byName.get(name).column(label));
  const range = (place) => {
    const [low, high] = extent(columns.map((column) => column[place]));
    return high - low;
  };
  const ranges = [...columns[0].keys()].map(range);
  const known = [...ranges.keys()].filter((place) => ranges[place] > 0);
  return known.sort((a, b) => ranges[b] - ranges[a] || a - b);
}

/** The line of a head's value. */
export function lineOf(comparison, { name, label, place }, colour, called = null) {
  const tables = comparison.atlases.map((atlas) => atlas.byName.get(name));
  const short = called ?? shortName(comparison, place);
  const [layer, head] = [Math.floor(place / comparison.heads.length), place % comparison.heads.length];
  return {
    name: short, colour, href: headHref(comparison, layer, head),
    value: (run) => tables[run].column(label)[place], bounds: (run) => tables[run].bounds(place, label),
    words: (run) => `${short}, ${comparison.runs[run].name}: ${tables[run].inWords(place, label)}`,
  };
}
