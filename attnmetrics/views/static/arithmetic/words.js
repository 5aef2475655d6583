// Words that these pages use and that not every reader knows.

/** word: [what finds it in a text, what it means]. */
const WORDS = {
  "alignment": [/\balignment/i, "the share of attention along dependencies, between a word and its head word"],
  "below its rule": [/below its rule/i, "told of a head, but less than the rule of that role asks for"],
  "best word offset": [/best word offset/i, "the guess that the other word always stands as far away, "
    + "at the distance that hits most often"],
  "chance level": [/chance level/i, "what a head would reach that does nothing of the kind: the best word offset, even "
    + "attention, what its distances alone would give"],
  "even attention": [/even attention|× even/i, "what a head would give that attends alike to every piece that it "
    + "may; where null pieces do not count, of what this head leaves off them"],
  "head word": [/head word/i, "the word that another depends on: “boats” is that of “the” in “the boats”"],
  "held out": [/held out/i, "chosen on half of the documents and scored on the other, so that luck does not count"],
  "induction": [/\binduction/i, "at a piece that came before, attending to what followed it then"],
  "linked pieces": [/\blink(s|ed)?\b/i, "pairs of pieces that belong together: a word and its head word, a piece and "
    + "the same one before"],
  "nats": [/\bnats\b/i, "of entropy: 0 for attention to one piece, 0.7 for two evenly, 2.3 for ten"],
  "near ties": [/near ties/i, "where the two words with most attention are so close that rounding may decide"],
  "nearest of a class": [/\bnearest [a-z, ]+ (before|after)|nearest (word )?of a/i, "the guess that the other word is "
    + "always the nearest of one class, before or after: the class and the side that hit most often, among parts of "
    + "speech, nouns with pronouns and numbers, and content words"],
  "content word": [/\bcontent words?\b/i, "a noun, number, verb, adjective or adverb"],
  "no word": [/\bno word\b/i, "pieces that belong to no word of the annotation, such as the space before a number"],
  "null pieces": [/null pieces/i, "where a head rests that looks at nothing: the first piece, separators"],
  "offset": [/\boffset/i, "how many pieces, or words, before the attending one: 1 is the previous"],
  "piece": [/\bpieces?\b/i, "a token of the model: a word, or a part of one"],
  "points": [/\d points\b/i, "percentage points: a difference of two shares"],
  "position alone": [/position alone/i, "a role: attention goes by position, nearly the same whatever the words are"],
  "row": [/\brows?\b/i, "what one attending piece gives to all pieces: weights that add up to 1"],
  "second sink": [/second sink/i, "a role: attention rests on one piece of each text, not null, whatever it is"],
  "shard": [/\bshards?\b/i, "a part of the corpus, whole documents, that is measured by itself"],
  "variability": [/\bvariability/i, "0 where attention goes by position alone, 1 where it differs in every text"],
};

/** [word, what it means] of those that a text has, in order. */
export const wordsIn = (text) =>
  Object.entries(WORDS).filter(([, [pattern]]) => pattern.test(text)).map(([word, [, meaning]]) => [word, meaning]);
