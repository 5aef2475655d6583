// The first page: the run's numbers, all heads on one screen, the lists of those that answer questions or stand out.

import { capital, standoutsOf } from "../arithmetic/heads.js";
import { el } from "../shared/dom.js";
import { afterFirst } from "../shared/seen.js";
import { Board } from "./board.js";
import { standoutCard } from "./cards.js";
import { evidenceNote } from "./evidence.js";
import { section } from "./parts.js";
import { questionSection } from "./role-lists.js";

const WORDS = "Null pieces are those on which a head rests that looks at nothing: the first piece, separators. Nats "
  + "say how widely attention is spread: 0 over one piece, 0.7 evenly over two, 2.3 over ten.";
const OPENS = "A click opens the head and the sentences that show it.";
const HELD_OUT = " Held out: chosen on half of the documents, scored on the other half.";

/** Whether the page begins with what needs no arrays: the roles of heads, read with the run's own evidence. */
export const beginsWithRoles = (atlas, query) => atlas.roles && !query.has("map") && !query.has("evidence");

export function drawOverview(root, atlas, _, go, query) {
  const numbers = atlas.headline.map(([name, value]) => el("div", {}, el("dd", {}, value), el("dt", {}, name)));
  root.append(el("div", { class: "page-top" }, el("h1", {}, atlas.name), el("dl", { class: "numbers" }, ...numbers)),
    el("p", { class: "help" }, aboutPage(atlas)), ...whence(atlas), ...missing(atlas));
  new Board(root, atlas, go, query).drawFirst();
  if (atlas.roles) root.append(questionSection(atlas, query));
  root.append(standouts(atlas), el("p", { class: "note" }, WORDS), leftOut(atlas));
  return null;
}

/** What the page is, to one who knows no more than its address. */
const aboutPage = ({ name, unit }) => `What each attention head of ${name} attends to, measured over the ${unit}s of a `
  + "text and read against what chance would give, with the sentences that show it.";

/** Where text, labels and model come from, and when they were measured: a line. */
function whence({ provenance }) {
  const told = provenance.filter(([, words]) => words)
    .flatMap(([what, words]) => [el("b", {}, capital(what)), ` ${words}. `]);
  return told.length ? [el("p", { class: "note whence" }, ...told, el("a", { href: "#/run" }, "All of the run"))] : [];
}

function missing(atlas) {
  if (!atlas.missing) return [];
  const words = `${atlas.missing} shards are missing from everything here: see the run's facts.`;
  return [el("p", { class: "missing", role: "alert" }, words)];
}

function leftOut(atlas) {
  const counted = atlas.left_out.filter(([, value]) => value !== "0").map(([name, value]) => `${name} ${value}`);
  const words = counted.length ? `Left out or cut: ${counted.join(", ")}.` : "Nothing was left out or cut.";
  return el("p", { class: "note" }, words);
}

function standouts(atlas) {
  const all = standoutsOf(atlas);
  const found = section("Heads that stand out", OPENS + (all.some((one) => one.held_out) ? HELD_OUT : ""));
  const cards = () => el("div", { class: "roles-grid" }, ...all.map((one) => standoutCard(atlas, one)));
  const none = () => el("p", { class: "note" }, "No head has evidence in this run.");
  return afterFirst(found, () => found.append(evidenceNote(atlas), all.length ? cards() : none()));
}
