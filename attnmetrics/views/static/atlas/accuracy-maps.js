// Maps of a metric with several further dimensions, one for each choice of their labels.

import { headRows } from "../arithmetic/csv.js";
import { el } from "../shared/dom.js";
import { afterFirst } from "../shared/seen.js";
import { headMap } from "./head-map.js";
import { place, section } from "./parts.js";
import { tools } from "./tools.js";

/** The label of a metric at one label of each of its dimensions: `{ rule: "row", rel: "obj" }` is "row, obj". */
const joined = (metric, at) => metric.dim.split(", ").map((dim) => at[dim]).join(", ");

/** maps: [[title, help, { dim: label, … }], …]; choose(layer, head): what a click does. */
export function accuracyMaps(root, atlas, name, maps, choose) {
  const metric = atlas.byName.get(name);
  const grid = el("div", { class: "maps-grid" });
  root.append(grid);
  const sections = maps.map(([title, help]) => section(title, help));
  grid.append(...sections); // all of them, before any asks how wide it is
  maps.forEach(([, , at], n) => {
    const fill = () => drawOne(sections[n], atlas, metric, joined(metric, at), choose);
    if (n) afterFirst(sections[n], fill); else fill();
  });
}

function drawOne(found, atlas, metric, name, choose) {
  const label = metric.place(name);
  const { host, status, say } = place();
  Object.assign(found.dataset, { definition: metric.formula });
  found.append(host, status);
  const picture = headMap(host, atlas, { metric, label }, { say, choose });
  found.append(tools(() => picture, () => headRows(atlas, metric, label), `${metric.name} ${name}`));
}
