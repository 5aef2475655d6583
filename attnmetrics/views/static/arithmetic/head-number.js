// A head as people write it: "16.0", "L16H0", "16, 0", "layer 16 head 0".

const NUMBERS = /^\s*(?:layer|l)?\s*(\d+)\s*(?:[.,:/x-]|h|,?\s*head|\s)\s*(\d+)\s*$/i;

/** The numbers of the layer and the head that a text names, as texts; null where it names none. */
export function headNumber(text) {
  const found = text.match(NUMBERS);
  return found && { layer: String(Number(found[1])), head: String(Number(found[2])) };
}
