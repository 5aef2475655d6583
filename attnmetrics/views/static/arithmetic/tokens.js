// The tokens of a text, and the weights of a head between them.

/** Weights are whole numbers of this part. */
const STEPS = 2 ** 20;

/**
 * What is drawn on one side: pieces, or words made of them.
 *
 * side: { pieces [n], words [n] the word of each, null [n], second, the first piece of the second text or null,
 * generated, how many of the last }; words: whether words are wanted; segment: "A" or "B" for one of two texts.
 *
 * Of the pieces ["riv", "er", "s"] in the words [0, 0, 1], `tokens(side, true)` has the texts "river" and "s".
 */
export function tokens(side, words, segment = "") {
  const groups = words ? byWord(side.words) : side.pieces.map((_, piece) => [piece]);
  return groups.map((pieces) => token(side, pieces)).filter((one) => !segment || one.second === (segment === "B"));
}

/** Neighbouring pieces of one word together: `byWord([0, 0, 1])` is [[0, 1], [2]]. */
function byWord(words) {
  const groups = [];
  words.forEach((word, piece) => {
    if (piece && word === words[piece - 1]) groups.at(-1).push(piece);
    else groups.push([piece]);
  });
  return groups;
}

function token(side, pieces) {
  return {
    pieces,
    text: pieces.map((piece) => side.pieces[piece]).join(""),
    second: side.second !== null && side.second !== undefined && pieces[0] >= side.second,
    isNull: pieces.every((piece) => side.null[piece]),
    generated: pieces[0] >= side.pieces.length - side.generated,
  };
}

/**
 * Weights of one head between the tokens of two sides: from a word, the mean of its pieces; to a word, their sum.
 *
 * data: a page's; sides: { map, rows, columns }, the tokens attending and attended; layer and head: places, not labels.
 * Returns at(i, j), the weight from token i to token j.
 */
export function weightsOf(data, { map, rows, columns }, layer, head, hideNull) {
  const [n, m] = [data.sides[map.rows].pieces.length, data.sides[map.columns].pieces.length];
  const base = (layer * data.heads.length + head) * n * m;
  const hidden = hideNull ? data.sides[map.columns].null : [];
  const summed = (from, column) =>
    column.pieces.reduce((sum, to) => (hidden[to] ? sum : sum + map.values[base + from * m + to]), 0);
  const cells = new Float64Array(rows.length * columns.length);
  rows.forEach((row, i) => columns.forEach((column, j) => {
    const sum = row.pieces.reduce((total, from) => total + summed(from, column), 0);
    cells[i * columns.length + j] = sum / STEPS / row.pieces.length;
  }));
  return (i, j) => cells[i * columns.length + j];
}

/** The strongest of many lines [{ weight, … }], in the order given; none that could not be seen. */
export function strongest(lines, most, least = 0.005) {
  const visible = lines.filter((line) => line.weight >= least);
  if (visible.length <= most) return visible;
  const floor = visible.map((line) => line.weight).sort((a, b) => b - a)[most - 1];
  return visible.filter((line) => line.weight >= floor).slice(0, most);
}
