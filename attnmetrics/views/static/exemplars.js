// A head's sentences, each with the attention in it: the strongest pair marked, any piece's whole row on hover.

import { el, round, svg } from "./shared.js";
import { percent } from "./numbers.js";

const NEAR = 40;
/** Pieces shown on either side of the pair in a long sentence. */
const LEAST = 0.02;
/** Weights below this get no arc. */

/** One exemplar. `href` is its own address; `actions` are put beside its source. */
export function drawExemplar(exemplar, href, actions = []) {
  const { pieces, spaces, i, j, weight, rank, source, row } = exemplar;
  let [attending, isWhole] = [i, pieces.length <= 4 * NEAR];
  const arcs = svg("svg", { class: "arcs", "aria-hidden": "true" });
  const sentence = el("p", { class: "sentence", dir: "auto", tabindex: row ? 0 : null, "aria-label": row ? "Left and right arrow keys choose the attending piece" : null });
  const caption = el("p", { class: "caption", "aria-live": "polite" });
  const spans = new Map();

  function fill() {
    const near = (piece) => isWhole || Math.min(Math.abs(piece - i), Math.abs(piece - j)) <= NEAR;
    spans.clear();
    sentence.replaceChildren();
    pieces.forEach((piece, place) => {
      if (!near(place)) {
        if (!place || near(place - 1)) sentence.append(" ", el("button", { type: "button", class: "more", "aria-label": "Show the whole sentence", onclick: () => { isWhole = true; fill(); } }, "…"), " ");
        return;
      }
      if (spaces[place] === "1") sentence.append(" ");
      const span = el("span", { class: "piece", "data-place": place }, piece.trim() || "␣".repeat(piece.length || 1));
      spans.set(place, span);
      sentence.append(span);
    });
    sentence.append(arcs);
    update();
  }

  function update() {
    const weights = new Map(row ? row(attending) : attending === i ? [[j, weight]] : []);
    for (const [place, span] of spans) {
      const share = weights.get(place) ?? 0;
      span.style.setProperty("--weight", `${round(share * 100)}%`);
      span.classList.toggle("attended", share >= 0.005);
      span.classList.toggle("attending", place === attending);
      span.classList.toggle("strongest", attending === i && place === j);
    }
    const best = [...weights].sort((a, b) => b[1] - a[1]).filter(([, share]) => share >= 0.005);
    drawArcs(best.filter(([place, share]) => share >= LEAST || place === j));
    const listed = best.slice(0, 4).map(([place, share]) => `${pieces[place]} ${percent(attending === i && place === j ? weight : share)}`);
    caption.replaceChildren(el("b", {}, pieces[attending]), ` → ${listed.join(", ") || "nothing above 0.5%"}`);
  }

  function drawArcs(weights) {
    const bounds = sentence.getBoundingClientRect();
    arcs.replaceChildren();
    const from = spans.get(attending)?.getBoundingClientRect();
    if (!from || !bounds.width) return;
    arcs.setAttribute("viewBox", `0 0 ${bounds.width} ${bounds.height}`);
    arcs.setAttribute("width", bounds.width);
    arcs.setAttribute("height", bounds.height);
    for (const [place, share] of weights) {
      const to = spans.get(place)?.getBoundingClientRect();
      if (!to) continue;
      const [x0, y0, x1, y1] = [from.left + from.width / 2 - bounds.left, from.top - bounds.top + 3, to.left + to.width / 2 - bounds.left, to.top - bounds.top + 3];
      const rise = place === attending ? 9 : Math.min(15, 7 + Math.abs(x1 - x0) / 12);
      const [a, b] = place === attending ? [x0 - 4, x1 + 4] : [x0, x1];
      arcs.append(svg("path", {
        d: `M${round(a)} ${round(y0)}C${round(a)} ${round(y0 - rise)} ${round(b)} ${round(y1 - rise)} ${round(b)} ${round(y1)}`,
        "stroke-opacity": round(0.15 + 0.85 * share), "stroke-width": round(1 + 1.2 * share), "data-to": place,
      }));
    }
  }

  function attend(place) {
    attending = place;
    update();
  }

  if (row) {
    const target = (event) => event.target.closest?.(".piece");
    sentence.addEventListener("pointerover", (event) => { if (target(event)) attend(Number(target(event).dataset.place)); });
    sentence.addEventListener("click", (event) => { if (target(event)) attend(Number(target(event).dataset.place)); });
    sentence.addEventListener("pointerleave", () => attend(i));
    sentence.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const shown = [...spans.keys()];
      attend(shown[Math.max(0, Math.min(shown.length - 1, shown.indexOf(attending) + step))]);
      event.preventDefault();
    });
  }
  new ResizeObserver(update).observe(sentence);
  fill();
  const where = i === j ? "to itself" : `${Math.abs(i - j)} piece${Math.abs(i - j) === 1 ? "" : "s"} ${i > j ? "back" : "ahead"}`;
  const facts = el("p", { class: "source" }, el("a", { href, "aria-label": `Address of sentence ${rank}` }, `#${rank}`), " ", el("b", {}, percent(weight)), ` ${where} · ${source}`, ...actions);
  return el("li", { class: "exemplar", value: rank, "data-rank": rank }, el("div", { class: "sentence-box" }, sentence), caption, facts);
}
