"""Sentences end to end: each document's as one text, and which sentence holds a piece of it."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.pieces.align import Pieces


def begin_each(sentences: Sentences) -> NDArray[np.int64]:
    """[S] the first character of each sentence where all stand end to end, each with a space after it.

    Example: 0 4 6 of sentences of 3, 1 and 2 characters.
    """
    lengths = np.array([len(text) + 1 for text in sentences.text], dtype=np.int64)
    return np.cumsum(lengths) - lengths


def first_of_documents(sentences: Sentences) -> NDArray[np.int64]:
    """[D] the first sentence of each document."""
    return np.flatnonzero(np.diff(sentences.document_index, prepend=-1))


def join_texts(sentences: Sentences, first: NDArray[np.int64]) -> tuple[str, ...]:
    """The sentences of each text, by a space, given its `first` one."""
    return tuple(" ".join(sentences.text[a:b]) for a, b in pairwise([*first.tolist(), len(sentences)]))


def join(sentences: Sentences, first: NDArray[np.int64], begin: NDArray[np.int64]) -> Sentences:
    """Each text as one sentence, given its `first` sentence and where each sentence begins; words lose columns."""
    bounds = np.append(first, len(sentences))
    # A row for each sentence: the first one of its text; then for each word, what stands before its sentence there.
    start = np.repeat(first, np.diff(bounds))
    words = np.diff(sentences.word_offsets)
    characters_before = np.repeat(begin - begin[start], words)
    words_before = np.repeat(sentences.word_offsets[:-1] - sentences.word_offsets[start], words)
    return Sentences(
        document=tuple(sentences.document[row] for row in first),
        document_index=sentences.document_index[first],
        sentence=np.zeros_like(first),
        text=join_texts(sentences, first),
        word_offsets=sentences.word_offsets[bounds],
        word_start=sentences.word_start + characters_before,
        word_end=sentences.word_end + characters_before,
        word_head=np.where(sentences.word_head < 0, -1, sentences.word_head + words_before),
        columns={},
    )


def find_sentences(pieces: Pieces, begin: NDArray[np.int64], text_begin: NDArray[np.int64]) -> NDArray[np.int64]:
    """[T] the sentence that holds the last character of each piece."""
    row, place = pieces.row, np.arange(len(pieces.ids))
    # A row for each piece: the last piece of its unit's text so far, itself if it is one; else the first one after it.
    before = np.maximum.accumulate(np.where(pieces.in_text, place, -1))
    after = np.minimum.accumulate(np.where(pieces.in_text, place, len(place))[::-1])[::-1]
    start, end = pieces.offsets[row], pieces.offsets[row + 1]
    beside = np.where(before >= start, before, np.where(after < end, after, start))  # a unit may have no text
    in_text = np.maximum(pieces.start, pieces.end - 1)[beside]
    character = text_begin[pieces.text[row]] + in_text
    sentence: NDArray[np.int64] = np.searchsorted(begin, character, side="right") - 1
    return sentence
