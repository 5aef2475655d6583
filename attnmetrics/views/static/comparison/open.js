// The page's data as the drawings read it: of each run what an atlas has, and the differences from the first.

import { Changes, Comparison } from "../arithmetic/comparison.js";
import { DifferenceTable, RunTable, Scaled } from "../arithmetic/differences.js";
import { Evidence } from "../arithmetic/evidence.js";
import { Bounds, Intervals } from "../arithmetic/intervals.js";
import { Roles } from "../arithmetic/roles.js";
import { openExemplars } from "../atlas/open-exemplars.js";
import { unpack } from "../shared/unpack.js";

/** Of a page that is whole. */
export function openComparison(data) {
  const results = openResults(data);
  const atlases = data.runs.map((_, run) => openRun(data, results, run));
  const differences = data.runs.slice(1).map((_, at) => openDifferences(data, results, at, atlases));
  const changes = openChanges(data);
  return new Comparison(data, { atlases, differences, changes });
}

/** Of each result { described, isFirst, ofHeads, ofLayers } with unpacked arrays [run, …]. */
function openResults({ results }) {
  const dims = new Set();
  return results.map((described) => {
    const isFirst = !dims.has(described.dim);
    dims.add(described.dim);
    const ofLayers = described.of_layers && openArrays(described.of_layers);
    return { described, isFirst, ofHeads: openArrays(described.of_heads), ofLayers };
  });
}

function openArrays(packed) {
  const [values, difference, q] =
    [packed.values, packed.difference, packed.q].map((one) => one && unpack(one, Float32Array));
  const [codes, differenceCodes] =
    [packed.codes, packed.difference_codes].map((one) => one && unpack(one, Int16Array));
  return { values, difference, q, codes, differenceCodes };
}

/** What a run has of an array of `runs` runs. */
function part(array, run, runs) {
  const size = array.length / runs;
  return array.subarray(run * size, (run + 1) * size);
}

// ---- a run

function openRun(data, results, run) {
  const { layers, heads, unit, runs, interval_title } = data;
  const metrics = results.map((result) => openTable(result, { run, runs: runs.length, heads: heads.length }));
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  const nulls = byName.get("null_attention");
  const evidence = new Evidence(nulls?.values ?? null, nulls?.byLayer ?? null, data.least);
  for (const metric of metrics) metric.evidence = evidence;
  const exemplars = data.sentences[run] && openExemplars(data.sentences[run]);
  const of = data.roles.of_runs[run];
  const roles = of && new Roles({ known: data.roles.known, ...of, questions: [], near: [], familyNames: [] }, []);
  return {
    name: runs[run].name, layers, heads, unit, interval_title, metrics, byName, evidence, roles,
    /** Null where the page has none of the run. */
    get exemplars() { return exemplars?.() ?? null; },
  };
}

function openTable({ described, isFirst, ofHeads, ofLayers }, { run, runs, heads }) {
  const values = part(ofHeads.values, run, runs);
  const byLayer = ofLayers ? part(ofLayers.values, run, runs) : new Float32Array(values.length / heads).fill(NaN);
  const table = new RunTable(described, { values, byLayer, heads, isFirst });
  const own = new Bounds(values, part(ofHeads.codes, run, runs));
  const layers = ofLayers && new Bounds(byLayer, part(ofLayers.codes, run, runs));
  table.sure = new Intervals(table, { own, ofLayers: layers });
  return table;
}

// ---- differences

/** By name of the result; `at`: of the run, the first left out. */
function openDifferences(data, results, at, atlases) {
  const evidence = ofBoth(atlases[0].evidence, atlases[at + 1].evidence);
  const found = results.map((result) => {
    const table = openDifference(data, result, at);
    table.evidence = evidence;
    return [table.name, table];
  });
  return new Map(found);
}

function openDifference({ runs, heads, clear }, { described, isFirst, ofHeads, ofLayers }, at) {
  const others = runs.length - 1;
  const cut = (array) => part(array, at, others);
  const [raw, rawLayers] = [cut(ofHeads.difference), ofLayers?.difference && cut(ofLayers.difference)];
  const unknown = new Float32Array(raw.length / heads.length).fill(NaN);
  const qs = { q: cut(ofHeads.q), qOfLayers: rawLayers ? cut(ofLayers.q) : unknown, level: clear };
  const factor = described.kind === "share" ? 100 : 1;
  const times = (array) => Float64Array.from(array, (value) => value * factor);
  const arrays = { values: times(raw), byLayer: times(rawLayers || unknown), heads: heads.length, isFirst };
  const table = new DifferenceTable(described, arrays, qs);
  const own = new Scaled(new Bounds(raw, cut(ofHeads.differenceCodes)), factor);
  const layers = rawLayers ? new Scaled(new Bounds(rawLayers, cut(ofLayers.differenceCodes)), factor) : null;
  table.sure = new Intervals(table, { own, ofLayers: layers });
  table.correlations = described.correlation[at] ?? [];
  return table;
}

/** A head is nearly switched off in a comparison where it is in either run. */
function ofBoth(one, other) {
  if (!one.nulls) return one;
  return new Evidence(one.nulls.map((share, place) => Math.max(share, other.nulls[place])), null, one.least);
}

/** Of each run but the first. */
function openChanges({ runs, changed }) {
  const kinds = { clear: Uint16Array, of: Uint16Array, result: Int16Array, label: Int16Array, size: Float32Array };
  const names = Object.keys(kinds);
  const arrays = names.map((name) => unpack(changed[name], kinds[name]));
  const ofRun = (at) => Object.fromEntries(names.map((name, n) => [name, part(arrays[n], at, runs.length - 1)]));
  return runs.slice(1).map((_, at) => new Changes(ofRun(at)));
}
