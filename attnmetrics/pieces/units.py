"""What attention is measured in: sentences; windows of N pieces of a document's sentences joined in order; pairs.

All are the same columns, so that nothing after this file knows which they are. A document's sentences are joined by
one space and cut into pieces as one text: the model reads running text. These pieces are cut into windows, each with
the template's pieces around its own; the last one is kept, however short. For pairs of segments see `pairs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.marks import Marks
from attnmetrics.annotation.sentence import Mentions, Sentences
from attnmetrics.errors import ConfigError, ModelError
from attnmetrics.metrics.family import Link
from attnmetrics.metrics.schema import COREFERENCE, Schema
from attnmetrics.pieces.align import Pieces, Template, align, count_rows, encode, tokenize
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.joining import begin_each, find_sentences, first_of_documents, join, join_texts
from attnmetrics.pieces.links import Pairs, inductive, repeated, spread
from attnmetrics.pieces.mentions import link_mentions
from attnmetrics.pieces.pairs import Frame, find_frame, group_sentences, tokenize_pairs
from attnmetrics.pieces.special import special_kinds

SegmentIds = Literal["tokenizer", "zero"]
"""What a model is told of the segments of a pair: their numbers, as its tokenizer gives them, or 0 of both."""


class Reader(Protocol):
    """What a model says of the pieces that it reads (see `model.load.Model`)."""

    @property
    def name(self) -> str:
        """As the user gave it."""
        ...

    @property
    def tokenizer(self) -> Any:
        """A `tokenizers.Tokenizer` that neither truncates nor pads."""
        ...

    @property
    def template(self) -> Template:
        """What it puts around every text."""
        ...

    @property
    def vocabulary(self) -> int:
        """The number of piece ids that the model has embeddings for."""
        ...

    @property
    def max_pieces(self) -> int:
        """The longest sentence that the model takes, template included."""
        ...

    @property
    def segment_types(self) -> int:
        """Segments of a unit that the model tells apart; 1 where it is told of none."""
        ...

    @property
    def attends(self) -> Attends:
        """Which pieces attend to which, and which columns are null."""
        ...


@dataclass(frozen=True, slots=True)
class Units:
    """S sentences, windows or pairs with T pieces in all, and what is known of these before the model runs."""

    schema: Schema
    document: tuple[str, ...]
    """[S] document id"""
    document_index: NDArray[np.int64]
    """[S] position of the document in the corpus, from 0"""
    number: NDArray[np.int64]
    """[S] position of the unit in its document, from 0"""
    digest: NDArray[np.uint64]
    """[S] the same where the model reads the same"""
    pieces: Pieces
    words: Sentences
    """the annotated sentences that the units are made from, and all that is known of their W words"""
    word: NDArray[np.int64]
    """[T] the word of each piece, counted over all of `words`; −1 for none"""
    labels: Mapping[str, NDArray[np.int64]]
    """[T] by label: the name of each piece, an index into the schema's names of this label"""
    links: Mapping[str, Pairs]
    """by link: the pairs of pieces; those of words hold within sentences, but for coreference"""
    sentence: NDArray[np.int64]
    """[T] the sentence of `words` that holds the piece, ascending; a template piece belongs to that of the text beside
    it, rather before than after it"""
    null: NDArray[np.bool_]
    """[T] whether the piece's column is null"""
    between: NDArray[np.int64]
    """[2, S] the first, and one past the last, null piece between a unit's segments; both 0 where it has none"""
    segments: NDArray[np.int64] | None = None
    """[T] which segment of its unit the model is told that a piece is in; None: it is told nothing"""

    def __len__(self) -> int:
        return len(self.document)

    @property
    def aligned(self) -> NDArray[np.bool_]:
        """[T] whether the piece has a word."""
        return self.word >= 0


def read_sentences(sentences: Sentences, marks: Marks, model: Reader) -> Units:
    """Each sentence as a unit; one that is longer than the model takes loses its last pieces.

    Args:
        sentences: S sentences.
        marks: labels and links of their words.
        model: the model.

    Raises:
        ModelError: a text that is no valid Unicode, or pieces outside the model's vocabulary.
    """
    pieces = tokenize(model.tokenizer, sentences.text, model.template, model.max_pieces)
    digest = digest_texts(sentences.text)
    return _units(sentences, sentences, marks, pieces, model, sentences.sentence, digest, pieces.row)


