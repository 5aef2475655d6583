// Attention in a stretch of a sentence as lines from the pieces on the left to those on the right (Fig. 1).

import { round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { percent } from "../arithmetic/numbers.js";

/** Pieces on either side. */
const MOST = 16;
const [ROW, ABOVE, COLUMN] = [15, 8, 82];
/** A weight that is worth a line. */
const SEEN = 0.02;

/** The picture of a sentence that has its rows: the pieces up to its strongest pair, or, `isAtEnd`, its last ones. */
export function sentenceLines(exemplar, width, isAtEnd = false) {
  const { pieces } = exemplar;
  const start = firstOf(exemplar, isAtEnd);
  const places = [...pieces.keys()].slice(start, start + MOST);
  const y = (place) => ABOVE + ROW * (place - start + 0.5);
  const isShown = (place) => place >= start && place < start + MOST;
  const lines = places.flatMap((i) => exemplar.row(i).filter(([j, weight]) => isShown(j) && weight >= SEEN)
    .map(([j, weight]) => line({ from: y(i), to: y(j), weight, width, words: `${pieces[i]} → ${pieces[j]}` })));
  const name = "Lines lead from an attending piece on the left to the pieces that it attends to";
  return sheet(width, ABOVE * 2 + ROW * places.length, { class: "sentence-lines", role: "img", "aria-label": name },
    ...lines, ...places.flatMap((place) => named(pieces[place], y(place), width)));
}

/** Where the stretch begins: it ends a piece behind the later one of the pair, or where the sentence ends. */
function firstOf({ i, j, pieces }, isAtEnd) {
  const end = isAtEnd ? pieces.length : Math.min(pieces.length, Math.max(i, j) + 2);
  return Math.max(0, Math.min(end - MOST, pieces.length - MOST));
}

function line({ from, to, weight, width, words }) {
  const [left, right] = [COLUMN, width - COLUMN];
  const attributes = { stroke: "var(--link)", "stroke-opacity": round(weight * 10) / 10, "stroke-width": 1.6 };
  const ends = { x1: left, x2: right, y1: round(from), y2: round(to) };
  return svg("line", { ...ends, ...attributes }, title(`${words} ${percent(weight)}`));
}

function named(piece, y, width) {
  const short = piece.length > 11 ? `${piece.slice(0, 10)}…` : piece;
  const words = { fill: "var(--ink)" };
  return [
    text(COLUMN - 6, y + 4, short, { ...words, "text-anchor": "end" }), text(width - COLUMN + 6, y + 4, short, words),
  ];
}
