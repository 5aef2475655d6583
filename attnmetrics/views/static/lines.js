// Two columns of tokens and the attention between them: the drawing of the head view and of one enlarged head.

import { fit, headColour, round, strongest, svg, textWidth, weight } from "./shared.js";

const ROW = 24;
const TOP = 14;
const SIZE = 13;
const MOST_LINES = 2000;

/** y of a line at share u of its way; as a path it is one Bézier curve. */
const bend = (y0, y1, u) => y0 + (y1 - y0) * u * u * (3 - 2 * u);

/**
 * Draw attention and let a person read it.
 *
 * host: element that is filled; say: writes the status line; tip: tooltip;
 * scene: rows and columns (tokens), series [{ head, at(i, j) }], label; where wanted, inset (pixels left free), decorate
 * (draws there), note (for the status line), onPin (hears which token is held); focus: the token held at first.
 */
export function drawLines(host, say, tip, scene, width, focus = null) {
  const { rows, columns, series } = scene;
  const widest = (list) => Math.max(28, ...list.map((token) => textWidth(token.text, SIZE)));
  const label = Math.min(Math.max(widest(rows), widest(columns)) + 22, Math.floor(width * 0.36));
  const inset = scene.inset ?? 0;
  const [x0, x1] = [inset + label, width - label];
  const height = TOP * 2 + ROW * Math.max(rows.length, columns.length, 1);
  const y = (place) => TOP + ROW * (place + 0.5);
  const ends = { left: rows, right: columns };
  let [hover, pinned] = [null, focus];

  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "lines", role: "group", "aria-label": scene.label });
  const boxes = svg("g");
  const lines = svg("g", { fill: "none", "stroke-linecap": "round", class: "few" });
  const whole = svg("g", { fill: "none", "stroke-linecap": "round", class: "whole" });
  const numbers = svg("g", { "font-size": 11, style: "font-variant-numeric:tabular-nums", "pointer-events": "none" });
  const texts = { left: [], right: [] };
  const groups = { left: svg("g"), right: svg("g") };
  picture.append(boxes, whole, lines, numbers, groups.left, groups.right);
  host.replaceChildren(picture);

  const overview = pick(null);
  whole.append(...overview.map(path));
  let drawn = overview;
  let marked = null;

  for (const side of ["left", "right"]) ends[side].forEach((token, place) => addToken(side, token, place));
  if (scene.decorate) scene.decorate(picture, y);

  function addToken(side, token, place) {
    const isLeft = side === "left";
    const text = svg("text", {
      x: isLeft ? x0 - 11 : x1 + 11, y: y(place) + 4.5, "font-size": SIZE, "text-anchor": isLeft ? "end" : "start",
      fill: token.isNull ? "var(--muted)" : "var(--ink)", "font-style": token.generated ? "italic" : null,
      "text-decoration": token.generated ? "underline" : null, "pointer-events": "none", direction: "ltr", "unicode-bidi": "plaintext",
    });
    text.textContent = fit(token.text, label - 22, SIZE);
    const hit = svg("rect", {
      x: isLeft ? inset : x1 + 2, y: y(place) - ROW / 2, width: label - 2, height: ROW, rx: 5, fill: "transparent", class: "token",
      tabindex: place || !isLeft ? -1 : 0, role: "button", "aria-pressed": "false", "data-side": side, "data-place": place, "data-screen": "",
      "aria-label": `${isLeft ? "from" : "to"} ${token.text}${token.isNull ? ", null" : ""}${token.generated ? ", generated" : ""}`,
    });
    hit.addEventListener("pointerenter", (event) => { hover = { side, place }; update(); tellPair(event); });
    hit.addEventListener("pointermove", tellPair);
    hit.addEventListener("pointerleave", () => { hover = null; tip.hide(); update(); });
    hit.addEventListener("focus", () => { if (hit.matches(":focus-visible")) { hover = { side, place }; update(); } });
    hit.addEventListener("blur", () => { hover = null; update(); });
    hit.addEventListener("click", () => pin({ side, place }));
    hit.addEventListener("keydown", (event) => key(event, side, place));
    texts[side].push({ text, hit });
    groups[side].append(hit, text);
  }

  function pin(end) {
    pinned = pinned && pinned.side === end.side && pinned.place === end.place ? null : end;
    scene.onPin?.(pinned);
    update();
  }

  function key(event, side, place) {
    const go = { ArrowUp: [side, place - 1], ArrowDown: [side, place + 1], Home: [side, 0], End: [side, ends[side].length - 1],
      ArrowLeft: ["left", place], ArrowRight: ["right", place] }[event.key];
    if (go) {
      const list = texts[go[0]];
      list[Math.max(0, Math.min(go[1], list.length - 1))]?.hit.focus();
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      pin({ side, place });
      event.preventDefault();
    } else if (event.key === "Escape" && pinned) {
      pin(pinned);
      event.stopPropagation();
      event.preventDefault();
    }
  }

  /** The weights between the pinned and the hovered token, head by head. */
  function tellPair(event) {
    if (!pinned || !hover || pinned.side === hover.side) return tip.hide();
    const [i, j] = pinned.side === "left" ? [pinned.place, hover.place] : [hover.place, pinned.place];
    tip.show(event, `${rows[i].text} → ${columns[j].text}`, series.map(({ head, at }) => [`head ${head}`, weight(at(i, j)), headColour(head)]));
  }

  function update() {
    const end = pinned ?? hover;
    drawn = end ? pick(end) : overview;
    whole.setAttribute("visibility", end ? "hidden" : "visible");
    lines.replaceChildren(...(end ? drawn.map(path) : []));
    boxes.replaceChildren(...(end ? strips(end) : []));
    numbers.replaceChildren(...(end ? figures(end) : []));
    for (const side of ["left", "right"]) groups[side].setAttribute("fill-opacity", end?.side === side ? 0.35 : 1);
    emphasise(marked, false);
    emphasise(marked = end, true);
    say(sentence(end));
  }

  function emphasise(end, on) {
    if (!end) return;
    const { text, hit } = texts[end.side][end.place];
    text.setAttribute("font-weight", on ? 650 : 400);
    text.setAttribute("fill-opacity", on ? 1 : "inherit");
    hit.setAttribute("aria-pressed", String(on && end === pinned));
  }

  /** The lines of a token, those of its heads side by side at the other end; or all lines. */
  function pick(end) {
    const all = [];
    const range = (side, list) => (end && end.side === side ? [end.place] : list.keys());
    const spread = end ? Math.min(3, 16 / series.length) : 0;
    series.forEach(({ head, at }, order) => {
      const shift = spread * (order - (series.length - 1) / 2);
      for (const i of range("left", rows)) for (const j of range("right", columns)) {
        const [start, stop] = [y(i) + (end?.side === "right" ? shift : 0), y(j) + (end?.side === "left" ? shift : 0)];
        all.push({ head, i, j, weight: at(i, j), start, stop });
      }
    });
    return strongest(all, MOST_LINES).sort((a, b) => a.weight - b.weight);
  }

  function path(line) {
    const [a, b, third] = [round(line.start), round(line.stop), (x1 - x0) / 3];
    return svg("path", {
      d: `M${x0},${a}C${round(x0 + third)},${a} ${round(x1 - third)},${b} ${x1},${b}`, stroke: headColour(line.head),
      "stroke-width": 1.75, "stroke-opacity": Math.min(1, line.weight).toFixed(4), "data-head": line.head, "data-i": line.i, "data-j": line.j,
    });
  }

  /** A box for each head beside the tokens of the other side, and a frame around the chosen one. */
  function strips(end) {
    const toRight = end.side === "left";
    const found = [];
    const [start, span] = toRight ? [x1 + 2, label - 2] : [inset, label - 2];
    const step = span / Math.max(1, series.length);
    (toRight ? columns : rows).forEach((_, place) => series.forEach(({ head, at }, order) => {
      const value = toRight ? at(end.place, place) : at(place, end.place);
      if (value >= 0.001) found.push(svg("rect", {
        x: round(start + step * order), y: y(place) - ROW / 2 + 1, width: round(step), height: ROW - 2, fill: headColour(head),
        "fill-opacity": (0.8 * Math.min(1, value)).toFixed(4), "data-head": head, "data-place": place, class: "box",
      }));
    }));
    found.push(svg("rect", { x: toRight ? inset + 1 : x1 + 2, y: y(end.place) - ROW / 2 + 1, width: label - 4, height: ROW - 2, rx: 5, fill: "var(--chosen)" }));
    return found;
  }

  /** The weight to or from each token of the other side: of the head, or the mean of several. */
  function figures(end) {
    const toRight = end.side === "left";
    return (toRight ? columns : rows).flatMap((_, place) => {
      const [i, j] = toRight ? [end.place, place] : [place, end.place];
      const value = series.reduce((sum, { at }) => sum + at(i, j), 0) / Math.max(1, series.length);
      if (value < 0.005) return [];
      const number = svg("text", {
        x: toRight ? x1 - 7 : x0 + 7, y: y(place) + 4, "text-anchor": toRight ? "end" : "start", fill: "var(--ink)",
        stroke: "var(--page)", "stroke-width": 4, "paint-order": "stroke", "stroke-linejoin": "round", "data-place": place,
      });
      number.textContent = value.toFixed(3);
      return [number];
    });
  }

  function sentence(end) {
    if (!series.length) return "No head is chosen. Choose one of the squares above.";
    if (!end) {
      const possible = series.length * rows.length * columns.length;
      const cut = drawn.length >= MOST_LINES ? `The strongest ${MOST_LINES.toLocaleString("en")} of ${possible.toLocaleString("en")} lines. ` : "";
      return `${cut}${scene.note ?? ""}Point at a token for its weights, click to hold it.`;
    }
    const token = ends[end.side][end.place];
    const scored = series.flatMap(({ head, at }) => (end.side === "left" ? columns : rows).map((other, place) => ({
      head, other, value: end.side === "left" ? at(end.place, place) : at(place, end.place),
    }))).sort((a, b) => b.value - a.value).slice(0, 3).filter((one) => one.value >= 0.005);
    const listed = scored.map(({ head, other, value }) => `${other.text} ${weight(value)} (head ${head})`).join(", ");
    const numbersAre = series.length > 1 ? ` Numbers: mean of ${series.length} heads.` : "";
    return `${token.text} ${end.side === "left" ? "→" : "←"} ${listed || "nothing above 0.005"}.${numbersAre}`;
  }

  picture.addEventListener("pointermove", (event) => {
    if (event.target.classList.contains("token")) return;
    const bounds = picture.getBoundingClientRect();
    const [px, py] = [(event.clientX - bounds.left) * (width / bounds.width), (event.clientY - bounds.top) * (height / bounds.height)];
    const u = (px - x0) / (x1 - x0);
    if (u < 0 || u > 1) return tip.hide();
    const near = drawn.map((line) => ({ line, gap: Math.abs(bend(line.start, line.stop, u) - py) })).filter((one) => one.gap < 5);
    if (!near.length) return tip.hide();
    const { line } = near.sort((a, b) => b.line.weight - a.line.weight || a.gap - b.gap)[0];
    tip.show(event, `${rows[line.i].text} → ${columns[line.j].text}`, [[`head ${line.head}`, weight(line.weight), headColour(line.head)]]);
  });
  picture.addEventListener("pointerleave", tip.hide);
  update();
  return picture;
}
