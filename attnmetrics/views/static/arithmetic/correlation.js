// Pearson's correlation of two lists, with its p-value.

/** Pearson's r of pairs [[x, y], …] and its two-sided p-value; NaN for fewer than three or without spread. */
export function pearson(pairs) {
  const n = pairs.length;
  const { xx, yy, xy } = products(pairs);
  if (n < 3 || xx === 0 || yy === 0) return { r: NaN, p: NaN, n };
  const r = Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
  return { r, p: tail(r, n - 2), n };
}

/** Sums of the products of deviations from the means. */
function products(pairs) {
  const mean = (side) => pairs.reduce((sum, pair) => sum + pair[side], 0) / pairs.length;
  const [mx, my] = [mean(0), mean(1)];
  let [xx, yy, xy] = [0, 0, 0];
  for (const [x, y] of pairs) {
    xx += (x - mx) ** 2;
    yy += (y - my) ** 2;
    xy += (x - mx) * (y - my);
  }
  return { xx, yy, xy };
}

/** Student's two-sided tail of a correlation: the incomplete beta function at ν ÷ (ν + t²), a = ν/2, b = 1/2. */
function tail(r, freedom) {
  const t2 = (r * r * freedom) / (1 - r * r || Number.MIN_VALUE);
  return incompleteBeta(freedom / (freedom + t2), freedom / 2, 0.5);
}

/** Regularised incomplete beta function, by its continued fraction on the side where that converges fast. */
function incompleteBeta(x, a, b) {
  if (x <= 0 || x >= 1) return Math.max(0, Math.min(1, x));
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) - logBeta(a, b));
  if (x < (a + 1) / (a + b + 2)) return (front * fraction(x, a, b)) / a;
  return 1 - (front * fraction(1 - x, b, a)) / b;
}

const logBeta = (a, b) => logGamma(a) + logGamma(b) - logGamma(a + b);

/** Stirling's series, after a few steps of Γ(x + 1) = x Γ(x). */
function logGamma(x) {
  let shift = 0;
  for (; x < 12; x += 1) shift -= Math.log(x);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

/** The k-th coefficient of the continued fraction of the incomplete beta function. */
function coefficient(k, x, a, b) {
  const m = Math.floor(k / 2);
  const top = k % 2 ? -(a + m) * (a + b + m) : m * (b - m);
  return (top * x) / ((a + k - 1) * (a + k));
}

/** 1 ÷ that continued fraction, by Lentz's method. */
function fraction(x, a, b) {
  const tiny = 1e-300;
  let [product, c, d] = [1, 1, 0];
  for (let k = 1; k < 1000; k += 1) {
    const term = coefficient(k, x, a, b);
    d = 1 / (1 + term * d || tiny);
    c = 1 + term / c || tiny;
    product *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return 1 / product;
}
