// The heads that do in a text what they do not over the corpus.

import { weight } from "../arithmetic/numbers.js";
import { nameOf, tokens } from "../arithmetic/tokens.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";

const HELP = "Heads whose rows of attention depart most from their own profile over the corpus (null pieces and "
  + "offsets), compared with how far they depart in other sentences of it; of each the row that departs most. "
  + "One text has no interval.";

/** found: [{ layer, head (places), i, j (pieces), weight, score }]; open hears which one is chosen. */
export function specialHeads(data, found, open) {
  const pieces = tokens(data.sides[0], false);
  const item = (one) => {
    const name = `layer ${data.layers[one.layer]} head ${data.heads[one.head]}`;
    const row = `${nameOf(pieces, one.i)} → ${nameOf(pieces, one.j)} ${weight(one.weight)}`;
    const beyond = ` · ${one.score.toFixed(1)} standard deviations beyond its usual`;
    return el("li", {}, action(name, () => open(one)), `: ${row}`, el("span", { class: "axis" }, beyond));
  };
  return [
    el("h2", {}, "Special in this text"), el("ol", {}, ...found.map(item)), el("p", { class: "axis" }, HELP),
  ];
}
