// Results by the values of a field as the drawings read them: of each value what an atlas has.

import { RunTable } from "../arithmetic/differences.js";
import { Evidence } from "../arithmetic/evidence.js";
import { Bounds, Intervals } from "../arithmetic/intervals.js";
import { unpack } from "../shared/unpack.js";

/** Of each field { field, values, cut, atlases }, where atlases are what there is of each value (views/atlas/by.py). */
export function openBy(atlas, packed) {
  return packed.map(({ results, ...about }) => {
    const { values } = about;
    const opened = openResults(results);
    const own = values.map((value, n) => openValue(atlas, value, opened, { n, of: values.length }));
    for (const name of own[0].byName.keys()) {
      const together = own.map(({ byName }) => byName.get(name));
      for (const one of together) one.pair = together;
    }
    return { ...about, atlases: own };
  });
}

/** Of each result { described, isFirst, ofHeads, ofLayers } with unpacked arrays [value, …]. */
function openResults(results) {
  const dims = new Set();
  return results.map((described) => {
    const isFirst = !dims.has(described.dim);
    dims.add(described.dim);
    const [ofHeads, ofLayers] = [described.of_heads, described.of_layers].map(openArrays);
    return { described, isFirst, ofHeads, ofLayers };
  });
}

function openArrays(packed) {
  if (!packed) return null;
  const kinds = [["values", Float32Array], ["codes", Int16Array], ["unsure", Uint8Array]];
  return Object.fromEntries(kinds.map(([name, kind]) => [name, packed[name] ? unpack(packed[name], kind) : null]));
}

/** What a value of the field has of the arrays of all values. */
function partOf(arrays, { n, of }) {
  const cut = (array) => array && array.subarray((n * array.length) / of, ((n + 1) * array.length) / of);
  const values = cut(arrays.values);
  return { values, bounds: arrays.codes && new Bounds(values, cut(arrays.codes), cut(arrays.unsure)) };
}

function openValue(atlas, { name }, results, at) {
  const metrics = results.map((result) => openTable(result, at, atlas.heads.length));
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  const nulls = byName.get("null_attention");
  const evidence = new Evidence(nulls?.values ?? null, nulls?.byLayer ?? null, atlas.evidence.least);
  for (const metric of metrics) metric.evidence = evidence;
  return Object.assign(Object.create(atlas), { name, metrics, byName, evidence, roles: null });
}

function openTable({ described, isFirst, ofHeads, ofLayers }, at, heads) {
  const own = partOf(ofHeads, at);
  const layers = ofLayers ? partOf(ofLayers, at) : { values: new Float32Array(own.values.length / heads).fill(NaN) };
  const table = new RunTable(described, { values: own.values, byLayer: layers.values, heads, isFirst });
  if (own.bounds) table.sure = new Intervals(table, { own: own.bounds, ofLayers: layers.bounds ?? null });
  return table;
}
