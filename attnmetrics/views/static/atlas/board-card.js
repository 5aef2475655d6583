// The card of the head that is pointed at: what it does, a sentence that shows it, five of its values among all heads.

import { answerOfRoles, toldOf } from "../arithmetic/board.js";
import { capital, headAt, headHref, headName } from "../arithmetic/heads.js";
import { against, shown } from "../arithmetic/numbers.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { fromHowMuch } from "./evidence.js";
import { drawExemplar } from "./exemplar.js";
import { measuresOf } from "./head-card.js";
import { claimWords } from "./head-sentences.js";
import { whatItDoes } from "./headlines.js";
import { nearestTold } from "./relations.js";
import { strip } from "./strip.js";

const STRIP = 110;

/** What the card holds. map: { metric, label } of the map shown, or null; isPinned: whether it stays. */
export function boardCard(atlas, place, map, isPinned) {
  const [layer, head] = headAt(atlas, place);
  const kept = isPinned ? [el("span", { class: "note" }, "kept: click or tap it again to let go")] : [];
  const told = toldOf(atlas, place, map, measuresOf(atlas));
  const rows = told.map((one) => row(atlas, one, { layer, head, place }));
  return [
    ...cardTop(atlas, place, kept), ...example(atlas, place, [layer, head]),
    el("table", { class: "board-values" }, ...rows), ...ofRanks(atlas, told),
  ];
}

/** The name of a head, and what it does. */
export function cardTop(atlas, place, kept = []) {
  const at = headAt(atlas, place);
  const name = el("a", { href: headHref(atlas, ...at) }, capital(headName(atlas, ...at)));
  return [el("h3", {}, name), ...kept, ...(atlas.roles ? whatItDoes(atlas, place) : [])];
}

/** Among which heads the ranks are, and by what. */
function ofRanks({ evidence: { off }, layers, heads }, told) {
  const count = `${off.length} head${off.length === 1 ? "" : "s"}`;
  const whole = `those of all ${layers.length * heads.length} do not`;
  const among = off.length ? [`leave out the ${count} nearly switched off (${whole})`] : [];
  const by = told.some(({ metric }) => metric.excess) ? ["go by the points beyond chance where they are told"] : [];
  const said = [...among, ...by].join(", and ");
  return said ? [el("p", { class: "note of-ranks" }, `Ranks ${said}.`)] : [];
}

/** A sentence that shows what makes its roles, where the page has one, else that with its strongest attention. */
function example(atlas, place, [layer, head]) {
  const answer = answerOfRoles(atlas, place);
  const one = answer?.list[0] ?? atlas.exemplars.of(place)[0];
  if (!one) return [];
  const words = answer ? claimWords(atlas, answer.claim) : "Its strongest attention";
  const which = answer ? `?${new URLSearchParams({ claim: answer.claim })}` : `/${one.rank}`;
  const href = headHref(atlas, layer, head) + which;
  return [el("p", { class: "note" }, words), el("ol", { class: "exemplars" }, drawExemplar(one, href))];
}

/** A rank, and where those that are nearly switched off have one too, that it is of all. */
function standing({ evidence: { off }, layers, heads }, metric, place, label) {
  const told = metric.standing(place, label);
  const isAll = off.length && metric.rank(place, label).of === layers.length * heads.length;
  return told ? told.replace(" of ", isAll ? " of all " : " of ") : "no rank";
}

function row(atlas, { metric, label }, { layer, head, place }) {
  const [value, chance] = [metric.at(layer, head, label), metric.chanceAt(layer, head, label)];
  const told = against(metric, value, chance);
  const nearest = nearestTold(atlas, metric, label);
  const words = `${metric.chance?.caption} ${shown(metric, chance)}${told && `, ${told}`}${nearest && `; ${nearest}`}`;
  const beside = Number.isNaN(chance) ? [] : [el("span", { class: "chance" }, words)];
  const [text, interval] = metric.told(place, label);
  const sure = bracketed(interval);
  return el("tr", { "data-metric": metric.name },
    el("th", { scope: "row" }, el("a", { href: metric.href(label) }, metric.heading(label))),
    el("td", { class: "value" }, text, ...sure, ...fromHowMuch(atlas, metric, place), ...beside),
    el("td", { class: "rank" }, standing(atlas, metric, place, label), strip(metric, label, place, STRIP)));
}
