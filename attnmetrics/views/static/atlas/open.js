// The page's data as the atlas reads it.

import { Evidence } from "../arithmetic/evidence.js";
import { Bounds, Intervals } from "../arithmetic/intervals.js";
import { once } from "../arithmetic/once.js";
import { PieceTypes } from "../arithmetic/piece-types.js";
import { Roles } from "../arithmetic/roles.js";
import { Similarity } from "../arithmetic/similarity.js";
import { CorpusTable } from "../arithmetic/table.js";
import { Metric } from "../arithmetic/tables.js";
import { unpack, unpackJson } from "../shared/unpack.js";
import { openBy } from "./open-by.js";
import { openExemplars } from "./open-exemplars.js";

/**
 * The data with its arrays: `metrics` and `byName`, tables of heads; `corpus`, tables of the corpus; `evidence` of
 * heads; `exemplars` of heads, and those that are `claimed`; `pieceTypes`, `similarity` and `roles` of heads, or null;
 * `offset`, the table by offset, or undefined; `isCausal`, whether no head looks ahead; `by`, results by fields.
 *
 * Here no number is read: arrays have theirs when the page is whole (shared/unpack.js).
 */
export function openAtlas(data) {
  const [metrics, corpus] = [openMetrics(data), data.corpus.map(openCorpus)];
  giveIntervals([...metrics, ...corpus], data.intervals);
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  linkTables(data.metrics, byName, new Map(corpus.map((table) => [table.name, table])));
  const evidence = openEvidence(byName.get("null_attention"), data.evidence.least, metrics);
  const offset = metrics.find((metric) => metric.dim === "offset");
  const exemplars = openExemplars(data.sentences);
  const atlas = {
    ...data, metrics, byName, corpus, evidence, offset, roles: openRoles(data), similarity: openSimilarity(data),
    pieceTypes: openPieceTypes(data),
    get exemplars() { return exemplars(); },
    get claimed() { return exemplars().claimed; },
    get isCausal() { return !looksAhead(offset); },
  };
  atlas.by = openBy(atlas, data.by ?? []);
  return atlas;
}

function openMetrics({ metrics, heads }) {
  const dims = new Set();
  return metrics.map((described) => {
    const isFirst = !dims.has(described.dim);
    dims.add(described.dim);
    const [values, byLayer] = [described.values, described.by_layer].map((place) => unpack(place, Float64Array));
    return new Metric(described, { values, byLayer, heads: heads.length, isFirst });
  });
}

const openCorpus = (described) => new CorpusTable(described, unpack(described.values, Float64Array));

/** Give each table its intervals, which are packed end to end. */
function giveIntervals(tables, packed) {
  if (!packed) return;
  const kinds = [["codes", Int16Array], ["unsure", Uint8Array], ["ranks", Float32Array]];
  const [codes, unsure, ranks] = kinds.map(([name, kind]) => taker(unpack(packed[name], kind)));
  const bounds = (values) => new Bounds(values, codes(2 * values.length), unsure(values.length));
  tables.forEach((table, n) => {
    const [hasOwn, hasLayers, hasRanks] = packed.has[n];
    if (!hasOwn) return;
    const own = bounds(table.values);
    const ofLayers = hasLayers ? bounds(table.byLayer) : null;
    const [rankLow, rankHigh] = hasRanks ? [ranks(table.values.length), ranks(table.values.length)] : [null, null];
    table.sure = new Intervals(table, { own, ofLayers, rankLow, rankHigh });
  });
}

/** What takes the next numbers of an array, as many as it is asked for. */
function taker(array) {
  let taken = 0;
  return (length) => array.subarray(taken, taken += length);
}

function openSimilarity({ similarity: packed, heads }) {
  if (!packed) return null;
  const kinds = { cluster: Float64Array, others: Uint16Array, distances: Float32Array, layers: Float64Array };
  const arrays = Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, unpack(packed[name], kind)]));
  const bounds = packed.layer_codes && new Bounds(arrays.layers, unpack(packed.layer_codes, Int16Array));
  const values = unpack(packed.map.values, Float64Array);
  const axes = new Metric(packed.map, { values, byLayer: new Float64Array(), heads: heads.length, isFirst: false });
  return new Similarity(axes, { ...arrays, bounds }, packed);
}

const openRoles = ({ roles }) =>
  roles && new Roles(roles, unpack(roles.families, Int16Array), once(() => unpackJson(roles.later)));

function openPieceTypes({ tokens }) {
  if (!tokens) return null;
  const opened = Object.entries(tokens.sides).map(([side, packed]) => [side, packed && {
    type: unpack(packed.type, Int32Array), occurrences: unpack(packed.occurrences, Int32Array),
    lift: unpack(packed.lift, Float32Array),
  }]);
  return new PieceTypes(tokens, Object.fromEntries(opened));
}

/** Give each metric the tables that it names. */
function linkTables(described, byName, ofCorpus) {
  const table = (name) => byName.get(name) ?? ofCorpus.get(name) ?? null;
  for (const { name, chance, excess, beside, counts } of described) {
    const found = (beside ?? []).map(table).filter(Boolean);
    const linked = { chance: table(chance), excess: byName.get(excess) ?? null, beside: found, counts: table(counts) };
    Object.assign(byName.get(name), linked);
  }
}

/** What all metrics know of the heads that are nearly switched off. */
function openEvidence(nulls, least, metrics) {
  const evidence = new Evidence(nulls?.values ?? null, nulls?.byLayer ?? null, least);
  for (const metric of metrics) metric.evidence = evidence;
  return evidence;
}

const looksAhead = (offset) =>
  offset?.labels.some((name, label) => Number(name) < 0 && offset.isPresent(label)) ?? false;