def read_windows(sentences: Sentences, marks: Marks, model: Reader, size: int) -> Units:
    """The windows of each document.

    Args:
        sentences: all sentences of some documents, in order.
        marks: labels and links of their words.
        model: the model.
        size: N, pieces of a window, template included (see `check_window`).

    Raises:
        ModelError: a text that is no valid Unicode, or pieces outside the model's vocabulary.
    """
    first, begin = first_of_documents(sentences), begin_each(sentences)
    documents = join(sentences, first, begin)
    pieces = tokenize(model.tokenizer, documents.text, model.template, size, split=True)
    number = np.arange(len(pieces.text)) - np.searchsorted(pieces.text, pieces.text)
    windows = (pieces.ids[start:end].tobytes() for start, end in pairwise(pieces.offsets))
    digest = np.array([_digest(ids) for ids in windows], dtype=np.uint64)
    sentence = find_sentences(pieces, begin, begin[first])
    return _units(sentences, documents, marks, pieces, model, number, digest, sentence)


def read_pairs(
    sentences: Sentences, marks: Marks, model: Reader, size: int, segment_ids: SegmentIds = "tokenizer"
) -> Units:
    """The pairs of segments of each document.

    Args:
        sentences: all sentences of some documents, in order.
        marks: labels and links of their words.
        model: the model.
        size: N, the most pieces of a pair, template included (see `segments.check_pair`).
        segment_ids: `tokenizer`: segments numbered as the tokenizer does; `zero`: all are 0.

    Raises:
        ModelError: a text that is no valid Unicode, or pieces outside the model's vocabulary.
    """
    (first, second), frames = _group(sentences, model, size)
    ends = np.append(first[1:], len(sentences))
    firsts = [" ".join(sentences.text[a:b]) for a, b in zip(first, second, strict=True)]
    seconds = [" ".join(sentences.text[a:b]) if a < b else None for a, b in zip(second, ends, strict=True)]
    pieces, segments = tokenize_pairs(model.tokenizer, firsts, seconds, frames, size)
    begin = begin_each(sentences)
    texts = join(sentences, first, begin)
    number = np.arange(len(first)) - np.searchsorted(texts.document_index, texts.document_index)
    told = _segments_told(segments, model, segment_ids)
    units = _units(
        sentences, texts, marks, pieces, model, number, _digest_pairs(pieces, segments),
        find_sentences(pieces, begin, begin[first]),
    )  # fmt: skip
    return replace(units, segments=told)


def count_windows(sentences: Sentences, model: Reader, size: int) -> int:
    """How many `read_windows` gives, found from the lengths of documents alone."""
    first = first_of_documents(sentences)
    lengths, _, _ = encode(model.tokenizer, join_texts(sentences, first))
    return int(count_rows(lengths, size - len(model.template)).sum())


def count_pairs(sentences: Sentences, model: Reader, size: int) -> int:
    """How many `read_pairs` gives, found from the lengths of sentences alone."""
    (first, _), _ = _group(sentences, model, size)
    return len(first)


def _group(
    sentences: Sentences, model: Reader, size: int
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], tuple[Frame, Frame]]:
    """The first sentence of each pair and of its second segment (see `group_sentences`); the frames of one and two."""
    frames = find_frame(model.tokenizer, 1), find_frame(model.tokenizer, 2)
    lengths, _, _ = encode(model.tokenizer, sentences.text)
    return group_sentences(lengths, sentences.document_index, size - frames[1].size), frames


def _segments_told(segments: NDArray[np.int64], model: Reader, which: SegmentIds) -> NDArray[np.int64] | None:
    if model.segment_types == 1:
        return None
    return np.zeros_like(segments) if which == "zero" else segments


def _digest_pairs(pieces: Pieces, segments: NDArray[np.int64]) -> NDArray[np.uint64]:
    """[S] digest of each pair's pieces and of where its second segment begins."""
    contents = np.stack([pieces.ids, segments, pieces.in_text])
    pairs = (contents[:, start:end].tobytes() for start, end in pairwise(pieces.offsets))
    return np.array([_digest(content) for content in pairs], dtype=np.uint64)


