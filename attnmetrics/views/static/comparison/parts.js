// Parts of a comparison's pages: how sure differences are, what is told of a head, links, lines above saved drawings.

import { qWords } from "../arithmetic/differences.js";
import { headAt, headHref, headName } from "../arithmetic/heads.js";
import { inBrackets } from "../arithmetic/intervals.js";
import { labelName } from "../arithmetic/labels.js";
import { counted } from "../arithmetic/numbers.js";
import { bracketed } from "../atlas/error-bars.js";
import { el } from "../shared/dom.js";
import { runName } from "./run-choice.js";

/** What colours and stripes of maps mean. */
export function colourWords({ names: [first, other], difference }) {
  const isKnown = [...difference.values()].some((metric) => metric.isKnown);
  const words = `Differences are ${other} − ${first}: purple where ${other} has more, orange where ${first} has more.`;
  return isKnown ? `${words} Striped and hollow heads do not differ clearly.` : words;
}

export const colourNote = (comparison) => el("p", { class: "note" }, colourWords(comparison));

/** A link to a head. */
export function headLink(comparison, place, content = null) {
  const at = headAt(comparison, place);
  return el("a", { class: "head-link", href: headHref(comparison, ...at) }, content ?? headName(comparison, ...at));
}

/** "layer.head" of a place. */
export function shortName({ layers, heads }, place) {
  return `${layers[Math.floor(place / heads.length)]}.${heads[place % heads.length]}`;
}

/** What is told of a head's two values: { name, words, lines }. */
export function tellOf(comparison, name, label) {
  const [metric, first, other] = comparison.tables(name);
  return (place) => {
    const [difference, interval] = metric.told(place, label);
    const clear = metric.clearTold(place, label);
    const values = [first, other].map((one, n) => [comparison.names[n], one.inWords(place, label)]);
    const off = metric.hasNull ? "" : metric.evidence.fromHowMuch(place);
    const further = [[clear, ""], ["nearly switched off", off]].filter(([words, more], n) => (n ? more : words));
    const lines = [...values, ["difference", inBrackets([difference, interval])], ...further];
    const title = headName(comparison, ...headAt(comparison, place));
    return { name: title, words: `${title}: ${lines.map((pair) => pair.join(" ").trim()).join(", ")}`, lines };
  };
}

/** Lines above a drawing in its files: what it shows, of which runs, by which definition, and what its marks mean. */
export const titlesOf = (comparison, words, metric, legend, source = comparison.source) =>
  [words, source, metric?.formula, legend].filter(Boolean);

/** "12 of 36". */
export const countTold = ({ clear, of }) => (of ? `${counted(clear)} of ${counted(of)}` : "–");

/** What a result is called at a label, in few words. */
export const shortHeading = (metric, label) =>
  (metric.dim ? `${metric.title}: ${labelName(metric.dim, metric.labels[label])}` : metric.title);

/** A cell of how clear a difference is. */
export const clearCell = (metric, place, label) =>
  el("td", { class: metric.isStriped(place, label) ? "rank unclear" : "rank" },
    qWords(metric.qAt(place, label)));

/** A head's value in both runs and its difference: "Entropy: 1.20 → 2.31 nats, +1.11 nats [1.0 to 1.2]". */
export function changeTold(comparison, { name, label }, place) {
  const [metric, ...runs] = comparison.tables(name);
  const [difference, interval] = metric.told(place, label);
  const values = runs.map((one) => one.told(place, label)[0]);
  const what = el("a", { href: metric.href(label) }, shortHeading(metric, label));
  return [what, `: ${values.join(" → ")}, `, el("b", {}, difference), ...bracketed(interval)];
}

/** What a head does in either run; one line where that is the same. */
export function bothSentences(comparison, place) {
  const said = [comparison.first, comparison.other].map((atlas) => atlas.roles?.sentence(place) ?? "");
  const line = (words, isFirst) => el("p", { class: "said" }, runName(comparison, isFirst), " ", words);
  if (said[0] && said[0] === said[1]) return [el("p", { class: "said" }, el("b", {}, "In both: "), said[0])];
  return said.flatMap((words, n) => (words ? [line(words, n === 0)] : []));
}

/** A value, and its interval in small letters. */
export const parted = ([value, interval]) => [value, ...bracketed(interval)];
