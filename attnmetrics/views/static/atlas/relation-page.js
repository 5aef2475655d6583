// The page of a relation: which heads find it, under which rule, and where they are wrong.

import { explain } from "../arithmetic/glossary.js";
import { headAt, headHref, headName } from "../arithmetic/heads.js";
import { counted } from "../arithmetic/numbers.js";
import { el } from "../shared/dom.js";
import { accuracyMaps } from "./accuracy-maps.js";
import { hitsAndMisses } from "./claimed.js";
import { crumbs, OVERVIEW, section } from "./parts.js";
import { members } from "./role-lists.js";
import { HALVES, relationHref, relationTable, ruleName, ruleTable } from "./relations.js";

const HELP = "Words of a sentence are candidates; from a dependent, a head is right where the word that it points to "
  + "is the head word, and from a head word where it is the dependent.";
const PLACES = `${HALVES}; offsets and classes likewise. `
  + "The offset says how many words to the right of the dependent its head word stands most often; the class, whose "
  + "nearest word, before or after the dependent, is its head word most often (from head word: the other way round).";
const ROLES = "By the declared rule: right in half of the edges that it can find or more, and far more often than the "
  + "best word offset, beyond what its distances give of all dependencies.";
const BEYOND_REACH = "No head can have it: the best word offset finds so much that the rule asks for more than 100%.";
/** Heads that nearly have it, shown at first. */
const NEAR = 6;
const EXAMPLES = "The outlined piece attends; the arrow keys or a pointer choose another.";

export function drawRelation(root, atlas, [rel], go) {
  if (rel === undefined) return drawRelations(root, atlas);
  const rules = atlas.relations.find(([first]) => first.rel === rel);
  if (!rules) return `expected a relation with edges that attention can hit, found ${rel}`;
  root.append(crumbs([OVERVIEW, ["#/relation", "Relations"]], rel), el("h1", {}, `Which heads find ${rel}`),
    ...meaning(atlas, rel), el("p", { class: "help" }, HELP), ruleSection(atlas, rel, rules),
    ...roleSection(atlas, rel), exampleSection(atlas, rel));
  const maps = rules.map(({ rule }) => [ruleName(rule), atlas.rule_words[rule] ?? "", { rule, rel }]);
  accuracyMaps(root, atlas, "relation_accuracy", maps, (layer, head) => go(headHref(atlas, layer, head)));
  return null;
}

function drawRelations(root, atlas) {
  root.append(crumbs([OVERVIEW], "Relations"), el("h1", {}, "Heads that find relations"),
    el("p", { class: "help" }, `${HELP} ${PLACES}`), relationTable(atlas), ...outOfReach(atlas), glossary(atlas));
  return null;
}

/** What is said of relations that no head can find, where there are some. */
function outOfReach({ relations_out_of_reach: lost }) {
  const edges = Object.entries(lost).map(([rel, number]) => `${rel} (${counted(number)})`).join(", ");
  const words = `No attention can hit, for want of attendable pairs, the edges of ${edges}.`;
  return edges ? [el("p", { class: "note" }, words)] : [];
}

/** What the relation is, where that is explained. */
const meaning = (atlas, rel) => (explain(atlas, rel) ? [el("p", {}, `${rel} is ${explain(atlas, rel)}.`)] : []);

/** What each relation of the run is. */
function glossary(atlas) {
  const found = section("What they are", "In each example an arrow leads from the dependent to its head word.");
  const told = atlas.relations.map(([{ rel }]) => [rel, explain(atlas, rel)]).filter(([, words]) => words);
  const item = ([rel, words]) => [el("dt", {}, el("a", { href: relationHref(rel) }, rel)), el("dd", {}, words)];
  found.append(el("dl", { class: "glossary" }, ...told.flatMap(item)));
  return found;
}

function ruleSection(atlas, rel, rules) {
  const found = section("The best head", PLACES);
  found.append(ruleTable(atlas, rules));
  const published = atlas.published_relations[rel] ?? [];
  if (published.length) {
    const words = `Published for BERT-base on Stanford Dependencies of the WSJ: ${published.join("; ")}.`;
    found.append(el("p", { class: "note" }, words));
  }
  return found;
}

const headOf = (atlas, place) =>
  el("a", { href: headHref(atlas, ...headAt(atlas, place)) }, headName(atlas, ...headAt(atlas, place)));

/** The heads that have a role for finding it, and those that a rule leaves out though they come near. */
function roleSection(atlas, rel) {
  if (!atlas.roles) return [];
  const { held, missed, isBeyondReach } = atlas.roles.ofDetail(rel);
  const found = section("Heads whose role it is", ROLES);
  found.classList.add("role-of");
  const item = ([place, [, reached]]) => el("li", {}, headOf(atlas, place), `: ${reached}`);
  const near = missed.map(item);
  const more = el("details", {}, el("summary", {}, `${near.length - NEAR} more`), el("ul", {}, ...near.slice(NEAR)));
  const own = [...new Set(held.map(([place]) => place))];
  found.append(own.length ? members(atlas, own) : el("p", {}, isBeyondReach ? BEYOND_REACH : "No head has it."));
  if (near.length) found.append(el("p", {}, "Not quite:"), el("ul", {}, ...near.slice(0, NEAR)));
  if (near.length > NEAR) found.append(more);
  return [found];
}

function exampleSection(atlas, rel) {
  const found = section("In sentences", EXAMPLES);
  found.append(hitsAndMisses(atlas, `relation:${rel}`));
  return found;
}
