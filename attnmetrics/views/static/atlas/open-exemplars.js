// Sentences of heads as the drawings read them (views/atlas/sentence_book.py).

import { Exemplars } from "../arithmetic/exemplars.js";
import { once } from "../arithmetic/once.js";
import { unpack, unpackJson } from "../shared/unpack.js";

/** What gives them, when they are first asked for. */
export function openExemplars({ listed, rows }) {
  const [lengths, to, weights] = [rows.lengths, rows.to, rows.weights].map((place) => unpack(place, Uint16Array));
  return once(() => new Exemplars(unpackJson(listed), { lengths, to, weights }));
}
