"""Annotated sentences, column by column, so that whole shards are handled without a Python loop over words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from attnmetrics.corpus import Document
from attnmetrics.metrics.family import NO_LABEL

ABSENT: Final = "none"
"""The name of a word that lacks a key or an extension, or has it without a value."""
NO_ENTITY: Final = "O"
"""The type of a word outside of entities."""

NAME_LENGTH: Final = 200
"""Longer names are no names: they are not told apart."""

Declared = Mapping[str, tuple[str, ...]]
"""Column → all names that may come out of an annotator, in code-point order, the last one `_` (`NO_LABEL`)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One name for each of W words: `Column(("NOUN", "VERB"), [0, 1, 0])` is NOUN, VERB, NOUN."""

    names: tuple[str, ...]
    """distinct"""
    codes: NDArray[np.int64]
    """[W] index into `names`"""

    @classmethod
    def of(cls, values: Sequence[str]) -> "Column":
        """The column with these values, a word each: `of(["b", "a", "b"])` is `Column(("a", "b"), [1, 0, 1])`."""
        names = tuple(sorted(set(values)))
        code = {name: number for number, name in enumerate(names)}
        return cls(names, np.fromiter(map(code.__getitem__, values), np.int64, len(values)))

    def values(self) -> list[str]:
        """[W] the name of each word."""
        return [self.names[code] for code in self.codes.tolist()]

    def rename(self, names: Sequence[str]) -> "Column":
        """The column with other names in place of its own; those in use, each once and in code-point order.

        `Column(("a=1", "a=2", "b=1", "c"), [0, 1, 2]).rename(["1", "2", "1", "c"])` is
        `Column(("1", "2"), [0, 1, 0])`.
        """
        used = np.flatnonzero(np.bincount(self.codes, minlength=len(names)))
        distinct = tuple(sorted({names[code] for code in used.tolist()}))
        number = {name: code for code, name in enumerate(distinct)}
        new_code = np.array([number.get(name, -1) for name in names], np.int64)
        return Column(distinct, new_code[self.codes])

    def take(self, words: NDArray[np.int64]) -> "Column":
        """The column of these words, in that order."""
        return Column(self.names, self.codes[words])


@dataclass(frozen=True, slots=True)
class Mentions:
    """N mentions of entities, each where its head word is: the first of its words whose head lies outside of it.

    What is said of the document holds of the whole of it, whichever of its sentences are taken.
    """

    word: NDArray[np.int64]
    """[N] the head word, counted over all sentences, ascending"""
    entity: NDArray[np.int64]
    """[N] what it is a mention of: equal numbers are one entity, of one document"""
    of_entity: NDArray[np.int64]
    """[N] mentions of this entity in the document"""
    earlier: NDArray[np.int64]
    """[N] those of them whose head word stands before"""
    text: Column
    """[N] the forms of its words, joined by a space and case-folded"""
    link: Column
    """[N] how it refers back, in the annotation's own words, such as `coref` or `appos`; `_` where none is said"""

    def __len__(self) -> int:
        return len(self.word)

    def offsets(self, word_offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """[S + 1] mentions of sentence s are offsets[s] … offsets[s + 1] − 1."""
        return np.searchsorted(self.word, word_offsets)

    def take(self, rows: NDArray[np.int64], moved: NDArray[np.int64]) -> "Mentions":
        """These mentions, in this order, their words moved by so many."""
        return Mentions(
            word=self.word[rows] + moved,
            entity=self.entity[rows],
            of_entity=self.of_entity[rows],
            earlier=self.earlier[rows],
            text=self.text.take(rows),
            link=self.link.take(rows),
        )


_NONE = np.zeros(0, np.int64)
NO_MENTIONS: Final = Mentions(_NONE, _NONE, _NONE, _NONE, Column((), _NONE), Column((), _NONE))


@dataclass(frozen=True, slots=True)
class Sentences:
    """S annotated sentences with W words in all.

    Words of one sentence are in text order; two words have disjoint character spans or, within a multiword token whose
    words do not spell it, the same span.
    """

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
    word_head: NDArray[np.int64]
    """[W] index of the head within the sentence, from 0; −1 for a root"""
    columns: Mapping[str, Column]
    """`pos` and `rel` always; where they are kept `lemma`, `xpos`, `feats`, `deps` and `misc` (as CoNLL-U spells them),
    `form` (FORM where the text does not spell it, else empty), `entity`, `ext.KEY`"""
    mentions: Mentions = NO_MENTIONS
    """of entities, in all sentences"""
    loose: frozenset[int] = frozenset()
    """`document_index` of sentences of CoNLL-U that no `# newdoc` begins: they belong to no known document"""

    def __len__(self) -> int:
        return len(self.text)

    @property
    def word_row(self) -> NDArray[np.int64]:
        """[W] which of the sentences holds the word."""
        return np.repeat(np.arange(len(self)), np.diff(self.word_offsets))

    def take(self, rows: NDArray[np.int64]) -> "Sentences":
        """The sentences at these rows, in that order."""
        words, offsets = _runs(self.word_offsets, rows)
        mentions, mention_offsets = _runs(self.mentions.offsets(self.word_offsets), rows)
        moved = np.repeat(offsets[:-1] - self.word_offsets[rows], np.diff(mention_offsets))
        return Sentences(
            document=tuple(self.document[row] for row in rows),
            document_index=self.document_index[rows],
            sentence=self.sentence[rows],
            text=tuple(self.text[row] for row in rows),
            word_offsets=offsets,
            word_start=self.word_start[words],
            word_end=self.word_end[words],
            word_head=self.word_head[words],
            columns={name: column.take(words) for name, column in self.columns.items()},
            mentions=self.mentions.take(mentions, moved),
            loose=self.loose,
        )


def _runs(offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the rows hold, end to end, and the offsets that they then have.

    Example: of runs with the offsets 0 2 2 5, rows 2 and 0 hold 2 3 4 0 1, with the offsets 0 3 5.
    """
    lengths = np.diff(offsets)[rows]
    taken = np.concatenate([[0], np.cumsum(lengths)])
    return np.repeat(offsets[rows] - taken[:-1], lengths) + np.arange(taken[-1]), taken


@dataclass(frozen=True, slots=True)
class WordPairs:
    """P pairs of words of S sentences; both words of a pair stand in one sentence."""

    offsets: NDArray[np.int64]
    """[S + 1] pairs of sentence s are offsets[s] … offsets[s + 1] − 1"""
    attending: NDArray[np.int64]
    """[P] position of the attending word in its sentence, from 0"""
    attended: NDArray[np.int64]
    """[P] position of the attended word in the same sentence"""


@dataclass(frozen=True, slots=True)
class Annotated:
    """What an annotator made of one shard's documents."""

    sentences: Sentences
    """`document_index` counts from 0 in the shard; `columns` are all that the annotator gives."""
    counts: Mapping[str, int]
    """`documents`, `sentences`, `words`, `characters` (of the texts), `mentions`, and `sentences_blank` (left out)."""


class Annotator(Protocol):
    """Cuts documents into sentences and gives every word its part of speech, relation, head and more columns."""

    @property
    def fingerprint(self) -> str:
        """Digest of all that decides what comes out; it is known without loading a pipeline.

        The same for any columns that are asked for: a file with more of them serves those who ask for fewer.
        """

    @property
    def declared(self) -> Declared:
        """The names that may come out; columns that are not in it have any."""

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        """The sentences of one shard."""


def declare(names: Iterable[str]) -> tuple[str, ...]:
    """These names as `Declared` has them: `declare({"b", "_", "a"})` is `("a", "b", "_")`."""
    return (*sorted(set(names) - {NO_LABEL}), NO_LABEL)


def count(sentences: Sentences, documents: int, blank: int) -> dict[str, int]:
    """The counts of `Annotated`."""
    return {
        "documents": documents,
        "sentences": len(sentences),
        "words": len(sentences.word_start),
        "characters": sum(map(len, sentences.text)),
        "mentions": len(sentences.mentions),
        "sentences_blank": blank,
    }
