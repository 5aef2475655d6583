// How many values differ clearly from the first run, over all others: a bar a run that leads to it.

import { clamp } from "../arithmetic/scales.js";
import { section } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { percent } from "../arithmetic/numbers.js";
import { pointNames, trendLines } from "./trend-lines.js";

const SHARE = { kind: "share", unit: "1" };

export function runTrend(root, comparison) {
  const over = comparison.axis?.name ?? "the runs";
  const help = `Of all values, the share that differs clearly from ${comparison.runs[0].name}.`;
  const found = section(`Change over ${over}`, help);
  root.append(found);
  const shares = [0, ...comparison.changes.map(share)];
  const line = {
    name: "", colour: "var(--link)", href: null, value: (run) => shares[run], bounds: () => [NaN, NaN],
    words: (run) => `${comparison.runs[run].name}: ${percent(shares[run])}`,
  };
  const width = clamp(found.clientWidth || 700, 280, 900);
  const picture = trendLines(comparison, SHARE, [line], { width, name: help });
  const names = pointNames(comparison);
  const rows = () => [["run", over, "share that differs clearly"],
    ...comparison.runs.map(({ name }, run) => [name, names[run], shares[run]])];
  found.append(picture, tools(() => picture, rows, `change over ${over}`, [help, comparison.sources]));
}

function share({ clear, of }) {
  const sum = (list) => list.reduce((total, one) => total + one, 0);
  return sum(clear) / Math.max(1, sum(of));
}
