// The run's tables: values by head, by layer and of the corpus, with their ranks and what they call themselves.

import { knownHeading, labelWords } from "./labels.js";
import { extent } from "./scales.js";

/** What all tables have: name, title, unit, kind, dim (or null), labels along it, values. */
class Table {
  constructor(described, values) {
    const { name, title, unit, kind, dim, labels } = described;
    Object.assign(this, { name, title, unit, kind, dim, labels, values });
  }

  /** Number of labels; 1 without a dimension. */
  get width() {
    return Math.max(1, this.labels.length);
  }

  /** The place of a label by its name; a table without a dimension has one value for all. */
  place(name) {
    return this.dim ? this.labels.indexOf(name) : 0;
  }
}

/** A table of the corpus: [label] values, the same for every head. */
export class CorpusTable extends Table {
  get isOfCorpus() {
    return true;
  }

  at(layer, head, label = 0) {
    return this.values[label];
  }

  ofLayer(layer, label = 0) {
    return this.values[label];
  }
}

/**
 * A table of heads: values [layer, head, label], its by-layer twin [layer, label], and how to read them.
 *
 * described: as the page's data has it; heads: in a layer; isFirst: whether no table before has the same dimension.
 */
export class Metric extends Table {
  #ranks = new Map();
  #columns = new Map();

  constructor(described, { values, byLayer, heads, isFirst }) {
    super(described, values);
    const { help, formula, source, family, heading: template, dim_title: dimTitle } = described;
    Object.assign(this, { help, formula, source, family, template, byLayer, heads, isFirst });
    /** What the claim of each label is called, whether the run has exemplars of it or not. */
    this.claims = described.claims ?? [];
    this.dimTitle = dimTitle ?? this.dim;
    /** The table of its chance level, of heads or of the corpus; null without one. */
    this.chance = null;
  }

  get isOfCorpus() {
    return false;
  }

  at(layer, head, label = 0) {
    return this.values[(layer * this.heads + head) * this.width + label];
  }

  ofLayer(layer, label = 0) {
    return this.byLayer[layer * this.width + label];
  }

  /** What chance alone would give a head at a label; NaN where that is unknown. */
  chanceAt(layer, head, label = 0) {
    const place = this.#chancePlace(label);
    return place < 0 ? NaN : this.chance.at(layer, head, place);
  }

  /** The same for a whole layer. */
  chanceOfLayer(layer, label = 0) {
    const place = this.#chancePlace(label);
    return place < 0 ? NaN : this.chance.ofLayer(layer, place);
  }

  #chancePlace(label) {
    return this.chance ? this.chance.place(this.labels[label]) : -1;
  }

  /** [layers × heads] values at a label. */
  column(label = 0) {
    if (!this.#columns.has(label)) {
      const length = this.values.length / this.width;
      const column = Float64Array.from({ length }, (_, place) => this.values[place * this.width + label]);
      this.#columns.set(label, column);
    }
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

  /** A head's rank from 1, among how many; 0 without evidence. */
  rank(place, label = 0) {
    const order = this.order(label);
    return { rank: order.indexOf(place) + 1, of: order.length };
  }

  /** The largest value over heads, NaN without evidence. */
  top(label = 0) {
    return extent(this.column(label))[1];
  }

  /** The smallest value over heads, NaN without evidence. */
  bottom(label = 0) {
    return extent(this.column(label))[0];
  }

  /** The mean over heads with evidence. */
  mean(label = 0) {
    const order = this.order(label);
    const column = this.column(label);
    return order.reduce((sum, place) => sum + column[place], 0) / order.length;
  }

  /** What the metric is called at a label: by well-known words where it is the first of its kind; else its title. */
  heading(label) {
    if (!this.dim || label === null || label === undefined) return this.title;
    const known = knownHeading(this.dim, this.labels[label]);
    if (known && this.isFirst) return known;
    const template = this.template ?? `${this.title}: {}`;
    return template.replace("{}", () => labelWords(this.dim, this.labels[label]));
  }

  /** The address of the metric, or of one of its labels. */
  href(label) {
    const isOne = this.dim && label !== null && label !== undefined;
    return `#/metric/${this.name}${isOne ? `/${encodeURIComponent(this.labels[label])}` : ""}`;
  }

  /** Labels at which any head has a value other than 0; all of them where none has. */
  present() {
    const all = [...this.labels.keys()];
    const kept = all.filter((label) => this.top(label) > 0 || this.bottom(label) < 0);
    return kept.length ? kept : all;
  }

  /** Those labels, the largest mean first. */
  byMean() {
    return this.present().sort((a, b) => this.mean(b) - this.mean(a));
  }

  /** Labels with any attention, by the mean depth of the attention to them: from low layers to deep ones. */
  byDepth() {
    const layers = Array.from({ length: this.byLayer.length / this.width }, (_, layer) => layer);
    const found = (layer, label) => this.ofLayer(layer, label) || 0;
    const mass = this.labels.map((_, label) => layers.reduce((sum, layer) => sum + found(layer, label), 0));
    const depth = this.labels.map((_, label) => layers.reduce((sum, layer) => sum + layer * found(layer, label), 0));
    const centre = depth.map((sum, label) => sum / (mass[label] || 1));
    return [...this.labels.keys()].filter((label) => mass[label] > 0).sort((a, b) => centre[a] - centre[b] || a - b);
  }
}
