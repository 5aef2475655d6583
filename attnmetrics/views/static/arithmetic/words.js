// Words that these pages use and that not every reader knows.

/** word: [what finds it in a text, what it means]. */
const WORDS = {
  "alignment": [/\balignment/i, "the share of attention along dependencies, between a word and its head word"],
  "even attention": [/even attention|× even/i, "what a head would give that attends alike to every piece that it may"],
  "head word": [/head word/i, "the word that another depends on: “boats” is that of “the” in “the boats”"],
  "held out": [/held out/i, "chosen on half of the documents and scored on the other, so that luck does not count"],
  "induction": [/\binduction/i, "at a piece that came before, attending to what followed it then"],
  "nats": [/\bnats\b/i, "of entropy: 0 for attention to one piece, 0.7 for two evenly, 2.3 for ten"],
  "near ties": [/near ties/i, "where the two words with most attention are so close that rounding may decide"],
  "no word": [/\bno word\b/i, "pieces that belong to no word of the annotation, such as the space before a number"],
  "null pieces": [/null pieces/i, "where a head rests that looks at nothing: the first piece, separators"],
  "offset": [/\boffset/i, "how many pieces, or words, before the attending one: 1 is the previous"],
  "piece": [/\bpieces?\b/i, "a token of the model: a word, or a part of one"],
  "points": [/\d points\b/i, "percentage points: a difference of two shares"],
  "position alone": [/position alone/i, "a role: attention goes by position, nearly the same whatever the words are"],
  "second sink": [/second sink/i, "a role: attention rests on one piece of each text, not null, whatever it is"],
  "shard": [/\bshards?\b/i, "a part of the corpus, whole documents, that is measured by itself"],
  "variability": [/\bvariability/i, "0 where attention goes by position alone, 1 where it differs in every text"],
};

/** [word, what it means] of those that a text has, in order. */
export const wordsIn = (text) =>
  Object.entries(WORDS).filter(([, [pattern]]) => pattern.test(text)).map(([word, [, meaning]]) => [word, meaning]);
