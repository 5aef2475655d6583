// What the field calls otherwise than these pages do.

/** [what is searched for, what stands for it here, …]; the longer ones first, since they hold the shorter ones. */
const TERMS = [
  ["duplicate token", "repeated piece"], ["previous token", "previous piece"], ["next token", "next piece"],
  ["beginning of sequence", "first piece"], ["start of sequence", "first piece"],
  ["attention sink", "null pieces", "first piece", "second sink"],
  ["part of speech tag", "part of speech"], ["relative position", "offset"], ["confidence", "entropy"],
  ["subword", "piece"], ["word piece", "piece"], ["wordpiece", "piece"], ["tokens", "pieces"], ["token", "piece"],
  ["bos", "first piece"], ["copying", "repeated", "induction"], ["copy", "repeated", "induction"],
  ["duplicate", "repeated"], ["coref", "coreference"], ["syntactic", "dependencies"],
  ["syntax", "dependencies", "syntactic"], ["grammar", "dependencies", "syntactic"],
  ["determiners", "det"], ["determiner", "det"], ["nouns", "noun"], ["verbs", "verb"], ["adjectives", "adj"],
  ["adjective", "adj"], ["adverbs", "adv"], ["adverb", "adv"], ["pronouns", "pron"], ["pronoun", "pron"],
  ["prepositions", "adp", "case"], ["preposition", "adp", "case"], ["auxiliaries", "aux"], ["auxiliary", "aux"],
  ["conjunctions", "cc", "conj"], ["conjunction", "cc", "conj"], ["subjects", "nsubj"], ["subject", "nsubj"],
  ["objects", "obj"], ["object", "obj"], ["punctuation", "punct"],
  ["locality", "distance"], ["uniform", "even"], ["dead", "switched off"], ["inactive", "switched off"],
];

/** The words of a text in lower case, without signs. */
export const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}_:]+/gu) ?? [];

/**
 * What a text asks for in the words of these pages: { lists, told }, of each meaning its words, the text's own last;
 * told of each term [theirs, ours, …].
 *
 * `translate("Previous token head")` gives the lists (previous, piece, head) and (previous, token, head).
 */
export function translate(text) {
  const own = ` ${wordsOf(text).join(" ")} `;
  let meant = [own];
  const told = [];
  for (const [theirs, ...ours] of TERMS) {
    if (!meant.some((one) => one.includes(` ${theirs} `))) continue;
    meant = ours.flatMap((one) => meant.map((asked) => asked.replaceAll(` ${theirs} `, ` ${one} `)));
    told.push([theirs, ...ours]);
  }
  const all = [...new Set([...meant, own])];
  return { lists: all.map((asked) => asked.split(" ").filter(Boolean)), told };
}
