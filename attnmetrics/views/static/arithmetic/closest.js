// Which entries of an index are closest to what is asked for, in lists of words.

/** What it counts that a name is all that is asked for: more than any words of it. */
const NAMED = 100;

/** Whether a name is all that a list asks for. */
export const isNamedBy = (lists) => ({ name }) => lists.some((asked) => asked.length === 1 && asked[0] === name);

/**
 * Those of which every word of a list begins a word, the closest first: that whose name is asked for, then of more
 * lists, then by whole words, then by short names.
 */
export function best(entries, lists) {
  const isNamed = isNamedBy(lists);
  const closest = (one) =>
    lists.reduce((sum, asked) => sum + closeness(one.texts, asked), 0) + (isNamed(one) ? NAMED : 0);
  const scored = entries.map((one, n) => ({ one, n, score: closest(one) }));
  return scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score || a.n - b.n).map(({ one }) => one);
}

/** How much of a text is asked for, and by whole words; 0 where a word begins none of its words. */
function closeness(texts, asked) {
  const unique = new Set(texts);
  let matched = 0;
  for (const word of asked) {
    const isWhole = unique.has(word);
    if (!isWhole && !texts.some((one) => one.startsWith(word))) return 0;
    matched += isWhole ? 2 : 1;
  }
  return matched / asked.length + 1 / (1 + unique.size);
}
