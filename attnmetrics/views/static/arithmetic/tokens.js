// The tokens of a text, and the weights of a head between them.

/** Weights are whole numbers of this part. */
const STEPS = 2 ** 20;

/**
 * What is drawn on one side: pieces, or words made of them.
 *
 * side: { pieces [n], words [n] the word of each, texts, of each word, null [n], second, the first piece of the second
 * text or null, generated, how many of the last }; words: whether words are wanted; segment: "A" or "B" for one of two
 * texts.
 *
 * Of the pieces ["riv", "er", "s"] in the words [0, 0, 1], `tokens(side, true)` has the pieces [[0, 1], [2]].
 */
export function tokens(side, words, segment = "") {
  const groups = words ? byWord(side.words) : side.pieces.map((_, piece) => [piece]);
  const all = groups.map((pieces) => token(side, pieces, words));
  return all.filter((one) => !segment || one.second === (segment === "B"));
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

/** A token by its text, and by its place where another one on its side has the same text: "the (4)". */
export function nameOf(list, place) {
  const { text } = list[place];
  return list.some((one, other) => other !== place && one.text === text) ? `${text} (${place})` : text;
}

function token(side, pieces, isWord) {
  return {
    pieces,
    text: isWord ? side.texts[side.words[pieces[0]]] : side.pieces[pieces[0]],
    second: side.second !== null && side.second !== undefined && pieces[0] >= side.second,
    isNull: pieces.every((piece) => side.null[piece]),
    generated: pieces[0] >= side.pieces.length - side.generated,
  };
}

/**
 * Weights of one head between the tokens of two sides: from a word, the mean of its pieces; to a word, their sum.
 *
 * data: a page's; sides: { map, rows, columns }, the tokens attending and attended; layer and head: places, not labels;
 * map.layers[layer] has the layer's weights [head, i, j]. Returns at(i, j), the weight from token i to token j.
 */
export function weightsOf(data, { map, rows, columns }, layer, head, hideNull) {
  const [n, m] = [data.sides[map.rows].pieces.length, data.sides[map.columns].pieces.length];
  const own = map.layers[layer].subarray(head * n * m, (head + 1) * n * m);
  const hidden = hideNull ? data.sides[map.columns].null : [];
  const placeOf = new Int32Array(m).fill(-1);
  columns.forEach((column, j) => column.pieces.forEach((to) => { if (!hidden[to]) placeOf[to] = j; }));
  const cells = new Float64Array(rows.length * columns.length);
  rows.forEach(({ pieces }, i) => {
    const row = cells.subarray(i * columns.length, (i + 1) * columns.length);
    for (const from of pieces) addRow(row, own, from * m, placeOf);
    for (let j = 0; j < row.length; j += 1) row[j] /= STEPS * pieces.length;
  });
  return (i, j) => cells[i * columns.length + j];
}

/** Add a piece's weights to those of tokens; placeOf: the token of each attended piece, below 0 of none. */
function addRow(row, values, start, placeOf) {
  for (let to = 0; to < placeOf.length; to += 1) if (placeOf[to] >= 0) row[placeOf[to]] += values[start + to];
}

/**
 * The weights between a token and another one in all heads.
 *
 * found: { values [layer, head, piece], layers, heads, pieces } of the token at an end, of the side; other: the token
 * on the other side; isHidden: whether nothing is drawn between them. Returns a list [layer][head].
 */
export function linking({ values, layers, heads, pieces }, side, other, isHidden = false) {
  const own = isHidden ? [] : other.pieces;
  const share = side === "left" ? 1 : 1 / other.pieces.length;
  const weight = (layer, head) =>
    share * own.reduce((sum, piece) => sum + values[(layer * heads + head) * pieces + piece], 0);
  const ofLayer = (layer) => Array.from({ length: heads }, (_, head) => weight(layer, head));
  return Array.from({ length: layers }, (_, layer) => ofLayer(layer));
}

/** The pairs of tokens with the largest weights [{ i, j, weight }], by row; none that could not be seen. */
export function strongestPairs(at, rows, columns, most, least) {
  const seen = [];
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) if (at(i, j) >= least) seen.push(at(i, j));
  }
  const floor = seen.length > most ? Float64Array.from(seen).sort()[seen.length - most] : least;
  const pairs = [];
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) if (at(i, j) >= floor) pairs.push({ i, j, weight: at(i, j) });
  }
  return pairs.slice(0, most);
}

/** The strongest of many lines [{ weight, … }], in the order given; none that could not be seen. */
export function strongest(lines, most, least = 0.005) {
  const visible = lines.filter((line) => line.weight >= least);
  if (visible.length <= most) return visible;
  const floor = visible.map((line) => line.weight).sort((a, b) => b - a)[most - 1];
  return visible.filter((line) => line.weight >= floor).slice(0, most);
}
