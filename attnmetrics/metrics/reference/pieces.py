"""The labels and links of a sentence's pieces, from their definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from attnmetrics.metrics.reference.sentence import Mention, Pairs, Sentence, Word


def label_pieces(
    sentence: Sentence, labels: Mapping[str, Sequence[str]] | None = None, links: Mapping[str, Pairs] | None = None
) -> Sentence:
    """The sentence with the labels and links that every run has, and with these of its words.

    Args:
        sentence: what it has of labels and links is replaced
        labels: by label, the name of every word
        links: by link, its pairs of words
    """
    word = words_of_pieces(sentence)
    tags = {"pos": [each.pos for each in sentence.words], "rel": [each.rel for each in sentence.words]}
    trees = {"dependency": parents(sentence.words), "coreference": coreferences(sentence.mentions)}
    of_words = {name: spread_names(names, word) for name, names in {**tags, **(labels or {})}.items()}
    between_words = {name: spread_pairs(pairs, word) for name, pairs in {**trees, **(links or {})}.items()}
    return replace(
        sentence,
        labels={**of_words, "special": special(sentence)},
        links={**between_words, "repeat": repeats(sentence), "induction": inductions(sentence)},
    )


def words_of_pieces(sentence: Sentence) -> list[int | None]:
    """The word of each piece; None for those of the template, and for those that overlap no word."""
    return [
        None if piece in sentence.template else word_of(span, sentence.text, sentence.words)
        for piece, span in enumerate(sentence.spans)
    ]


def word_of(span: tuple[int, int], text: str, words: Sequence[Word]) -> int | None:
    """The word that a piece overlaps most in characters, the first of equals; None if it overlaps none."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    best, most = None, 0
    for index, word in enumerate(words):
        overlap = min(end, word.end) - max(start, word.start)
        if overlap > most:
            best, most = index, overlap
    return best


def spread_names(names: Sequence[str], word: Sequence[int | None]) -> list[str]:
    """The name of each piece: that of its word; `_` where it has none."""
    return ["_" if own is None else names[own] for own in word]


def spread_pairs(pairs: Pairs, word: Sequence[int | None]) -> Pairs:
    """All pairs of pieces whose words are a pair; no word is one with itself."""
    found = set()
    for i, attending in enumerate(word):
        for j, attended in enumerate(word):
            if attending is None or attended is None or attending == attended:
                continue
            if (attending, attended) in pairs:
                found.add((i, j))
    return frozenset(found)


def parents(words: Sequence[Word]) -> Pairs:
    """(parent, child) of words; roots have no parent."""
    return frozenset((word.head, child) for child, word in enumerate(words) if word.head >= 0)


def coreferences(mentions: Sequence[Mention]) -> Pairs:
    """(word, other) both ways: head words of two mentions of one entity, of which the later may refer back."""
    pairs = {
        (later.word, earlier.word)
        for later in mentions
        for earlier in mentions
        if later.anaphoric and later.entity == earlier.entity and earlier.word < later.word
    }
    return frozenset(pairs | {(earlier, later) for later, earlier in pairs})


def special(sentence: Sentence) -> list[str]:
    """What kind of piece each is: first, separator, punctuation or other; the first that fits."""
    return [_kind(piece, sentence) for piece in sentence.pieces]


def _kind(piece: int, sentence: Sentence) -> str:
    start, end = sentence.spans[piece]
    if piece == 0 and (piece in sentence.template or piece in sentence.null):
        return "first"
    if piece in sentence.template:
        return "separator"
    if sentence.text[start:end].strip() in (".", ","):
        return "punctuation"
    return "other"


def repeats(sentence: Sentence) -> Pairs:
    """(i, j): j is an earlier piece with the same id, and not null; both are of the text."""
    return frozenset((i, j) for i, j in _same(sentence) if j not in sentence.null)


def inductions(sentence: Sentence) -> Pairs:
    """(i, j + 1): what followed the same id, earlier, and is not null; all three are of the text."""
    after = [(i, j + 1) for i, j in _same(sentence) if j + 1 < i]
    return frozenset((i, k) for i, k in after if k not in sentence.template and k not in sentence.null)


def _same(sentence: Sentence) -> list[tuple[int, int]]:
    """(i, j): two pieces of the text with the same id, j before i."""
    text = [piece for piece in sentence.pieces if piece not in sentence.template]
    return [(i, j) for i in text for j in text if j < i and sentence.ids[i] == sentence.ids[j]]
