// How alike heads attend, as the page's data has it: a map of all heads, clusters, the nearest of each, layers.

import { colourQuery, readColour } from "./head-colour.js";
import { bear, inBrackets } from "./intervals.js";
import { shown } from "./numbers.js";

/** What a colour by cluster is called in an address. */
export const CLUSTER = "cluster";

export class Similarity {
  /**
   * axes: the places on the map, a table of two labels; arrays: { cluster [head], others [head, n] places of the
   * nearest heads, distances [head, n], layers [layer, layer], bounds of these or null }; unit: of distances; shares:
   * what the axes hold; usual: the quartiles of all pairs' distances, none without a pair.
   */
  constructor(axes, arrays, { unit, shares, rows, usual = [] }) {
    Object.assign(this, { axes, ...arrays, unit, shares, rows, usual });
  }

  /** Heads that have a place. */
  get places() {
    return [...this.axes.order(0)].sort((a, b) => a - b);
  }

  /** The number of a head's cluster; NaN without one. */
  clusterOf(place) {
    return this.cluster[place];
  }

  /** [{ number, places }], by number. */
  clusters() {
    const found = new Map();
    this.cluster.forEach((number, place) => {
      if (Number.isNaN(number)) return;
      if (!found.has(number)) found.set(number, []);
      found.get(number).push(place);
    });
    return [...found].sort(([a], [b]) => a - b).map(([number, places]) => ({ number, places }));
  }

  /** What a cluster is called: its number, and the role that most of its heads have, if there is one. */
  clusterName(number, roles) {
    const shared = roles?.sharedBy(this.clusters().find((one) => one.number === number).places);
    return shared ? `${number}, ${shared}` : String(number);
  }

  /** The heads that attend most like one, the nearest first: [{ place, distance }]. */
  near(place) {
    const width = this.others.length / this.cluster.length;
    const own = Array.from({ length: width }, (_, n) => place * width + n);
    return own.map((n) => ({ place: this.others[n], distance: this.distances[n] }))
      .filter(({ distance }) => !Number.isNaN(distance));
  }

  /** The mean distance between heads of two layers. */
  ofLayers(layer, other) {
    return this.layers[this.#pair(layer, other)];
  }

  /** It in words, and its interval where that is known. */
  ofLayersInWords(layer, other) {
    const [value, table] = [this.ofLayers(layer, other), { kind: "mean", unit: this.unit }];
    if (Number.isNaN(value)) return "no evidence";
    const bounds = this.bounds?.at(this.#pair(layer, other));
    return inBrackets(bounds ? bear(table, value, ...bounds) : [shown(table, value), ""]);
  }

  /** It, and its bounds where they are known. */
  cellsOfLayers(layer, other) {
    return [this.ofLayers(layer, other), ...(this.bounds ? this.bounds.at(this.#pair(layer, other)) : [])];
  }

  #pair(layer, other) {
    return layer * Math.sqrt(this.layers.length) + other;
  }
}

/** What an address says of the colour (see head-colour.js). */
export const readSimilarityColour = (atlas, query) => readColour(atlas, query, [CLUSTER]);

/** The address of a colour; the usual goes unsaid. */
export function writeSimilarityColour(colour) {
  const query = new URLSearchParams(colourQuery(colour));
  return query.size ? `#/similarity?${query}` : "#/similarity";
}
