// The types of pieces that a head attends to, and those that attend, on its page.

import { headName, placeOf } from "../arithmetic/heads.js";
import { number, percent } from "../arithmetic/numbers.js";
import { el } from "../shared/dom.js";
import { section, table } from "./parts.js";
import { tools } from "./tools.js";

const HELP = "Types of pieces that occur often enough; ␣ is the space that a piece begins with. They have no "
  + "intervals: the fewer the occurrences of a type, the less sure.";
/** Occurrences of a type under which it is marked. */
const FEW = 10;
const NONE = "No type gets more than even attention gives.";
const SIDES = {
  key: {
    title: "It looks most at", value: (lift) => `${number(lift)}×`,
    help: "Times what even attention would give, of all attention, that to null pieces too: the more a head rests on "
      + "these, the less is left for others. Types under 1×, which get less than even attention gives, are in the CSV.",
    isShown: ({ lift }) => lift >= 1,
  },
  query: { title: "It looks most from", value: percent, help: "What share of their attention is off null.",
    isShown: () => true },
};

/** The section, or nothing where the run has no such list of this head. */
export function pieceSection(atlas, { layer, head }) {
  const place = placeOf(atlas, layer, head);
  const sides = Object.keys(SIDES).filter((side) => atlas.pieceTypes?.of(place, side).length);
  if (!sides.length) return [];
  const found = section("Pieces", HELP);
  const list = (side) => sideOf(SIDES[side], atlas.pieceTypes.of(place, side));
  found.append(el("div", { class: "side-by-side" }, ...sides.map(list)));
  const rows = () => csvRows(sides.map((side) => [side, atlas.pieceTypes.of(place, side)]));
  found.append(tools(null, rows, `${headName(atlas, layer, head)} pieces`));
  return [found];
}

function sideOf({ title, value, help, isShown }, types) {
  const shown = types.filter(isShown);
  const cell = ({ text, occurrences, lift }) => [
    el("td", {}, el("bdi", { class: "piece-type" }, text)), el("td", { class: "value" }, value(lift)),
    el("td", { class: "rank" }, `${number(occurrences)} times${occurrences < FEW ? ", few" : ""}`),
  ];
  return el("div", {}, el("h3", {}, title), el("p", { class: "note" }, help),
    shown.length ? table("piece-types", null, shown.map(cell)) : el("p", { class: "note" }, NONE));
}

function csvRows(sides) {
  const row = (side) => ({ text, occurrences, lift }, place) => [side, place + 1, text, occurrences, lift];
  return [["side", "rank", "piece", "occurrences", "lift"], ...sides.flatMap(([side, list]) => list.map(row(side)))];
}
