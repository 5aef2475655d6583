// What each head does, as the page's data has it: roles, a sentence, heads with like profiles, answers to questions.

/** The role of heads that have none. */
const NO_ROLE = { name: "", colour: "var(--chosen)" };

/** What a role is called. */
export const roleName = ({ name }) => name || "no role";

export class Roles {
  /**
   * known: [{ name, colour, score }] in order, where score { metric, label } is what makes the role, or null;
   * ofHead: of each head [[role, in words, how strongly], …]; scores: of each what makes its first roles; told: of each
   * [[role in words, score, interval or "", chance level, label], …]; besides: of each likewise what its sentence
   * tells of without its having the role; misses: of each [[role in words, what it reaches and is asked for, label], …]
   * of the rules that it only just misses, the nearest first; sentences: of each;
   * questions: [{ key, title, words, rules, places, why, barred, axes }], the clearest place first, each with
   * [role, score, interval, chance level]; near: of each head [[place, distance], …]; family: of each its
   * number, −1 without; familyNames: by number; others: [[share, { heads: [[place, roles, sentence], …], questions,
   * familyNames }], …], what is otherwise where heads need another share of their attention off null pieces.
   */
  constructor({ known, scores, near, others, ...packed }, family) {
    const { ofHead, told, besides, misses, sentences, questions, familyNames } = packed;
    const usual = { ofHead, told, besides, misses, sentences, questions, familyNames };
    Object.assign(this, { known, scores, family, nearest: near, usual });
    this.others = new Map((others ?? []).map(([share, changed]) => [share, otherwise(this.usual, changed)]));
    this.byName = new Map([...known, NO_ROLE].map((role) => [role.name, role]));
    this.use(null);
  }

  /** Be as roles are where heads need a share of their attention off null pieces, not to be nearly switched off. */
  use(least) {
    Object.assign(this, this.others.get(least) ?? this.usual);
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

  /** The rules that it only just misses. */
  missedBy(place) {
    return this.misses[place];
  }

  /** Heads whose roles have a label as their detail, and heads that only just miss such a role: [[place, told], …]. */
  ofDetail(label) {
    const isOf = (one) => one.at(-1) === label;
    const own = (all) => all.flatMap((of, place) => of.filter(isOf).map((one) => [place, one]));
    return { held: own(this.told), missed: own(this.misses) };
  }

  /** The heads with the profiles most like one's, the nearest first: [{ place, distance }]. */
  near(place) {
    return this.nearest[place].map(([other, distance]) => ({ place: other, distance }));
  }

  /** [{ role, places }] of the roles that come first in any head, in order; heads without a role last. */
  groups() {
    const found = new Map([...this.byName.values()].map((role) => [role, []]));
    this.ofHead.forEach((_, place) => found.get(this.first(place)).push(place));
    return [...found].filter(([, places]) => places.length).map(([role, places]) => ({ role, places }));
  }

  /** The heads of which a role comes first, those that do it most strongly first. */
  strongest(name) {
    const strength = (place) => this.ofHead[place].find(([role]) => role === name)?.[2] ?? 0;
    const { places = [] } = this.groups().find(({ role }) => role.name === name) ?? {};
    return [...places].sort((a, b) => strength(b) - strength(a) || a - b);
  }

  /** The question of a key; undefined without one. */
  question(key) {
    return this.questions.find((one) => one.key === key);
  }

  /** (layer, head, roles, sentence, scores of roles) of all heads, under a header. */
  rows({ layers, heads }) {
    const row = (_, place) => [
      layers[Math.floor(place / heads.length)], heads[place % heads.length], this.inWords(place).join("; "),
      this.sentence(place), this.told[place].map(scoreTold).join("; "),
    ];
    return [["layer", "head", "roles", "sentence", "scores"], ...this.ofHead.map(row)];
  }

  /** [{ name, places }] of families of two heads or more, the largest first. */
  families() {
    const found = this.familyNames.map((name) => ({ name, places: [] }));
    this.family.forEach((number, place) => { if (number >= 0) found[number].places.push(place); });
    return found.filter(({ places }) => places.length > 1);
  }
}

/** `scoreTold(["induction", "0.31", "0.25 to 0.40", "0.02"])` is "induction 0.31 [0.25 to 0.40]". */
const scoreTold = ([role, score, interval]) => [role, score, ...(interval ? [`[${interval}]`] : [])].join(" ");

/** What is told of each head. */
const OF_HEADS = ["ofHead", "told", "besides", "misses", "sentences"];

/** What is told of all heads, with what is told otherwise of some. */
function otherwise(usual, { heads, questions, familyNames }) {
  const found = Object.fromEntries(OF_HEADS.map((name) => [name, [...usual[name]]]));
  for (const [place, roles, sentence] of heads) {
    for (const name of OF_HEADS) found[name][place] = [];
    [found.ofHead[place], found.sentences[place]] = [roles, sentence];
  }
  return { ...found, questions, familyNames };
}
