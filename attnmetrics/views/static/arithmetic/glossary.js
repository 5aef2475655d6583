// What relations between words are, for readers who do not know their names (views/glossary.yaml).

/** `explain(atlas, "det")` is "a determiner: “the boats”, the → boats"; "" of what is not explained. */
export function explain({ glossary }, rel) {
  if (!Object.hasOwn(glossary ?? {}, rel)) return "";
  const [words, example, dependent, head] = glossary[rel];
  return example ? `${words}: “${example}”, ${dependent} → ${head}` : words;
}

/** The same of a metric's label, where it names a relation, alone or after others: "row, obj". */
export const explainLabel = (atlas, metric, label) =>
  (/\brel$/.test(metric.dim ?? "") && label !== null ? explain(atlas, metric.labels[label].split(", ").at(-1)) : "");
