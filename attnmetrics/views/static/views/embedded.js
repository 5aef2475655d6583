// The arrays of a page that holds them itself.

import { unpack, whole } from "../shared/unpack.js";

const STEPS = 2 ** 20;

export class Embedded {
  /** Of a page's data, unpacked. */
  static async of(data) {
    await whole();
    const { maps, layers, neuron } = data;
    for (const map of maps.filter((one) => one.weights)) {
      const values = unpack(map.weights, Uint32Array);
      const size = values.length / layers.length;
      map.layers = layers.map((_, place) => values.subarray(place * size, (place + 1) * size));
    }
    const packed = neuron?.query ? [neuron.query, neuron.key] : [];
    return new Embedded(data, packed.map((one) => unpack(one, Float32Array)));
  }

  constructor(data, [query, key]) {
    Object.assign(this, { data, query, key });
  }

  async layer() {}

  async neurons(place) {
    const size = this.query.length / this.data.layers.length;
    const of = (values) => values.subarray(place * size, (place + 1) * size);
    return { query: of(this.query), key: of(this.key) };
  }

  async token(map, side, pieces) {
    const { layers, heads, sides } = this.data;
    const [n, m] = [sides[map.rows].pieces.length, sides[map.columns].pieces.length];
    const isLeft = side === "left";
    const others = isLeft ? m : n;
    const values = new Float64Array(layers.length * heads.length * others);
    const share = 1 / STEPS / (isLeft ? pieces.length : 1);
    for (let place = 0; place < layers.length * heads.length; place += 1) {
      const weights = map.layers[Math.floor(place / heads.length)];
      const base = (place % heads.length) * n * m;
      for (const own of pieces) {
        for (let other = 0; other < others; other += 1) {
          values[place * others + other] += share * weights[base + (isLeft ? own * m + other : other * m + own)];
        }
      }
    }
    return { values, layers: layers.length, heads: heads.length, pieces: others };
  }
}
