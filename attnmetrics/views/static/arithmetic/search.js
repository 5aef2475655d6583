// What a text finds in the atlas: heads by their numbers, by what they do and the pieces that they look at; questions,
// relations, metrics, sentences.

import { best, isNamedBy } from "./closest.js";
import { textOf } from "./exemplars.js";
import { explain } from "./glossary.js";
import { headNumber, twoHeads } from "./head-number.js";
import { allHeads, capital, headAt, headHref, headName } from "./heads.js";
import { labelName } from "./labels.js";
import { number, percent } from "./numbers.js";
import { translate, wordsOf } from "./terms.js";

/** Hits of one kind that are told. */
const MOST = 6;
/** Words that say nothing at all, and those that say nothing of what is looked for beside others. */
const EMPTY = ["a", "an", "and", "at", "by", "for", "is", "of", "on", "that", "the", "to", "what", "which", "who"];
const IDLE = [...EMPTY, "attend", "attends", "attention", "head", "heads", "look", "looks"];
/** The sides of lists of pieces: what a group of heads is called, and how their lift is told. */
const SIDES = {
  key: ["Heads that look most at", (lift) => `${number(lift)}× even attention`],
  query: ["Heads that look most from", (lift) => `${percent(lift)} of its attention is off null`],
};

const SINK = "second sink";

/** A page that says, of a run without coreference, why it has none. */
const COREFERENCE = {
  words: "Coreference: heads that find antecedents", note: "a page of its own", href: "#/coreference",
  texts: wordsOf("coreference antecedents mentions"),
};

export class Search {
  #atlas;
  #metrics = null;
  #roles = null;
  #sentences = null;

  constructor(atlas) {
    this.#atlas = atlas;
  }

