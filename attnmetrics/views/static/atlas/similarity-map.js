// A map of all heads, near one another where they attend alike.

import { headAt, headName } from "../arithmetic/heads.js";
import { number } from "../arithmetic/numbers.js";
import { LEGEND } from "./head-colours.js";
import { scatter } from "./scatter.js";
import { legend, painter } from "./similarity-colours.js";

/** Draw it into a place (see parts.js) in these colours; choose(layer, head) hears a click. Returns the picture. */
export function similarityMap(plot, atlas, colour, choose) {
  const { axes, places } = atlas.similarity;
  const scene = {
    paint: painter(atlas, colour), extra: (layout) => legend(atlas, colour, layout), below: LEGEND, isMap: true,
    tell: (at) => tellHead(atlas, colour, at),
  };
  const ends = { x: { metric: axes, label: 0 }, y: { metric: axes, label: 1 }, places };
  return scatter(plot.host, atlas, ends, { say: plot.say, choose }, scene);
}

/** What is told of a head: the value that colours it, its cluster, and which head attends most like it. */
function tellHead(atlas, { metric, label }, at) {
  const { similarity } = atlas;
  const cluster = similarity.clusterOf(at);
  const told = metric ? [[metric.heading(label), metric.inWords(at, label)]] : [];
  if (!Number.isNaN(cluster)) told.push(["cluster", similarity.clusterName(cluster, atlas.roles)]);
  const [near] = similarity.near(at);
  if (near) told.push(["most like", `${headName(atlas, ...headAt(atlas, near.place))} (${number(near.distance)})`]);
  return told;
}
