// What each head does, as the page's data has it: roles, a sentence, heads with like profiles, answers to questions.

import { counted } from "./numbers.js";

/** The role of heads that have none. */
const NO_ROLE = {
  name: "", colour: "var(--chosen)", meaning: "no rule is met clearly enough to say what it does",
};

/** What a role is called. */
export const roleName = ({ name }) => name || "no role";

/** What comes later of pages that have no more. */
const NOTHING = { told: [], besides: [], misses: [], near: [], apart: [], others: [], beyondReach: [] };

/** What luck says nothing of. */
const AGAINST = "That is against chance levels alone, not against simpler rules such as the nearest word of a class.";

export class Roles {
  #later;
  #others = null;
  #now;

  /**
   * known: [{ name, colour, meaning, score }] in order, where score { metric, label } is what makes the role, or null,
   * and meaning "" where a reader's own rules give none; tried: how many rules each head is tried on; luck: how many
   * heads of each role luck alone would give, and luckInShort: how many in all; ofHead: of each
   * head [[role, in words, how strongly], …]; scores: of each what makes its first roles; claims: of each the names of
   * those that show these, the best first; sentences: of each;
   * headlines: of each [[words, number or ""], …], two at most;
   * questions: [{ key, title, words, rules, places, why, groups, grouped, barred, near, axes }], the clearest place of
   * a group first, each with [role, score, interval, what its chance level is called, that, what the nearest word of a
   * class finds or "", a remark where it finds as much or ""]; groups: [{ title, places }], none where nothing is
   * compared with that word; grouped: how many are in which, in words, or ""; near: places that only just miss a rule,
   * but find more than that word; family: of each head its number, −1 without; familyNames: by number.
   *
   * later() gives what is not needed at first. told: of each head [[role in words, score, interval or "", what its
   * chance level is called, that, of how many cases or "", what the nearest word of a class finds or "", a remark where
   * it finds as much or "", label], …]; besides: of each likewise what its sentence
   * tells of without its having the role, with what that asks for; misses: of each [[role in words, what it reaches and
   * is asked for, label], …] of the rules that it only just misses, the nearest first; beyondReach: labels of roles
   * that no head can have, for the rules ask for more than all; near: of each [[place, distance], …]; apart: the
   * quartiles of the distances of all pairs; others: [[share, { heads: [[place, roles,
   * sentence, headlines], …], questions, familyNames }], …], what is otherwise where heads need another share of their
   * attention off null pieces.
   */
  constructor({ known, tried, luck, luckInShort, scores, claims, ...packed }, family, later = () => NOTHING) {
    const { ofHead, sentences, headlines, questions, familyNames } = packed;
    const usual = { ofHead, sentences, headlinesOf: headlines, questions, familyNames };
    Object.assign(this, { known, tried, luck, luckInShort, scores, claims, family, usual });
    this.#later = later;
    this.byName = new Map([...known, NO_ROLE].map((role) => [role.name, role]));
    this.use(null, null);
  }

  /** Be as roles are where heads need a share of their attention off null pieces; `usual` is that of the run. */
  use(least, usual) {
    this.#now = least === usual ? null : this.#otherwise(least);
    Object.assign(this, this.usual, this.#now);
  }

  /** What is otherwise with a share; null where nothing is. */
  #otherwise(least) {
    this.#others ??= new Map(this.#later().others.map(([share, one]) => [share, otherwise(this.usual, one)]));
    return this.#others.get(least) ?? null;
  }

