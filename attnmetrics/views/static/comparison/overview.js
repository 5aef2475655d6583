// The first page of a comparison: what was compared, which heads, results and roles changed, and what is left out.

import { capital } from "../arithmetic/heads.js";
import { number } from "../arithmetic/numbers.js";
import { section } from "../atlas/parts.js";
import { el } from "../shared/dom.js";
import { bothSentences, changeTold, colourNote, countTold, headLink } from "./parts.js";
import { resultTable } from "./result-table.js";
import { roleSection } from "./role-changes.js";
import { runChoice, runName } from "./run-choice.js";
import { runTrend } from "./run-trend.js";

/** Heads told at first, and results. */
const [HEADS, RESULTS] = [6, 12];
const HEADS_HELP = "By their largest clear change, in standard deviations of the first run's heads. A head that rests "
  + "more than 95% on null pieces in one of the runs is judged only by results over all attention. Between runs over "
  + "different documents, results that follow how often a name occurs in them do not count. A click opens the head in "
  + "both runs.";
const RESULTS_HELP = "Those in which most heads differ clearly come first; r is the correlation of the two maps over "
  + "all heads.";

export function drawOverview(root, comparison, _, go) {
  const [first, other] = [true, false].map((isFirst) => runName(comparison, isFirst));
  root.append(el("p", { class: "eyebrow" }, "Which attention heads differ, and how much"),
    el("h1", {}, other, el("span", { class: "against" }, " against "), first), ...runChoice(comparison, go),
    numbers(comparison), ...remarks(comparison), colourNote(comparison));
  if (comparison.runs.length > 2) runTrend(root, comparison);
  root.append(changedSection(comparison), resultSection(comparison), ...roleSection(comparison));
  root.append(...leftOut(comparison));
  return null;
}

function numbers(comparison) {
  const { change, layers, heads, runs, chosen } = comparison;
  const isChanged = (count) => count > 0;
  const [clear, of] = [change.clear, change.of].map((list) => list.reduce((sum, one) => sum + one, 0));
  const told = [
    [`${layers.length} × ${heads.length}`, "heads"],
    [countTold({ clear: change.clear.filter(isChanged).length, of: change.of.filter(isChanged).length }),
      "heads that differ clearly in something"],
    [countTold({ clear, of }), "values that differ clearly"],
    [runs[chosen].paired ? "yes" : "no", "same documents (paired)"],
  ];
  const item = ([value, name]) => el("div", {}, el("dd", {}, value), el("dt", {}, name));
  return el("dl", { class: "numbers" }, ...told.map(item));
}

/** What is to be said of the comparison and its runs, as alerts. */
function remarks({ remarks: whole, runs, chosen }) {
  const ofRuns = [runs[0], runs[chosen]].flatMap(({ name, remarks: own }) => own.map((words) => `${name}: ${words}`));
  return [...whole, ...ofRuns].map((words) => el("p", { class: "missing" }, capital(words)));
}

// ---- heads

function changedSection(comparison) {
  const found = section("Heads that changed most", HEADS_HELP);
  const order = comparison.change.order();
  if (!order.length) {
    found.append(el("p", { class: "note" }, "No head differs clearly."));
    return found;
  }
  const items = order.slice(0, HEADS).map((place) => changedHead(comparison, place));
  const more = el("a", { href: "#/heads" }, `all ${order.length} that differ`);
  found.append(el("ol", { class: "changed-heads" }, ...items), more);
  return found;
}

/** A head, its largest change, how much else changed, and what it does in either run. */
function changedHead(comparison, place) {
  const { change } = comparison;
  const name = [...comparison.difference.keys()][change.result[place]];
  const size = `${number(Number(change.size[place].toPrecision(2)))} standard deviations`;
  const count = `${countTold({ clear: change.clear[place], of: change.of[place] })} of its values differ clearly`;
  return el("li", {},
    el("p", {}, el("b", {}, headLink(comparison, place)), " ",
      ...changeTold(comparison, { name, label: change.label[place] }, place),
      el("span", { class: "note" }, ` · ${size} · ${count}`)),
    ...bothSentences(comparison, place));
}

// ---- results

function resultSection(comparison) {
  const found = section("Results", RESULTS_HELP);
  const more = el("a", { href: "#/metrics" }, "maps of all differences");
  found.append(...resultTable(comparison, RESULTS), el("p", {}, more));
  return found;
}

// ---- what is left out

function leftOut({ left_out: results, cut }) {
  const lines = [
    ...results.map((words) => `not compared: ${words}`), ...cut.map((words) => `not in this page: ${words}`),
  ];
  if (!lines.length) return [];
  const found = section("Left out");
  const all = el("ul", { class: "note" }, ...lines.map((words) => el("li", {}, words)));
  found.append(el("details", {}, el("summary", {}, `${lines.length} ${lines.length === 1 ? "thing" : "things"}`), all));
  return [found];
}
