// Tables 1, 2 and 3: relations, coreference, probes.

import { capital } from "../../arithmetic/heads.js";
import { el } from "../../shared/dom.js";
import { coreferenceTable } from "../coreference-page.js";
import { withoutInterval } from "../error-bars.js";
import { table } from "../parts.js";
import { number, relationTable, written } from "../relations.js";

const TABLE_1 = "The best head of each relation, under the rule that finds most of its edges. Held out: the best "
  + "head of each half of the documents, on the other half. A relation opens its own page; what a "
  + "narrow page has no room for lies to the right.";
/** Why its numbers are others than those beside heads. */
const TABLE_1_COUNTS = "Edges are all of the text, shares of those that the rule can find. As in the paper, the best "
  + "word offset is chosen on the edges that it is scored on; beside heads and their roles it is chosen on one half of "
  + "the documents and scored on the other, so that its share is another there.";
const TABLE_2 = "Of the mentions with an earlier one of the same thing, the share whose most attended candidate is "
  + "one.";

const TABLE_3 = "Unlabelled attachment: words whose most probable head is theirs, punctuation left out. The control "
  + "task has no trees: what is found there was learned by heart.";
const NOT_PROBED = "This run was not probed: attnmetrics probe RUN --treebank TRAIN --test TEST does it, and "
  + "attnmetrics merge RUN then shows it here.";

const note = (words) => el("p", { class: "note" }, `${capital(words)}.`);
const help = (words) => el("p", { class: "help" }, words);

export function table1(found, atlas) {
  if (atlas.relations.length) found.append(help(TABLE_1), help(TABLE_1_COUNTS));
  found.append(relationTable(atlas, true));
  const count = atlas.relations.length;
  if (count) found.append(el("p", {}, el("a", { href: "#/relation" }, `all ${count} relations, rare ones too`)));
}

/** Table 3: scores of probes, where the run was probed. */
export function table3(found, atlas) {
  const [scores, control] = ["uas", "control_accuracy"].map((name) => atlas.corpus.find((one) => one.name === name));
  if (!scores) {
    found.append(el("p", { class: "note" }, NOT_PROBED));
    return;
  }
  found.append(...withoutInterval(atlas, scores));
  const published = atlas.corpus.find((one) => one.name === "uas_published");
  const row = (name, n) => [
    el("td", {}, name.replaceAll("_", " ")),
    ...[scores, control, published].map((one) => number(one ? written(one.values[n]) : "–")),
  ];
  const header = ["probe", "attachment", "control task", "published"];
  const rows = table("results", header, scores.labels.map(row));
  found.append(help(TABLE_3), el("div", { class: "scroll" }, rows), ...atlas.probed.map(note));
}

export function table2(found, atlas) {
  if (atlas.coreference.length) found.append(help(TABLE_2));
  found.append(coreferenceTable(atlas));
  if (atlas.coreference.length) found.append(el("p", {}, el("a", { href: "#/coreference" }, "all of coreference")));
}
