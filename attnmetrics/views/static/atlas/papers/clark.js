// Clark et al. 2019: the paper's figures and tables from this run, and its numbers beside this run's.

import { el } from "../../shared/dom.js";
import { hitsAndMisses } from "../claimed.js";
import { crumbs, OVERVIEW, section } from "../parts.js";
import { relationHref } from "../relations.js";
import { behaviours } from "./behaviours.js";
import { compared, replication } from "./numbers.js";
import { figure2, figure3, figure4 } from "./surface.js";
import { table1, table2, table3 } from "./tables.js";
import { tabs } from "./tabs.js";

const HELP = "its figures and tables, drawn from this run, and its numbers beside this run's.";
const FIGURE_5 = "The best head of a few relations in a sentence that it reads right, and in one that it reads wrong.";
/** Relations of the paper's Figure 5, as far as a run has them. */
const SHOWN = ["obj", "dobj", "det", "nmod:poss", "poss", "aux:pass", "auxpass", "case", "pobj"];
const MOST = 3;

export function drawClark(root, atlas, paper, part) {
  const title = el("h1", {}, "What does BERT look at, on this run");
  root.append(crumbs([OVERVIEW], "The papers"), ...tabs(atlas, paper.key), title,
    el("p", { class: "help" }, `${paper.citation}: ${HELP}`), behaviours(atlas));
  figure2(atlas, root);
  figure3(atlas, root);
  figure4(atlas, root);
  root.append(table1(atlas), figure5(atlas), table2(atlas), table3(atlas), ...figure6(atlas), ...numbers(atlas, paper));
  const chosen = part && [...root.querySelectorAll("h2")].find((one) => slug(one.textContent).startsWith(part));
  if (chosen) chosen.parentElement.classList.add("chosen");
  return null;
}

/** `slug("Figure 2: attention to…")` begins with "figure-2". */
const slug = (words) => words.toLowerCase().replace(/[^a-z0-9]+/g, "-");

function figure5(atlas) {
  const kept = SHOWN.map((rel) => atlas.relations.find(([first]) => first.rel === rel)).filter(Boolean).slice(0, MOST);
  const found = section("Figure 5: relations in sentences", kept.length ? FIGURE_5 : "");
  if (!kept.length) found.append(el("p", { class: "note" }, "This run has none of the paper's relations."));
  for (const rules of kept) {
    const [{ rel }] = rules;
    const link = el("a", { href: relationHref(rel) }, rel);
    found.append(el("h3", {}, link), hitsAndMisses(atlas, `relation:${rel}`, 1));
  }
  return found;
}

function figure6(atlas) {
  const found = section("Figure 6: heads that attend alike");
  const { similarity } = atlas;
  found.append(similarity
    ? el("p", {}, el("a", { href: "#/similarity" }, "A map of all heads, near one another where they attend alike"))
    : el("p", { class: "note" }, "This run has no similarity of heads."));
  return [found];
}

/** All numbers, under the figures and tables where they stand. */
function numbers(atlas, { conditions, rows, summed_up: summary }) {
  const found = section("Every number", `Published for: ${conditions} Another model or corpus need not agree.`);
  found.append(replication(summary, rows));
  const places = [...new Set(rows.map(({ where }) => where))];
  found.append(...places.map((where) => {
    const kept = rows.filter((row) => row.where === where);
    const whole = el("div", { class: "scroll" }, compared(atlas, kept));
    return el("details", {}, el("summary", {}, where), whole);
  }));
  return [found];
}
