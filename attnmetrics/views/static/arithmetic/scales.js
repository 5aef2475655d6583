// From values to pixels, and to the levels of a colour scale.

/** Steps of a colour scale; the page has a colour for each. */
export const LEVELS = 64;
/** Of a cell without evidence. */
export const NO_EVIDENCE = -1;

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** To a tenth of a pixel. */
export const round = (x) => Math.round(x * 10) / 10;

/** A straight way from values to pixels: `linear([0, 2], [10, 30])(1) === 20`. */
export function linear([low, high], [start, stop]) {
  return (value) => start + ((stop - start) * (value - low)) / (high - low);
}

/** The level of a value on a scale from 0 to `top`: `level(0.5, 1) === 32`. */
export function level(value, top) {
  if (Number.isNaN(value)) return NO_EVIDENCE;
  return clamp(Math.floor((value / (top || 1)) * LEVELS), 0, LEVELS - 1);
}

/** The level of a value on a scale from 0 over `middle`, half way, to `top`: `levelAround(1, 1, 3) === 32`. */
export function levelAround(value, middle, top, low = 0) {
  if (Number.isNaN(value)) return NO_EVIDENCE;
  const half = LEVELS / 2;
  const below = ((value - low) / (middle - low)) * half;
  const above = half + ((value - middle) / (top - middle)) * half;
  return clamp(Math.floor(value <= middle ? below : above), 0, LEVELS - 1);
}

/** [low, high] of values, NaN left out; NaN twice where none is left. */
export function extent(values) {
  let [low, high] = [NaN, NaN];
  for (const value of values) {
    if (!(value >= low)) low = Number.isNaN(value) ? low : value;
    if (!(value <= high)) high = Number.isNaN(value) ? high : value;
  }
  return [low, high];
}

/** The range of an axis: a little more than the values take up. */
export function padded(values) {
  const [low, high] = extent(values);
  if (Number.isNaN(low)) return [0, 1];
  if (low === high) return [low - 0.5, high + 0.5];
  const margin = (high - low) * 0.04;
  return [low - margin, high + margin];
}

/** A few round numbers within a range: `ticks([0, 1])` is [0, 0.2, 0.4, 0.6, 0.8, 1]. */
export function ticks([low, high]) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(Number((n * step).toPrecision(12)));
  return found;
}

/** Every how many numbers are written, where each has `room` pixels and needs `need`: `spacing(10, 17) === 2`. */
export const spacing = (room, need) => [1, 2, 5, 10, 20].find((step) => step * room >= need) ?? 50;

/** The mean of a list, NaN left out; 0 where none is left. */
export function average(list) {
  const kept = list.filter((value) => !Number.isNaN(value));
  return kept.reduce((sum, value) => sum + value, 0) / Math.max(1, kept.length);
}
