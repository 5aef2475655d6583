// The roles of a head with the scores that give them, and what its sentence tells of besides: each beside its chance.

import { explain } from "../arithmetic/glossary.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { simpler, table } from "./parts.js";

/** Rows shown at first, and misses. */
const [FIRST, MISSES] = [3, 1];

const HEADER = ["what is said of it", "score", "chance level or simpler rule"];

/** Of a score that is held against a limit alone. */
const NO_LEVEL = "none: its rule asks for a fixed limit";

/** [the table, what is just missed], where there is more to tell with a button for it; nothing without either. */
export function roleScores(atlas, place) {
  if (!atlas.roles) return [];
  const { roles } = atlas;
  const rows = [...roles.scoresOf(place).map(row(atlas)), ...roles.besidesOf(place).map(row(atlas))];
  if (!rows.length) return missed(atlas, place);
  const found = table("role-scores", HEADER, rows.slice(0, FIRST));
  const rest = rows.slice(FIRST).map((cells) => el("tr", {}, ...cells));
  const add = (event) => { found.tBodies[0].append(...rest); event.target.remove(); };
  return [found, ...(rest.length ? [action(`${rest.length} more`, add)] : []), ...missed(atlas, place)];
}

const row = (atlas) => ([role, score, interval, level, chance, cases, nearest, remark, label, mark = ""]) => [
  el("th", { scope: "row", title: explain(atlas, label) }, role, ...faint([mark, remark])),
  el("td", { class: "value" }, score, ...bracketed(interval), ...ofCases(cases)),
  el("td", {}, level ? `${level} ${chance}` : NO_LEVEL, ...bySimplerRule(nearest)),
];

const bySimplerRule = (words) => (words ? [el("div", { class: "nearest" }, simpler(words))] : []);

const ofCases = (words) => (words ? [el("div", { class: "cases" }, words)] : []);

/** What is remarked on a role, where there is something. */
function faint(remarks) {
  const words = remarks.filter(Boolean).join("; ");
  return words ? [el("span", { class: "note" }, ` ${words}`)] : [];
}

/** The rules that a head only just misses, and by how much. */
function missed(atlas, place) {
  const found = atlas.roles.missedBy(place).slice(0, MISSES);
  const words = found.map(([role, reached]) => `${role}, ${reached}`);
  return words.length ? [el("p", { class: "missed" }, el("b", {}, "Not quite: "), `${words.join(". And ")}.`)] : [];
}
