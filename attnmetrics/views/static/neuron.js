// The neuron view: how one head's attention comes about, from query and key to the softmax.

import { choice, el, fit, frame, onWidth, open, opening, round, signed, stepper, svg, textWidth, toggle, tokens, tooltip, weight } from "./shared.js";
import { drawLines } from "./lines.js";

const ROW = 24;
const STRIP = 13;
const TOP = 46;
const LEVELS = 12;
const PLUS = 26;

const strength = (level) => ((Math.abs(level) / LEVELS) ** 0.7).toFixed(3);

/** `onShow(layer, [head])` hears which head is drawn, by their labels. */
export async function drawNeuron(root, data, onShow = () => {}) {
  await open(data);
  const state = { ...opening(data), head: data.heads.indexOf(data.preset.heads[0]), token: data.preset.token, cursor: null };
  const side = tokens(data.sides[0], false);
  const { causal } = data.maps[0];
  const n = side.length;
  const dims = data.neuron.width;
  let [picture, width] = [null, 0];
  const layers = data.layers.map((layer, place) => [place, String(layer)]);
  const heads = data.heads.map((head, place) => [place, String(head)]);
  const back = el("button", { type: "button", class: "tool", onclick: () => expand(null) }, "← All tokens");
  const controls = [
    stepper("Layer", layers, state.layer, (value) => { state.layer = Number(value); draw(); }),
    stepper("Head", heads, state.head, (value) => { state.head = Number(value); draw(); }),
    choice("Token", [["", "none"], ...side.map((token, place) => [place, `${place}  ${token.text}`])], state.token ?? "", (value) => expand(value === "" ? null : Number(value))),
    ...(side.some((token) => token.isNull)
      ? [toggle("Null attention", !state.hideNull, (shown) => { state.hideNull = !shown; draw(); }, "Attention to pieces without content, such as the first or [SEP]")] : []),
    back,
  ];
  const { drawing, say } = frame(root, data, "Neuron view", controls, () => picture);
  const tip = tooltip(root);
  const choose = root.querySelector("[aria-label=Token]");

  // ---- numbers

  const vector = (kind, token) => {
    const base = ((state.layer * data.heads.length + state.head) * n + token) * dims;
    return data.neuron[kind].subarray(base, base + dims);
  };

  /** Products, scaled scores and softmax of one token over those it may attend to. */
  function attend(token) {
    const reach = causal ? token + 1 : n;
    const query = vector("query", token);
    const products = Array.from({ length: reach }, (_, j) => Float64Array.from(vector("key", j), (value, d) => value * query[d]));
    const scores = products.map((product) => data.neuron.scaling[state.layer] * product.reduce((sum, value) => sum + value, 0));
    const top = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return { query, products, scores, softmax: powers.map((power) => power / total), reach };
  }

  function expand(token) {
    state.token = token;
    state.cursor = null;
    draw();
    root.querySelector(token == null ? ".plus" : `.plus[data-place="${token}"]`)?.focus({ preventScroll: true });
  }

  // ---- all tokens

  /** A round button beside each token of the left side. */
  function plus(into, y, place) {
    const open = state.token === place;
    const name = `${open ? "Close" : "Expand"} ${side[place].text}`;
    const shape = svg("g", {
      class: "plus", role: "button", tabindex: place === (state.token ?? 0) ? 0 : -1, "aria-label": name, "aria-expanded": String(open),
      "data-place": place, "data-screen": "", transform: `translate(12 ${y})`,
    }, svg("rect", { x: -12, y: -ROW / 2, width: PLUS, height: ROW, fill: "transparent" }), svg("circle", { r: 9 }),
    svg("path", { d: open ? "M-4,0H4" : "M-4,0H4M0,-4V4" }));
    shape.addEventListener("click", () => expand(open ? null : place));
    shape.addEventListener("keydown", (event) => steer(event, place));
    into.append(shape);
  }

  function steer(event, place) {
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: n - 1 }[event.key];
    const cursor = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (to !== undefined) {
      const next = Math.max(0, Math.min(n - 1, to));
      if (state.token == null) root.querySelector(`.plus[data-place="${next}"]`).focus();
      else expand(next);
    } else if (event.key === "Enter" || event.key === " ") expand(state.token === place ? null : place);
    else if (event.key === "Escape" && state.token != null) expand(null);
    else if (cursor && state.token != null) {
      state.cursor = ((state.cursor ?? (cursor > 0 ? -1 : dims)) + cursor + dims) % dims;
      mark();
    } else return;
    event.preventDefault();
  }

  function drawAll() {
    const rows = side.map((_, token) => attend(token).softmax);
    const at = (i, j) => (state.hideNull && side[j].isNull ? 0 : rows[i][j] ?? 0);
    const decorate = (into, y) => side.forEach((_, place) => plus(into, y(place), place));
    const label = `Attention of layer ${data.layers[state.layer]}, head ${data.heads[state.head]}`;
    picture = drawLines(drawing, say, tip, {
      rows: side, columns: side, series: [{ head: data.heads[state.head], at }], label, inset: PLUS, decorate,
      note: "Press ⊕ beside a token to see how its attention comes about. ",
    }, Math.min(width, 760));
    drawing.prepend(el("p", { class: "hint" }, el("span", { class: "sign", "aria-hidden": "true" }, "+"),
      "Expand a token to see how its attention comes about: query, key, their product, the softmax."));
  }

  // ---- one token

  let mark = () => {};

  function drawOne(token) {
    const found = attend(token);
    const label = Math.min(Math.max(40, ...side.map((one) => textWidth(one.text))) + 14, width < 600 ? 84 : 150);
    const room = width - PLUS - 2 * label - 2 * 92 - 5 * 16;
    const unit = Math.max(dims > 48 ? 1.5 : 2.5, Math.min(5, Math.floor((room / 3 / dims) * 2) / 2));
    const strip = unit * dims;
    const columns = [["Query q", strip], ["Key k", strip], ["q × k", strip], [scoreName(), 92], ["softmax", 92]];
    let x = PLUS + label + 8;
    const places = columns.map(([, wide]) => { const start = x; x += wide + 16; return start; });
    const full = x + label;
    const height = TOP + ROW * n + 34;
    const y = (place) => TOP + ROW * (place + 0.5);
    picture = svg("svg", { viewBox: `0 0 ${full} ${height}`, width: full, height, class: "neurons", role: "group", "aria-label": `Attention from ${side[token].text}` });

    const write = (text, at, row, more = {}) => {
      const node = svg("text", { x: at, y: row, "font-size": 13, fill: "var(--ink)", ...more });
      node.textContent = text;
      picture.append(node);
    };
    const band = svg("rect", { x: 0, width: full, height: ROW, rx: 5, fill: "var(--card)", visibility: "hidden", "data-screen": "" });
    picture.append(band, svg("rect", { x: PLUS, y: y(token) - ROW / 2 + 1, width: label + 4, height: ROW - 2, rx: 5, fill: "var(--chosen)" }));
    columns.forEach(([name, wide], place) => {
      write(name, places[place], 18, { "font-weight": 650, "font-size": 12 });
      const note = ["of this token", "of each token", "element by element", "sum, scaled", "attention"][place];
      if (textWidth(note, 11) < wide + 8) write(note, places[place], 33, { "font-size": 11, fill: "var(--muted)" });
      if (place < 3) picture.append(svg("path", { d: `M${places[place]},${TOP - 4}h${wide}`, stroke: "var(--line)" }));
    });

    const keys = found.products.map((_, j) => vector("key", j));
    const tops = [[found.query], keys, found.products].map((rows) => Math.max(1e-12, ...rows.map((row) => row.reduce((top, value) => Math.max(top, Math.abs(value)), 0))));
    const strips = (rows, first, start, top) => cells(rows, (j) => y(first + j) - STRIP / 2, start, unit, top);
    picture.append(strips([found.query], token, places[0], tops[0]), strips(keys, 0, places[1], tops[1]), strips(found.products, 0, places[2], tops[2]));

    const widest = Math.max(1e-12, ...found.scores.map(Math.abs));
    side.forEach((one, j) => {
      plus(picture, y(j), j);
      const future = j >= found.reach;
      const quiet = { fill: future || one.isNull ? "var(--muted)" : "var(--ink)", opacity: future ? 0.4 : null, "font-style": one.generated ? "italic" : null, "unicode-bidi": "plaintext" };
      write(fit(one.text, label - 8), PLUS + label - 2, y(j) + 4.5, { ...quiet, "text-anchor": "end", "font-weight": j === token ? 650 : null });
      write(fit(one.text, label - 8), full - label + 2, y(j) + 4.5, quiet);
      if (future) return;
      const [score, share] = [found.scores[j], found.softmax[j]];
      const middle = places[3] + 66;
      picture.append(svg("rect", { x: round(score < 0 ? middle - (24 * -score) / widest : middle), y: y(j) - 5, width: round((24 * Math.abs(score)) / widest), height: 10, rx: 2, fill: score < 0 ? "var(--negative)" : "var(--positive)" }));
      write(signed(score), places[3] + 38, y(j) + 4, { "font-size": 11, "text-anchor": "end", class: "score", "data-place": j });
      if (!(state.hideNull && one.isNull)) picture.append(svg("rect", { x: places[4] + 44, y: y(j) - 5, width: Math.max(0.5, round(48 * share)), height: 10, rx: 2, fill: "var(--bar)" }));
      write(weight(share), places[4] + 40, y(j) + 4, { "font-size": 11, "text-anchor": "end", class: "share", "data-place": j });
    });
    legend(write, y(n) + 8);

    const cursors = places.slice(0, 3).map(() => svg("rect", { y: TOP - 2, width: unit, height: ROW * found.reach + 2, fill: "none", stroke: "var(--ink)", "stroke-width": 1, visibility: "hidden", "data-screen": "", "pointer-events": "none" }));
    picture.append(...cursors);
    const tell = (j, d) => {
      const [q, k] = [found.query[d], vector("key", j)[d]];
      return [["query", signed(q)], ["key", signed(k)], ["product", signed(q * k)]];
    };
    mark = (row = token) => {
      cursors.forEach((cursor, place) => {
        cursor.setAttribute("x", places[place] + unit * (state.cursor ?? 0));
        cursor.setAttribute("visibility", state.cursor == null ? "hidden" : "visible");
      });
      if (state.cursor == null) return say(summary(token, found));
      say(`Dimension ${state.cursor}, ${side[token].text} → ${side[row].text}: ${tell(row, state.cursor).map((pair) => pair.join(" ")).join(", ")}.`);
    };
    picture.addEventListener("pointermove", (event) => {
      const bounds = picture.getBoundingClientRect();
      const [px, py] = [event.clientX - bounds.left, event.clientY - bounds.top];
      const row = Math.floor((py - TOP) / ROW);
      const valid = row >= 0 && row < found.reach;
      band.setAttribute("visibility", valid ? "visible" : "hidden");
      if (valid) band.setAttribute("y", TOP + ROW * row);
      const place = places.slice(0, 3).findIndex((start) => px >= start && px < start + strip);
      if (!valid || place < 0) { state.cursor = null; mark(); return tip.hide(); }
      state.cursor = Math.floor((px - places[place]) / unit);
      mark(row);
      tip.show(event, `${side[token].text} → ${side[row].text}, dimension ${state.cursor}`, tell(row, state.cursor));
    });
    picture.addEventListener("pointerleave", () => { state.cursor = null; band.setAttribute("visibility", "hidden"); mark(); tip.hide(); });
    drawing.replaceChildren(el("div", { class: "scroll" }, picture));
    mark();
  }

  const scoreName = () => {
    const scale = data.neuron.scaling[state.layer];
    return Math.abs(scale - 1 / Math.sqrt(dims)) < 1e-6 ? `q·k ÷ √${dims}` : `q·k · ${scale.toPrecision(3)}`;
  };

  function summary(token, found) {
    const best = found.softmax.map((share, j) => [share, j]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    return `${side[token].text} → ${best.map(([share, j]) => `${side[j].text} ${weight(share)}`).join(", ")}. ↑ ↓ other tokens, ← → dimensions, Esc closes.`;
  }

  /** Values as cells whose colour is their sign and whose strength is their size: one path for all of about one size. */
  function cells(rows, top, start, unit, largest) {
    const paths = new Map();
    rows.forEach((row, j) => row.forEach((value, d) => {
      const level = Math.sign(value) * Math.ceil((LEVELS * Math.abs(value)) / largest);
      if (!level) return;
      if (!paths.has(level)) paths.set(level, []);
      paths.get(level).push(`M${start + unit * d},${top(j)}h${unit}v${STRIP}h${-unit}z`);
    }));
    const group = svg("g", { "shape-rendering": "crispEdges" });
    rows.forEach((_, j) => group.append(svg("rect", { x: start, y: top(j), width: unit * dims, height: STRIP, fill: "var(--card)" })));
    for (const [level, list] of paths) {
      group.append(svg("path", { d: list.join(""), fill: level < 0 ? "var(--negative)" : "var(--positive)", "fill-opacity": strength(level) }));
    }
    return group;
  }

  function legend(write, at) {
    write("negative", PLUS + 12, at + 9, { "font-size": 11, fill: "var(--muted)" });
    const start = PLUS + 64;
    for (let level = -LEVELS; level <= LEVELS; level += 2) {
      picture.append(svg("rect", { x: start + 4 * (level + LEVELS), y: at, width: 8, height: 10, fill: level < 0 ? "var(--negative)" : "var(--positive)", "fill-opacity": strength(level) }));
    }
    write("positive; each column to its own largest size", start + 8 * LEVELS + 14, at + 9, { "font-size": 11, fill: "var(--muted)" });
  }

  function draw() {
    if (!width) return;
    choose.value = state.token ?? "";
    back.hidden = state.token == null;
    tip.hide();
    if (state.token == null) drawAll();
    else drawOne(state.token);
    onShow(data.layers[state.layer], [data.heads[state.head]]);
  }

  onWidth(drawing, (now) => { width = now; draw(); });
}
