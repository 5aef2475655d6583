// What a head does, in large words: the headlines of its roles, each with its number, and its sentence.

import { el } from "../shared/dom.js";

/** [headlines, the sentence] of a head. */
export function whatItDoes(atlas, place) {
  const { roles } = atlas;
  const style = `--own:${roles.first(place).colour}`;
  const lines = roles.headlines(place).filter(({ words }) => words).map(headline);
  return [
    ...(lines.length ? [el("ul", { class: "headlines", style }, ...lines)] : []),
    el("p", { class: "does", style }, roles.sentence(place)),
  ];
}

const headline = ({ words, number }) =>
  el("li", {}, el("b", {}, words), ...(number ? [" ", el("span", { class: "note" }, number)] : []));
