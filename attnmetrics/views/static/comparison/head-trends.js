// A head's values over all runs, those of results with one value a head that move most.

import { trendRows } from "../arithmetic/comparison-csv.js";
import { clamp, extent } from "../arithmetic/scales.js";
import { section } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { el } from "../shared/dom.js";
import { shortHeading, titlesOf } from "./parts.js";
import { trendLines } from "./trend-lines.js";
import { lineOf } from "./trends.js";

/** Charts of a head, and labels of a result that has any. */
const [MOST, FEW] = [6, 4];

export function headTrends(root, comparison, { place, name }) {
  const over = comparison.axis?.name ?? "the runs";
  const found = section(`Over ${over}`, "The values that move most, against how much heads differ in the first run.");
  const grid = el("div", { class: "panels" });
  found.append(grid);
  root.append(found);
  const chosen = mostMoved(comparison, place).slice(0, MOST);
  const blocks = chosen.map(({ table, label }) =>
    el("div", {}, el("h3", {}, el("a", { href: table.href(table.dim ? label : null) }, shortHeading(table, label)))));
  grid.append(...blocks); // all of them, before any asks how wide it is
  chosen.forEach(({ table, label }, n) => {
    const line = lineOf(comparison, { name: table.name, label, place }, "var(--link)");
    const title = `${shortHeading(table, label)}, ${name}`;
    const width = clamp(blocks[n].clientWidth || 320, 260, 460);
    const picture = trendLines(comparison, table, [line], { width, name: title });
    const titles = titlesOf(comparison, `${title}, over ${over}`, table, "", comparison.sources);
    const rows = () => trendRows(comparison, table.name, label, [place]);
    blocks[n].append(picture, tools(() => picture, rows, `${titles[0]} ${comparison.name}`, titles));
  });
}

/** Values { table, label }, those first whose range over the runs is most standard deviations of the first run. */
function mostMoved({ told, first, atlases }, place) {
  const few = told.filter(({ labels }) => labels.length <= FEW).map(({ name }) => first.byName.get(name));
  const all = few.flatMap((table) =>
    Array.from({ length: table.width }, (_, label) => ({ table, label })));
  const size = ({ table, label }) => {
    const [low, high] = extent(atlases.map((atlas) => atlas.byName.get(table.name).column(label)[place]));
    return (high - low) / spread(table.column(label));
  };
  const sized = all.map((one) => ({ ...one, size: size(one) })).filter(({ size: found }) => Number.isFinite(found));
  return sized.sort((a, b) => b.size - a.size);
}

/** The standard deviation of a list, NaN left out. */
function spread(column) {
  const kept = column.filter((value) => !Number.isNaN(value));
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  return Math.sqrt(kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kept.length);
}
