// A view's state in the address of its page, where it has one of its own.

/** What the address says: { layer, heads } by their labels, as far as a view has them. */
export function addressed(layers, heads) {
  const said = new URLSearchParams(location.hash.startsWith("#/") ? "" : location.hash.slice(1));
  const layer = Number(said.get("layer") ?? NaN);
  const chosen = (said.get("heads") ?? "").split(",").filter(Boolean).map(Number);
  return {
    ...(layers.includes(layer) ? { layer } : {}),
    ...(chosen.length && chosen.every((head) => heads.includes(head)) ? { heads: chosen } : {}),
  };
}

/** Say in the address which layer and heads are drawn, so that a reload or a copied link opens with them. */
export function remember(layer, heads) {
  try {
    history.replaceState(null, "", `#layer=${layer}&heads=${heads.join(",")}`);
  } catch {
    // a frame in a notebook has no address
  }
}
