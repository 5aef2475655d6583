// Two heads side by side: what they do, a sentence of each, their numbers and how far these are apart.

import { answerOfRoles } from "../arithmetic/board.js";
import { capital, headAt, headHref, headName } from "../arithmetic/heads.js";
import { apartTold, differenceTold } from "../arithmetic/pair.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { fromHowMuch } from "./evidence.js";
import { drawExemplar } from "./exemplar.js";
import { measuresOf } from "./head-card.js";
import { whatItDoes } from "./headlines.js";
import { section, table } from "./parts.js";
import { roleScores } from "./role-scores.js";

const HELP = "Tick two heads in the list, or click two dots with the Shift key held.";
const DIFFERENCE = "The difference is the first head less the second. Intervals are of each head, not of the "
  + "difference: where they are apart, the heads differ; where they overlap, that is open.";

/** What is beneath the finder: nothing before a head is chosen; two are brought into view (site.js). */
export function sideBySide(atlas, places) {
  if (!places.length) return el("p", { class: "note" }, HELP);
  const isPair = places.length > 1;
  const found = section("Side by side", isPair ? DIFFERENCE : HELP);
  found.classList.toggle("chosen", isPair);
  const names = places.map((place) => capital(headName(atlas, ...headAt(atlas, place))));
  const header = ["metric", ...names, ...(isPair ? ["difference"] : [])];
  const rows = measuresOf(atlas).map((one) => row(atlas, places, one));
  const parts = [named, said, scores, example];
  const cells = parts.flatMap((part) => places.map((place, n) => part(atlas, place, names[n])));
  found.append(el("div", { class: `pair${isPair ? "" : " alone"}` }, ...cells),
    el("div", { class: "scroll" }, table("metrics pair-values", header, rows)));
  return found;
}

const named = (atlas, place, name) =>
  el("h3", {}, el("a", { href: headHref(atlas, ...headAt(atlas, place)) }, name));

const said = (atlas, place) => el("div", { class: "pair-does" }, ...(atlas.roles ? whatItDoes(atlas, place) : []));

const scores = (atlas, place, name) =>
  el("div", { class: "pair-scores", "data-of": name }, ...roleScores(atlas, place));

function example(atlas, place, name) {
  const one = answerOfRoles(atlas, place)?.list[0] ?? atlas.exemplars.of(place)[0];
  const href = headHref(atlas, ...headAt(atlas, place));
  return el("ol", { class: "exemplars", "data-of": name }, ...(one ? [drawExemplar(one, href)] : []));
}

function row(atlas, places, [metric, label]) {
  const value = (place) => {
    const [text, interval] = metric.told(place, label);
    const rank = el("span", { class: "chance" }, metric.standing(place, label));
    return el("td", { class: "value" }, text, ...bracketed(interval), " ", rank, ...fromHowMuch(atlas, metric, place));
  };
  const name = el("a", { href: metric.href(label) }, metric.heading(label));
  const more = places.length > 1 ? [difference(metric, label, places)] : [];
  return [el("th", { scope: "row" }, name), ...places.map(value), ...more];
}

function difference(metric, label, places) {
  const told = el("div", { class: "chance" }, apartTold(metric, label, places));
  return el("td", { class: "value difference" }, differenceTold(metric, label, places), told);
}
