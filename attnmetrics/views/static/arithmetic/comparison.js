// Runs compared with the first of them: what is compared, which run is chosen, which heads changed most.

/** All that is compared, and which run with the first. */
export class Comparison {
  /**
   * about: { name, runs, axis, … }; atlases: of each run what the atlas' drawings read; differences: of each run but
   * the first its differences by name of the result, in order; changes: which heads changed most.
   */
  constructor(about, { atlases, differences, changes }) {
    Object.assign(this, about, { atlases, differences, changes });
    this.choose(this.runs.length - 1); // as `attnmetrics show` does
  }

  /** Compare this run with the first: scales are of both. */
  choose(run) {
    this.chosen = run;
    for (const name of this.difference.keys()) {
      const pair = [this.first.byName.get(name), this.other.byName.get(name)];
      for (const one of pair) one.pair = pair;
    }
  }

  get first() {
    return this.atlases[0];
  }

  get other() {
    return this.atlases[this.chosen];
  }

  /** The results' differences of the chosen run, by name. */
  get difference() {
    return this.differences[this.chosen - 1];
  }

  /** Those that are told of by themselves: not the chance level of another. */
  get told() {
    return [...this.difference.values()].filter((metric) => !metric.isLevel);
  }

  get change() {
    return this.changes[this.chosen - 1];
  }

  /** A result's differences, and the result in the first run and in the other. */
  tables(name) {
    return [this.difference.get(name), this.first.byName.get(name), this.other.byName.get(name)];
  }

  /** The names of both. */
  get names() {
    return [this.runs[0].name, this.runs[this.chosen].name];
  }

  /** Of what drawings of one run are told: whether a head is nearly switched off in either. */
  get evidence() {
    return this.other.evidence;
  }

  /** What is in the first map, the second, and that of differences. */
  named(map) {
    return map < 2 ? this.names[map] : this.names.toReversed().join(" against ");
  }

  /** What a file says that it is of: both runs, their models and texts. */
  get source() {
    const sources = [this.runs[this.chosen], this.runs[0]].map(({ source }) => source);
    const told = [...new Set(sources)].filter(Boolean).join("; ");
    return `${this.names[1]} against ${this.names[0]}${told && `: ${told}`}`;
  }

  /** The same of all runs. */
  get sources() {
    const [{ source }] = this.runs;
    return `${this.name}${source && `: ${source}${this.runs.every((one) => one.source === source) ? "" : ", …"}`}`;
  }

  /** The same of the first run, or of the other. */
  sourceOf(isFirst) {
    const { name, source } = this.runs[isFirst ? 0 : this.chosen];
    return source ? `${name}: ${source}` : name;
  }

  /** What clear means, and how often intervals are right. */
  get sureness() {
    const isKnown = [...this.difference.values()].some((metric) => metric.isKnown);
    if (!isKnown) return "How sure differences are is not known.";
    const one = `one in ${Math.round(1 / this.clear)}`;
    return `A head differs clearly where its q is below ${this.clear}: of those at one result, no more than ${one}, on `
      + `average, does not differ. In brackets: ${100 * this.confidence}% intervals.`;
  }

  /** A head's values that could differ, the surest difference first: [{ metric, label, q, strength }]. */
  ofHead(place) {
    const all = this.told.flatMap((metric) =>
      Array.from({ length: metric.width }, (_, label) => ({
        metric, label, q: metric.qAt(place, label), strength: metric.strength(place, label),
      })));
    const known = all.filter(({ metric, label }) => !Number.isNaN(metric.raw(place, label)));
    const size = (one) => (Number.isNaN(one.strength) ? -1 : one.strength);
    return known.sort((a, b) => size(b) - size(a));
  }

  /** The roles that heads gained or lost in the chosen run. */
  get roleChanges() {
    return this.role_changes.filter(([run]) => run === this.chosen);
  }
}

/** Which heads of a run changed most. */
export class Changes {
  /** clear, of, result, label, size: of each head. */
  constructor(arrays) {
    Object.assign(this, arrays);
  }

  /** Places of the heads with a clear change, the largest first. */
  order() {
    const places = [...this.result.keys()].filter((place) => this.result[place] >= 0);
    return places.sort((a, b) => this.size[b] - this.size[a] || a - b);
  }
}
