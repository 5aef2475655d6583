// Maps of a metric with several further dimensions, one for each choice of their labels.

import { headRows } from "../arithmetic/csv.js";
import { el } from "../shared/dom.js";
import { headMap } from "./head-map.js";
import { place, section, tools } from "./parts.js";

/** The label of a metric at one label of each of its dimensions: `{ rule: "row", rel: "obj" }` is "row, obj". */
const joined = (metric, at) => metric.dim.split(", ").map((dim) => at[dim]).join(", ");

/** maps: [[title, help, { dim: label, … }], …]; choose(layer, head): what a click does. */
export function accuracyMaps(root, atlas, name, maps, choose) {
  const metric = atlas.byName.get(name);
  const grid = el("div", { class: "maps-grid" });
  root.append(grid);
  for (const [title, help, at] of maps) {
    const label = metric.place(joined(metric, at));
    const { host, status, say } = place();
    const found = section(title, help);
    found.append(host, status);
    grid.append(found);
    const picture = headMap(host, atlas, { metric, label }, { say, choose });
    found.append(tools(() => picture, () => headRows(atlas, metric, label), `${name} ${joined(metric, at)}`));
  }
}
