// The data of a view's page, and the state with which it opens.

import { tokens } from "../arithmetic/tokens.js";
import { unpack } from "../shared/unpack.js";

/** A page's data with its arrays unpacked. */
export async function open(data) {
  for (const map of data.maps) map.values = await unpack(map.weights, Uint32Array);
  if (data.neuron) {
    data.neuron.query = await unpack(data.neuron.query, Float32Array);
    data.neuron.key = await unpack(data.neuron.key, Float32Array);
  }
  return data;
}

/** What a person chose, at first: map, layer and heads are places in the data, `filter` names two texts ("AB"). */
export function opening({ layers, heads, preset }) {
  return {
    map: 0,
    filter: "",
    words: preset.words,
    hideNull: !preset.null,
    layer: layers.indexOf(preset.layer),
    heads: new Set(preset.heads.map((head) => heads.indexOf(head))),
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
