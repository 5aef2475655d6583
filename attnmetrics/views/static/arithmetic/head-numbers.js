// Heads in an address, "16.0,19.6".

import { headAt, placeOf } from "./heads.js";

/** The places of heads; those that the model lacks are left out. */
export function readHeads(atlas, text) {
  const placeIn = (labels, wanted) => labels.findIndex((one) => String(one) === wanted);
  const found = (text ?? "").split(",").map((one) => one.split("."))
    .map(([layer, head]) => [placeIn(atlas.layers, layer), placeIn(atlas.heads, head)]);
  return found.filter((at) => !at.includes(-1)).map((at) => placeOf(atlas, ...at));
}

export const headShort = (atlas, place) => {
  const [layer, head] = headAt(atlas, place);
  return `${atlas.layers[layer]}.${atlas.heads[head]}`;
};

/** The address of two heads side by side. */
export const pairHref = (atlas, places) => `#/find?pair=${writeHeads(atlas, places)}`;

export const writeHeads = (atlas, places) => places.map((place) => headShort(atlas, place)).join(",");
