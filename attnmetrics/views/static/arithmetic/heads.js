// Heads of a run: their places, their names, their addresses. A place is layer × heads + head, counted from 0.

export const placeOf = (atlas, layer, head) => layer * atlas.heads.length + head;
export const headAt = (atlas, place) => [Math.floor(place / atlas.heads.length), place % atlas.heads.length];
export const headName = (atlas, layer, head) => `layer ${atlas.layers[layer]} head ${atlas.heads[head]}`;
export const headHref = (atlas, layer, head) => `#/head/${atlas.layers[layer]}/${atlas.heads[head]}`;

/** Which heads there are: "layers 0 to 11, heads 0 to 11". */
export const allHeads = ({ layers, heads }) =>
  [["layers", layers], ["heads", heads]].map(([what, all]) => `${what} ${all[0]} to ${all.at(-1)}`).join(", ");

/** The heads that stand out, of those that are not nearly switched off. */
export const standoutsOf = ({ standouts, standouts_by_evidence: others, evidence }) =>
  others?.find(([least]) => least === evidence.least)?.[1] ?? standouts;

/** Where a head that stands out stands among all, and by what, where that is not its value; "" without intervals. */
export const placeTold = (atlas, { place, metric }) =>
  (place && atlas.byName.get(metric)?.excess ? `${place} by points` : place);

/** The sentences of a head that answer a claim; undefined where the page has none. */
export function answersOf(atlas, layer, head, claim) {
  const isOfHead = (one) => one.layer === atlas.layers[layer] && one.head === atlas.heads[head];
  return atlas.claimed.find((one) => one.claim === claim && isOfHead(one));
}

/** The address of a head where what answers a claim comes first, if the page has anything that does. */
export function claimHref(atlas, layer, head, claim) {
  const href = headHref(atlas, layer, head);
  return answersOf(atlas, layer, head, claim) ? `${href}?${new URLSearchParams({ claim })}` : href;
}

/** The same; where no pair of pieces can show a claim, that where typical sentences come first. */
export function shownHref(atlas, layer, head, claim) {
  const href = claimHref(atlas, layer, head, claim);
  return href.includes("?") ? href : `${href}?sentences=typical`;
}

/** The first letter of a sentence in upper case. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/** The same in lower case, within a sentence. */
export const uncapital = (text) => text.charAt(0).toLowerCase() + text.slice(1);
