// The model view: every head of every layer at a glance; a click enlarges one.

import { commonControls, el, frame, grid, headColour, onWidth, open, opening, round, sides, strongest, svg, tooltip } from "./shared.js";
import { drawLines } from "./lines.js";

const MOST_LINES = 400;
const LEVELS = 8;
const GAP = 6;

/** `onShow(layer, [head], host)` hears which head is pointed at, or, with a host, enlarged there; by their labels. */
export async function drawModel(root, data, onShow = () => {}) {
  await open(data);
  const state = opening(data);
  let [cells, size, side, opened] = [[], null, null, null];
  const { drawing, say } = frame(root, data, "Model view", commonControls(data, state, () => { draw(); enlarge(); }), sheet);
  const tip = tooltip(root);
  const dialog = el("dialog", { "aria-label": "One head, enlarged", onclose: close, onclick: (event) => { if (event.target === dialog) dialog.close(); } });
  root.append(dialog);
  const seen = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => {
    seen.unobserve(one.target);
    fill(one.target);
  }), { rootMargin: "300px" });

  /** The lines of one head as few paths: all of about one weight together. */
  function thumbnail(layer, head) {
    const { map, rows, columns } = side;
    const at = grid(data, map, layer, head, rows, columns, state.hideNull);
    const all = [];
    rows.forEach((_, i) => columns.forEach((_, j) => { const value = at(i, j); if (value >= 0.02) all.push({ i, j, weight: value }); }));
    const paths = Array.from({ length: LEVELS }, () => []);
    const y = (place, count) => round(3 + (size.height - 6) * (count > 1 ? place / (count - 1) : 0.5));
    for (const line of strongest(all, MOST_LINES)) {
      const level = Math.min(LEVELS - 1, Math.floor(line.weight * LEVELS));
      paths[level].push(`M4,${y(line.i, rows.length)}L${round(size.width - 4)},${y(line.j, columns.length)}`);
    }
    const group = svg("g", { fill: "none", stroke: headColour(data.heads[head]), "stroke-width": 1.25 });
    paths.forEach((list, level) => { if (list.length) group.append(svg("path", { d: list.join(""), "stroke-opacity": (level + 0.5) / LEVELS })); });
    return group;
  }

  function fill(button) {
    const picture = svg("svg", { viewBox: `0 0 ${size.width} ${size.height}`, width: size.width, height: size.height, "aria-hidden": "true" });
    picture.append(thumbnail(Number(button.dataset.layer), Number(button.dataset.head)));
    button.replaceChildren(picture);
  }

  function cell(layer, head) {
    const name = `Layer ${data.layers[layer]}, head ${data.heads[head]}`;
    const button = el("button", {
      type: "button", class: "cell", "aria-label": name, title: name, "data-layer": layer, "data-head": head,
      tabindex: layer || head ? -1 : 0, style: `width:${size.width}px;height:${size.height}px`,
    });
    button.addEventListener("click", () => { opened = [layer, head]; enlarge(); });
    const meet = (hint) => { say(`${name}. ${hint}`); onShow(data.layers[layer], [data.heads[head]]); };
    button.addEventListener("pointerenter", () => meet("Click to enlarge."));
    button.addEventListener("focus", () => meet("Press Enter to enlarge."));
    button.addEventListener("keydown", (event) => move(event, layer, head));
    return button;
  }

  function step(key, layer, head) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [];
    return down === undefined ? null : cells[layer + down]?.[head + right] ?? null;
  }

  function move(event, layer, head) {
    const next = step(event.key, layer, head);
    if (!next) return;
    next.focus();
    event.preventDefault();
  }

  function draw(width = drawing.clientWidth) {
    side = sides(data, state);
    const fits = (width - 34) / data.heads.length - GAP;
    const tall = Math.max(side.rows.length, side.columns.length) * 4;
    size = { width: Math.round(Math.max(40, Math.min(fits, 150))), height: Math.round(Math.max(44, Math.min(tall, 110))) };
    seen.disconnect();
    cells = data.layers.map((_, layer) => data.heads.map((_, head) => cell(layer, head)));
    const table = el("div", { class: "grid", role: "group", "aria-label": "Heads by layer", style: `grid-template-columns:28px repeat(${data.heads.length}, ${size.width}px)` });
    table.append(el("span", { class: "corner" }), ...data.heads.map((head) => el("span", { class: "column" }, String(head))));
    cells.forEach((row, layer) => table.append(el("span", { class: "row" }, String(data.layers[layer])), ...row));
    drawing.replaceChildren(el("div", { class: "axis" }, "Heads →  Layers ↓"), el("div", { class: "scroll" }, table));
    cells.flat().forEach((button) => seen.observe(button));
    say(`${data.layers.length} layers of ${data.heads.length} heads. Click one to enlarge it.`);
  }

  function enlarge() {
    if (!opened) return;
    const [layer, head] = opened;
    const { map, rows, columns } = side;
    const status = el("p", { class: "status", role: "status" });
    const host = el("div", { class: "drawing" });
    const to = (key, sign, name) => {
      const next = step(key, layer, head);
      return el("button", { type: "button", class: "step", "aria-label": name, disabled: !next, onclick: () => { opened = [Number(next.dataset.layer), Number(next.dataset.head)]; enlarge(); } }, sign);
    };
    const title = el("h2", {}, `Layer ${data.layers[layer]}, head ${data.heads[head]}`);
    const steps = [to("ArrowLeft", "←", "Head before"), to("ArrowRight", "→", "Next head"), to("ArrowUp", "↑", "Layer above"), to("ArrowDown", "↓", "Layer below")];
    dialog.replaceChildren(el("div", { class: "top" }, title, el("div", { class: "tools" }, ...steps, el("button", { type: "button", class: "tool", "aria-label": "Close", onclick: () => dialog.close() }, "Close"))), host, status);
    dialog.append(tipInside.box);
    if (!dialog.open) dialog.showModal();
    const series = [{ head: data.heads[head], at: grid(data, map, layer, head, rows, columns, state.hideNull) }];
    const label = `Attention of layer ${data.layers[layer]}, head ${data.heads[head]}`;
    drawLines(host, (text) => { status.textContent = text; }, tipInside, { rows, columns, series, label }, Math.min(host.clientWidth, 560));
    onShow(data.layers[layer], [data.heads[head]], host);
  }

  function close() {
    const [layer, head] = opened ?? [0, 0];
    opened = null;
    cells[layer]?.[head]?.focus();
  }

  /** All heads as one picture, for export. */
  function sheet() {
    const [stepX, stepY] = [size.width + GAP, size.height + GAP];
    const [width, height] = [34 + stepX * data.heads.length, 24 + stepY * data.layers.length];
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}` });
    const note = (x, y, text) => { const node = svg("text", { x, y, "font-size": 11, fill: "var(--muted)", "text-anchor": "middle" }); node.textContent = text; return node; };
    data.heads.forEach((head, place) => picture.append(note(28 + stepX * place + size.width / 2, 14, head)));
    data.layers.forEach((layer, row) => {
      picture.append(note(14, 22 + stepY * row + size.height / 2 + 4, layer));
      data.heads.forEach((_, head) => picture.append(svg("g", { transform: `translate(${28 + stepX * head} ${22 + stepY * row})` },
        svg("rect", { width: size.width, height: size.height, rx: 5, fill: "var(--card)" }), thumbnail(row, head))));
    });
    return picture;
  }

  const tipInside = tooltip(dialog);
  onWidth(drawing, draw);
}