  /** What is told of a head by a name of what comes later; nothing of one that is switched on or off unusually. */
  #toldOf(place, name) {
    return this.#now?.changed.has(place) ? [] : this.#later()[name][place] ?? [];
  }

  /** The first role of a head, which colours it. */
  first(place) {
    return this.byName.get(this.ofHead[place][0]?.[0] ?? "");
  }

  /** All of them in words. */
  inWords(place) {
    return this.ofHead[place].map(([, words]) => words);
  }

  sentence(place) {
    return this.sentences[place];
  }

  /** What it does in a few words: [{ words, number }], the number "" where there is none. */
  headlines(place) {
    return this.headlinesOf[place].map(([words, number]) => ({ words, number }));
  }

  /** The same without numbers, in one line. */
  headline(place) {
    return this.headlinesOf[place].map(([words]) => words).join("; ");
  }

  /** Of how many tries roles are the best. */
  triesTold() {
    const [rules, heads] = [this.tried, this.ofHead.length].map(counted);
    return `${rules} rules were tried on each of ${heads} heads`;
  }

  /** The same, how many heads luck alone would give, and against what. */
  inShort() {
    return `${this.triesTold()}. ${this.luckInShort} ${AGAINST}`;
  }

  /** The same, and what guards against luck. */
  luckTold() {
    return `${this.triesTold()}, one for each relation, tag or class, and of so many tries some reach far by luck: so `
      + "each rule asks for a margin over its chance level, those of relations also for several standard errors and an "
      + "interval clear of it, and the pages of relations score the best head on documents that did not choose "
      + `it (held out). ${this.luck}`;
  }

  /** The name of the role that most of these heads have; "" without one. */
  sharedBy(places) {
    const counts = new Map();
    const names = places.flatMap((place) => [...new Set(this.ofHead[place].map(([role]) => role))]);
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    const [name, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
    return count > places.length / 2 ? name : "";
  }

  /** The rules that it only just misses. */
  missedBy(place) {
    return this.#toldOf(place, "misses");
  }

  /** The scores of its roles. */
  scoresOf(place) {
    return this.#toldOf(place, "told");
  }

  /** The scores that its sentence tells of without its having the role. */
  besidesOf(place) {
    return this.#toldOf(place, "besides");
  }

  /** Heads whose roles have a label as their detail, and heads that only just miss such a role: [[place, told], …]. */
  ofDetail(label) {
    const isOf = (one) => one.at(-1) === label;
    const all = (told) => this.ofHead.flatMap((_, place) => told(place).filter(isOf).map((one) => [place, one]));
    const isBeyondReach = this.#later().beyondReach.includes(label);
    return { held: all((place) => this.scoresOf(place)), missed: all((place) => this.missedBy(place)), isBeyondReach };
  }

  /** The heads with the profiles most like one's, the nearest first: [{ place, distance }]. */
  near(place) {
    return this.#later().near[place].map(([other, distance]) => ({ place: other, distance }));
  }

  /** The quartiles of the distances of profiles of all pairs. */
  apart() {
    return this.#later().apart;
  }

  /** [{ role, places }] of the roles that come first in any head, in order; heads without a role last. */
  groups() {
    const found = new Map([...this.byName.values()].map((role) => [role, []]));
    this.ofHead.forEach((_, place) => found.get(this.first(place)).push(place));
    return [...found].filter(([, places]) => places.length).map(([role, places]) => ({ role, places }));
  }

  /** [{ place, strength }] of the heads that have a role, the strongest first; of no name, those that have none. */
  holders(name) {
    const strength = (own) => (name === "" && !own.length ? 0 : own.find(([role]) => role === name)?.[2]);
    const all = this.ofHead.map((own, place) => ({ place, strength: strength(own) }));
    return all.filter((one) => one.strength !== undefined).sort((a, b) => b.strength - a.strength || a.place - b.place);
  }

  /** How many heads have a role besides another that comes first, by its name. */
  besidesFirst() {
    const found = new Map();
    for (const own of this.ofHead) {
      const names = new Set(own.map(([role]) => role));
      for (const name of [...names].slice(1)) found.set(name, (found.get(name) ?? 0) + 1);
    }
    return found;
  }

  /** The question of a key; undefined without one. */
  question(key) {
    return this.questions.find((one) => one.key === key);
  }

  /** (layer, head, roles, sentence, scores of roles) of all heads, under a header. */
  rows({ layers, heads }) {
    const row = (_, place) => [
      layers[Math.floor(place / heads.length)], heads[place % heads.length], this.inWords(place).join("; "),
      this.sentence(place), this.scoresOf(place).map(scoreTold).join("; "),
    ];
    return [["layer", "head", "roles", "sentence", "scores"], ...this.ofHead.map(row)];
  }

  /** [{ name, places }] of families of two heads or more, the largest first. */
  families() {
    const found = this.familyNames.map((name) => ({ name, places: [] }));
    this.family.forEach((number, place) => { if (number >= 0) found[number].places.push(place); });
    return found.filter(({ places }) => places.length > 1);
  }

  /** How many heads are in none of them. */
  inNoFamily() {
    return this.family.length - this.families().reduce((sum, { places }) => sum + places.length, 0);
  }
}

/** `scoreTold(["induction", "31%", "25 to 40%", "even attention", "2%"])` is
 * "induction 31% [25 to 40%] (even attention 2%)". */
function scoreTold([role, score, interval, level, chance, , nearest]) {
  const levels = [...(level ? [`${level} ${chance}`] : []), ...(nearest ? [nearest] : [])].join(", ");
  const beside = [...(interval ? [`[${interval}]`] : []), ...(levels ? [`(${levels})`] : [])];
  return [role, score, ...beside].join(" ");
}

/** What is told of all heads, with what is told otherwise of some, `changed`. */
function otherwise(usual, { heads, questions, familyNames }) {
  const [ofHead, sentences, headlinesOf] = [[...usual.ofHead], [...usual.sentences], [...usual.headlinesOf]];
  for (const [place, roles, sentence, lines] of heads) {
    [ofHead[place], sentences[place], headlinesOf[place]] = [roles, sentence, lines];
  }
  return { ofHead, sentences, headlinesOf, questions, familyNames, changed: new Set(heads.map(([place]) => place)) };
}
