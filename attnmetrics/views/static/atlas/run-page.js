// The run: what was measured, its corpus, and all that run.json says.

import { valueCells, valueColumns } from "../arithmetic/csv.js";
import { clamp } from "../arithmetic/scales.js";
import { el } from "../shared/dom.js";
import { crumbs, OVERVIEW, section, table } from "./parts.js";
import { probability } from "./probability.js";
import { tools } from "./tools.js";

export function drawRun(root, atlas) {
  const single = atlas.corpus.filter((one) => !one.dim);
  root.append(crumbs([OVERVIEW], "The run"), el("h1", {}, "The run"));
  root.append(facts("Where it comes from", atlas.provenance.map(whence)), facts("What was measured", atlas.about));
  root.append(facts("The corpus", single.map((one) => [one.title, one.inWords(0)])));
  const byDistance = atlas.corpus.find((one) => one.dim === "pair_distance" && one.kind === "share");
  if (byDistance) drawProbability(root, byDistance);
  root.append(everything(atlas.facts));
  return null;
}

const whence = ([what, ...words]) => [what, words.filter(Boolean).join(", ")];

function rows(list) {
  const row = ([name, value]) => [el("th", { scope: "row" }, name), el("td", {}, value)];
  return table("facts", null, list.map(row));
}

function facts(title, list) {
  const found = section(title);
  found.append(rows(list));
  return found;
}

function drawProbability(root, corpus) {
  const open = corpus.sure ? " Hollow: pairs of too few documents for an interval." : "";
  const help = `What a head that chose by distance alone would find (section 4.3).${open}`;
  const found = section("How probable a dependency is at each distance", help);
  Object.assign(found.dataset, { definition: corpus.formula ?? "", legend: help });
  root.append(found);
  const picture = probability(corpus, clamp(found.clientWidth || 640, 280, 700));
  const saved = () => [["distance", ...valueColumns(corpus, null, "probability")], ...byDistance];
  const byDistance = corpus.labels.map((_, distance) => [distance, ...valueCells(corpus, 0, distance)]);
  const save = tools(() => picture, saved, "dependency probability");
  found.append(picture, save);
}

function everything(list) {
  const found = section("All that run.json says");
  const whole = el("div", { class: "scroll" }, rows(list));
  found.append(el("details", {}, el("summary", {}, `${list.length} facts`), whole));
  return found;
}
