"""Annotated sentences, column by column, so that whole shards are handled without a Python loop over words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from attnmetrics.corpus import Document
from attnmetrics.metrics.family import NO_LABEL


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


@dataclass(frozen=True, slots=True)
class Annotated:
    """What an annotator made of one shard's documents."""

    sentences: Sentences
    """`document_index` counts from 0 in the shard; the labels are the annotator's own, or those found in the shard."""
    counts: Mapping[str, int]
    """`documents`, `sentences`, `words`, `characters` (of the sentences' texts), and `sentences_blank` (left out)."""


class Annotator(Protocol):
    """Cuts documents into sentences and gives every word its part of speech, relation and head."""

    @property
    def fingerprint(self) -> str:
        """Digest of all that decides what comes out; it is known without loading a pipeline."""

    @property
    def labels(self) -> Labels:
        """The tags and relations that may come out."""

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        """The sentences of one shard."""


def make_labels(pos: set[str], rel: set[str]) -> Labels:
    """Both sets sorted, with `_` as the last."""
    return Labels(*((*sorted(names - {NO_LABEL}), NO_LABEL) for names in (pos, rel)))


def count(sentences: Sentences, documents: int, blank: int) -> dict[str, int]:
    """The counts of `Annotated`."""
    return {
        "documents": documents,
        "sentences": len(sentences),
        "words": len(sentences.word_start),
        "characters": sum(map(len, sentences.text)),
        "sentences_blank": blank,
    }
