// Drawings of one head beside all heads, and of all heads beside each other.

import { round, svg, tooltip } from "./shared.js";
import { text } from "./maps.js";
import { number, ordinal, percent, shown } from "./numbers.js";
import { headAt, headName, placeOf } from "./tables.js";

/** Every head's value as a tick on a line, one of them marked. */
export function strip(metric, label, value, width = 180) {
  const column = metric.column(label);
  const kept = [...column].filter((one) => !Number.isNaN(one));
  const [low, high] = [Math.min(0, ...kept), Math.max(...kept, 0) || 1];
  const x = (one) => round(4 + ((width - 8) * (one - low)) / (high - low || 1));
  const picture = svg("svg", { viewBox: `0 0 ${width} 20`, width, height: 20, class: "strip", "aria-hidden": "true" });
  picture.append(svg("path", { d: kept.map((one) => `M${x(one)} 5v10`).join(""), stroke: "var(--muted)", "stroke-opacity": Math.max(0.12, Math.min(0.5, 30 / kept.length)), "stroke-width": 1.5 }));
  if (!Number.isNaN(value)) picture.append(svg("circle", { cx: x(value), cy: 10, r: 5.5, fill: "var(--link)", stroke: "var(--page)", "stroke-width": 1.5 }));
  return picture;
}

