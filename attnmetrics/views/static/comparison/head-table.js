// All heads at a result: both values, the difference, how clear it is.

import { differenceRows } from "../arithmetic/comparison-csv.js";
import { section, table } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { clearCell, headLink, parted } from "./parts.js";

/** Heads at first. */
const SHOWN = 12;
const HELP = "The largest clear differences first, then those that are not clear.";

export function headTable(comparison, { metric, label, title }) {
  const found = section("All heads", HELP);
  const places = metric.changed(label).flat();
  const header = ["head", ...comparison.names, "difference", "q"];
  const host = el("div", { class: "scroll" });
  const draw = (most) => host.replaceChildren(table("metrics differences", header,
    places.slice(0, most).map((place) => drawRow(comparison, metric, label, place))));
  draw(SHOWN);
  const rows = () => differenceRows(comparison, metric.name, label);
  const buttons = tools(null, rows, `${title} ${comparison.names.join(" ")}`);
  if (places.length > SHOWN) {
    buttons.append(action(`all ${places.length}`, (event) => { draw(places.length); event.target.remove(); }));
  }
  found.append(host, buttons);
  return found;
}

function drawRow(comparison, metric, label, place) {
  const [, ...runs] = comparison.tables(metric.name);
  const cell = (one) => el("td", { class: "value" }, ...parted(one.told(place, label)));
  return [el("th", { scope: "row" }, headLink(comparison, place)), ...[...runs, metric].map(cell),
    clearCell(metric, place, label)];
}
