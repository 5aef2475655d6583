// How values are written, as in the tables of the command line; and the correlation of two lists.

/** As Python's format `g` does. */
const precise = (value, digits) => {
  const rounded = Number(value.toPrecision(digits));
  const text = Math.abs(rounded) < 1e-4 ? rounded.toExponential().replace(/e-(?=\d$)/, "e-0") : String(rounded);
  return text.replaceAll("-", "−");
};

/** A share in percent, with as many digits as it deserves. */
export function percent(value) {
  const scaled = 100 * value;
  const size = Math.abs(scaled);
  if (scaled !== 0 && size < 0.095) return `${precise(scaled, 2)}%`;
  return `${scaled.toFixed(size >= 9.95 || scaled === 0 ? 0 : 1).replace("-", "−")}%`;
}

/** Three significant digits, two where the number is small; counts whole, with separators. */
export function number(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 999.5) return Math.round(value).toLocaleString("en").replace("-", "−");
  return precise(value, size >= 0.1 ? 3 : 2);
}

/** A metric's value; a dash without evidence. */
export function shown(metric, value) {
  if (Number.isNaN(value)) return "–";
  if (metric.share) return percent(value);
  return metric.unit === "1" ? number(value) : `${number(value)} ${metric.unit}`;
}

/** 1st, 2nd, 3rd, 4th, … */
export function ordinal(place) {
  const last = place % 100 > 10 && place % 100 < 14 ? 0 : place % 10;
  return `${place.toLocaleString("en")}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

export const pValue = (p) => (p == null || Number.isNaN(p) ? "p unknown" : p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`);

/** Pearson's r of pairs [[x, y], …] and its two-sided p-value; NaN for fewer than three or without spread. */
export function pearson(pairs) {
  const n = pairs.length;
  const mean = (side) => pairs.reduce((sum, pair) => sum + pair[side], 0) / n;
  const [mx, my] = [mean(0), mean(1)];
  let [xx, yy, xy] = [0, 0, 0];
  for (const [x, y] of pairs) {
    xx += (x - mx) ** 2;
    yy += (y - my) ** 2;
    xy += (x - mx) * (y - my);
  }
  if (n < 3 || xx === 0 || yy === 0) return { r: NaN, p: NaN, n };
  const r = Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
  const freedom = n - 2;
  return { r, p: incompleteBeta(freedom / (freedom + (r * r * freedom) / (1 - r * r || Number.MIN_VALUE)), freedom / 2, 0.5), n };
}

/** Regularised incomplete beta function: Student's two-sided tail is that of x = ν ÷ (ν + t²), a = ν/2, b = 1/2. */
function incompleteBeta(x, a, b) {
  if (x <= 0 || x >= 1) return Math.max(0, Math.min(1, x));
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) - logBeta(a, b));
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
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

/** 1 ÷ the continued fraction of the incomplete beta function, by Lentz's method. */
function fraction(x, a, b) {
  const tiny = 1e-300;
  const term = (k) => {
    const m = Math.floor(k / 2);
    return ((k % 2 ? -(a + m) * (a + b + m) : m * (b - m)) * x) / ((a + k - 1) * (a + k));
  };
  let [product, c, d] = [1, 1, 0];
  for (let k = 1; k < 1000; k += 1) {
    d = 1 / (1 + term(k) * d || tiny);
    c = 1 + term(k) / c || tiny;
    product *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return 1 / product;
}
