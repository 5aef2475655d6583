// A result in one of several runs, its differences from the first run, and how sure these are (views/comparison/).

import { bear } from "./intervals.js";
import { number } from "./numbers.js";
import { extent } from "./scales.js";
import { Metric } from "./tables.js";

/** A result of one run. Its colour scale is that of all runs that are shown beside it. */
export class RunTable extends Metric {
  /** The same result of the runs that are shown together, this one among them. */
  pair = [this];

  ownTop(label) {
    return super.top(label);
  }

  ownBottom(label) {
    return super.bottom(label);
  }

  top(label = 0) {
    return extent(this.pair.map((one) => one.ownTop(label)))[1];
  }

  bottom(label = 0) {
    return extent(this.pair.map((one) => one.ownBottom(label)))[0];
  }
}

/** What the differences of a result are counted in: of shares in points. */
const inPoints = (described) =>
  (described.kind === "share" ? { ...described, kind: "mean", unit: "points" } : described);
/** How many of these are one of the result's. */
const POINTS = 100;

/** The bounds of numbers times a factor. */
export class Scaled {
  constructor(bounds, factor) {
    Object.assign(this, { bounds, factor });
  }

  at(n) {
    return this.bounds.at(n).map((value) => value * this.factor);
  }

  isUnsure(n) {
    return this.bounds.isUnsure(n);
  }
}

/** The differences of a result between a run and the first; of shares in points. Its colour scale is even around 0. */
export class DifferenceTable extends Metric {
  striped = "not clear";
  diverging = "change";

  /** q, qOfLayers: as values and byLayer; level: a difference of a smaller q is clear. */
  constructor(described, arrays, { q, qOfLayers, level }) {
    super(inPoints(described), arrays);
    Object.assign(this, { q, qOfLayers, level, factor: described.kind === "share" ? POINTS : 1 });
    this.isLevel = described.is_chance ?? false;
    this.isKnown = q.some((one) => !Number.isNaN(one));
  }

  qAt(place, label = 0) {
    return this.q[place * this.width + label];
  }

  isClear(place, label = 0) {
    return this.qAt(place, label) < this.level;
  }

  /** Where something is known of how sure differences are, those that are not clear. */
  isStriped(place, label = 0) {
    return this.isKnown && !this.isClear(place, label);
  }

  /** The difference as the result has it: of shares as a share. */
  raw(place, label = 0) {
    return this.values[place * this.width + label] / this.factor;
  }

  /** [low, high] of it. */
  rawBounds(place, label = 0) {
    return this.bounds(place, label).map((bound) => bound / this.factor);
  }

  /** How many times half its interval a difference is from 0; NaN without an interval. */
  strength(place, label = 0) {
    const [low, high] = this.bounds(place, label);
    const value = Math.abs(this.values[place * this.width + label]);
    return value === 0 ? 0 : (2 * value) / (high - low);
  }

  /** Where values fall short of the first run's is below 0, so that 0 is in the middle. */
  bottom(label = 0) {
    return -this.top(label);
  }

  top(label = 0) {
    return Math.max(Math.abs(super.bottom(label)), Math.abs(super.top(label)));
  }

  /** The places of the heads that differ clearly, the largest difference first; of others likewise. */
  changed(label = 0) {
    const column = this.column(label);
    const known = [...column.keys()].filter((place) => !Number.isNaN(column[place]));
    const sorted = known.sort((a, b) => Math.abs(column[b]) - Math.abs(column[a]) || a - b);
    const isClear = (place) => this.isClear(place, label);
    return [sorted.filter(isClear), sorted.filter((place) => !isClear(place))];
  }

  /** The largest clear difference at any label, { place, label }; null without any. */
  largest() {
    let found = -1;
    this.q.forEach((q, at) => {
      if (q < this.level && !(Math.abs(this.values[at]) <= Math.abs(this.values[found]))) found = at;
    });
    return found < 0 ? null : { place: Math.floor(found / this.width), label: found % this.width };
  }

  /** Heads that differ clearly, and those of which that could be said. */
  count(label = 0) {
    const places = [...this.column(label).keys()];
    return {
      clear: places.filter((place) => this.isClear(place, label)).length,
      of: places.filter((place) => !Number.isNaN(this.qAt(place, label))).length,
    };
  }

  /** The same over all labels. */
  countAll() {
    return { clear: this.q.filter((q) => q < this.level).length, of: this.q.filter((q) => !Number.isNaN(q)).length };
  }

  /** A difference and its interval in words: ["+3.1 points", "2.0 to 4.2"]. */
  told(place, label = 0) {
    return this.#words(this.values[place * this.width + label], this.bounds(place, label));
  }

  toldOfLayer(layer, label = 0) {
    return this.#words(this.ofLayer(layer, label), this.boundsOfLayer(layer, label));
  }

  #words(value, bounds) {
    const [words, interval] = bear(this, value, ...bounds);
    return [(value > 0 ? "+" : "") + words, interval === "–" ? "" : interval];
  }

  /** How clear it is in words: "q < 0.001", "not clear, q 0.21". */
  clearTold(place, label = 0) {
    return qTold(this.qAt(place, label), this.level);
  }
}

/** A q in words; "" where it is unknown. */
export function qWords(q) {
  if (q === null || Number.isNaN(q)) return "";
  return q < 0.001 ? "< 0.001" : number(Number(q.toPrecision(2)));
}

/** How clear a difference is in words; "" where that is unknown. */
export function qTold(q, level) {
  const words = qWords(q);
  if (!words) return "";
  const said = words.startsWith("<") ? `q ${words}` : `q = ${words}`;
  return q < level ? said : `not clear, ${said}`;
}
