// A head's sentences on its page: its strongest, typical ones, and those that answer a claim, a tab each.

import { answerOfRoles } from "../arithmetic/board.js";
import { rightWord, textOf } from "../arithmetic/exemplars.js";
import { capital, claimHref, headHref, headName, placeOf } from "../arithmetic/heads.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { tabs } from "../shared/tabs.js";
import { labelsNote } from "./claimed.js";
import { drawExemplar } from "./exemplar.js";
import { remember } from "./head-address.js";
import { typicalHelp, typicalLists } from "./head-typical.js";
import { section } from "./parts.js";
import { tools } from "./tools.js";

/** Sentences shown at first. */
const FIRST = 3;
const OF_UNIT = {
  sentence: "Those with its strongest single attention.",
  window: "Of the windows with its strongest single attention, the sentences that hold the two pieces.",
  "segment pair": "Of the pairs of segments with its strongest single attention, the sentences that hold the two "
    + "pieces.",
};
/** Claims of what is read right or wrong. */
const JUDGED = /:(hit|miss)$/;
const BEST_ALONE = "Of what heads find or miss, a run keeps sentences of the head alone that finds most";
/** What the names of metrics of links begin with. */
const LINKS = "Attention along links";
const COUNTED = "Null pieces do not count, nor do pieces that look at themselves, unless the head does little else.";
const ANSWERS = "Of the pairs of pieces that this is about, those with its strongest single attention.";
const NONE = "No sentence: the head attends to nothing that is measured.";

/** What a claim is about: as the metric is headed that it is of; what is read right or wrong; or by its own name. */
export function claimWords(atlas, claim) {
  const [, name, end] = claim.match(/^[^:]+:(.+):(hit|miss)$/) ?? [];
  if (name) return `${end === "hit" ? "Finds" : "Misses"} ${name}`;
  const metric = atlas.metrics.find((one) => one.claims.includes(claim));
  return metric ? metric.heading(metric.claims.indexOf(claim)) : claim;
}

/** The same in short: "To DET"; of links, what they are called: "Induction". */
function tabWords(atlas, claim) {
  const words = claimWords(atlas, claim);
  return capital(words.startsWith(LINKS) ? claim : words.replace(/^Attention (?=to |from |along |\d)/, ""));
}

/** `rank`: of the sentence that the address names; 0 for none; `query`: which tab it asks for. */
export function sentenceSection(atlas, one, rank, query) {
  const found = section("Sentences");
  found.id = "sentences";
  const [asked, usual] = [query.get("claim"), rank ? "strongest" : usualTab(atlas, one)];
  const first = asked === null ? query.get("sentences") ?? usual : claimKey(asked);
  const choices = sentenceTabs(atlas, one, { rank, first });
  if (asked !== null && !choices.some(({ key }) => key === first)) found.append(unanswered(atlas, asked));
  const chosen = (key) => remember(atlas, one, asQuery(key === usual ? null : key));
  found.append(...tabs("Sentences", choices, first, chosen));
  return found;
}

/** The tab that shows what the head is said to do: of the first claim told of; of typical ones, where it is of rows. */
function usualTab(atlas, { layer, head }) {
  const place = placeOf(atlas, layer, head);
  const answer = answerOfRoles(atlas, place);
  if (answer) return claimKey(answer.claim);
  return atlas.roles && atlas.exemplars.hasTypical(place) ? "typical" : "strongest";
}

const claimKey = (claim) => `claim ${claim}`;

/** What an address says of a tab; null goes unsaid. */
function asQuery(key) {
  const isClaim = key?.startsWith(claimKey("")) ?? false;
  return { claim: isClaim ? key.slice(claimKey("").length) : null, sentences: isClaim ? null : key };
}

function unanswered(atlas, claim) {
  const words = `The page keeps no sentence of this head for: ${claimWords(atlas, claim)}.`;
  return el("p", { class: "note unanswered" }, words, ...(JUDGED.test(claim) ? whereKept(atlas, claim) : []));
}

/** Of what is read right or wrong: of which heads sentences are kept. */
function whereKept(atlas, claim) {
  const kept = atlas.claimed.filter((one) => one.claim === claim && one.list.length);
  const link = ({ layer, head }) => {
    const at = [atlas.layers.indexOf(layer), atlas.heads.indexOf(head)];
    return [" ", el("a", { href: claimHref(atlas, ...at, claim) }, headName(atlas, ...at))];
  };
  return kept.length ? [` ${BEST_ALONE}:`, ...kept.flatMap(link)] : [];
}

