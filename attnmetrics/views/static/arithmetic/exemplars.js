// A head's sentences: their pieces, their strongest pair, the attention in them.

/** Pieces shown on either side of the pair in a long sentence. */
const NEAR = 40;
/** A weight that is worth a colour and a word. */
export const SEEN = 0.005;
/** A weight that is worth an arc. */
const DRAWN = 0.02;

/**
 * byHead: [layers × heads] lists of exemplars, best first: { source, pieces, spaces, text, rank, weight, i, j,
 * row, right }; typical: the same of typical ones, each with its { bucket };
 * claimed: [{ claim, layer, head, list }], those that answer a claim of a head, which is named by its numbers.
 *
 * exemplars: of each head [sentence, rank, weight, i, j, whether the page has the attention in it, right]; typical: of
 * each head [bucket, the same]; claimed: the same with [claim, layer, head] before; sentences: each
 * [source, pieces, spaces, text], where spaces[n] is "1" after white space, and the text, its signs as in an address,
 * is there unless pieces and spaces spell it; rows: { lengths, to, weights }, the rows of all
 * exemplars that have them, end to end; steps: weights are whole numbers of this part. `row(i)` gives the attention
 * [[piece, weight], …] of piece i; it is null where the page has none. right: of a wrong answer the places of the
 * pieces of the word that is right, none where its sentence is not shown; null of all others, and where unknown.
 */
export function readExemplars({ exemplars, typical, claimed, sentences, steps }, rows) {
  const rowAt = rowReader(rows, steps);
  let taken = 0;
  const read = ([sentence, rank, weight, i, j, hasRows, right = null]) => {
    const [source, pieces, spaces, text = null] = sentences[sentence];
    const first = taken;
    if (hasRows) taken += pieces.length;
    const row = hasRows ? (piece) => rowAt(first + piece) : null;
    return { source, pieces, spaces, text, rank, weight, i, j, row, right };
  };
  const readClaim = ([claim, layer, head, list]) => ({ claim, layer, head, list: list.map(read) });
  const readTypical = ([bucket, one]) => ({ bucket, ...read(one) });
  const byHead = exemplars.map((list) => list.map(read));
  return { byHead, typical: typical.map((list) => list.map(readTypical)), claimed: claimed.map(readClaim) };
}

/** What gives the n-th of all rows, which stand end to end. */
function rowReader({ lengths, to, weights }, steps) {
  const starts = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, n) => { starts[n + 1] = starts[n] + length; });
  return (n) => {
    const entries = Array.from({ length: lengths[n] }, (_, place) => starts[n] + place);
    return entries.map((entry) => [to[entry], weights[entry] / steps]);
  };
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
