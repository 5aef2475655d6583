// The heads that attend most like one, on its page.

import { pairHref } from "../arithmetic/head-numbers.js";
import { headAt, headHref, headName, placeOf } from "../arithmetic/heads.js";
import { number, withDecimals } from "../arithmetic/numbers.js";
import { el } from "../shared/dom.js";
import { section } from "./parts.js";

const HELP = "By the divergence of their attention: 0 for heads that attend alike, 0.693 for heads that never attend "
  + "to the same piece. A distance of two heads has no interval.";

/** What is said of the list, and how far two heads are apart that nothing connects. */
const help = ({ roles, similarity: { usual, unit } }) => [
  HELP, `Two heads drawn at random: ${number(usual[1])} ${unit} (median).`,
  ...(roles ? ["Heads like this one are another list: those attend to the same kinds of pieces."] : []),
].join(" ");

/** The section, or nothing where the run does not know. */
export function similarSection(atlas, { layer, head }) {
  const near = atlas.similarity?.near(placeOf(atlas, layer, head)) ?? [];
  if (!near.length) return [];
  const own = placeOf(atlas, layer, head);
  const item = ({ place, distance }) => {
    const at = headAt(atlas, place);
    const link = el("a", { href: headHref(atlas, ...at) }, headName(atlas, ...at));
    const told = el("span", { class: "number" }, `${withDecimals(distance, 3)} ${atlas.similarity.unit}`);
    return el("li", {}, link, told, " ", el("a", { href: pairHref(atlas, [own, place]) }, "side by side"));
  };
  const found = section("Heads that attend alike", help(atlas));
  found.append(el("ol", { class: "heads-list near" }, ...near.map(item)),
    el("a", { href: "#/similarity" }, "the map of all heads"));
  return [found];
}
