// By what heads are coloured, as an address says it.

/** By the depth of the layer; by the first role. */
export const LAYER = "layer";
export const ROLE = "role";

/**
 * { by } or { by, metric, label }; what the address says wrong is the layer.
 *
 * own: what else than the layer and a metric there is.
 */
export function readColour(atlas, query, own, label = "l") {
  const by = query.get("c") ?? LAYER;
  const metric = atlas.byName.get(by);
  if (!metric) return { by: own.includes(by) ? by : LAYER };
  return { by, metric, label: Math.max(0, metric.place(query.get(label))) };
}

/** What an address says of a colour, [[name, value], …]; the usual goes unsaid. */
export function colourQuery({ by, metric, label }, name = "l") {
  if (by === LAYER) return [];
  return [["c", by], ...(metric?.dim ? [[name, metric.labels[label]]] : [])];
}