/** Of claims of one name, such as those of no word, there is one tab: that of `first`, or of the first of all. */
function sentenceTabs(atlas, one, { rank, first }) {
  const { layer, head } = one;
  const hasTypical = atlas.exemplars.hasTypical(placeOf(atlas, layer, head));
  const isOwn = (answers) => answers.layer === atlas.layers[layer] && answers.head === atlas.heads[head];
  const answers = new Map();
  for (const answer of atlas.claimed.filter((each) => isOwn(each) && each.list.length)) {
    const [key, title] = [claimKey(answer.claim), tabWords(atlas, answer.claim)];
    const draw = () => answersTo(atlas, one, answer);
    if (!answers.has(title) || key === first) answers.set(title, { key, title, draw });
  }
  return [
    { key: "strongest", title: "Strongest", draw: () => strongest(atlas, one, rank) },
    ...(hasTypical ? [{ key: "typical", title: "Typical", draw: () => typicalOf(atlas, one) }] : []),
    ...answers.values(),
  ];
}

/** Those that answer a claim. */
function answersTo(atlas, { layer, head }, { claim, list }) {
  const href = claimHref(atlas, layer, head, claim);
  const item = (answer) => drawExemplar(answer, href, links(atlas, answer, layer, head));
  const name = `${headName(atlas, layer, head)} ${claimWords(atlas, claim)} sentences`;
  const judged = JUDGED.test(claim) ? [labelsNote(atlas)] : [];
  const save = tools(null, () => sentenceRows(list), name);
  return [el("p", { class: "help" }, ANSWERS), ...judged, ...listed(list, item), save];
}

function typicalOf(atlas, { layer, head }) {
  const list = atlas.exemplars.typicalOf(placeOf(atlas, layer, head));
  const actions = (one) => links(atlas, one, layer, head);
  const href = `${headHref(atlas, layer, head)}?sentences=typical`;
  return [el("p", { class: "help" }, typicalHelp(atlas)), ...typicalLists(list, href, actions)];
}

function strongest(atlas, { layer, head }, rank) {
  const list = atlas.exemplars.of(placeOf(atlas, layer, head));
  if (!list.length) return [el("p", { class: "note" }, NONE)];
  const href = headHref(atlas, layer, head);
  const item = (one) => {
    const drawn = drawExemplar(one, `${href}/${one.rank}`, links(atlas, one, layer, head));
    drawn.classList.toggle("chosen", one.rank === rank);
    return drawn;
  };
  const missing = rank > list.length ? [el("p", { class: "note" }, `The page keeps ${list.length} of them.`)] : [];
  const save = tools(null, () => sentenceRows(list), `${headName(atlas, layer, head)} sentences`);
  return [el("p", { class: "help" }, help(atlas, list)), ...missing, ...listed(list, item, rank), save];
}

/** The first of a list, or all where the one that is asked for is not among them, and a button for the others. */
function listed(list, item, rank = 0) {
  const first = rank > FIRST ? list.length : FIRST;
  const items = el("ol", { class: "exemplars" }, ...list.slice(0, first).map(item));
  const rest = list.slice(first);
  return rest.length ? [items, moreButton(items, rest.length, () => items.append(...rest.map(item)))] : [items];
}

function help(atlas, list) {
  const others = list.some((one) => one.row)
    ? "the coloured ones; point at any other piece to see where it looks."
    : "the coloured one.";
  return `${OF_UNIT[atlas.unit]} ${COUNTED} The outlined piece looks at ${others}`;
}

/** A button that adds the others, and leads the keyboard to the first of them. */
function moreButton(items, count, add) {
  return action(`${count} more`, (event) => {
    const shown = items.children.length;
    add();
    event.target.remove();
    items.children[shown].querySelector("a").focus();
  });
}

/** Where a server stands behind the page, the way to all heads in the sentence. */
function links(atlas, exemplar, layer, head) {
  if (!atlas.served) return [];
  const at = { layer: atlas.layers[layer], head: atlas.heads[head] };
  const query = new URLSearchParams({ text: textOf(exemplar), view: "head", ...at });
  return [" · ", el("a", { href: `#/try?${query}` }, "see all heads in it")];
}

function sentenceRows(list) {
  const row = (one) =>
    [one.rank, one.weight, one.source, one.pieces[one.i], one.pieces[one.j], one.i, one.j, rightWord(one), textOf(one)];
  return [["rank", "weight", "source", "attending", "attended", "i", "j", "right", "text"], ...list.map(row)];
}
