// How sure the values of a metric are, as in the tables of the command line (views/certainty.py).

import { ordinal, shown } from "./numbers.js";

const MOST_DECIMALS = 6;

/** The intervals of a table of heads; ranks are null where a head has several values. */
export class Intervals {
  /** low, high, unsure: [layers × heads × labels]; rankLow, rankHigh: [layers × heads], or null. */
  constructor(metric, { low, high, unsure, rankLow, rankHigh }) {
    Object.assign(this, { metric, low, high, unsure, rankLow, rankHigh });
  }

  /** A value and its interval in words, both to the digit that the interval bears. */
  told(place, label) {
    const { metric } = this;
    const at = place * metric.width + label;
    const [value, interval] = bear(metric, metric.values[at], this.low[at], this.high[at]);
    return [value, this.unsure[at] && !Number.isNaN(this.low[at]) ? `${interval} ?` : interval];
  }

  /** "2nd to 9th", given a head's rank among those that compete, and their number; without an interval its rank. */
  rankTold(place, rank, of) {
    if (!this.rankLow || Number.isNaN(this.rankLow[place])) return ordinal(rank);
    const column = this.metric.column();
    const above = column.filter((value) => value > column[place]).length + 1 - rank;
    const within = (one) => Math.min(Math.max(one - above, 1), of);
    const first = within(Math.floor(this.rankLow[place] + 1e-6));
    const last = within(Math.ceil(this.rankHigh[place] - 1e-6));
    return first === last ? ordinal(first) : `${ordinal(first)} to ${ordinal(last)}`;
  }
}

/** A value and its interval, both to the digit of a fourth of its width: "37.2%", "36.4 to 38.1%". */
export function bear(table, value, low, high) {
  if (Number.isNaN(low) || Number.isNaN(high)) return [shown(table, value), "–"];
  if (low === high) return [shown(table, value), shown(table, low)];
  const isShare = table.kind === "share";
  const scale = isShare ? 100 : 1;
  const digits = Math.min(MOST_DECIMALS, Math.max(0, -Math.floor(Math.log10((scale * (high - low)) / 4))));
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const [text, first, last] = [value, low, high].map((one) => signless(scale * one, digits, form));
  if (isShare) return [`${text}%`, `${first} to ${last}%`];
  return [table.unit === "1" ? text : `${text} ${table.unit}`, `${first} to ${last}`];
}

/** With no sign at 0. */
function signless(value, digits, form) {
  const rounded = Number(value.toFixed(digits)) || 0;
  return rounded.toLocaleString("en", form).replace("-", "−");
}
