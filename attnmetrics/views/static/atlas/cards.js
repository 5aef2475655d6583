// Cards that lead to a metric or a head.

import { scaleOf } from "../arithmetic/colours.js";
import { placeOf, placeTold, shownHref } from "../arithmetic/heads.js";
import { inBrackets } from "../arithmetic/intervals.js";
import { against, shown } from "../arithmetic/numbers.js";
import { el, sheet } from "../shared/dom.js";
import { whenSeen } from "../shared/seen.js";
import { cells } from "./map-parts.js";

const WIDTH = 168;
const TALLEST = 240;
const WIDEST_CELL = 24;

/** A small map without words, drawn when it is seen. */
function thumbnail(atlas, metric, label) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const width = Math.min(WIDTH / columns, WIDEST_CELL);
  const height = Math.min(width, TALLEST / rows);
  const scale = scaleOf(metric, label);
  const box = { left: 0, top: 0, width, height, gap: width > 5 ? 1 : 0 };
  const levelAt = (layer, head) => scale.level(metric.at(layer, head, label));
  const isOff = (layer, head) => metric.isStriped(placeOf(atlas, layer, head), label);
  const picture = sheet(columns * width, rows * height, { "aria-hidden": "true" });
  return whenSeen(picture, () => picture.append(cells(rows, columns, levelAt, { ...box, isOff }, scale.name)));
}

/** The largest value of a map, and where heads share a chance level, that, and the value against it. */
function upTo(metric, label) {
  const top = metric.top(label);
  if (Number.isNaN(top)) return "no evidence";
  const chance = metric.hasOneChance ? metric.chanceOfLayer(0, label) : NaN;
  const told = against(metric, top, chance);
  const place = metric.column(label).findIndex((value, at) => value === top && metric.competes(at));
  const beside = told && `; ${metric.chance.caption} ${shown(metric, chance)}, ${told}`;
  const count = metric.countTold(label);
  return `up to ${metric.inWords(place, label)}${count && ` (${count})`}${beside}`;
}

/** A card that leads to a metric at a label, with its small map and a note. */
export function card(atlas, metric, label, title = metric.heading(label), note = upTo(metric, label)) {
  return el("a", { class: `map-card${metric.isOfFew(label) ? " few" : ""}`, href: metric.href(label) },
    el("b", {}, title), thumbnail(atlas, metric, label), el("span", { class: "note" }, note));
}

/**
 * A card that leads to a head that stands out. Where its value has a chance level, what counts is the value against it:
 * that is written large, the share itself beneath.
 */
export function standoutCard(atlas, one) {
  const { title, metric: name, claim, layer, head, median } = one;
  const metric = atlas.byName.get(name);
  const [a, b] = [atlas.layers.indexOf(layer), atlas.heads.indexOf(head)];
  const [large, beneath] = inShort(metric, one);
  const sure = [amongTold(atlas, one), one.held_out].filter(Boolean);
  const place = placeOf(atlas, a, b);
  const does = atlas.roles ? doesTold(atlas.roles.headline(place), atlas.roles.sentence(place)) : [];
  return el("a", { class: "role-card", href: shownHref(atlas, a, b, claim) },
    el("span", { class: "role" }, title), el("span", { class: "value" }, large),
    el("span", { class: "where" }, `layer ${layer} head ${head}`), ...does,
    ...[...beneath, `median ${shown(metric, median)}`, ...sure].map((words) => el("span", { class: "note" }, words)));
}

/** Its place, and among which heads where some are nearly switched off. */
function amongTold(atlas, one) {
  const told = placeTold(atlas, one);
  return told && atlas.evidence.off.length ? `${told}, among heads that are not nearly switched off` : told;
}

/** What a head does: its headlines; without any its sentence. */
const doesTold = (headline, sentence) =>
  [el("span", { class: "note card-does", title: sentence }, headline || sentence)];

/** What a card says of a value: large, and beneath. */
function inShort(metric, { value, told: text, interval, chance, of_chance: caption }) {
  const told = chance === null ? "" : against(metric, value, chance);
  const level = chance === null ? [] : [`${caption} ${shown(metric, chance)}`];
  if (!told) return [text, [...(interval ? [`[${interval}]`] : []), ...level]];
  return [told, [`${inBrackets([text, interval])}; ${level[0]}`]];
}