/** A head's shares, largest first, each beside the mean of all heads. */
export function profile(atlas, metric, layer, head, most, width) {
  const labels = metric.present().filter((label) => metric.at(layer, head, label) > 0)
    .sort((a, b) => metric.at(layer, head, b) - metric.at(layer, head, a)).slice(0, most);
  const left = Math.min(118, 16 + 7 * Math.max(3, ...labels.map((label) => metric.labels[label].length)));
  const room = width - left - 52;
  const means = labels.map((label) => metric.mean(label));
  const top = Math.max(...labels.map((label) => metric.at(layer, head, label)), ...means) || 1;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${labels.length * 20 + 4}`, width, height: labels.length * 20 + 4, class: "profile", role: "group", "aria-label": metric.title });
  labels.forEach((label, row) => {
    const y = row * 20;
    const value = metric.at(layer, head, label);
    const mean = left + (room * means[row]) / top;
    const link = svg("a", { href: metric.href(label) });
    const title = svg("title");
    const order = metric.order(label);
    title.textContent = `${metric.heading(label)}: ${percent(value)}, ${ordinal(order.indexOf(placeOf(atlas, layer, head)) + 1)} of ${order.length}; mean of all heads ${percent(means[row])}`;
    link.append(title, svg("rect", { x: 0, y, width, height: 20, fill: "transparent" }), text(left - 8, y + 14, metric.labels[label], { "text-anchor": "end", fill: "var(--link)", "font-size": 12 }),
      svg("rect", { x: left, y: y + 3, width: round((room * value) / top), height: 14, fill: "var(--bar)", rx: 2 }),
      svg("line", { x1: round(mean), x2: round(mean), y1: y + 1, y2: y + 19, stroke: "var(--baseline)", "stroke-width": 2 }),
      text(left + Math.max((room * value) / top, mean - left) + 6, y + 14, percent(value), { fill: "var(--ink)" }));
    picture.append(link);
  });
  return picture;
}

/** A head's attention by offset as bars, the mean of all heads as a line. */
export function offsets(atlas, metric, layer, head, width) {
  const labels = metric.labels.map((_, label) => label).filter((label) => !atlas.isCausal || Number(metric.labels[label]) >= 0);
  const [left, bottom, above] = [38, 132, 10];
  const step = (width - left - 6) / labels.length;
  const own = labels.map((label) => metric.at(layer, head, label) || 0);
  const means = labels.map((label) => metric.mean(label) || 0);
  const top = Math.max(...own, ...means) || 1;
  const y = (value) => bottom - ((bottom - above) * value) / top;
  const picture = svg("svg", { viewBox: `0 0 ${width} 168`, width, height: 168, class: "offsets", role: "img", "aria-label": "Attention by offset: bars are this head, the line is the mean of all heads" });
  for (const share of [0, top / 2, top]) picture.append(svg("line", { x1: left, x2: width, y1: y(share), y2: y(share), stroke: "var(--line)" }), text(left - 6, y(share) + 4, percent(share), { "text-anchor": "end" }));
  labels.forEach((label, n) => {
    const bar = svg("rect", { x: round(left + n * step + step * 0.12), y: round(y(own[n])), width: round(step * 0.76), height: round(bottom - y(own[n])), fill: "var(--bar)" });
    const title = svg("title");
    title.textContent = `${metric.heading(label)}: ${shown(metric, metric.at(layer, head, label))}; mean of all heads ${shown(metric, metric.mean(label))}`;
    bar.append(title);
    picture.append(bar);
    const offset = Number(metric.labels[label]);
    if (offset % (atlas.isCausal ? 4 : 8) === 0) picture.append(text(left + (n + 0.5) * step, bottom + 15, Math.abs(offset) === 32 ? (offset < 0 ? "≤ −32" : "≥ 32") : String(offset).replace("-", "−"), { "text-anchor": offset === 32 ? "end" : offset === -32 ? "start" : "middle" }));
  });
  picture.append(svg("path", { d: `M${means.map((mean, n) => `${round(left + (n + 0.5) * step)} ${round(y(mean))}`).join("L")}`, fill: "none", stroke: "var(--baseline)", "stroke-width": 2, "stroke-linejoin": "round" }));
  picture.append(text(left + (width - left) / 2, bottom + 32, "attending − attended piece", { "text-anchor": "middle" }));
  return picture;
}

/** The probability of a dependency by the distance of two pieces. */
export function probability(values, width) {
  const [left, bottom, above] = [42, 168, 10];
  const kept = [...values].slice(1);
  const top = Math.max(...kept.filter((value) => !Number.isNaN(value)), 0) || 1;
  const x = (n) => left + ((width - left - 10) * n) / (kept.length - 1);
  const y = (value) => bottom - ((bottom - above) * value) / top;
  const picture = svg("svg", { viewBox: `0 0 ${width} 206`, width, height: 206, role: "img", "aria-label": "Probability of a dependency by distance" });
  for (const share of [0, top / 2, top]) picture.append(svg("line", { x1: left, x2: width, y1: y(share), y2: y(share), stroke: "var(--line)" }), text(left - 6, y(share) + 4, percent(share), { "text-anchor": "end" }));
  const points = kept.map((value, n) => [n, value]).filter(([, value]) => !Number.isNaN(value));
  if (points.length) picture.append(svg("path", { d: `M${points.map(([n, value]) => `${round(x(n))} ${round(y(value))}`).join("L")}`, fill: "none", stroke: "var(--bar)", "stroke-width": 2 }));
  for (const [n, value] of points) {
    const dot = svg("circle", { cx: round(x(n)), cy: round(y(value)), r: 3, fill: "var(--bar)" });
    const title = svg("title");
    title.textContent = `distance ${n + 1}${n === 63 ? " or more" : ""}: ${percent(value)}`;
    dot.append(title);
    picture.append(dot);
  }
  for (const distance of [1, 5, 10, 20, 30, 40, 50, 64]) picture.append(text(x(distance - 1), bottom + 16, distance === 64 ? "≥ 64" : distance, { "text-anchor": distance === 64 ? "end" : "middle" }));
  picture.append(text(left + (width - left) / 2, bottom + 34, "distance in pieces", { "text-anchor": "middle" }));
  return picture;
}

/** One metric against another, a dot a head; the stronger its colour, the deeper. `places` are the heads shown. */
export function scatter(host, atlas, x, y, places, { say, choose }) {
  const width = Math.max(280, Math.min(640, host.clientWidth || 600));
  const height = Math.round(Math.min(width * 0.8, 440));
  const box = { left: 62, right: width - 12, top: 12, bottom: height - 46 };
  const [across, up] = [x.metric.column(x.label), y.metric.column(y.label)];
  const points = places.map((place) => [place, across[place], up[place]]).filter((point) => !point.some(Number.isNaN));
  const range = (side) => {
    const list = points.map((point) => point[side]);
    const [low, high] = [Math.min(...list), Math.max(...list)];
    return !list.length ? [0, 1] : low === high ? [low - 0.5, high + 0.5] : [low - (high - low) * 0.04, high + (high - low) * 0.04];
  };
  const [xs, ys] = [range(1), range(2)];
  const px = (value) => box.left + ((box.right - box.left) * (value - xs[0])) / (xs[1] - xs[0]);
  const py = (value) => box.bottom - ((box.bottom - box.top) * (value - ys[0])) / (ys[1] - ys[0]);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "scatter", role: "group", tabindex: 0, "aria-label": `${x.metric.heading(x.label)} against ${y.metric.heading(y.label)}. Arrow keys move from head to head, Enter opens one.` });
  const write = (metric, value) => (metric.share ? percent(value) : number(value));
  for (const value of steps(xs)) picture.append(svg("line", { x1: px(value), x2: px(value), y1: box.top, y2: box.bottom, stroke: "var(--line)" }), text(px(value), box.bottom + 16, write(x.metric, value), { "text-anchor": "middle" }));
  for (const value of steps(ys)) picture.append(svg("line", { x1: box.left, x2: box.right, y1: py(value), y2: py(value), stroke: "var(--line)" }), text(box.left - 6, py(value) + 4, write(y.metric, value), { "text-anchor": "end" }));
  const unit = (metric) => (metric.unit === "1" ? "" : `, ${metric.unit}`);
  picture.append(text((box.left + box.right) / 2, height - 8, `${x.metric.heading(x.label)}${unit(x.metric)}`, { "text-anchor": "middle", "font-size": 12 }));
  picture.append(text(0, 0, `${y.metric.heading(y.label)}${unit(y.metric)}`, { "text-anchor": "middle", "font-size": 12, transform: `translate(12 ${(box.top + box.bottom) / 2}) rotate(-90)` }));
  const depth = (place) => Math.round(14 + (46 * headAt(atlas, place)[0]) / Math.max(1, atlas.layers.length - 1));
  for (const [place, a, b] of points) picture.append(svg("circle", { cx: round(px(a)), cy: round(py(b)), r: places.length > 500 ? 3 : 4.5, fill: `var(--share${depth(place)})`, stroke: "var(--page)", "stroke-width": 0.8, "data-place": place }));
  const ring = svg("circle", { r: 8, fill: "none", stroke: "var(--baseline)", "stroke-width": 2, visibility: "hidden", "data-screen": "" });
  picture.append(ring);
  host.replaceChildren(picture);
  const tip = tooltip(host);
  let at = null;

  function point(found) {
    at = found;
    ring.setAttribute("visibility", found ? "visible" : "hidden");
    if (!found) { tip.hide(); return say(""); }
    ring.setAttribute("cx", px(found[1]));
    ring.setAttribute("cy", py(found[2]));
    const name = headName(atlas, ...headAt(atlas, found[0]));
    say(`${name}: ${shown(x.metric, found[1])}, ${shown(y.metric, found[2])}`);
    return name;
  }

  picture.addEventListener("pointermove", (event) => {
    const bounds = picture.getBoundingClientRect();
    const [mx, my] = [((event.clientX - bounds.left) * width) / bounds.width, ((event.clientY - bounds.top) * width) / bounds.width];
    const near = points.map((one) => [Math.hypot(px(one[1]) - mx, py(one[2]) - my), one]).sort((a, b) => a[0] - b[0])[0];
    if (!near || near[0] > 16) { picture.style.cursor = ""; return point(null); }
    const name = point(near[1]);
    picture.style.cursor = "pointer";
    tip.show(event, name, [[x.metric.heading(x.label), shown(x.metric, near[1][1])], [y.metric.heading(y.label), shown(y.metric, near[1][2])]]);
  });
  picture.addEventListener("pointerleave", () => point(null));
  picture.addEventListener("click", () => { if (at) choose(...headAt(atlas, at[0])); });
  picture.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && at) choose(...headAt(atlas, at[0]));
    else if (!move || !points.length) return;
    else {
      const sorted = [...points].sort((a, b) => a[1] - b[1]);
      point(sorted[Math.max(0, Math.min(sorted.length - 1, sorted.indexOf(at) + move))]);
    }
    event.preventDefault();
  });
  return picture;
}

/** A few round numbers within a range. */
function steps([low, high]) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(Number((n * step).toPrecision(12)));
  return found;
}
