// What each head does, as the page's data has it: roles, a sentence, heads with like profiles, answers to questions.

/** The role of heads that have none. */
export const NO_ROLE = { name: "", title: "no role", colour: "var(--chosen)" };

export class Roles {
  /**
   * known: [{ name, title, colour, score }] in order, where score { metric, label } is what makes the role, or null;
   * ofHead: of each head [[role, role in words], …]; scores: of each what makes its first roles; sentences: of each;
   * questions: [{ key, title, places, barred, axes }]; near: of each head [[place, distance], …]; family: of each its
   * number, −1 without; familyNames: by number.
   */
  constructor({ known, ofHead, scores, sentences, questions, near, familyNames }, family) {
    Object.assign(this, { known, ofHead, scores, sentences, questions, familyNames, family, nearest: near });
    this.byName = new Map([...known, NO_ROLE].map((role) => [role.name, role]));
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

  /** The question of a key; undefined without one. */
  question(key) {
    return this.questions.find((one) => one.key === key);
  }

  /** (layer, head, roles, sentence) of all heads, beneath a header. */
  rows({ layers, heads }) {
    const row = (_, place) => [
      layers[Math.floor(place / heads.length)], heads[place % heads.length], this.inWords(place).join("; "),
      this.sentence(place),
    ];
    return [["layer", "head", "roles", "sentence"], ...this.ofHead.map(row)];
  }

  /** [{ name, places }] of families of two heads or more, the largest first. */
  families() {
    const found = this.familyNames.map((name) => ({ name, places: [] }));
    this.family.forEach((number, place) => { if (number >= 0) found[number].places.push(place); });
    return found.filter(({ places }) => places.length > 1);
  }
}
