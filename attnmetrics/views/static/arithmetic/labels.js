// What labels of well-known dimensions are called; every other label is called by its name.

import { uncapital } from "./heads.js";

const DIRECTIONS = {
  attending_is_parent: "From a head word to its dependent",
  attended_is_parent: "From a dependent to its head word",
  either: "Along dependencies",
};
/** The label that most readers ask for. */
const USUAL = { direction: "either", offset: "1", pos: "NOUN" };
/** The offset that holds all beyond it. */
export const LAST_OFFSET = 32;

/** The heading of attention at a label; undefined where the dimension is none of the well-known ones. */
export function knownHeading(dim, name) {
  if (dim === "direction") return DIRECTIONS[name];
  return dim === "offset" ? offsetHeading(Number(name)) : undefined;
}

/** Labels that do not explain themselves. */
const WORDS = {
  _: "no word", _rest: "all other names", row: "from dependent", parent_row: "from head word", column: "on dependent",
};

/** What a label is called beside its table's title: directions in words, most other labels by their name. */
export const labelName = (dim, name) =>
  (dim === "direction" ? DIRECTIONS[name] ?? name : name.split(", ").map((one) => WORDS[one] ?? one).join(", "));

/** The same within a heading. */
export const labelWords = (dim, name) => (dim === "direction" ? uncapital(labelName(dim, name)) : labelName(dim, name));

/** `offsetHeading(-1)` is "Attention to the next piece". */
function offsetHeading(offset) {
  if (offset === 0) return "Attention to the own piece";
  const size = Math.abs(offset);
  if (size === 1) return `Attention to the ${offset > 0 ? "previous" : "next"} piece`;
  return `Attention ${size}${size === LAST_OFFSET ? " or more" : ""} pieces ${offset > 0 ? "back" : "ahead"}`;
}

/** The label that a table shows first: the usual one, or the one with the largest mean. */
export function startLabel(table) {
  if (!table.dim) return 0;
  const usual = table.labels.indexOf(USUAL[table.dim]);
  return usual >= 0 ? usual : table.byMean()[0];
}