def check_window(size: int, model: Reader) -> None:
    """Refuse windows that the model cannot read.

    Raises:
        ConfigError: they are longer than it takes, or the template leaves no room in them.
    """
    least = len(model.template) + 1
    if not least <= size <= model.max_pieces:
        raise ConfigError(
            f"expected windows of {least:,} to {model.max_pieces:,} pieces, as {model.name} reads them, found "
            f"{size:,}; choose another --unit window:N"
        )


def digest_texts(texts: Sequence[str]) -> NDArray[np.uint64]:
    """[S] digest of each text."""
    return np.array([_digest(text.encode()) for text in texts], dtype=np.uint64)


def _digest(content: bytes) -> int:
    """A number of 64 bits, as exemplars have it."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


def _units(
    words: Sentences,
    texts: Sentences,
    marks: Marks,
    pieces: Pieces,
    model: Reader,
    number: NDArray[np.int64],
    digest: NDArray[np.uint64],
    sentence: NDArray[np.int64],
) -> Units:
    """Pieces of these texts, row by row, with their labels and links; the rest as in `Units`.

    The words of all texts are those of all sentences, in the same order.
    """
    _check_ids(pieces, texts, model)
    word = align(texts, pieces)
    within = np.arange(len(pieces.ids)) - pieces.offsets[pieces.row]
    between = _find_between(pieces, within, model.attends)
    return Units(
        schema=marks.schema,
        document=tuple(texts.document[row] for row in pieces.text),
        document_index=texts.document_index[pieces.text],
        number=number,
        digest=digest,
        pieces=pieces,
        words=words,
        word=word,
        labels=_label_pieces(marks, pieces, word, texts.text, model),
        links=_link_pieces(marks, pieces, word, words.mentions),
        sentence=sentence,
        null=model.attends.is_null(within, pieces.lengths[pieces.row], between[:, pieces.row]),
        between=between,
    )


def _find_between(pieces: Pieces, within: NDArray[np.int64], attends: Attends) -> NDArray[np.int64]:
    """[2, S] see `Units.between`: template pieces that are at neither end, all of a unit's side by side."""
    between = np.zeros((2, len(pieces.text)), dtype=np.int64)
    if attends.between:
        inside = np.flatnonzero(~pieces.in_text & ~attends.is_null(within, pieces.lengths[pieces.row]))
        row = pieces.row[inside]
        between[0, row[::-1]] = within[inside[::-1]]  # of a unit's pieces, the first is written last
        between[1, row] = within[inside] + 1
    return between


def _label_pieces(
    marks: Marks, pieces: Pieces, word: NDArray[np.int64], texts: tuple[str, ...], model: Reader
) -> dict[str, NDArray[np.int64]]:
    """[T] names of each label: a piece has its word's; one of no word has the last, which says so."""
    names = marks.schema.names
    # One more code than there are words: word −1 reads the last one.
    labels = {label: np.append(codes, len(names[label]) - 1)[word] for label, codes in marks.labels.items()}
    for label in marks.schema.labels:
        if label.source == "piece.special":
            labels[label.name] = special_kinds(pieces, texts, first_is_null=model.attends.leading > 0)
    return labels


def _link_pieces(marks: Marks, pieces: Pieces, word: NDArray[np.int64], mentions: Mentions) -> dict[str, Pairs]:
    by_pieces = {"piece.repeat": repeated, "piece.induction": inductive}

    def pairs(link: Link) -> Pairs:
        if link.source in by_pieces:
            return by_pieces[link.source](pieces)
        words = link_mentions(mentions, pieces, word) if link.source == COREFERENCE else marks.links[link.name]
        return spread(*words, pieces, word, directed=bool(link.edges))

    return {link.name: pairs(link) for link in marks.schema.links}


def _check_ids(pieces: Pieces, texts: Sentences, model: Reader) -> None:
    known = model.vocabulary
    unknown = np.flatnonzero(pieces.ids >= known)
    if len(unknown):
        text = texts.text[pieces.text[pieces.row[unknown[0]]]]
        raise ModelError(
            f"expected piece ids below {known}, the size of the model's vocabulary, found {pieces.ids[unknown[0]]} in "
            f"{text[:60]!r}; the tokenizer of {model.name} belongs to another model"
        )
