// The arrays of a page that asks a server for them, a layer at a time.

import { ask } from "../shared/ask.js";

/** Layers whose weights are kept. */
const KEPT = 6;

export class Served {
  #asked = new Map();

  constructor(data) {
    this.data = data;
  }

  async #get(what, more) {
    const content = await ask(`api/${what}?${this.data.ask}&${new URLSearchParams(more)}`);
    return content.arrayBuffer();
  }

  /** Ask once for each layer; the oldest is forgotten. */
  layer(map, place) {
    if (!this.#asked.has(place)) {
      const keep = (bytes) => { map.layers[place] = new Uint32Array(bytes); };
      const answer = this.#get("layer", { layer: place }).then(keep);
      answer.catch(() => this.#asked.delete(place));
      this.#asked.set(place, answer);
      const [oldest] = this.#asked.keys();
      if (this.#asked.size > KEPT) { this.#asked.delete(oldest); delete map.layers[oldest]; }
    }
    return this.#asked.get(place);
  }

  async neurons(place) {
    const values = new Float32Array(await this.#get("neurons", { layer: place }));
    return { query: values.subarray(0, values.length / 2), key: values.subarray(values.length / 2) };
  }

  async token(map, side, pieces) {
    const { layers, heads, sides } = this.data;
    const values = new Float32Array(await this.#get("token", { side, pieces: pieces.join(",") }));
    return { values, layers: layers.length, heads: heads.length, pieces: sides[0].pieces.length };
  }
}
