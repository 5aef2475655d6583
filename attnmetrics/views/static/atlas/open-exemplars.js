// Sentences of heads as the drawings read them (views/atlas/sentence_book.py).

import { readExemplars } from "../arithmetic/exemplars.js";
import { once } from "../arithmetic/once.js";
import { unpack, unpackJson } from "../shared/unpack.js";

/** What gives { byHead, typical, claimed }, which are read when they are first asked for. */
export function openExemplars({ listed, rows }) {
  const [lengths, to, weights] = [rows.lengths, rows.to, rows.weights].map((place) => unpack(place, Uint16Array));
  return once(() => readExemplars(unpackJson(listed), { lengths, to, weights }));
}
