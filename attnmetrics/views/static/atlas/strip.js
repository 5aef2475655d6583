// The value of every head that competes as a tick on a line, the darker the more heads have it; one of them marked.
// Where ranks are by what is beyond chance, so are ticks.

import { beyondChance } from "../arithmetic/board.js";
import { crowds, TICK } from "../arithmetic/crowds.js";
import { clamp, extent, linear, round } from "../arithmetic/scales.js";
import { sheet, svg } from "../shared/dom.js";

export function strip(metric, label, place, width = 180) {
  const by = beyondChance({ metric, label });
  const column = [...by.metric.column(by.label)];
  const value = column[place];
  const kept = column.filter((one, other) => !Number.isNaN(one) && metric.competes(other));
  const [low, high] = extent([0, ...kept]);
  const x = linear([low, high || (low < 0 ? 0 : 1)], [4, width - 4]);
  const picture = sheet(width, 20, { class: "strip", "aria-hidden": "true" });
  const tick = ([opacity, places]) => svg("path", {
    d: places.map((at) => `M${at} 5v10`).join(""), stroke: "var(--muted)", "stroke-opacity": opacity,
    "stroke-width": TICK,
  });
  picture.append(...crowds(kept.map(x)).map(tick));
  if (Number.isNaN(value)) return picture;
  const cx = round(clamp(x(value), 4, width - 4));
  const dot = { cx, cy: 10, r: 5.5, fill: "var(--link)", stroke: "var(--page)", "stroke-width": 1.5 };
  picture.append(svg("circle", dot));
  return picture;
}
