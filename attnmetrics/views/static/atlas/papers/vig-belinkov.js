// Vig and Belinkov 2019: the paper's figures, correlations and numbers beside this run's.

import { pearson } from "../../arithmetic/correlation.js";
import { atMiddleRow } from "../../arithmetic/exemplars.js";
import { pairs } from "../../arithmetic/finder.js";
import { capital, headName, placeOf } from "../../arithmetic/heads.js";
import { inBrackets } from "../../arithmetic/intervals.js";
import { pValue } from "../../arithmetic/numbers.js";
import { el } from "../../shared/dom.js";
import { drawExemplar } from "../exemplar.js";
import { crumbs, OVERVIEW, section } from "../parts.js";
import { numbers } from "./numbers.js";
import { papersTitle, tabs } from "./tabs.js";

const HELP = "links to its figures, each on the page of what it shows, from this run's tables; its numbers beside this "
  + "run's.";
/** Why the interval of r and its p need not agree. */
const OVER_HEADS = "p is over heads: how often values that have nothing to do with one another would give an r as far "
  + "from 0";
const OVER_DOCUMENTS = "; the interval is over documents: where r of these same heads would lie, had others been "
  + "drawn. So it may exclude 0 where p is large.";
const HEADS_HELP = "Figure 4: the extremes, each with the sentence of its strongest single attention; the most diffuse "
  + "head, whose strongest is its least diffuse, at the middle of a sentence's rows in order of their entropy.";

export function drawVigBelinkov(root, atlas, paper, part) {
  const title = el("h1", {}, "The paper, on this run");
  root.append(crumbs([OVERVIEW], papersTitle(atlas)), ...tabs(atlas, paper.key), title,
    el("p", { class: "help" }, `${paper.citation}: ${HELP}`), figures(atlas), threeHeads(atlas, part === "three-heads"),
    correlations(atlas), numbers(atlas, paper));
  return null;
}

function figures(atlas) {
  const link = ([number, title, path]) => el("a", { href: `#/${path}` }, el("b", {}, `Figure ${number}`), ` ${title}`);
  const found = section("Figures");
  found.append(el("ul", { class: "figures" }, ...atlas.figures.map((figure) => el("li", {}, link(figure)))));
  return found;
}

function threeHeads(atlas, isChosen) {
  const found = section("Three heads and a sentence of each", HEADS_HELP);
  if (isChosen) found.classList.add("chosen");
  for (const one of atlas.extremes) found.append(...extreme(atlas, one));
  return found;
}

function extreme(atlas, { title, metric, layer, head, told, interval, place }) {
  const [a, b] = [atlas.layers.indexOf(layer), atlas.heads.indexOf(head)];
  const [strongest] = atlas.exemplars.of(placeOf(atlas, a, b));
  const best = strongest && metric === "entropy" ? atMiddleRow(strongest) : strongest;
  const href = `#/head/${layer}/${head}`;
  const link = el("a", { href }, headName(atlas, a, b));
  const words = ` (${[inBrackets([told, interval]), place].filter(Boolean).join("; ")})`;
  const sentence = best
    ? el("ol", { class: "exemplars" }, drawExemplar(best, `${href}/${best.rank}`))
    : el("p", { class: "note" }, "no sentence to show");
  return [el("h3", {}, `${capital(title)}: `, link, words), sentence];
}

const correlationsHelp = ({ interval_title: title }) =>
  `Section 4.4. ${OVER_HEADS}${title ? OVER_DOCUMENTS : "."}`;

function correlations(atlas) {
  const found = section("Correlations over heads", correlationsHelp(atlas));
  found.append(el("ul", {}, ...atlas.correlations.map((one) => correlation(atlas, one))));
  return found;
}

/** The paper's own, over all heads; where some are nearly switched off, the same without them. */
function correlation(atlas, { x, y, label, r, p, interval }) {
  const axis = (name, of) => ({ metric: atlas.byName.get(name), label: of ? atlas.byName.get(name).place(of) : 0 });
  const places = [...atlas.byName.get(x).column(0).keys()].filter((place) => !atlas.evidence.isOff(place));
  const without = pearson(pairs({ x: axis(x), y: axis(y, label) }, places));
  const more = atlas.evidence.off.length ? `; without heads that are nearly switched off ${inWords(without)}` : "";
  const query = new URLSearchParams({ y, ...(label ? { yl: label } : {}), x });
  const name = `distance and ${y === "entropy" ? "entropy" : "alignment"}`;
  const found = `: ${inWords({ r, p }, interval)}${more}`;
  return el("li", {}, el("a", { href: `#/find?${query}` }, name), found);
}

/** r, its interval if there is one, and p. */
function inWords({ r, p }, interval = "") {
  if (r === null || Number.isNaN(r)) return "too few heads";
  return `r = ${inBrackets([r.toFixed(2).replace("-", "−"), interval])}, ${pValue(p)}`;
}
