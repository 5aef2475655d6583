// Which heads are nearly switched off, said on a page, with a menu of what that takes.

import { headShort } from "../arithmetic/head-numbers.js";
import { headAt, headHref, headName } from "../arithmetic/heads.js";
import { choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";

const NONE = "No head is nearly switched off on this text";
const HELP = "They compete for nothing, set no scale, and are striped or hollow";
const HELP_OF_ONE = "It competes for nothing, sets no scale, and is striped or hollow";

/** The paragraph; a choice draws the page again. */
export function evidenceNote(atlas) {
  const { evidence, evidence_choices: choices } = atlas;
  const options = choices.map((share) => [String(share), share ? `less than ${100 * share}%` : "no limit"]);
  const change = (value) => atlas.setEvidence(Number(value));
  const menu = choice("Nearly switched off: attention off null pieces is", options, evidence.least, change);
  return el("div", { class: "evidence note" }, el("p", { class: "note" }, ...said(atlas)), menu);
}

function said(atlas) {
  const { off } = atlas.evidence;
  if (!off.length) return [`${NONE}.`];
  const [are, their, help] = off.length === 1
    ? ["head is", "its", HELP_OF_ONE]
    : ["heads are", "their", HELP];
  const why = `${their} attention rests on null pieces`;
  const words = `${off.length} ${are} nearly switched off on this text: ${why}. ${help}: `;
  const ranked = ` Ranks are among the other ${atlas.layers.length * atlas.heads.length - off.length}.`;
  return [words, ...off.flatMap((place, n) => [...(n ? [", "] : []), link(atlas, place)]), ".", ranked];
}

function link(atlas, place) {
  const at = headAt(atlas, place);
  const name = `${headName(atlas, ...at)}, ${atlas.evidence.fromHowMuch(place)}`;
  return el("a", { href: headHref(atlas, ...at), title: name }, headShort(atlas, place));
}

/** Beside a number of a head: from how much of its attention it is; nothing where null pieces count, or it is on. */
export function fromHowMuch(atlas, metric, place) {
  const words = metric.hasNull ? "" : atlas.evidence.fromHowMuch(place);
  return words ? [" ", el("span", { class: "from" }, words)] : [];
}
