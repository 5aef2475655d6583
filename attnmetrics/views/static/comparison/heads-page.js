// All heads of a comparison, those that changed most first.

import { headAt } from "../arithmetic/heads.js";
import { crumbs, OVERVIEW, table } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { changeTold, countTold, headLink } from "./parts.js";
import { bar } from "./result-table.js";
import { runChoice } from "./run-choice.js";

/** Heads at first. */
const SHOWN = 30;
const HELP = "In order of their largest clear change, in standard deviations of the first run's heads; heads without "
  + "any come last.";
const HEADER = ["", "head", "values that differ clearly", "", "largest clear change", "standard deviations"];

export function drawHeads(root, comparison, _, go) {
  const places = inOrder(comparison);
  const host = el("div", { class: "scroll" });
  const draw = (most) => host.replaceChildren(table("metrics changed-table", HEADER,
    places.slice(0, most).map((place, n) => drawRow(comparison, place, n + 1))));
  draw(SHOWN);
  const buttons = tools(null, () => csvRows(comparison, places), `heads ${comparison.names.join(" ")}`);
  if (places.length > SHOWN) {
    buttons.append(action(`all ${places.length}`, (event) => { draw(places.length); event.target.remove(); }));
  }
  root.append(crumbs([OVERVIEW], "Heads"), el("h1", {}, "Heads that changed"), ...runChoice(comparison, go),
    el("p", { class: "help" }, HELP), host, buttons);
  return null;
}

function inOrder({ change }) {
  const order = change.order();
  const rest = [...change.result.keys()].filter((place) => change.result[place] < 0);
  return [...order, ...rest];
}

/** What changed most in a head: { name, label }; null without a clear change. */
function largestOf({ change, difference }, place) {
  const result = change.result[place];
  return result < 0 ? null : { name: [...difference.keys()][result], label: change.label[place] };
}

function drawRow(comparison, place, n) {
  const { change } = comparison;
  const [largest, counts] = [largestOf(comparison, place), { clear: change.clear[place], of: change.of[place] }];
  return [
    el("td", { class: "rank" }, String(n)), el("th", { scope: "row" }, headLink(comparison, place)),
    el("td", { class: "value" }, countTold(counts)),
    el("td", { class: "strip-cell" }, bar(counts.clear / Math.max(1, counts.of))),
    el("td", { class: "told" }, ...(largest ? changeTold(comparison, largest, place) : ["–"])),
    el("td", { class: "value" }, largest ? change.size[place].toFixed(2) : ""),
  ];
}

function csvRows(comparison, places) {
  const { change, layers, heads } = comparison;
  const row = (place) => {
    const [layer, head] = headAt(comparison, place);
    const largest = largestOf(comparison, place);
    const metric = largest && comparison.difference.get(largest.name);
    const told = largest
      ? [metric.name, metric.dim ? metric.labels[largest.label] : "", change.size[place]]
      : ["", "", ""];
    return [layers[layer], heads[head], change.clear[place], change.of[place], ...told];
  };
  return [["layer", "head", "differ clearly", "of", "result", "label", "standard deviations"], ...places.map(row)];
}
