// A head's sentences: their pieces, their strongest pair, the attention in them.

import { once } from "./once.js";

/** Pieces shown on either side of the pair in a long sentence. */
const NEAR = 40;
/** A weight that is worth a colour and a word. */
export const SEEN = 0.005;
/** A weight that is worth an arc. */
const DRAWN = 0.02;

/** The sentences of all heads, each read when it is asked for. */
export class Exemplars {
  #listed;
  #rowAt;

  /**
   * exemplars: of each head [sentence, rank, weight, i, j, first, right], where `first` is the place of its first row
   * of attention, or null, and `right`, where (i, j) is a wrong answer, has the places of the pieces of the right word,
   * none of them where its sentence is not shown; it is left out of all others, and where unknown; typical: of each
   * head [bucket, the same]; claimed: [claim, layer, head, a list of the same]; sentences: each
   * [source, pieces, spaces, text], where spaces[n] is "1" after white space, and the text, its signs as in an address,
   * is there unless pieces and spaces spell it; rows: { lengths, to, weights }, end to end; steps:
   * weights are whole numbers of this part.
   */
  constructor(listed, rows) {
    this.#listed = listed;
    this.#rowAt = rowReader(rows, listed.steps);
    /** [{ claim, layer, head, list }], those that answer a claim of a head, which is named by its numbers. */
    this.claimed = listed.claimed.map(([claim, layer, head, list]) => {
      const read = once(() => this.#read(list));
      return { claim, layer, head, get list() { return read(); } };
    });
  }

  /**
   * Of the head at a place, best first: [{ source, pieces, spaces, text, rank, weight, i, j, row, right }]. `row(i)`
   * gives the attention [[piece, weight], …] of piece i; it is null where the page has none.
   */
  of(place) {
    return this.#read(this.#listed.exemplars[place]);
  }

  /** The same of typical ones, each with its { bucket }. */
  typicalOf(place) {
    const own = this.#listed.typical[place] ?? [];
    return this.#read(own.map(([, one]) => one)).map((one, n) => ({ bucket: own[n][0], ...one }));
  }

  /** Whether the head at a place has typical ones. */
  hasTypical(place) {
    return Boolean(this.#listed.typical[place]?.length);
  }

  #read(list) {
    return list.map(([sentence, rank, weight, i, j, first, right = null]) => {
      const [source, pieces, spaces, text = null] = this.#listed.sentences[sentence];
      const row = first === null ? null : (piece) => this.#rowAt(first + piece);
      return { source, pieces, spaces, text, rank, weight, i, j, row, right };
    });
  }
}

/**
 * A sentence at the row that is more spread than half of its rows and less than the others, by the entropy of what goes
 * to other pieces than the first; as it is where the page has no rows of it.
 */
export function atMiddleRow(one) {
  if (!one.row) return one;
  const rows = [...one.pieces.keys()].map((i) => ({ i, off: one.row(i).filter(([j]) => j > 0) }))
    .filter(({ off }) => off.length);
  if (!rows.length) return one;
  const spread = new Map(rows.map((row) => [row, entropyOf(row.off.map(([, weight]) => weight))]));
  rows.sort((a, b) => spread.get(a) - spread.get(b));
  const { i, off } = rows[Math.floor(rows.length / 2)];
  const [j, weight] = off.reduce((best, next) => (next[1] > best[1] ? next : best));
  return { ...one, i, j, weight, right: null };
}

/** Of weights that need not add up to 1. */
function entropyOf(weights) {
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  return -weights.reduce((sum, weight) => sum + (weight > 0 ? (weight / whole) * Math.log(weight / whole) : 0), 0);
}

/** What gives the n-th of all rows, which stand end to end. */
function rowReader({ lengths, to, weights }, steps) {
  const starts = once(() => startsOf(lengths));
  return (n) => {
    const entries = Array.from({ length: lengths[n] }, (_, place) => starts()[n] + place);
    return entries.map((entry) => [to[entry], weights[entry] / steps]);
  };
}

/** Where each of what stands end to end begins, and where the last ends: `startsOf([2, 3])` is [0, 2, 5]. */
function startsOf(lengths) {
  const starts = new Uint32Array(lengths.length + 1);
  for (let n = 0; n < lengths.length; n += 1) starts[n + 1] = starts[n] + lengths[n];
  return starts;
}

/** A sentence as the corpus has it. */
export const textOf = ({ text, pieces, spaces }) =>
  (text === null
    ? pieces.map((piece, n) => (spaces[n] === "1" ? " " : "") + piece).join("")
    : decodeURIComponent(text));

/** The word that is right where a head is wrong, as the sentence spells it; "" where none is shown, or known. */
export const rightWord = ({ right, pieces }) => (right ?? []).map((place) => pieces[place]).join("");

/** What is said of it: "right by the labels: owl"; "" where nothing is known. */
export function rightTold(exemplar) {
  if (!exemplar.right) return "";
  return rightWord(exemplar) ? `right by the labels: ${rightWord(exemplar)}` : "the right word is in another sentence";
}

/** Whether a sentence is there to the end of its unit: its last piece is none of the text. */
export function hasEnd(exemplar) {
  const last = exemplar.pieces.at(-1) ?? "";
  return !textOf(exemplar).toLowerCase().endsWith(last.toLowerCase());
}

/** Whether a sentence is short enough to be shown whole. */
export const isShort = ({ pieces }) => pieces.length <= 4 * NEAR;

/** Whether a piece is near enough to the strongest pair, or to the right word, to be shown in a long sentence. */
export const isNear = ({ i, j, right }, piece) =>
  [i, j, ...(right ?? [])].some((place) => Math.abs(piece - place) <= NEAR);

/** The attention of a piece as piece → weight; of a sentence without rows, the strongest pair alone. */
export function weightsFrom({ row, i, j, weight }, attending) {
  if (row) return new Map(row(attending));
  return new Map(attending === i ? [[j, weight]] : []);
}

/** What a piece attends to, strongest first, as far as it can be seen. */
export const visible = (weights) => [...weights].sort((a, b) => b[1] - a[1]).filter(([, share]) => share >= SEEN);

/** Those that get an arc; the strongest pair always has one. */
export const drawn = (best, strongest) => best.filter(([place, share]) => share >= DRAWN || place === strongest);

/** How far a pair reaches: "to itself", "1 piece back", "7 pieces ahead". */
export function reach({ i, j }) {
  if (i === j) return "to itself";
  const size = Math.abs(i - j);
  return `${size} piece${size === 1 ? "" : "s"} ${i > j ? "back" : "ahead"}`;
}
