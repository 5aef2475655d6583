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

  /**
   * Of the heads that list a type spelled like this, whatever its case and the space before it:
   * [{ place, text, lift }], each with the type that has most lift, that with most first.
   */
  spelled(wanted, side) {
    const best = new Map();
    const types = new Set(this.types.flatMap((text, type) => (bare(text) === bare(wanted) ? [type] : [])));
    const arrays = this.sides[side];
    if (!arrays || !types.size) return [];
    arrays.type.forEach((type, entry) => {
      if (!types.has(type)) return;
      const one = { place: Math.floor(entry / this.shown), text: this.types[type], lift: arrays.lift[entry] };
      if (!(best.get(one.place)?.lift >= one.lift)) best.set(one.place, one);
    });
    return [...best.values()].sort((a, b) => b.lift - a.lift);
  }
}

const bare = (text) => text.replace(/^␣/, "").trim().toLowerCase();
