// Typical sentences of a head, by the part that its largest attention in them belongs to.

import { el } from "../shared/dom.js";
import { drawExemplar } from "./exemplar.js";

const PARTS = {
  "80-100": "Strongest fifth", "60-80": "Second fifth", "40-60": "Middle fifth", "20-40": "Fourth fifth",
  "0-20": "Weakest fifth",
};
const NAMES = { sentence: "sentences", window: "windows", "segment pair": "pairs of segments" };

export const typicalHelp = (atlas) =>
  `Of ${NAMES[atlas.unit]} drawn by hash, the same for every head: ordered by the head's largest attention in each and `
  + "cut into fifths, some of each. The outlined piece looks at the coloured ones; in the first of each fifth, point "
  + "at any other piece to see where it looks. The largest is that off null pieces.";

/** Lists, one a part, the part with the largest attention first. */
export function typicalLists(list, href, actions) {
  const buckets = [...new Set(list.map((one) => one.bucket))];
  return buckets.flatMap((bucket) => {
    const own = list.filter((one) => one.bucket === bucket);
    const items = own.map((one) => drawExemplar(one, href, actions(one)));
    return [el("h4", {}, PARTS[bucket]), el("ol", { class: "exemplars" }, ...items)];
  });
}
