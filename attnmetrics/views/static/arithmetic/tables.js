// The run's tables of heads: values by head and by layer, with their ranks.

import { ALL } from "./evidence.js";
import { rankTold, reachTold } from "./intervals.js";
import { knownHeading, labelWords } from "./labels.js";
import { shown } from "./numbers.js";
import { onceFor } from "./once.js";
import { median } from "./outliers.js";
import { extent } from "./scales.js";
import { FEW, Table } from "./table.js";

/**
 * A table of heads: values [layer, head, label], its by-layer twin [layer, label], and how to read them.
 *
 * described: as the page's data has it; heads: in a layer; isFirst: whether no table before has the same dimension.
 */
export class Metric extends Table {
  #ranks = new Map();
  #columns = new Map();
  #means = new Map();
  #extents = new Map();
  #reaches = new Map();

  constructor(described, { values, byLayer, heads, isFirst }) {
    super(described, values);
    const { formula, source, family, heading: template, dim_title: dimTitle } = described;
    Object.assign(this, { formula, source, family, template, byLayer, heads, isFirst });
    /** Whether attention to null pieces counts in it; whether its chance level is times what is left off them. */
    this.hasNull = described.has_null ?? false;
    this.isChanceOffNull = described.chance_off_null ?? false;
    /** What the claim of each label is called, whether the run has exemplars of it or not. */
    this.claims = described.claims ?? [];
    this.dimTitle = dimTitle ?? this.dim;
    /** The table of its chance level, of heads or of the corpus; null without one. */
    this.chance = null;
    /** The table that ranks heads, what they have beyond chance; null where that is this one. */
    this.excess = null;
    /** Tables that are drawn beside it and its chance level. */
    this.beside = [];
    /** The table of the corpus that says how many things its shares are of; null where the run does not say. */
    this.counts = null;
    this.evidence = ALL;
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
    const place = this.#placeIn(this.chance, label);
    if (place < 0) return NaN;
    const factor = this.isChanceOffNull ? this.evidence.share(layer * this.heads + head) : 1;
    return factor * this.chance.at(layer, head, place);
  }

  /** The same for a whole layer. */
  chanceOfLayer(layer, label = 0) {
    const place = this.#placeIn(this.chance, label);
    if (place < 0) return NaN;
    return (this.isChanceOffNull ? this.evidence.shareOfLayer(layer) : 1) * this.chance.ofLayer(layer, place);
  }

  /** Whether the chance level is one number for all heads. */
  get hasOneChance() {
    return this.chance !== null && this.chance.isOfCorpus && !this.isChanceOffNull;
  }

