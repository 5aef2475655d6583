// How far the values of two heads are apart.

import { shown } from "./numbers.js";

/** The first less the second: "+11 points" of shares, "−0.4 nats"; "–" where either is unknown. */
export function differenceTold(metric, label, [one, other]) {
  const values = metric.column(label);
  const apart = values[one] - values[other];
  if (Number.isNaN(apart)) return "–";
  return `${apart > 0 ? "+" : ""}${shown(metric, apart)}`.replace("%", " points");
}

/** Whether the intervals of both overlap, in words; "" where either has none. */
export function apartTold(metric, label, places) {
  const bounds = places.map((place) => metric.sure?.bounds(place, label) ?? [NaN, NaN]);
  if (bounds.flat().some(Number.isNaN)) return "";
  const [[low, high], [otherLow, otherHigh]] = bounds;
  return low > otherHigh || high < otherLow ? "intervals apart" : "intervals overlap";
}
