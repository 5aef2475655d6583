// How values are written, as in the tables of the command line (views/heads.py).

/** A number with so many decimals, and separators between thousands. */
export function withDecimals(value, digits) {
  const [whole, decimals] = value.toFixed(digits).split(".");
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return decimals ? `${separated}.${decimals}` : separated;
}

/** A count. */
export const counted = (count) => withDecimals(count, 0);

/** As Python's format `g` does. */
function precise(value, digits) {
  const rounded = Number(value.toPrecision(digits));
  const isTiny = Math.abs(rounded) < 1e-4;
  const text = isTiny ? rounded.toExponential().replace(/e-(?=\d$)/, "e-0") : String(rounded);
  return text.replaceAll("-", "−");
}

/** Percent from which on a share is all. */
const ALL = 99.9995;

/** A share in percent, with as many digits as it deserves; what is not all, but for rounding errors, is not "100%". */
export function percent(value) {
  const scaled = 100 * value;
  const size = Math.abs(scaled);
  if (scaled !== 0 && size < 0.095) return `${precise(scaled, 2)}%`;
  const isNearlyAll = size >= 99.05 && size < ALL;
  const digits = isNearlyAll || (size < 9.95 && scaled !== 0) ? 1 : 0;
  const told = isNearlyAll ? Math.sign(scaled) * Math.min(size, 99.9) : scaled;
  return `${told.toFixed(digits).replace("-", "−")}%`;
}

/** Three significant digits, two where the number is small; counts whole, with separators. */
export function number(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 999.5) return withDecimals(Math.round(value), 0).replace("-", "−");
  return precise(value, size >= 0.1 ? 3 : 2);
}

/** A round number on an axis of a table's values, with the digits that it has: "5%", "2.552", "1,000". */
export function mark(table, value) {
  const [round, unit] = table.kind === "share" ? [100 * value, "%"] : [value, ""];
  const isTiny = round !== 0 && Math.abs(round) < 1e-4;
  const exact = Number(round.toPrecision(12));
  const [, decimals = ""] = String(exact).split(".");
  const text = isTiny ? precise(round, 3) : withDecimals(exact, decimals.length).replace("-", "−");
  return `${text}${unit}`;
}

/** A value of a table without its unit: shares in percent; a dash without evidence. */
export function plain(table, value) {
  if (Number.isNaN(value)) return "–";
  return table.kind === "share" ? percent(value) : number(value);
}

/** A value of a table as a person reads it: shares in percent, others with their unit; a dash without evidence. */
export function shown(table, value) {
  const text = plain(table, value);
  return Number.isNaN(value) || table.kind === "share" || table.unit === "1" ? text : `${text} ${table.unit}`;
}

/** How many times as large: "0×", "0.42×", "7.6×", "120×". */
export function times(ratio) {
  const digits = ratio === 0 ? 0 : [9.95, 0.995].filter((limit) => ratio < limit).length;
  return `${withDecimals(ratio, digits)}×`;
}

/**
 * A value of a table against its chance level: how many times it, "7.6×"; where heads are ranked by what is beyond it,
 * how much that is, of shares in points, "+11 points"; "" where neither can be said.
 */
export function against(table, value, level) {
  if (Number.isNaN(value) || Number.isNaN(level)) return "";
  if (table.excess) return `${value >= level ? "+" : ""}${shown(table, value - level).replace("%", " points")}`;
  return level > 0 ? times(value / level) : "";
}

/** `powerOfTen(-4)` is "10⁻⁴". */
export function powerOfTen(power) {
  const raised = [...String(Math.abs(power))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
  return `10${power < 0 ? "⁻" : ""}${raised}`;
}

/** 1st, 2nd, 3rd, 4th, … */
export function ordinal(place) {
  const last = place % 100 > 10 && place % 100 < 14 ? 0 : place % 10;
  return `${withDecimals(place, 0)}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

export function pValue(p) {
  if (p === null || Number.isNaN(p)) return "p unknown";
  return p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`;
}

/** A weight of attention, exact enough to compare. */
export const weight = (x) => x.toFixed(5);

/** A number that may be negative, with three decimals. */
export const signed = (x) => (x < 0 ? "−" : "") + Math.abs(x).toFixed(3);
