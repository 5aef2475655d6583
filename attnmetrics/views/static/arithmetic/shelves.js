// Metrics under the title of their family.

/** [{ title, metrics }], families in the order of their first metric; what only counts comes last of a family. */
export function shelves(atlas) {
  const found = new Map();
  for (const metric of atlas.metrics) {
    if (!found.has(metric.family)) found.set(metric.family, []);
    found.get(metric.family).push(metric);
  }
  const isCount = ({ kind }) => Number(kind === "count");
  const ordered = (metrics) => [...metrics].sort((a, b) => isCount(a) - isCount(b));
  return [...found].map(([title, metrics]) => ({ title, metrics: ordered(metrics) }));
}
