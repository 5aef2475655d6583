// A head in two runs: what it does in both, what differs, its profiles, its sentences, its values over all runs.

import { headRows } from "../arithmetic/comparison-csv.js";
import { allHeads, capital, headName, placeOf } from "../arithmetic/heads.js";
import { clamp } from "../arithmetic/scales.js";
import { headSteps } from "../atlas/head-page.js";
import { crumbs, OVERVIEW, section, table } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { bothSentences, clearCell, countTold, parted, shortHeading, titlesOf } from "./parts.js";
import { pairProfile, profiledLabels } from "./pair-profile.js";
import { readChange } from "./role-changes.js";
import { runChoice } from "./run-choice.js";
import { sentencesOfBoth } from "./sentences.js";
import { headTrends } from "./head-trends.js";

/** Values at first, and labels of a profile. */
const [VALUES, LABELS] = [12, 10];
const VALUES_HELP = "The surest first: by how many times half its interval a difference is from 0.";
const PROFILE_HELP = "Above, the first run, beneath, the other; thin lines are intervals. Beside them the difference: "
  + "grey where it is not clear.";

const pairHelp = ({ names: [first, other] }) =>
  PROFILE_HELP.replace("the first run", `orange, ${first}`).replace("the other", `purple, ${other}`);

export function drawHeadPage(root, comparison, [layerName, headLabel], go) {
  const layer = comparison.layers.findIndex((one) => String(one) === layerName);
  const head = comparison.heads.findIndex((one) => String(one) === headLabel);
  if (layer < 0 || head < 0) {
    return `expected a head of ${allHeads(comparison)}, found layer ${layerName} head ${headLabel}`;
  }
  const one = { layer, head, place: placeOf(comparison, layer, head), name: headName(comparison, layer, head) };
  root.append(...top(comparison, one, go), valueSection(comparison, one));
  drawProfiles(root, comparison, one);
  root.append(...sentencesOfBoth(comparison, one));
  if (comparison.runs.length > 2) headTrends(root, comparison, one);
  return null;
}

function top(comparison, { layer, head, place, name }, go) {
  const title = capital(name);
  const { change } = comparison;
  const counts = countTold({ clear: change.clear[place], of: change.of[place] });
  const off = [comparison.first, comparison.other].filter(({ evidence }) => evidence.isOff(place));
  const said = (atlas) =>
    `Nearly switched off in ${atlas.name}: its numbers there are ${atlas.evidence.fromHowMuch(place)}, and say little.`;
  const alerts = off.map((atlas) => el("p", { class: "missing" }, said(atlas)));
  return [
    crumbs([OVERVIEW, ["#/heads", "Heads"]], title),
    el("div", { class: "page-top" }, el("h1", {}, title), headSteps(comparison, { layer, head })),
    ...runChoice(comparison, go), ...bothSentences(comparison, place), ...roles(comparison, place), ...alerts,
    el("p", { class: "note" }, `${counts} of its values differ clearly between ${comparison.names.join(" and ")}.`),
  ];
}

/** Roles that the head gained or lost. */
function roles(comparison, place) {
  const own = comparison.roleChanges.map(readChange(comparison)).filter((one) => one.place === place);
  if (!own.length) return [];
  const tag = ({ isGained, words }) =>
    el("span", { class: `role-tag ${isGained ? "gained" : "lost"}` }, `${isGained ? "gained" : "lost"}: ${words}`);
  return [el("p", { class: "roles" }, "Roles: ", ...own.map(tag))];
}

// ---- what differs

function valueSection(comparison, { place, name }) {
  const all = comparison.ofHead(place);
  const found = section("What differs", VALUES_HELP);
  const host = el("div", { class: "scroll" });
  const header = ["result", ...comparison.names, "difference", "q"];
  const draw = (most) => host.replaceChildren(table("metrics differences", header,
    all.slice(0, most).map((one) => valueRow(comparison, one, place))));
  draw(VALUES);
  const buttons = tools(null, () => headRows(comparison, place), `${name} ${comparison.names.join(" ")}`);
  if (all.length > VALUES) {
    buttons.append(action(`all ${all.length}`, (event) => { draw(all.length); event.target.remove(); }));
  }
  found.append(host, buttons);
  return found;
}

function valueRow(comparison, { metric, label }, place) {
  const [, ...runs] = comparison.tables(metric.name);
  const cell = (one) => el("td", { class: "value" }, ...parted(one.told(place, label)));
  const what = el("a", { href: metric.href(label) }, shortHeading(metric, label));
  return [el("th", { scope: "row" }, what), ...[...runs, metric].map(cell), clearCell(metric, place, label)];
}

// ---- profiles

/** Shares over the labels of one dimension, of which there are many. */
function profiled({ first }) {
  const isOfOne = ({ dim }) => dim !== null && !dim.includes(", ");
  return first.metrics.filter((metric) => metric.kind === "share" && isOfOne(metric) && metric.labels.length > 4);
}

function drawProfiles(root, comparison, one) {
  const metrics = profiled(comparison);
  if (!metrics.length) return;
  const found = section("Profiles", PROFILE_HELP);
  const grid = el("div", { class: "profiles" });
  found.append(grid);
  root.append(found);
  const blocks = metrics.map((metric) => el("div", {}, el("h3", {}, metric.title)));
  grid.append(...blocks); // all of them, before any asks how wide it is
  metrics.forEach((metric, n) => drawProfile(blocks[n], comparison, metric, one));
}

function drawProfile(block, comparison, metric, one) {
  const labels = profiledLabels(comparison, metric.name, one.place, LABELS);
  if (!labels.length) {
    block.append(el("p", { class: "note" }, "no evidence"));
    return;
  }
  const picture = pairProfile(comparison, metric.name, labels, one.place, clamp(block.clientWidth || 300, 250, 480));
  const rows = () => headRows(comparison, one.place).filter(([name], n) => n === 0 || name === metric.name);
  const titles = titlesOf(comparison, `${metric.title}, ${one.name}`, metric, pairHelp(comparison));
  block.append(picture, tools(() => picture, rows, `${titles[0]} ${comparison.names.join(" ")}`, titles));
}

