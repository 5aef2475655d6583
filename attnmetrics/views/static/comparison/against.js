// A result in one run against the other: a dot a head, its intervals as a cross, the line on which nothing differs.

import { differenceRows } from "../arithmetic/comparison-csv.js";
import { round } from "../arithmetic/scales.js";
import { place, section } from "../atlas/parts.js";
import { scatter } from "../atlas/scatter.js";
import { tools } from "../atlas/tools.js";
import { el, svg } from "../shared/dom.js";
import { headLink, parted, tellOf, titlesOf } from "./parts.js";
import { FIRST, OTHER } from "./run-choice.js";

/** Heads named beside the plot, and heads of which each has a cross. */
const [NAMED, CROSSES] = [10, 1000];
const HELP = "A dot is a head, its cross the intervals in both runs; on the line nothing differs. Hollow dots do not "
  + "differ clearly.";

export function against(root, comparison, { metric, label, title }, choose) {
  const found = section("One against the other", HELP);
  const { host, status, say } = place();
  const list = el("div", { class: "ranked" }, ...changedList(comparison, metric, label));
  found.append(el("div", { class: "metric-page wider" }, el("div", {}, host, status), list));
  root.append(found);
  const [, x, y] = comparison.tables(metric.name);
  const axes = [x, y].map((table, n) => ({ metric: table, label, name: comparison.names[n] }));
  const places = [...metric.column(label).keys()];
  const tell = tellOf(comparison, metric.name, label);
  const look = {
    isSame: true, isOff: () => false, isHollow: (at) => metric.isStriped(at, label), tell: (at) => tell(at).lines,
    crosses: CROSSES, paint: colourOf(metric, label), extra: diagonal,
  };
  const picture = scatter(host, comparison, { x: axes[0], y: axes[1], places }, { say, choose }, look);
  const rows = () => differenceRows(comparison, metric.name, label);
  const titles = titlesOf(comparison, title, metric, HELP);
  host.after(tools(() => picture, rows, `${title} ${comparison.names.join(" ")}`, titles));
}

/** The colour of the run that has more; grey where that is not clear. */
const colourOf = (metric, label) => (at) => {
  if (metric.isStriped(at, label)) return "var(--muted)";
  return metric.column(label)[at] < 0 ? FIRST : OTHER;
};

/** Where both runs have the same value. */
function diagonal({ x, y, xs: [low, high] }) {
  const ends = { x1: round(x(low)), y1: round(y(low)), x2: round(x(high)), y2: round(y(high)) };
  const look = { stroke: "var(--muted)", "stroke-width": 1, "stroke-dasharray": "4 4", class: "diagonal" };
  return [svg("line", { ...ends, ...look })];
}

/** The heads with the largest clear differences. */
function changedList(comparison, metric, label) {
  const [clear, unclear] = metric.changed(label);
  const number = (at) => el("span", { class: "number" }, ...parted(metric.told(at, label)));
  const item = (at) => el("li", {}, headLink(comparison, at), number(at));
  const none = el("p", { class: "note" }, "No head differs clearly.");
  const note = el("p", { class: "note" }, `${unclear.length} heads are not clear.`);
  const most = clear.slice(0, NAMED);
  const list = el("ol", { class: "heads-list" }, ...most.map(item));
  return [el("h2", {}, "Largest clear differences"), most.length ? list : none, ...(unclear.length ? [note] : [])];
}
