// What the field calls otherwise than these pages do.

/** [what is searched for, what stands for it here]; the longer ones first, since they hold the shorter ones. */
const TERMS = [
  ["duplicate token", "repeated piece"], ["previous token", "previous piece"], ["next token", "next piece"],
  ["beginning of sequence", "first piece"], ["start of sequence", "first piece"], ["attention sink", "null pieces"],
  ["part of speech tag", "part of speech"], ["relative position", "offset"], ["confidence", "entropy"],
  ["subword", "piece"], ["word piece", "piece"], ["wordpiece", "piece"], ["tokens", "pieces"], ["token", "piece"],
  ["bos", "first piece"], ["copying", "repeated"], ["copy", "repeated"], ["duplicate", "repeated"],
  ["coref", "coreference"], ["syntactic", "dependencies"], ["syntax", "dependencies"], ["grammar", "dependencies"],
  ["determiners", "det"], ["nouns", "noun"], ["verbs", "verb"], ["adjectives", "adj"], ["adverbs", "adv"],
  ["pronouns", "pron"], ["prepositions", "adp"], ["auxiliaries", "aux"], ["subject", "nsubj"], ["object", "obj"],
  ["locality", "distance"], ["uniform", "even"], ["dead", "switched off"], ["inactive", "switched off"],
];

/** The words of a text in lower case, without signs. */
export const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}_:]+/gu) ?? [];

/**
 * What a text asks for in the words of these pages: { words, told }, told of each term [theirs, ours].
 *
 * `translate("Previous token head")` gives the words previous, piece, head.
 */
export function translate(text) {
  let asked = ` ${wordsOf(text).join(" ")} `;
  const told = [];
  for (const [theirs, ours] of TERMS) {
    if (!asked.includes(` ${theirs} `)) continue;
    asked = asked.replaceAll(` ${theirs} `, ` ${ours} `);
    told.push([theirs, ours]);
  }
  return { words: asked.split(" ").filter(Boolean), told };
}
