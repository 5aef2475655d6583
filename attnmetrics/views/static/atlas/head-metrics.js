// A head's metrics on its page: their values, ranks, chance levels, and where they lie among all heads.

import { metricRows } from "../arithmetic/csv.js";
import { placeOf } from "../arithmetic/heads.js";
import { against, shown } from "../arithmetic/numbers.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { fromHowMuch } from "./evidence.js";
import { measuresOf } from "./head-card.js";
import { section, table } from "./parts.js";
import { strip } from "./strip.js";
import { tools } from "./tools.js";

/** A metric with more labels than this is not told label by label, but for the offsets that most readers ask for. */
const FEW = 4;
const OFFSETS = ["0", "1"];
const TICKS = "Every tick is a head that has a rank, a dark one several; the dot is this one.";
const HEADER = ["metric", "value", "rank, from the highest", "among all heads"];

export function metricSection(atlas, { layer, head, name }) {
  const about = [ofRanks(atlas), ofIntervals(atlas)].join(" ");
  const found = section("All its metrics");
  found.append(el("p", { class: "help" }, el("span", { class: "of-ticks" }, TICKS), ` ${about}`.trimEnd()));
  const lines = atlas.metrics.flatMap((metric) => labelsTold(metric).map((label) => ({ metric, label })));
  const short = new Map(measuresOf(atlas));
  const first = lines.filter(({ metric, label }) => short.get(metric) === label);
  const rows = (some) => some.map((line) => row(atlas, line, layer, head));
  const host = el("div", { class: "scroll" });
  const draw = (some) => host.replaceChildren(table("metrics full", HEADER, rows(some)));
  const save = tools(null, () => metricRows(atlas, layer, head), name);
  draw(first.length ? first : lines);
  if (first.length && first.length < lines.length) save.append(allButton(lines, first, draw, host));
  found.append(host, save);
  return found;
}

/** A button that draws all rows, and leads the keyboard to the first of those that were not there. */
function allButton(lines, first, draw, host) {
  return action(`all ${lines.length}`, (event) => {
    draw(lines);
    event.target.remove();
    host.querySelectorAll("tbody tr")[lines.findIndex((line) => !first.includes(line))].querySelector("a").focus();
  });
}

/** What is to be said of ranks. */
function ofRanks({ metrics, evidence: { off } }) {
  const beyond = "Where it is told what a head's distances alone would give, ranks are by what is beyond that.";
  const without = "Heads that are nearly switched off have a rank only where null pieces count.";
  return [...(metrics.some(({ excess }) => excess) ? [beyond] : []), ...(off.length ? [without] : [])].join(" ");
}

/** What is to be said of intervals. */
const ofIntervals = ({ interval_title: title }) =>
  (title ? `In brackets: the ${title}; ? where it comes from few shards.` : "");

function labelsTold(metric) {
  if (!metric.dim) return [0];
  if (metric.dim === "offset") return OFFSETS.map((one) => metric.place(one)).filter((label) => label >= 0);
  return metric.labels.length <= FEW ? [...metric.labels.keys()] : [];
}

function row(atlas, { metric, label }, layer, head) {
  const value = metric.at(layer, head, label);
  const chance = metric.chanceAt(layer, head, label);
  const place = placeOf(atlas, layer, head);
  const told = against(metric, value, chance);
  const words = `${metric.chance?.caption} ${shown(metric, chance)}${told && `, ${told}`}`;
  const beside = Number.isNaN(chance) ? [] : [" ", el("span", { class: "chance" }, words)];
  const [text, interval] = metric.told(place, label);
  const why = metric.competes(place) ? "no evidence" : "no rank";
  return [
    el("th", { scope: "row" }, el("a", { href: metric.href(label) }, metric.heading(label))),
    el("td", { class: "value" }, text, ...bracketed(interval), ...beside, ...fromHowMuch(atlas, metric, place)),
    el("td", { class: "rank" }, metric.standing(place, label) || why),
    el("td", { class: "strip-cell" }, strip(metric, label, place)),
  ];
}
