// A sentence of a head with the attention in it: the strongest pair marked, any piece's whole row on hover.

import { drawn, isNear, isShort, reach, rightTold, SEEN, visible, weightsFrom } from "../arithmetic/exemplars.js";
import { percent } from "../arithmetic/numbers.js";
import { clamp, round } from "../arithmetic/scales.js";
import { el, svg } from "../shared/dom.js";
import { drawArcs } from "./arcs.js";

const KEYS = "Left and right arrow keys choose the attending piece";
/** Pieces that the caption names. */
const NAMED = 4;

/** How wide a sentence is on paper, where the window's width is not known: its arcs are drawn for this width. */
const ON_PAPER = "600px";
const LAID_OUT = "laidout";

for (const [event, width] of [["beforeprint", ON_PAPER], ["afterprint", ""]]) {
  globalThis.addEventListener?.(event, () => lay(width));
}

/** Give all sentences a width, and draw their arcs at once: printing waits for no frame. */
function lay(width) {
  for (const sentence of document.querySelectorAll(".exemplar .sentence")) {
    sentence.style.width = width;
    sentence.dispatchEvent(new Event(LAID_OUT));
  }
}

/** A list item. `href` is the sentence's own address; `actions` are put beside its source. */
export function drawExemplar(exemplar, href, actions = []) {
  const { weight, rank, source } = exemplar;
  const { sentence, caption } = new Sentence(exemplar);
  const link = el("a", { href, "aria-label": `Address of sentence ${rank}` }, `#${rank}`);
  const right = rightTold(exemplar);
  const told = right ? [" · ", el("b", { class: "right-word" }, right)] : [];
  const facts = [link, " ", el("b", {}, percent(weight)), ` ${reach(exemplar)}`, ...told, ` · ${source}`, ...actions];
  return el("li", { class: "exemplar", value: rank, "data-rank": rank },
    el("div", { class: "sentence-box" }, sentence), caption, el("p", { class: "source" }, ...facts));
}

/** Which piece attends, and whether the whole sentence is shown. */
class Sentence {
  #spans = new Map();

  constructor(exemplar) {
    Object.assign(this, { exemplar, attending: exemplar.i, isWhole: isShort(exemplar) });
    const hasRows = exemplar.row !== null;
    this.arcs = svg("svg", { class: "arcs", "aria-hidden": "true" });
    const keys = { tabindex: hasRows ? 0 : null, "aria-label": hasRows ? KEYS : null };
    this.sentence = el("p", { class: "sentence", dir: "auto", ...keys });
    this.caption = el("p", { class: "caption", "aria-live": "polite" });
    if (hasRows) this.#listen();
    new ResizeObserver(() => this.#update()).observe(this.sentence);
    this.sentence.addEventListener(LAID_OUT, () => this.#update());
    this.#fill();
  }

  #listen() {
    const on = (name, hear) => this.sentence.addEventListener(name, hear);
    const toTarget = (event) => {
      const piece = event.target.closest?.(".piece");
      if (piece) this.#attend(Number(piece.dataset.place));
    };
    on("pointerover", toTarget);
    on("click", toTarget);
    on("pointerleave", () => this.#attend(this.exemplar.i));
    on("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const shown = [...this.#spans.keys()];
    this.#attend(shown[clamp(shown.indexOf(this.attending) + step, 0, shown.length - 1)]);
    event.preventDefault();
  }

  #attend(piece) {
    this.attending = piece;
    this.#update();
  }

  /** The pieces as text; in a long sentence those near the pair, and a button for the others. */
  #fill() {
    this.#spans.clear();
    this.sentence.replaceChildren();
    const isShown = (piece) => this.isWhole || isNear(this.exemplar, piece);
    this.exemplar.pieces.forEach((_, piece) => {
      if (isShown(piece)) this.#addPiece(piece);
      else if (!piece || isShown(piece - 1)) this.sentence.append(" ", this.#rest(), " ");
    });
    this.sentence.append(this.arcs);
    this.#update();
  }

  #addPiece(place) {
    const { pieces, spaces } = this.exemplar;
    if (spaces[place] === "1") this.sentence.append(" ");
    const piece = pieces[place];
    const span = el("span", { class: "piece", "data-place": place }, piece.trim() || "␣".repeat(piece.length || 1));
    this.#spans.set(place, span);
    this.sentence.append(span);
  }

  #rest() {
    const onclick = () => { this.isWhole = true; this.#fill(); };
    return el("button", { type: "button", class: "more", "aria-label": "Show the whole sentence", onclick }, "…");
  }

  #update() {
    const { exemplar, attending } = this;
    const weights = weightsFrom(exemplar, attending);
    for (const [place, span] of this.#spans) this.#mark(span, place, weights.get(place) ?? 0);
    const best = visible(weights);
    drawArcs(this.arcs, this.sentence, this.#spans, { attending, weights: drawn(best, exemplar.j) });
    const listed = best.slice(0, NAMED).map(([place, share]) => this.#told(place, share));
    const words = listed.length ? listed.flatMap((one, n) => (n ? [" · ", one] : [one])) : ["nothing above 0.5%"];
    this.caption.replaceChildren(el("b", {}, exemplar.pieces[attending]), " → ", ...words);
  }

  #mark(span, place, share) {
    span.style.setProperty("--weight", `${round(share * 100)}%`);
    span.classList.toggle("attended", share >= SEEN);
    span.classList.toggle("attending", place === this.attending);
    span.classList.toggle("strongest", this.#isPair(place));
    span.classList.toggle("right", this.exemplar.right?.includes(place) ?? false);
  }

  #isPair(place) {
    return this.attending === this.exemplar.i && place === this.exemplar.j;
  }

  /** A piece with its weight; that of the strongest pair is exact, and stands out. */
  #told(place, share) {
    const { pieces, weight } = this.exemplar;
    return this.#isPair(place)
      ? el("b", {}, `${pieces[place]} ${percent(weight)}`)
      : `${pieces[place]} ${percent(share)}`;
  }
}
