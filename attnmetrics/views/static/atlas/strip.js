// The value of every head that competes as a tick on a line, one of them marked.

import { clamp, extent, linear, round } from "../arithmetic/scales.js";
import { sheet, svg } from "../shared/dom.js";

export function strip(metric, label, value, width = 180) {
  const kept = [...metric.column(label)].filter((one, place) => !Number.isNaN(one) && metric.competes(place));
  const [low, high] = extent([0, ...kept]);
  const x = linear([low, high || (low < 0 ? 0 : 1)], [4, width - 4]);
  const picture = sheet(width, 20, { class: "strip", "aria-hidden": "true" });
  picture.append(svg("path", {
    d: kept.map((one) => `M${round(x(one))} 5v10`).join(""), stroke: "var(--muted)", "stroke-opacity": 0.4,
    "stroke-width": 1.5,
  }));
  if (Number.isNaN(value)) return picture;
  const cx = round(clamp(x(value), 4, width - 4));
  const dot = { cx, cy: 10, r: 5.5, fill: "var(--link)", stroke: "var(--page)", "stroke-width": 1.5 };
  picture.append(svg("circle", dot));
  return picture;
}
