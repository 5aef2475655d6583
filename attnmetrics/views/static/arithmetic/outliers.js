// The points of a scatter that lie farthest from the others.

/** The middle of a list; NaN of none. */
export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Of each number its distance from the median, in median distances; 0 where half of the numbers are alike. */
function deviations(list) {
  const middle = median(list);
  const sizes = list.map((one) => Math.abs(one - middle));
  const usual = median(sizes);
  return sizes.map((size) => (usual > 0 ? size / usual : 0));
}

/**
 * The `most` points { a, b } that are farthest from the medians of both axes, the farthest first.
 *
 * `outliers([{ a: 1, b: 1 }, { a: 2, b: 2 }, { a: 3, b: 1 }, { a: 90, b: 1 }], 1)` is the last.
 */
export function outliers(points, most) {
  const [across, up] = [deviations(points.map(({ a }) => a)), deviations(points.map(({ b }) => b))];
  const far = points.map((point, n) => ({ point, gap: Math.hypot(across[n], up[n]) }));
  return far.sort((one, other) => other.gap - one.gap).slice(0, most).map(({ point }) => point);
}
