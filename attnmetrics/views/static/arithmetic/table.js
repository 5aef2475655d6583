// What every table of the run has, of heads or of the corpus: what it calls itself, its labels, values and intervals.

import { inBrackets } from "./intervals.js";
import { shown } from "./numbers.js";

/** Fewer things than these tell little: of 29, one more or less is 3 points, and the best of all heads is luck. */
export const FEW = 30;

/** What all tables have: name, title, unit, kind, dim (or null), labels along it, how to read them, values. */
export class Table {
  constructor(described, values) {
    const { name, title, unit, kind, dim, labels, help, caption } = described;
    Object.assign(this, { name, title, unit, kind, dim, labels, help, values });
    /** What it is called beside the table whose chance level it is. */
    this.caption = caption || "chance";
    /** How sure its values are (see `Intervals`); null where that is unknown. */
    this.sure = null;
  }

  /** A value in words, to the digit that its interval bears, and the interval; "" where the table has none. */
  told(place, label = 0) {
    return this.sure?.own ? this.sure.told(place, label) : [shown(this, this.values[place * this.width + label]), ""];
  }

  /** Both in one: "37.2% [36.4 to 38.1%]". */
  inWords(place, label = 0) {
    return inBrackets(this.told(place, label));
  }

  /** [low, high] of a value; NaN where there are none. */
  bounds(place, label = 0) {
    return this.sure ? this.sure.bounds(place, label) : [NaN, NaN];
  }

  /** Number of labels; 1 without a dimension. */
  get width() {
    return Math.max(1, this.labels.length);
  }

  /** The place of a label by its name; a table without a dimension has one value for all. */
  place(name) {
    return this.dim ? this.labels.indexOf(name) : 0;
  }
}

/** A table of the corpus: [label] values, the same for every head. */
export class CorpusTable extends Table {
  get isOfCorpus() {
    return true;
  }

  at(layer, head, label = 0) {
    return this.values[label];
  }

  ofLayer(layer, label = 0) {
    return this.values[label];
  }
}
