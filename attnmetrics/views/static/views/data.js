// The data of a view's page, and the state with which it opens.

import { tokens } from "../arithmetic/tokens.js";
import { addressed } from "./address.js";
import { Embedded } from "./embedded.js";
import { Served } from "./served.js";

/**
 * A page's data with its arrays at hand. `arrays` gives promises: `layer(map, place)` that the layer's weights are in
 * map.layers[place]; `neurons(place)` of { query, key }; `token(map, side, pieces)` of a token's weights in all heads.
 */
export async function open(data) {
  for (const map of data.maps) map.layers = [];
  data.arrays = await (data.ask ? new Served(data) : Embedded.of(data));
  return data;
}

/** What a person chose, at first: map, layer and heads are places in the data, `filter` names two texts ("AB"). */
export function opening({ layers, heads, preset }) {
  const { layer, heads: chosen } = { ...preset, ...addressed(layers, heads) };
  return {
    map: 0,
    filter: "",
    words: preset.words,
    hideNull: !preset.null,
    layer: layers.indexOf(layer),
    heads: new Set(chosen.map((head) => heads.indexOf(head))),
  };
}

/** The map of a state, and the tokens of both its sides. */
export function sides(data, { map: place, words, filter }) {
  const map = data.maps[place];
  return {
    map,
    rows: tokens(data.sides[map.rows], words, filter[0]),
    columns: tokens(data.sides[map.columns], words, filter[1]),
  };
}

/** Menu entries of places: [[0, "4"], …]. */
export const numbered = (labels) => labels.map((label, place) => [place, String(label)]);
