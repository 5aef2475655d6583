// Clark et al. 2019: the paper's figures and tables from this run, each with its numbers beside this run's.

import { el } from "../../shared/dom.js";
import { afterFirst } from "../../shared/seen.js";
import { crumbs, OVERVIEW, section } from "../parts.js";
import { behaviours } from "./behaviours.js";
import { headMaps } from "./head-maps.js";
import { compared, replication } from "./numbers.js";
import { sentences } from "./sentences.js";
import { entropy, gradients, surface } from "./surface.js";
import { table1, table2, table3 } from "./tables.js";
import { tabs } from "./tabs.js";

const HELP = "its figures and tables, drawn from this run, and its numbers beside this run's.";

/** In the paper's order: what fills the section of a part, given atlas and go, and where its numbers stand. */
const PARTS = [
  { title: "Figure 1: what heads do", fill: behaviours, places: ["Figure 1"] },
  { title: "Figure 2: attention to special pieces and neighbours", fill: surface, places: ["Figure 2", "Section 3"] },
  { title: "Figure 3: how much attention to special pieces matters", fill: gradients, places: ["Figure 3"] },
  { title: "Figure 4: entropy of attention", fill: entropy, places: ["Figure 4"] },
  { title: "Table 1: heads that find relations", fill: table1, places: ["Section 4.1", "Table 1", "Notebook"] },
  { title: "Figure 5: relations in sentences", fill: sentences, places: ["Figure 5"] },
  { title: "Table 2: heads that find antecedents", fill: table2, places: ["Table 2"] },
  { title: "Table 3: trees read off attention", fill: table3, places: ["Table 3"] },
  { title: "Figure 6: heads that attend alike", fill: headMaps, places: ["Figure 6"] },
];
/** Long ones: the run's own table is above them. */
const FOLDED = ["Table 1", "Notebook"];
/** Parts that are seen first. */
const AT_ONCE = 2;
/** Pixels of a screen on which all are folded. */
const NARROW = 640;

export function drawClark(root, atlas, paper, part, go) {
  const title = el("h1", {}, "What does BERT look at, on this run");
  root.append(crumbs([OVERVIEW], "The papers"), ...tabs(atlas, paper.key), title,
    el("p", { class: "help" }, `${paper.citation}: ${HELP}`), ...conditions(paper));
  const chosen = part ? PARTS.findIndex((one) => slug(one.title).startsWith(part)) : -1;
  const sections = PARTS.map((one) => partOf(root, atlas, paper, one, go));
  sections.forEach(({ found, fill }, n) => (n < Math.max(AT_ONCE, chosen + 1) ? fill() : afterFirst(found, fill)));
  sections[chosen]?.found.classList.add("chosen");
  return null;
}

/** `slug("Figure 2: attention to…")` begins with "figure-2". */
const slug = (words) => words.toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** What the published numbers are of, and how many of them this run's intervals hold. */
function conditions({ conditions: what, rows, summed_up: summary }) {
  const words = `Published for: ${what} Another model or corpus need not agree.`;
  return [el("p", { class: "help" }, words), replication(summary, rows)];
}

/** A section on the page, and what fills it then, for what is drawn asks how wide it is. */
function partOf(root, atlas, paper, { title, fill, places }, go) {
  const found = section(title);
  root.append(found);
  return {
    found,
    fill: () => {
      fill(found, atlas, go);
      found.append(...places.map((where) => published(atlas, paper, where)));
    },
  };
}

/** The numbers that stand at a place of the paper, each beside this run's. */
function published(atlas, { rows }, where) {
  const kept = rows.filter((row) => row.where === where);
  const numbers = el("div", { class: "scroll" }, compared(atlas, kept));
  const name = el("summary", {}, `${where}: published, and in this run`);
  const open = innerWidth > NARROW && !FOLDED.includes(where);
  return el("details", { class: "published-numbers", open }, name, numbers);
}
