// Roles that heads gained or lost.

import { qTold } from "../arithmetic/differences.js";
import { number } from "../arithmetic/numbers.js";
import { section, table } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { el } from "../shared/dom.js";
import { headLink, shortName } from "./parts.js";

const HELP = "Roles by the same rules in both runs. ? where the score of the role does not differ clearly, or is "
  + "not known to: a head at the edge of a rule gains and loses it by chance.";
/** Heads named in a cell at first. */
const MOST = 12;

/** The section; nothing where a run's roles are not known. */
export function roleSection(comparison) {
  if (!comparison.first.roles || !comparison.other.roles) return [];
  const found = section("Roles gained and lost", HELP);
  const changes = comparison.roleChanges.map(readChange(comparison));
  if (!changes.length) {
    found.append(el("p", { class: "note" }, "No head gained or lost a role."));
    return [found];
  }
  const rows = byRole(comparison, changes).map((one) => drawRow(comparison, one));
  found.append(el("div", { class: "scroll" }, table("metrics role-changes", ["role", "gained by", "lost by"], rows)),
    tools(null, () => csvRows(comparison, changes), `roles ${comparison.names.join(" ")}`));
  return [found];
}

/** { place, isGained, role, words, score, first, q }: the scores in the run and in the first, null where unknown. */
export const readChange = ({ layers, heads }) => ([, layer, head, change, role, words, score, first, q]) => ({
  place: layers.indexOf(layer) * heads.length + heads.indexOf(head), isGained: change === "gained",
  role, words, score, first, q,
});

/** [{ name, gained, lost }], roles in the order of the rules. */
function byRole({ roles }, changes) {
  const of = (name) => changes.filter(({ role }) => role === name);
  const known = roles.known.map(({ name }) => ({ name, changes: of(name) }));
  return known.filter((one) => one.changes.length).map(({ name, changes: own }) => ({
    name, gained: own.filter(({ isGained }) => isGained), lost: own.filter(({ isGained }) => !isGained),
  }));
}

function drawRow(comparison, { name, gained, lost }) {
  return [el("th", { scope: "row" }, name), listed(comparison, gained), listed(comparison, lost)];
}

/** Heads of a cell, each once, with what of the role it is about beside its name. */
function listed(comparison, changes) {
  const link = (one) => {
    const mark = isUnclear(comparison, one) ? "?" : "";
    const shown = headLink(comparison, one.place, shortName(comparison, one.place) + mark);
    shown.title = [`${one.words}: ${scoreTold(one.first)} → ${scoreTold(one.score)}`, qTold(one.q, comparison.clear)]
      .filter(Boolean).join(", ");
    return shown;
  };
  const each = [...new Map(changes.map((one) => [one.place, one])).values()];
  const rest = each.length > MOST ? [el("details", {}, el("summary", {}, `${each.length - MOST} more`),
    ...each.slice(MOST).map(link))] : [];
  return el("td", { class: "members-cell" }, ...each.slice(0, MOST).map(link), ...rest);
}

/** Whether the score of the role does not differ clearly, or is not known to. */
const isUnclear = ({ clear }, { q }) => q === null || q >= clear;

const scoreTold = (score) => (score === null ? "–" : number(Number(score.toPrecision(3))));

function csvRows(comparison, changes) {
  const row = ({ place, isGained, words, score, first, q }) => [
    ...shortName(comparison, place).split("."), isGained ? "gained" : "lost", words,
    ...[first, score, q].map((one) => one ?? ""),
  ];
  const [first, other] = comparison.names;
  return [["layer", "head", "change", "role", `score in ${first}`, `score in ${other}`, "q"], ...changes.map(row)];
}
