// A head as people write it: "16.0", "L16H0", "16, 0", "layer 16 head 0".

const NUMBERS = /^\s*(?:layer|l)?\s*(\d+)\s*(?:[.,:/x-]|h|,?\s*head|\s)\s*(\d+)\s*$/i;

const named = ([, layer, head]) => ({ layer: String(Number(layer)), head: String(Number(head)) });

/** The numbers of the layer and the head that a text names, as texts; null where it names none. */
export function headNumber(text) {
  const found = text.match(NUMBERS);
  return found && named(found);
}

const ONE = /(?:layer\s*|\bl)?(\d+)\s*(?:[.:/x-]|h|,?\s*head\s*)\s*(\d+)/gi;
const BETWEEN = /\b(?:and|versus|vs|with)\b|[\s,;&.]/gi;

/** Those of two heads, "23.6 10.1"; null where a text does not name two. */
export function twoHeads(text) {
  const found = [...text.matchAll(ONE)].map(named);
  return found.length === 2 && !text.replace(ONE, " ").replace(BETWEEN, "") ? found : null;
}
