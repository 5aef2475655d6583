// Two heads side by side: what they do, a sentence of each, their numbers.

import { answerOfRoles } from "../arithmetic/board.js";
import { capital, headAt, headHref, headName } from "../arithmetic/heads.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { fromHowMuch } from "./evidence.js";
import { drawExemplar } from "./exemplar.js";
import { measuresOf } from "./head-card.js";
import { section, table } from "./parts.js";
import { roleScores } from "./role-scores.js";

const HELP = "Tick two heads in the list, or click two dots with the Shift key held.";

/** What is beneath the finder: nothing before a head is chosen. */
export function sideBySide(atlas, places) {
  if (!places.length) return el("p", { class: "note" }, HELP);
  const found = section("Side by side", places.length < 2 ? HELP : "");
  const names = places.map((place) => capital(headName(atlas, ...headAt(atlas, place))));
  const rows = measuresOf(atlas).map((one) => row(atlas, places, one));
  found.append(el("div", { class: "side-by-side" }, ...places.map((place, n) => told(atlas, place, names[n]))),
    el("div", { class: "scroll" }, table("metrics", ["metric", ...names], rows)));
  return found;
}

function told(atlas, place, name) {
  const href = headHref(atlas, ...headAt(atlas, place));
  const said = atlas.roles ? [el("p", { class: "note" }, atlas.roles.sentence(place))] : [];
  const example = answerOfRoles(atlas, place)?.list[0] ?? atlas.exemplars.of(place)[0];
  const shown = example ? [el("ol", { class: "exemplars" }, drawExemplar(example, href))] : [];
  return el("div", {}, el("h3", {}, el("a", { href }, name)), ...said, ...roleScores(atlas, place), ...shown);
}

function row(atlas, places, [metric, label]) {
  const value = (place) => {
    const [text, interval] = metric.told(place, label);
    const rank = el("span", { class: "chance" }, metric.standing(place, label));
    return el("td", { class: "value" }, text, ...bracketed(interval), " ", rank, ...fromHowMuch(atlas, metric, place));
  };
  const name = el("a", { href: metric.href(label) }, metric.heading(label));
  return [el("th", { scope: "row" }, name), ...places.map(value)];
}
