// How much of a head's attention its numbers come from, and which heads are nearly switched off (views/evidence.py).

import { percent } from "./numbers.js";

/** What an address calls the share that heads need. */
const NAME = "evidence";

export class Evidence {
  /**
   * nulls: share of attention on null pieces by place of a head, ofLayers: by layer; null where nothing is null.
   * least: a head with a smaller share off null pieces is nearly switched off; the run's own is the usual.
   */
  constructor(nulls, ofLayers, least) {
    Object.assign(this, { nulls, ofLayers, least, usual: least });
  }

  /** Take the share that an address asks for, if it is one of those that may be chosen, else the usual. */
  read(query, choices) {
    const asked = query.get(NAME);
    this.least = choices.find((share) => String(share) === asked) ?? this.usual;
  }

  /** An address with the share that is asked for; the usual goes unsaid. */
  written(href) {
    const [page, before = ""] = href.split("?");
    const query = new URLSearchParams(before);
    query.delete(NAME);
    if (this.least !== this.usual) query.set(NAME, this.least);
    return query.size ? `${page}?${query}` : page;
  }

  /** What a head leaves off null pieces; 1 where that is unknown. */
  share(place) {
    return off(this.nulls, place);
  }

  shareOfLayer(layer) {
    return off(this.ofLayers, layer);
  }

  isOff(place) {
    return this.share(place) < this.least;
  }

  /** The places of the heads that are nearly switched off. */
  get off() {
    return this.nulls ? [...this.nulls.keys()].filter((place) => this.isOff(place)) : [];
  }

  /** What is said beside the numbers of a head that is nearly switched off: "from 0.4% of its attention"; else "". */
  fromHowMuch(place) {
    return this.isOff(place) ? `from ${percent(this.share(place))} of its attention` : "";
  }
}

/** Where all heads count: of tables that no run stands behind. */
export const ALL = new Evidence(null, null, 0);

function off(nulls, at) {
  const share = 1 - (nulls?.[at] ?? 0);
  return Number.isNaN(share) ? 1 : share;
}
