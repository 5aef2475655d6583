// What the roles of heads mean, for readers who meet their names first (describing/rules.yaml says what each asks for).

const MEANINGS = {
  "nearly switched off": "attends to almost nothing but the pieces on which heads rest",
  "coreference": "looks from a mention to an earlier one of the same thing: from “she” to “Ada”",
  "syntactic relation": "looks from a word to one that it depends on or that depends on it: from a verb to its object",
  "along dependencies": "looks between words that grammar connects, more than their distance explains",
  "induction": "where something is said again, looks at what came next the first time",
  "repeated piece": "looks at the same word piece where it stood before",
  "second sink": "rests on one piece of each text, such as its first “the”, whatever is said",
  "previous piece": "looks at the piece just before",
  "next piece": "looks at the piece just after",
  "own piece": "looks at the piece itself",
  "position alone": "looks at the same distances whatever the words are",
  "separators": "looks at separators, where it rests",
  "part of speech": "looks at words of one kind: nouns, punctuation, determiners",
  "broad": "spreads over many pieces at once",
  "first piece": "rests on the first piece of each text, a place to look at nothing",
  "": "no rule is met clearly enough to say what it does",
};

/** What a role means; "" of one that a reader's own rules name. */
export const meaningOf = ({ name }) => (Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : "");
