// How one token's attention comes about: products of query and key, scaled scores, softmax.

const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * Products, scaled scores and softmax of one query over the keys that it may attend to.
 *
 * query: [d]; keys: [n][d]; scaling: of scores. Returns { query, keys, products [n][d], scores [n], softmax [n] }.
 *
 * `attend([1, 2], [[1, 0], [0, 1]], 1)` has products [[1, 0], [0, 2]], scores [1, 2], softmax [0.27, 0.73].
 */
export function attend(query, keys, scaling) {
  const products = keys.map((key) => Float64Array.from(key, (value, d) => value * query[d]));
  const scores = products.map((product) => scaling * sum(product));
  return { query, keys, products, scores, softmax: softmax(scores) };
}

/**
 * The softmax alone, of one query over the first `reach` keys; keys: end to end.
 *
 * `attention([1, 2], [1, 0, 0, 1], 2, 1)` is [0.27, 0.73].
 */
export function attention(query, keys, reach, scaling) {
  const width = query.length;
  const scores = new Float64Array(reach);
  for (let j = 0; j < reach; j += 1) {
    for (let d = 0; d < width; d += 1) scores[j] += query[d] * keys[j * width + d];
    scores[j] *= scaling;
  }
  return softmax(scores);
}

/** What is shown of a token's attention: only that to some pieces, of those that it may attend to. */
export function only({ query, keys, products, scores, softmax: shares }, pieces) {
  const kept = pieces.filter((piece) => piece < scores.length);
  const of = (list) => kept.map((piece) => list[piece]);
  return { query, keys: of(keys), products: of(products), scores: of(scores), softmax: of(shares) };
}

/** Shares in proportion to the exponentials of scores; adding a constant to all changes nothing. */
export function softmax(scores) {
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const total = sum(powers);
  return powers.map((power) => power / total);
}

/** The largest size in rows of numbers, a hair more than 0. */
export function largest(rows) {
  return Math.max(1e-12, ...rows.map((row) => row.reduce((top, value) => Math.max(top, Math.abs(value)), 0)));
}

/** How scores come from q·k: `scaleName(0.125, 64)` is "q·k ÷ √64". */
export function scaleName(scaling, dims) {
  const isUsual = Math.abs(scaling - 1 / Math.sqrt(dims)) < 1e-6;
  return isUsual ? `q·k ÷ √${dims}` : `q·k · ${scaling.toPrecision(3)}`;
}

/** A value as a level from −levels to levels of the largest size: `signedLevel(-0.5, 1, 12) === -6`. */
export const signedLevel = (value, top, levels) => Math.sign(value) * Math.ceil((levels * Math.abs(value)) / top);
