// The types of pieces that heads attend to most, and those that attend.

/** Of a side that a head does not list a type on. */
const NONE = -1;

/** types: texts; shown: places of a head on a side; sides: by name { type, occurrences, lift }, or null. */
export class PieceTypes {
  constructor({ types, shown }, sides) {
    Object.assign(this, { types, shown, sides });
  }

  /** [{ text, occurrences, lift }, …] of the head at a place, the type with most lift first; none of a missing side. */
  of(place, side) {
    const arrays = this.sides[side];
    if (!arrays) return [];
    const first = place * this.shown;
    const entries = Array.from({ length: this.shown }, (_, rank) => first + rank);
    return entries.filter((entry) => arrays.type[entry] !== NONE).map((entry) => ({
      text: this.types[arrays.type[entry]], occurrences: arrays.occurrences[entry], lift: arrays.lift[entry],
    }));
  }
}
