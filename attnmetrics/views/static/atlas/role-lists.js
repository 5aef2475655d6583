// Lists of heads by what they do: answers to questions, families.

import { headShort, pairHref } from "../arithmetic/head-numbers.js";
import { headAt, headHref, headName, placeOf } from "../arithmetic/heads.js";
import { el } from "../shared/dom.js";
import { section } from "./parts.js";

/** How heads that answer a question are listed. */
export const RULE_ORDER = "The head whose score is farthest above its chance level, or below what the rule "
  + "allows, comes first, in each group if there are groups.";
const QUESTIONS_HELP = "By declared rules over the run's results, read against chance: attention along dependencies "
  + "beyond what a head's distances give, relations beyond the best word offset, copies beyond even attention. "
  + RULE_ORDER;
const FAMILIES_HELP = "Heads whose attention goes to like parts of speech, relations and offsets. A name is the "
  + "role that comes first in half of them or more, else the two that come first most often: not every head has it.";
const NEAR_HELP = "By profile: parts of speech, relations, offsets and null pieces. 0 for heads that attend to the "
  + "same kinds, 1 for heads that have nothing in common. A distance of profiles has no interval.";
/** Heads of a list shown at first, and how many more than those are not worth a fold. */
const [FIRST, SPARE] = [18, 4];

/** Heads that do not answer a question, though they come near. */
const BARRED = "Nearly switched off, but for that among them:";
export const NEAR = "Only just missing the rule, but better than the nearest word of any class in a relation:";

/** The address of what guards the roles against luck. */
export const LUCK = "#/?about=luck";

/** Which heads answer each question; what guards them against luck is lit where the address asks for it. */
export function questionSection(atlas, query) {
  const found = section("Which heads …", QUESTIONS_HELP);
  const items = atlas.roles.questions.map((question) => {
    const { key, title, words, places, barred, near } = question;
    const link = el("a", { href: `#/find?q=${encodeURIComponent(key)}` }, title);
    const size = el("span", { class: "note" }, count(places));
    const others = [[NEAR, near], [BARRED, barred]].filter(([, some]) => some.length)
      .flatMap(([name, some]) => [el("p", { class: "note" }, name), members(atlas, some)]);
    return el("li", { "data-question": key }, el("b", {}, link), size,
      el("p", { class: "note" }, words), ...answering(atlas, question), ...others);
  });
  const luck = luckNote(atlas, query.get("about") === "luck");
  found.append(luck, el("ul", { class: "answers" }, ...items));
  return found;
}

/** The heads that answer: a list, or where it has groups, how many are in which, and a list of each. */
function answering(atlas, { places, groups, grouped }) {
  if (!groups.length) return [members(atlas, places)];
  const lists = groups.map(({ title, places: own }) =>
    [el("p", { class: "group" }, title, el("span", { class: "note" }, count(own))), members(atlas, own)]);
  return [el("p", {}, `${grouped}.`), ...lists.flat()];
}

/** What guards against luck: a sentence, and all that there is to say folded, unless it is asked for. */
function luckNote({ roles }, isAsked) {
  const whole = el("p", {}, roles.luckTold());
  const folded = el("details", { open: isAsked }, el("summary", {}, "What guards against luck"), whole);
  return el("div", { class: `help luck${isAsked ? " chosen" : ""}` }, el("p", {}, roles.inShort()), folded);
}

/** Families of heads, on the page of similarity. */
export function familySection(atlas) {
  const found = section("Families", FAMILIES_HELP);
  const items = atlas.roles.families().map(({ name, places }) =>
    el("li", {}, el("b", {}, name), el("span", { class: "note" }, count(places)), members(atlas, places)));
  const none = el("p", { class: "note" }, "No two heads have like profiles.");
  found.append(items.length ? el("ul", { class: "answers" }, ...items) : none, ...inNone(atlas, items.length));
  return found;
}

/** How many heads are in no family, where there are any families. */
function inNone({ roles }, families) {
  const number = roles.inNoFamily();
  if (!families || !number) return [];
  const words = number === 1 ? "1 head is in no family: none has a profile like its own"
    : `${number} heads are in no family: none has a profile like theirs`;
  return [el("p", { class: "note" }, `${words}, or nothing was measured.`)];
}

/** What is said of a list of heads by profile, and how far two heads are apart that nothing connects. */
function nearHelp({ roles, similarity }) {
  const [, middle] = roles.apart();
  const other = similarity ? " Heads that attend alike are another list: those attend to the same pieces." : "";
  return `${NEAR_HELP} Two heads drawn at random: ${middle.toFixed(2)} (median).${other}`;
}

/** The heads with profiles most like one's, and what they do. */
export function nearSection(atlas, { layer, head }) {
  const near = atlas.roles?.near(placeOf(atlas, layer, head)) ?? [];
  if (!near.length) return [];
  const found = section("Heads like this one", nearHelp(atlas));
  const own = placeOf(atlas, layer, head);
  const item = ({ place, distance }) => el("li", {}, headLink(atlas, place, headName(atlas, ...headAt(atlas, place))),
    el("span", { class: "number" }, distance.toFixed(2)), " ",
    el("a", { href: pairHref(atlas, [own, place]) }, "side by side"),
    el("p", { class: "note", title: atlas.roles.sentence(place) }, atlas.roles.headline(place)));
  found.append(el("ol", { class: "heads-list like" }, ...near.map(item)));
  return [found];
}

const count = (places) => ` ${places.length} head${places.length === 1 ? "" : "s"}`;

/** Links to heads; those beyond the first are folded, and made when they are unfolded. */
export function members(atlas, places) {
  const links = (some) => some.map((place) => headLink(atlas, place));
  const first = places.length > FIRST + SPARE ? FIRST : places.length;
  const rest = places.slice(first);
  const unfold = ({ target }) => target.append(...links(rest));
  const folded = el("details", {}, el("summary", {}, `${rest.length} more`));
  folded.addEventListener("toggle", unfold, { once: true });
  return el("div", { class: "members" }, ...links(places.slice(0, first)), ...(rest.length ? [folded] : []));
}

function headLink(atlas, place, name = null) {
  const at = headAt(atlas, place);
  const told = { title: atlas.roles.sentence(place), "aria-label": headName(atlas, ...at) };
  return el("a", { href: headHref(atlas, ...at), ...told }, name ?? headShort(atlas, place));
}
