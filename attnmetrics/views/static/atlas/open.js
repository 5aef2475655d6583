// The page's data as the atlas reads it.

import { Evidence } from "../arithmetic/evidence.js";
import { readExemplars } from "../arithmetic/exemplars.js";
import { Bounds, Intervals } from "../arithmetic/intervals.js";
import { PieceTypes } from "../arithmetic/piece-types.js";
import { Roles } from "../arithmetic/roles.js";
import { Similarity } from "../arithmetic/similarity.js";
import { CorpusTable } from "../arithmetic/table.js";
import { Metric } from "../arithmetic/tables.js";
import { openBy } from "./open-by.js";
import { unpack, unpackLater } from "../shared/unpack.js";

/**
 * The data with its arrays unpacked: `metrics` and `byName`, tables of heads; `corpus`, tables of the corpus;
 * `evidence` of heads; `exemplars` and `typical` ones of each head; `pieceTypes`, `similarity` and `roles` of heads, or
 * null; `offset`, the table by offset, or undefined; `isCausal`, whether no head looks ahead.
 */
export async function openAtlas(data) {
  // All at once: what waits for one array after the other waits for the processor as often.
  const [metrics, corpus, sure, exemplars, similarity, pieceTypes, roles] = await Promise.all([
    openMetrics(data), openCorpus(data), unpackIntervals(data.intervals), openExemplars(data), openSimilarity(data),
    openPieceTypes(data), openRoles(data),
  ]);
  giveIntervals([...metrics, ...corpus], sure, data.intervals);
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  linkTables(data.metrics, byName, new Map(corpus.map((table) => [table.name, table])));
  const evidence = openEvidence(byName.get("null_attention"), data.evidence.least, metrics);
  const offset = metrics.find((metric) => metric.dim === "offset");
  const { byHead, typical, claimed } = exemplars;
  const atlas = {
    ...data, roles, metrics, byName, corpus, evidence, exemplars: byHead, typical, claimed, pieceTypes, similarity,
    offset, isCausal: !looksAhead(offset),
  };
  return { ...atlas, by: await openBy(atlas, data.by ?? []) };
}

function openMetrics(data) {
  const dims = new Set();
  return Promise.all(data.metrics.map(async (described) => {
    const isFirst = !dims.has(described.dim);
    dims.add(described.dim);
    const arrays = [described.values, described.by_layer].map((packed) => unpack(packed, Float64Array));
    const [values, byLayer] = await Promise.all(arrays);
    return new Metric(described, { values, byLayer, heads: data.heads.length, isFirst });
  }));
}

const openCorpus = (data) => Promise.all(data.corpus.map(async (described) =>
  new CorpusTable(described, await unpack(described.values, Float64Array))));

const unpackIntervals = (packed) => packed && Promise.all([
  unpack(packed.codes, Int16Array), unpack(packed.unsure, Uint8Array), unpack(packed.ranks, Float32Array),
]);

/** Give each table its intervals, which are packed end to end. */
function giveIntervals(tables, arrays, packed) {
  if (!packed) return;
  const [codes, unsure, ranks] = arrays.map(taker);
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

async function openSimilarity({ similarity: packed, heads }) {
  if (!packed) return null;
  const [values, cluster, others, distances, layers] = await Promise.all([
    unpack(packed.map.values, Float64Array), unpack(packed.cluster, Float64Array), unpack(packed.others, Uint16Array),
    unpack(packed.distances, Float32Array), unpack(packed.layers, Float64Array),
  ]);
  const bounds = packed.layer_codes && new Bounds(layers, await unpack(packed.layer_codes, Int16Array));
  const axes = new Metric(packed.map, { values, byLayer: new Float64Array(), heads: heads.length, isFirst: false });
  return new Similarity(axes, { cluster, others, distances, layers, bounds }, packed);
}

async function openRoles({ roles }) {
  if (!roles) return null;
  return new Roles(roles, ...await Promise.all([unpack(roles.families, Int16Array), unpackLater(roles.later)]));
}

async function openPieceTypes({ tokens }) {
  if (!tokens) return null;
  const opened = Object.entries(tokens.sides).map(async ([side, packed]) => [side, packed && {
    type: await unpack(packed.type, Int32Array), occurrences: await unpack(packed.occurrences, Int32Array),
    lift: await unpack(packed.lift, Float32Array),
  }]);
  return new PieceTypes(tokens, Object.fromEntries(await Promise.all(opened)));
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

async function openExemplars(data) {
  const [lengths, to, weights] = await Promise.all(
    [data.rows.lengths, data.rows.to, data.rows.weights].map((packed) => unpack(packed, Uint16Array)),
  );
  return readExemplars(data, { lengths, to, weights });
}
