// One token's attention as it comes about, read by pointer and keys.

import { signed, weight } from "../arithmetic/numbers.js";
import { nameOf } from "../arithmetic/tokens.js";
import { pointIn } from "../shared/dom.js";
import { drawNeuronScene, placeAt, ROW, TOP } from "./neuron-scene.js";

const KEYS = "↑ ↓ other tokens, ← → dimensions, Esc closes.";
/** Tokens that are named, strongest first. */
const NAMED = 3;

/** Draws a token and follows which dimension of which row is pointed at; `state.cursor` is the dimension, or null. */
export class TokenReader {
  /** rows and columns: all tokens; token: the place of a row; found: its arithmetic; scene: how it is drawn. */
  constructor({ rows, columns }, token, found, { scene, state, say, tip }) {
    Object.assign(this, { rows, columns, token, found, state, say, tip, layout: scene.layout });
    Object.assign(this, drawNeuronScene({ rows, columns }, token, found, scene));
    this.picture.addEventListener("pointermove", (event) => this.#point(event));
    this.picture.addEventListener("pointerleave", () => this.#leave());
  }

  /** To the next dimension, and around at the ends. */
  step(by) {
    const dims = this.found.query.length;
    const from = this.state.cursor ?? (by > 0 ? -1 : dims);
    this.state.cursor = (from + by + dims) % dims;
    this.mark();
  }

  /** Show the dimension that is pointed at, and tell its numbers in a row. */
  mark(row = Math.min(this.token, this.found.scores.length - 1)) {
    const cursor = row < 0 ? null : this.state.cursor;
    const { places, unit } = this.layout;
    this.cursors.forEach((outline, place) => {
      outline.setAttribute("x", places[place] + unit * (cursor ?? 0));
      outline.setAttribute("visibility", cursor === null ? "hidden" : "visible");
    });
    this.say(cursor === null ? this.#summary() : this.#sentence(row, cursor));
  }

  #point(event) {
    const { row, dimension } = placeAt(pointIn(this.picture, event), this.layout, this.found.scores.length);
    this.band.setAttribute("visibility", row === null ? "hidden" : "visible");
    if (row !== null) this.band.setAttribute("y", TOP + ROW * row);
    this.state.cursor = dimension;
    if (dimension === null) {
      this.mark();
      this.tip.hide();
    } else {
      this.mark(row);
      this.tip.show(event, `${this.#pair(row)}, dimension ${dimension}`, this.#numbers(row, dimension));
    }
  }

  #leave() {
    this.state.cursor = null;
    this.band.setAttribute("visibility", "hidden");
    this.mark();
    this.tip.hide();
  }

  #pair(row) {
    return `${nameOf(this.rows, this.token)} → ${nameOf(this.columns, row)}`;
  }

  #numbers(row, dimension) {
    const [q, k] = [this.found.query[dimension], this.found.keys[row][dimension]];
    return [["query", signed(q)], ["key", signed(k)], ["product", signed(q * k)]];
  }

  #sentence(row, dimension) {
    const numbers = this.#numbers(row, dimension).map((pair) => pair.join(" "));
    return `Dimension ${dimension}, ${this.#pair(row)}: ${numbers.join(", ")}.`;
  }

  #summary() {
    const best = [...this.found.softmax.entries()].sort((a, b) => b[1] - a[1]).slice(0, NAMED);
    const named = best.map(([j, share]) => `${nameOf(this.columns, j)} ${weight(share)}`);
    return `${nameOf(this.rows, this.token)} → ${named.join(", ")}. ${KEYS}`;
  }
}