  /** What is drawn beside it at a label, [caption, value]; of what the corpus has. */
  besideAt(label = 0) {
    const told = this.beside.map((table) => [table.caption, table.at(0, 0, this.#placeIn(table, label))]);
    return told.filter(([, value]) => Number.isFinite(value));
  }

  /** How many things a share at a label is of; NaN where that is unknown. */
  count(label = 0) {
    const place = this.#placeIn(this.counts, label);
    return place < 0 ? NaN : this.counts.at(0, 0, place);
  }

  /** Whether shares at a label are of too few things to tell heads apart. */
  isOfFew(label = 0) {
    return this.count(label) < FEW;
  }

  /** The same in words: "few: 17 edges", "1,020 edges"; "" where it is unknown. */
  countTold(label = 0) {
    const count = this.count(label);
    return Number.isNaN(count) ? "" : `${this.isOfFew(label) ? "few: " : ""}${shown(this.counts, count)}`;
  }

  #placeIn(table, label) {
    return table ? table.place(this.labels[label]) : -1;
  }

  /** What striped cells mean. */
  get striped() {
    return "nearly switched off";
  }

  /** Whether the cell of a head is striped. */
  isStriped(place, _label = 0) {
    return this.evidence.isOff(place);
  }

  /** Whether a head makes ranks and scales: not one that is nearly switched off, unless null pieces count. */
  competes(place) {
    return this.hasNull || !this.evidence.isOff(place);
  }

  /** [layers × heads] values at a label. */
  column(label = 0) {
    return onceFor(this.#columns, label, () => {
      const column = new Float64Array(this.values.length / this.width);
      for (let place = 0; place < column.length; place += 1) column[place] = this.values[place * this.width + label];
      return column;
    });
  }

  /** Heads with evidence that compete, highest first; by what they have beyond chance where that is known. */
  order(label = 0) {
    return onceFor(this.#ranks, `${label} ${this.evidence.least}`, () => {
      const column = this.excess ? this.excess.column(this.#placeIn(this.excess, label)) : this.column(label);
      const places = [...column.keys()].filter((place) => !Number.isNaN(column[place]) && this.competes(place));
      return places.sort((a, b) => column[b] - column[a] || a - b);
    });
  }

  /** A head's rank from 1, among how many; 0 without evidence. */
  rank(place, label = 0) {
    const order = this.order(label);
    return { rank: order.indexOf(place) + 1, of: order.length };
  }

  /** [first, last] of that rank, as far as intervals leave it open; null without a rank or an interval. */
  ranks(place, label = 0) {
    const { rank } = this.rank(place, label);
    const by = this.excess ?? this;
    if (!rank || !by.sure?.own) return null;
    return by.sure.ranks(place, this.excess ? this.#placeIn(by, label) : label, rank, this.order(label));
  }

  /** A head's rank in words, "2nd to 9th of 144"; "" without one. */
  standing(place, label = 0) {
    const { rank, of } = this.rank(place, label);
    return rank ? `${rankTold(rank, this.ranks(place, label))} of ${of}` : "";
  }

  /** The value of a layer in words, and its interval; "" where the table has none. */
  toldOfLayer(layer, label = 0) {
    return this.sure?.ofLayers ? this.sure.toldOfLayer(layer, label) : [shown(this, this.ofLayer(layer, label)), ""];
  }

  /** [low, high] of it; NaN where there are none. */
  boundsOfLayer(layer, label = 0) {
    return this.sure ? this.sure.boundsOfLayer(layer, label) : [NaN, NaN];
  }

  /** How far the intervals of heads that compete reach, at the median head, in words; "" without intervals. */
  usualReach(label = 0) {
    const reach = onceFor(this.#reaches, `${label} ${this.evidence.least}`, () => this.#medianReach(label));
    return Number.isNaN(reach) ? "" : `${reachTold(this, reach)} (median head)`;
  }

  #medianReach(label) {
    const places = [...this.column(label).keys()].filter((place) => this.competes(place));
    const reaches = places.map((place) => this.bounds(place, label)).map(([low, high]) => (high - low) / 2);
    return median(reaches.filter((reach) => !Number.isNaN(reach)));
  }

  /** The largest value over heads that compete, NaN without evidence. */
  top(label = 0) {
    return this.#extent(label)[1];
  }

  /** The smallest value over heads that compete, NaN without evidence. */
  bottom(label = 0) {
    return this.#extent(label)[0];
  }

  #extent(label) {
    return onceFor(this.#extents, `${label} ${this.evidence.least}`,
      () => extent(this.column(label).filter((_, place) => this.competes(place))));
  }

  /** The mean over heads with evidence. */
  mean(label = 0) {
    return onceFor(this.#means, label, () => {
      let [sum, known] = [0, 0];
      for (const value of this.column(label)) if (!Number.isNaN(value)) [sum, known] = [sum + value, known + 1];
      return sum / known;
    });
  }

  /** How many heads have no value. */
  unknown(label = 0) {
    return this.column(label).filter(Number.isNaN).length;
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

  /** Whether any head has a value other than 0 at a label. */
  isPresent(label) {
    return this.column(label).some((value) => value > 0 || value < 0);
  }

  /** Labels at which any head has; all of them where none has. */
  present() {
    const found = [...this.labels.keys()].filter((label) => this.isPresent(label));
    return found.length ? found : [...this.labels.keys()];
  }

  /** Those labels, the largest mean first; those of few things last. */
  byMean() {
    return this.present().sort((a, b) => this.isOfFew(a) - this.isOfFew(b) || this.mean(b) - this.mean(a));
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
