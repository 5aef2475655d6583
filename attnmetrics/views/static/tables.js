// The run's tables as the page holds them: values by head and by layer, ranks, addresses.

import { unpack } from "./shared.js";

/** A metric: what it is, and its values [layer, head, label] and [layer, label]. */
class Metric {
  #ranks = new Map();
  #columns = new Map();

  constructor(described, values, byLayer, heads) {
    Object.assign(this, described, { values, byLayer, heads, width: Math.max(1, described.labels.length) });
  }

  at(layer, head, label = 0) {
    return this.values[(layer * this.heads + head) * this.width + label];
  }

  ofLayer(layer, label = 0) {
    return this.byLayer[layer * this.width + label];
  }

  /** [layer × heads + head] values at a label. */
  column(label = 0) {
    if (!this.#columns.has(label)) this.#columns.set(label, Float64Array.from({ length: this.values.length / this.width }, (_, place) => this.values[place * this.width + label]));
    return this.#columns.get(label);
  }

  /** Heads with evidence, highest first; of equals the first layer, then head. */
  order(label = 0) {
    if (!this.#ranks.has(label)) {
      const column = this.column(label);
      const kept = [...column.keys()].filter((place) => !Number.isNaN(column[place]));
      this.#ranks.set(label, kept.sort((a, b) => column[b] - column[a] || a - b));
    }
    return this.#ranks.get(label);
  }

  /** The largest value over heads, NaN without evidence. */
  top(label = 0) {
    const [best] = this.order(label);
    return best === undefined ? NaN : this.column(label)[best];
  }

  /** The mean over heads with evidence. */
  mean(label = 0) {
    const order = this.order(label);
    const column = this.column(label);
    return order.reduce((sum, place) => sum + column[place], 0) / order.length;
  }

  /** What the metric is called at a label. */
  heading(label) {
    if (!this.dim || label == null) return this.title;
    const name = this.labels[label];
    if (this.name === "pos_to") return `Attention to ${name}`;
    if (this.name === "pos_from") return `Attention from ${name}`;
    if (this.name === "dependency_type_to") return `Attention to relation ${name}`;
    if (this.name === "attention_at_offset") return offsetTitle(name);
    return { attending_is_parent: "From a head word to its dependent", attended_is_parent: "From a dependent to its head word", either: "Along dependencies" }[name] ?? `${this.title}: ${name}`;
  }

  /** The address of the metric, or of one of its labels. */
  href(label) {
    return `#/metric/${this.name}${this.dim && label != null ? `/${encodeURIComponent(this.labels[label])}` : ""}`;
  }

  /** Labels that any attention goes to; all of them where none does. */
  present() {
    const all = this.labels.map((_, label) => label);
    const kept = all.filter((label) => this.top(label) > 0);
    return kept.length ? kept : all;
  }
}

function offsetTitle(name) {
  const offset = Number(name);
  if (offset === 0) return "Attention to the own piece";
  const size = Math.abs(offset);
  if (size === 1) return `Attention to the ${offset > 0 ? "previous" : "next"} piece`;
  return `Attention ${size}${size === 32 ? " or more" : ""} pieces ${offset > 0 ? "back" : "ahead"}`;
}

/** The page's data with its arrays unpacked, its metrics by name, and its exemplars with their rows. */
export async function openAtlas(data) {
  const metrics = [];
  for (const described of data.metrics) {
    const [values, byLayer] = [await unpack(described.values, Float64Array), await unpack(described.by_layer, Float64Array)];
    metrics.push(new Metric(described, values, byLayer, data.heads.length));
  }
  const atlas = { ...data, metrics, byName: new Map(metrics.map((metric) => [metric.name, metric])) };
  atlas.probability = await unpack(data.probability, Float64Array);
  atlas.exemplars = await openExemplars(data);
  atlas.isCausal = !metrics.find((metric) => metric.name === "attention_at_offset").present().some((label) => label < 32);
  return atlas;
}

/** [layer × heads + head] exemplars, best first; `row(i)` gives the attention [[piece, weight], …] of piece i. */
async function openExemplars(data) {
  const rows = { lengths: await unpack(data.rows.lengths, Uint16Array), to: await unpack(data.rows.to, Uint16Array), weights: await unpack(data.rows.weights, Uint16Array) };
  let [row, entry] = [0, 0];
  return data.exemplars.map((list) => list.map(([sentence, rank, weight, i, j, hasRows]) => {
    const [source, pieces, spaces] = data.sentences[sentence];
    const exemplar = { source, pieces, spaces, rank, weight, i, j, row: null };
    if (hasRows) {
      const starts = [entry];
      for (let piece = 0; piece < pieces.length; piece += 1) starts.push(entry += rows.lengths[row++]);
      exemplar.row = (piece) => Array.from({ length: starts[piece + 1] - starts[piece] }, (_, n) => [rows.to[starts[piece] + n], rows.weights[starts[piece] + n] / data.steps]);
    }
    return exemplar;
  }));
}

export const headHref = (atlas, layer, head) => `#/head/${atlas.layers[layer]}/${atlas.heads[head]}`;
export const headName = (atlas, layer, head) => `layer ${atlas.layers[layer]} head ${atlas.heads[head]}`;
export const placeOf = (atlas, layer, head) => layer * atlas.heads.length + head;
export const headAt = (atlas, place) => [Math.floor(place / atlas.heads.length), place % atlas.heads.length];
