// Metrics under the title of their family.

/** [{ title, metrics }], families in the order of their first metric. */
export function shelves(atlas) {
  const found = new Map();
  for (const metric of atlas.metrics) {
    if (!found.has(metric.family)) found.set(metric.family, []);
    found.get(metric.family).push(metric);
  }
  return [...found].map(([title, metrics]) => ({ title, metrics }));
}