  /**
   * { groups, told }: groups [{ title, hits: [{ words, note, href }], more }], the most likely first, where `more` are
   * left out; told: of terms of the field, [theirs, ours]. A head that the model lacks is a hit without an address.
   */
  find(text) {
    const one = headNumber(text);
    if (one) return { groups: [group("Head", [this.#head(one)])], told: [] };
    const two = twoHeads(text);
    if (two) return { groups: this.#pair(two), told: [] };
    const { lists, told } = translate(text);
    const asked = lists.map(meaningful).filter((words) => words.length);
    const whole = this.#groups(text, asked);
    const single = [...new Set(asked.flat())].map((word) => [word]);
    return { groups: whole.length || single.length < 2 ? whole : this.#groups(text, single), told };
  }

  /**
   * What has all the words of one of the lists asked for, and what holds the text as it stands: a relation that is
   * asked for by its name first.
   */
  #groups(text, lists) {
    const relations = best(this.#allRelations(), lists);
    const own = group("Relations", relations);
    const isAsked = relations.some(isNamedBy(lists));
    const groups = [
      ...(isAsked ? [own] : []), group("Questions", best(this.#allQuestions(), lists)), ...this.#byRole(lists),
      ...this.#byPiece(text), ...(isAsked ? [] : [own]), group("Metrics", best(this.#allMetrics(), lists)),
      group("Sentences", this.#said(text)),
    ];
    return groups.filter(({ hits }) => hits.length);
  }

  /** Two heads side by side, and each. */
  #pair(two) {
    const hits = two.map((one) => this.#head(one));
    const [one, other] = hits;
    const pair = two.map(({ layer, head }) => `${layer}.${head}`).join(",");
    const words = `${capital(one.words)} and ${other.words}`;
    const both = { words, note: "beside each other", href: `#/find?pair=${pair}` };
    return [...(one.href && other.href ? [group("Two heads", [both])] : []), group("Heads", hits)];
  }

  #head({ layer, head }) {
    const { layers, heads } = this.#atlas;
    const at = [layers.findIndex((one) => String(one) === layer), heads.findIndex((one) => String(one) === head)];
    if (at[0] >= 0 && at[1] >= 0) return this.#hit(at);
    return { words: `No layer ${layer} head ${head} in this model`, note: allHeads(this.#atlas), href: null };
  }

  #hit([layer, head]) {
    const atlas = this.#atlas;
    const place = layer * atlas.heads.length + head;
    const note = atlas.roles ? atlas.roles.headline(place) || atlas.roles.sentence(place) : "";
    return { words: headName(atlas, layer, head), note, href: headHref(atlas, layer, head) };
  }

  /** Heads whose roles have all words of a list, a group for each role in words. */
  #byRole(lists) {
    const found = best(this.#allRoles(), lists).slice(0, MOST / 2);
    const hits = (places) => places.map(({ place }) => this.#hit(headAt(this.#atlas, place)));
    return found.map(({ words, places }) => group(`Heads: ${words}`, hits(places)));
  }

  /** Heads that list a piece, a group for each side. */
  #byPiece(text) {
    const { pieceTypes } = this.#atlas;
    if (!pieceTypes || !text.trim()) return [];
    return Object.entries(SIDES).map(([side, [title, told]]) => {
      const hits = pieceTypes.spelled(text, side).map(({ place, text: piece, lift }) => {
        const note = [`${piece} ${told(lift)}`, ...this.#sink(place)].join("; ");
        return { ...this.#hit(headAt(this.#atlas, place)), note };
      });
      return group(`${title} “${text.trim()}”`, hits);
    });
  }

  /** Its role of a second sink in words: it rests on a piece, rather than looks for it. */
  #sink(place) {
    return (this.#atlas.roles?.ofHead[place] ?? []).filter(([role]) => role === SINK).map(([, words]) => words);
  }

  /** The questions that the rules answer. */
  #allQuestions() {
    return (this.#atlas.roles?.questions ?? []).map(({ key, title, words }) =>
      ({ words: title, note: words, href: `#/find?q=${encodeURIComponent(key)}`, texts: wordsOf(`${key} ${title}`) }));
  }

  /** The pages of relations, each with what it is. */
  #allRelations() {
    return (this.#atlas.relations ?? []).map(([{ rel }]) => {
      const note = explain(this.#atlas, rel);
      const texts = wordsOf(`${rel} ${note.split(": “")[0]}`);
      const href = `#/relation/${encodeURIComponent(rel)}`;
      return { words: `Which heads find ${rel}`, name: rel, note, href, texts };
    });
  }

  /** [{ words, texts, places }] of what heads do, in words; places [{ place, strength }], the strongest first. */
  #allRoles() {
    const { evidence: { least }, roles } = this.#atlas;
    if (this.#roles?.least !== least) this.#roles = { least, list: roles ? rolesOf(roles) : [] };
    return this.#roles.list;
  }

  /** [{ words, note, href, texts }] of all metrics, and of each of their labels, and of what is told on pages. */
  #allMetrics() {
    this.#metrics ??= [
      COREFERENCE, ...this.#atlas.metrics.flatMap((metric) => [entry(metric, null), ...labelsOf(metric)]),
    ];
    return this.#metrics;
  }

  /** The heads whose sentences hold a text, a hit for each sentence. */
  #said(text) {
    const wanted = text.trim().toLowerCase();
    if (wanted.length < 2) return [];
    this.#sentences ??= sentencesOf(this.#atlas);
    return this.#sentences.filter(({ lower }) => lower.includes(wanted))
      .map(({ words, lower, layer, head, rank }) => ({
        words: around(words, lower.indexOf(wanted), wanted.length), note: headName(this.#atlas, layer, head),
        href: `${headHref(this.#atlas, layer, head)}/${rank}`,
      }));
  }
}

/** The words that say what is looked for. */
function meaningful(words) {
  const meant = words.filter((word) => !IDLE.includes(word));
  return meant.length ? meant : words.filter((word) => !EMPTY.includes(word));
}

function group(title, hits) {
  return { title, hits: hits.slice(0, MOST), more: Math.max(0, hits.length - MOST) };
}

function rolesOf(roles) {
  const found = new Map();
  for (const [place, own] of roles.ofHead.entries()) {
    for (const [, words, strength = 0] of own) {
      if (!found.has(words)) found.set(words, { words, texts: wordsOf(words), places: [] });
      found.get(words).places.push({ place, strength });
    }
  }
  for (const { places } of found.values()) places.sort((a, b) => b.strength - a.strength || a.place - b.place);
  return [...found.values()];
}

/** A metric, or one of its labels, as something to be found: by its heading, title, name and label. */
function entry(metric, label) {
  const heading = metric.heading(label);
  const name = label === null ? "" : `${metric.labels[label]} ${labelName(metric.dim, metric.labels[label])}`;
  const texts = wordsOf(`${heading} ${metric.title} ${metric.name.replaceAll("_", " ")} ${name}`);
  const few = label !== null && metric.isOfFew(label) ? ` · ${metric.countTold(label)}` : "";
  return { words: heading, note: metric.family + few, href: metric.href(label), texts };
}

function labelsOf(metric) {
  return metric.dim ? metric.present().map((label) => entry(metric, label)) : [];
}

/** Each sentence once, with the head that it is the strongest of. */
function sentencesOf(atlas) {
  const found = new Map();
  const places = atlas.exemplars ? atlas.layers.length * atlas.heads.length : 0;
  for (let place = 0; place < places; place += 1) {
    const [layer, head] = headAt(atlas, place);
    for (const one of atlas.exemplars.of(place)) {
      const known = found.get(one.pieces);
      if (known && known.weight >= one.weight) continue;
      found.set(one.pieces, { ...one, layer, head });
    }
  }
  return [...found.values()].map((one) => {
    const words = textOf(one);
    return { ...one, words, lower: words.toLowerCase() };
  });
}

/** A text around what was found in it; a short part of a word at either end is left out. */
function around(text, start, length, room = 36) {
  const [from, to] = [Math.max(0, start - room), Math.min(text.length, start + length + room)];
  const before = from > 0 ? `…${text.slice(from, start).replace(/^\S{0,12}\s/, "")}` : text.slice(0, start);
  const after = to < text.length ? `${text.slice(start, to).replace(/\s\S{0,12}$/, "")}…` : text.slice(start);
  return (before + after).trim();
}
