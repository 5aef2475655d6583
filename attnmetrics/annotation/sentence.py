"""Annotated sentences, column by column, so that whole shards are handled without a Python loop over words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Labels:
    """The tags and relations that an annotator can give. The last of each is `_` (schema.NO_LABEL)."""

    pos: tuple[str, ...]
    rel: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentences:
    """S annotated sentences with W words in all.

    Words of one sentence are in text order; two words have disjoint character spans or, within a multiword token whose
    words do not spell it, the same span.
    """

    labels: Labels
    document: tuple[str, ...]
    """[S] document id"""
    document_index: NDArray[np.int64]
    """[S] position of the document in the corpus, from 0"""
    sentence: NDArray[np.int64]
    """[S] position of the sentence in its document, from 0"""
    text: tuple[str, ...]
    """[S] first to last character that is not white space, inner space kept"""
    word_offsets: NDArray[np.int64]
    """[S + 1] words of sentence s are word_offsets[s] … word_offsets[s + 1] − 1"""
    word_start: NDArray[np.int64]
    """[W] first character of the word in its sentence's text"""
    word_end: NDArray[np.int64]
    """[W] one past the last character"""
    word_pos: NDArray[np.int64]
    """[W] index into labels.pos"""
    word_rel: NDArray[np.int64]
    """[W] index into labels.rel"""
    word_head: NDArray[np.int64]
    """[W] index of the head within the sentence, from 0; −1 for a root"""

    def __len__(self) -> int:
        return len(self.text)

    def take(self, rows: NDArray[np.int64]) -> "Sentences":
        """The sentences at these rows, in that order."""
        lengths = np.diff(self.word_offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        words = np.repeat(self.word_offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Sentences(
            labels=self.labels,
            document=tuple(self.document[row] for row in rows),
            document_index=self.document_index[rows],
            sentence=self.sentence[rows],
            text=tuple(self.text[row] for row in rows),
            word_offsets=offsets,
            word_start=self.word_start[words],
            word_end=self.word_end[words],
            word_pos=self.word_pos[words],
            word_rel=self.word_rel[words],
            word_head=self.word_head[words],
        )
