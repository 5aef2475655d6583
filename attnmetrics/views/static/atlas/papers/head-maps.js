// Figure 6: a map of all heads, by layer and by cluster.

import { LAYER } from "../../arithmetic/head-colour.js";
import { headHref } from "../../arithmetic/heads.js";
import { CLUSTER } from "../../arithmetic/similarity.js";
import { el } from "../../shared/dom.js";
import { place } from "../parts.js";
import { similarityMap } from "../similarity-map.js";

const HELP = "A dot is a head; heads that spread their attention alike lie close together. A click opens a head.";
const COLOURS = [["By layer", LAYER], ["By cluster", CLUSTER]];

export function headMaps(found, atlas, go) {
  if (!atlas.similarity) {
    found.append(el("p", { class: "note" }, "This run has no similarity of heads."));
    return;
  }
  const maps = COLOURS.map(([name, by]) => ({ name, by, plot: place() }));
  const blocks = maps.map(({ name, plot }) => el("div", {}, el("h3", {}, name), plot.host, plot.status));
  const more = el("a", { href: "#/similarity" }, "the map by any metric, layers, clusters");
  found.append(el("p", { class: "help" }, HELP), el("div", { class: "side-by-side" }, ...blocks), el("p", {}, more));
  const choose = (layer, head) => go(headHref(atlas, layer, head));
  for (const { by, plot } of maps) similarityMap(plot, atlas, { by }, choose);
}
