// The runs of a comparison: where they are, whether they share their documents, and numbers of their texts.

import { qTold } from "../arithmetic/differences.js";
import { counted, shown } from "../arithmetic/numbers.js";
import { crumbs, OVERVIEW, section, table } from "../atlas/parts.js";
import { el } from "../shared/dom.js";
import { runChoice } from "./run-choice.js";

const PAIRED_HELP = "Runs over the same documents in the same shards are paired: what the documents have in common is "
  + "no part of a difference.";
const CORPUS_HELP = "What is counted or measured of the texts alone.";

export function drawRuns(root, comparison, _, go) {
  root.append(crumbs([OVERVIEW], "Runs"), el("h1", {}, "The runs"), ...runChoice(comparison, go));
  root.append(runSection(comparison), corpusSection(comparison));
  return null;
}

function runSection(comparison) {
  const { runs, axis, changes } = comparison;
  const found = section("What was compared", PAIRED_HELP);
  const points = axis ? [axis.name] : [];
  const header = ["run", ...points, "paired", "groups of shards", "values that differ clearly", "where"];
  const rows = runs.map((run, at) => [
    el("th", { scope: "row" }, run.name),
    ...(axis ? [el("td", { class: "value" }, String(axis.points[at]))] : []),
    el("td", {}, at ? pairedTold(run) : "the first"), el("td", { class: "value" }, String(run.shards)),
    el("td", { class: "value" }, at ? clearTold(changes[at - 1]) : ""), el("td", { class: "path" }, run.path),
  ]);
  found.append(el("div", { class: "scroll" }, table("metrics runs-table", header, rows)));
  return found;
}

const pairedTold = ({ paired }) => (paired ? "yes" : "no");

function clearTold({ clear, of }) {
  const sum = (list) => list.reduce((total, one) => total + one, 0);
  return `${counted(sum(clear))} of ${counted(sum(of))}`;
}

/** Numbers of the texts of both runs. */
function corpusSection(comparison) {
  const { corpora, names, runs, chosen, clear } = comparison;
  const found = section("The texts", CORPUS_HELP);
  const number = (one, at) => shown(one, one.values[at] ?? NaN);
  const rows = corpora.map((one) => [
    el("th", { scope: "row" }, one.title), el("td", { class: "value" }, number(one, 0)),
    el("td", { class: "value" }, number(one, chosen)),
    el("td", { class: "rank" }, qTold(one.q?.[chosen] ?? null, clear)),
  ]);
  const whole = el("div", { class: "scroll" }, table("metrics", ["", ...names, ""], rows));
  const name = `${rows.length} number${rows.length === 1 ? "" : "s"}`;
  found.append(el("details", { open: !runs[chosen].paired }, el("summary", {}, name), whole));
  return found;
}
