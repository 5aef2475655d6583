// What the address of a head's page says beside the head.

import { headHref } from "../arithmetic/heads.js";

/** Write into the address what a reader chose, { name: value }; null is the usual, and goes unsaid. */
export function remember(atlas, { layer, head }, chosen) {
  const query = new URLSearchParams(location.hash.split("?")[1]);
  for (const [name, value] of Object.entries(chosen)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  history.replaceState(null, "", atlas.evidence.written(`${headHref(atlas, layer, head)}?${query}`));
}
