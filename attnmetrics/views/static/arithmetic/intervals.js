// How sure the values of a table are, as in the tables of the command line (views/certainty.py, views/places.py).

import { number, ordinal, shown, withDecimals } from "./numbers.js";

const MOST_DECIMALS = 6;
/** Codes of the distance of a bound from its value (views/packed_intervals.py). */
const [STEPS, SMALLEST, UNKNOWN] = [600, 32, -32768];

/** The distance that a code stands for. */
const apart = (code) => {
  if (code === UNKNOWN) return NaN;
  return code === 0 ? 0 : Math.sign(code) * 2 ** ((Math.abs(code) - 1) / STEPS - SMALLEST);
};

/** Bounds of values: [low, high] of each. `codes`: of all low bounds, then of all high ones. */
export class Bounds {
  constructor(values, codes, unsure = null) {
    Object.assign(this, { values, codes, unsure });
  }

  at(n) {
    const value = this.values[n];
    return [value + apart(this.codes[n]), value + apart(this.codes[n + this.values.length])];
  }

  /** Whether they come from few groups of shards. */
  isUnsure(n) {
    return Boolean(this.unsure?.[n]) && this.codes[n] !== UNKNOWN;
  }
}

/** The intervals of a table; ranks are null where a head has several values. */
export class Intervals {
  /** own, ofLayers: `Bounds` or null; rankLow, rankHigh: [layers × heads], or null. */
  constructor(metric, { own = null, ofLayers = null, rankLow = null, rankHigh = null }) {
    Object.assign(this, { metric, own, ofLayers, rankLow, rankHigh });
  }

  /** [low, high] of a value; NaN where there are none. */
  bounds(place, label = 0) {
    return this.own ? this.own.at(place * this.metric.width + label) : [NaN, NaN];
  }

  /** The same of a layer. */
  boundsOfLayer(layer, label = 0) {
    return this.ofLayers ? this.ofLayers.at(layer * this.metric.width + label) : [NaN, NaN];
  }

  /** A value and its interval in words, both to the digit that the interval bears. */
  told(place, label = 0) {
    const { metric, own } = this;
    return told(metric, own, place * metric.width + label, metric.values);
  }

  /** The same of a layer. */
  toldOfLayer(layer, label = 0) {
    const { metric, ofLayers } = this;
    return told(metric, ofLayers, layer * metric.width + label, metric.byLayer);
  }

  /**
   * [first, last] of a head's rank among those that compete; null where it is not known.
   *
   * Of a table with one value a head as the run has it; of others, from 1 + the heads whose intervals lie wholly above,
   * to all but those whose intervals lie wholly below. The places of equals are always left open among them.
   */
  ranks(place, label, rank, order) {
    if (this.rankLow) return this.#stored(place, order);
    const [low, high] = this.bounds(place, label);
    if (Number.isNaN(low)) return null;
    const others = order.map((one) => this.bounds(one, label));
    const above = others.filter(([least]) => least > high).length;
    const below = others.filter(([, most]) => most < low).length;
    return [Math.min(above + 1, rank), Math.max(order.length - below, rank)];
  }

  #stored(place, order) {
    if (Number.isNaN(this.rankLow[place])) return null;
    const column = this.metric.column();
    const isAbove = (one) => column[one] > column[place];
    const above = order.filter(isAbove).length;
    const equal = order.filter((one) => column[one] === column[place]).length;
    const absent = [...column.keys()].filter(isAbove).length - above;
    const first = Math.floor(this.rankLow[place] + 1e-6) - absent;
    const last = Math.ceil(this.rankHigh[place] - 1e-6) - absent;
    return [Math.max(Math.min(first, above + 1), 1), Math.min(Math.max(last, above + equal), order.length)];
  }
}

/** "2nd to 9th" of [first, last]; the rank alone where these are not known. */
export function rankTold(rank, ends) {
  if (!ends) return ordinal(rank);
  const [first, last] = ends;
  return first === last ? ordinal(first) : `${ordinal(first)} to ${ordinal(last)}`;
}

/** A value and its interval, "37% [36 to 38%]"; the value alone for "". */
export const inBrackets = ([value, interval]) => (interval ? `${value} [${interval}]` : value);

/** How far intervals reach to either side of a value of the table, in words: "±0.9 points". */
export function reachTold({ kind, unit }, reach) {
  const words = (value) => `±${number(Number(value.toPrecision(2)))}`;
  if (kind === "share") return `${words(100 * reach)} points`;
  return unit === "1" ? words(reach) : `${words(reach)} ${unit}`;
}

function told(metric, bounds, n, values) {
  if (!bounds) return [shown(metric, values[n]), "–"];
  const [text, interval] = bear(metric, values[n], ...bounds.at(n));
  return [text, bounds.isUnsure(n) ? `${interval} ?` : interval];
}

/** A value and its interval, both to the digit of a fourth of its width: "37.2%", "36.4 to 38.1%". */
export function bear(table, value, low, high) {
  if (Number.isNaN(low) || Number.isNaN(high)) return [shown(table, value), "–"];
  if (low === high) return [shown(table, value), shown(table, low)];
  const isShare = table.kind === "share";
  const scale = isShare ? 100 : 1;
  const digits = Math.min(MOST_DECIMALS, Math.max(0, -Math.floor(Math.log10((scale * (high - low)) / 4))));
  const [text, first, last] = [value, low, high].map((one) => signless(scale * one, digits));
  if (isShare) return [`${text}%`, `${first} to ${last}%`];
  return [table.unit === "1" ? text : `${text} ${table.unit}`, `${first} to ${last}`];
}

/** With no sign at 0. */
function signless(value, digits) {
  const rounded = Number(value.toFixed(digits)) || 0;
  return withDecimals(rounded, digits).replace("-", "−");
}
