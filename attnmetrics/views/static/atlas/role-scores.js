// The roles of a head with the scores that give them: the numbers beside its sentence.

import { explain } from "../arithmetic/glossary.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { table } from "./parts.js";

/** Roles shown at first. */
const FIRST = 3;

/** [the table], and where a head has more roles a button for the others; nothing where it has none. */
export function roleScores(atlas, place) {
  const rows = (atlas.roles?.told[place] ?? []).map(row(atlas));
  if (!rows.length) return [];
  const found = table("role-scores", ["role", "score", "by chance"], rows.slice(0, FIRST));
  const rest = rows.slice(FIRST).map((cells) => el("tr", {}, ...cells));
  const add = (event) => { found.tBodies[0].append(...rest); event.target.remove(); };
  return [found, ...(rest.length ? [action(`${rest.length} more ${rest.length === 1 ? "role" : "roles"}`, add)] : [])];
}

const row = (atlas) => ([role, score, interval, chance, label]) => [
  el("th", { scope: "row", title: explain(atlas, label) }, role),
  el("td", { class: "value" }, score, ...bracketed(interval)), el("td", { class: "value" }, chance),
];
