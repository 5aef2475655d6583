"""Functions of sentences, as a user writes them."""

from typing import Any


def same_pos(sentence: Any) -> list[tuple[int, int]]:
    words = sentence.words
    return [(a, b) for a in range(len(words)) for b in range(a) if words[a].pos == words[b].pos]


def same_lemma(sentence: Any) -> list[tuple[int, int]]:
    words = sentence.words
    return [(a, b) for a in range(len(words)) for b in range(a) if words[a].lemma == words[b].lemma]
