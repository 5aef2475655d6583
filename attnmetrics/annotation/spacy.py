"""Annotations by any spaCy pipeline that gives parts of speech and dependencies, a shard's words as arrays.

White space is no word: its tokens are left out, and a word attached to one is in no dependency with its head, which has
no pieces. spaCy is imported when the first text is annotated, not for the fingerprint.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.mentions import MENTIONS, Span, make_mentions
from attnmetrics.annotation.pipeline import (
    ATTRIBUTES,
    CLUSTER,
    EXTENSION,
    check_columns,
    declared_entities,
    declared_relations,
    digest_pipeline,
    load_pipeline,
    may_give_mentions,
)
from attnmetrics.annotation.sentence import (
    ABSENT,
    NO_ENTITY,
    NO_MENTIONS,
    Annotated,
    Column,
    Declared,
    Sentences,
    count,
    declare,
)
from attnmetrics.corpus import Document
from attnmetrics.corpus.document import cut
from attnmetrics.errors import AnnotationError, first_line
from attnmetrics.metrics.family import NO_LABEL

UPOS: Final = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM",
    "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X",
)  # fmt: skip
"""The universal parts of speech (https://universaldependencies.org/u/pos)."""
TEXT_LIMIT = 100_000
"""Characters given to the pipeline as one text; a longer document is cut as long documents are, to bound the memory."""
BATCH_CHARACTERS = 100_000
BATCH_TEXTS = 128
_TOKEN: Final = ("IDX", "LENGTH", "IS_SPACE", "SENT_START", "HEAD")
"""The first attributes of each token; the others are columns."""
_UNSET: Final = {"entity": NO_ENTITY}
"""Column → name of a word for which the pipeline sets nothing; `_` in the others."""
_KINDS: Final = {"pos": "part of speech", "rel": "relation", "entity": "type of entity"}
"""Column → what its names are called."""


class SpacyAnnotator:
    """A spaCy pipeline, by the name of an installed package or the path of a folder.

    Args:
        name_or_path: of the pipeline.
        columns: asked for beyond those that cost nothing: `entity`, `ext.KEY`, `lemma` of a trained lemmatizer.

    Raises:
        AnnotationError: a column is asked for that no pipeline gives.
    """

    def __init__(self, name_or_path: str, columns: Collection[str] = ()) -> None:
        self.name = name_or_path
        self._asked = frozenset(columns)
        check_columns(self._asked)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the pipeline and of spaCy's version.

        Raises:
            AnnotationError: spaCy is not installed, or there is no such pipeline.
        """
        return digest_pipeline(self.name)

    @cached_property
    def declared(self) -> Declared:
        """The universal parts of speech, the relations that the pipeline declares, its types of entities if asked for.

        Raises:
            AnnotationError: as `pipeline`.
        """
        declared = {"pos": declare(UPOS), "rel": declare(declared_relations(self.pipeline, self.name))}
        declared |= {MENTIONS: declare(())} if may_give_mentions(self.pipeline) else {}
        entities = declared_entities(self.pipeline) if "entity" in self.columns else None
        return declared if entities is None else {**declared, "entity": declare(entities)}

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        """The sentences of one shard.

        Raises:
            AnnotationError: as `declared`; or the pipeline fails, or gives a name that it does not declare.
        """
        tables: list[NDArray[np.int64]] = []
        texts: list[_Text] = []
        spans: list[Span] = []
        tokens = 0
        for batch in _batches(_texts(documents, self._text_limit)):
            for text, doc in zip(batch, self._parsed(batch), strict=True):
                spans += _clusters(doc, len(texts), tokens)
                tables.append(_table(doc, text, self.columns))
                texts.append(text)
                tokens += len(doc)
        words, total = _words(tables, texts, self.columns)
        columns = {name: self._column(name, keys) for name, keys in words.columns.items()}
        mentions = make_mentions(list(_of_words(spans, tables)), _parents(words)) if spans else NO_MENTIONS
        sentences = replace(_sentences(words, texts, columns), mentions=mentions)
        return Annotated(sentences, count(sentences, len(documents), total - len(sentences)))

    @property
    def pipeline(self) -> Any:
        """The spaCy pipeline, without the components that nothing asks for.

        Raises:
            AnnotationError: it cannot be loaded, or lacks dependencies, parts of speech, or what is asked for.
        """
        return self._loaded[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that come out.

        Raises:
            AnnotationError: as `pipeline`.
        """
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[Any, tuple[str, ...]]:
        return load_pipeline(self.name, self._asked)

    @property
    def _text_limit(self) -> int:
        return min(TEXT_LIMIT, int(self.pipeline.max_length))

    def _parsed(self, batch: list["_Text"]) -> Iterator[Any]:
        """The spaCy documents of a batch."""
        try:
            yield from self.pipeline.pipe([text.text for text in batch], batch_size=len(batch))
        except Exception as error:  # a pipeline's components raise anything
            first, last = batch[0].document, batch[-1].document
            raise AnnotationError(
                f"the pipeline {self.name} failed on the documents {first.id!r} to {last.id!r} ({last.path}): "
                f"{type(error).__name__}: {first_line(error)}; leave these out, or take another pipeline "
                "with --annotator"
            ) from error

    def _column(self, name: str, keys: NDArray[np.int64]) -> Column:
        """The names of these keys of the string store, [W]."""
        distinct, codes = np.unique(keys, return_inverse=True)
        strings = self.pipeline.vocab.strings
        unset = _UNSET.get(name, NO_LABEL)
        names = [strings[int(key)] or unset for key in distinct.astype(np.uint64)]
        if name == "pos":
            names = [NO_LABEL if tag == "SPACE" else tag for tag in names]
        if name in self.declared:
            self._check_declared(name, names)
        return Column(tuple(names), codes).rename(names)

    def _check_declared(self, column: str, names: Sequence[str]) -> None:
        declared = self.declared[column]
        if unknown := [name for name in names if name not in declared]:
            raise AnnotationError(
                f"expected every {_KINDS[column]} that the pipeline {self.name} gives among {', '.join(declared)}; "
                f"found {', '.join(unknown)} too; take a pipeline with universal tags that declares all that it gives"
            )


@dataclass(frozen=True, slots=True)
class _Text:
    """What the pipeline reads as one text: a document, or a part of a long one."""

    index: int
    document: Document
    text: str


def _texts(documents: Sequence[Document], limit: int) -> Iterator[_Text]:
    for index, document in enumerate(documents):
        for text in cut([document.text], limit):
            yield _Text(index, document, text)


def _batches(texts: Iterator[_Text]) -> Iterator[list[_Text]]:
    """Texts in groups of some `BATCH_CHARACTERS`; they depend on the shard alone."""
    batch: list[_Text] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.text)
        if size >= BATCH_CHARACTERS or len(batch) == BATCH_TEXTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _table(doc: Any, text: _Text, columns: tuple[str, ...]) -> NDArray[np.int64]:
    """[T, 5 + columns] a row for each token of one text: `_TOKEN`, then keys of the string store; checked."""
    kept = [column for column in columns if column in ATTRIBUTES]
    attributes = [*_TOKEN, *(ATTRIBUTES[column] for column in kept)]
    table: NDArray[np.int64] = doc.to_array(attributes).astype(np.int64).reshape(-1, len(attributes))
    if doc.text != text.text:
        raise AnnotationError(
            f"expected the pipeline's tokens to spell the document {text.document.id!r} ({text.document.path}), "
            "found other characters; take a pipeline whose tokenizer keeps the text"
        )
    _check_given(table, attributes, text)
    extensions = [_extension(doc, column.removeprefix(EXTENSION), text) for column in columns[len(kept) :]]
    return np.column_stack([table, *extensions])


def _check_given(table: NDArray[np.int64], attributes: list[str], text: _Text) -> None:
    """Refuse a text that has words, but none with a relation or a part of speech."""
    if table[:, _TOKEN.index("IS_SPACE")].all():
        return
    for attribute, what in (("DEP", "dependencies"), ("POS", "parts of speech")):
        if not table[:, attributes.index(attribute)].any():
            raise AnnotationError(
                f"the pipeline gives no {what} for the document {text.document.id!r} ({text.document.path}); take "
                "another pipeline with --annotator"
            )


def _extension(doc: Any, key: str, text: _Text) -> NDArray[np.int64]:
    """[T] `token._.KEY` as text, as keys of the string store; `none` where it is None or blank."""
    try:
        values = [token._.get(key) for token in doc]
        texts = ["" if value is None else str(value) for value in values]
        names = [text if text.strip() else ABSENT for text in texts]
        keys = [doc.vocab.strings.add(name) for name in names]
    except Exception as error:  # an extension runs any code
        raise AnnotationError(
            f"the extension {key} of the pipeline's tokens failed on the document {text.document.id!r} "
            f"({text.document.path}): {type(error).__name__}: {first_line(error)}; correct it"
        ) from error
    return np.array(keys, np.uint64).astype(np.int64)


def _clusters(doc: Any, text: int, tokens: int) -> Iterator[Span]:
    """The mentions in a text, their words counted as tokens, from the number of those before the text on."""
    for key, group in doc.spans.items():
        for span in group if key.startswith(CLUSTER) else ():
            spelled = " ".join(token.text for token in span if not token.is_space)
            yield Span(tokens + span.start, tokens + span.end - 1, (text, key), spelled)


def _of_words(spans: list[Span], tables: list[NDArray[np.int64]]) -> Iterator[Span]:
    """The mentions with words counted as words, without those of white space alone."""
    is_word = np.concatenate([table[:, _TOKEN.index("IS_SPACE")] == 0 for table in tables])
    before = np.concatenate([[0], np.cumsum(is_word)]).tolist()
    for span in spans:
        first, end = before[span.first], before[span.last + 1]
        if first < end:
            yield replace(span, first=first, last=end - 1)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a shard, white space left out; every array [W]."""

    text: NDArray[np.int64]
    """Which of the texts"""
    sentence: NDArray[np.int64]
    """Which of the shard's sentences, blank ones counted"""
    start: NDArray[np.int64]
    """First character in the text"""
    end: NDArray[np.int64]
    head: NDArray[np.int64]
    """Which of the shard's words; itself for a root"""
    columns: Mapping[str, NDArray[np.int64]]
    """Keys of spaCy's string store"""


def _words(tables: list[NDArray[np.int64]], texts: list[_Text], columns: tuple[str, ...]) -> tuple[_Words, int]:
    """The words, and the number of sentences, blank ones counted."""
    tokens = np.concatenate([np.zeros((0, len(_TOKEN) + len(columns)), np.int64), *tables])
    start, length, is_space, sent_start, head, *keys = tokens.T
    text = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    sentence = np.cumsum((sent_start == 1) | (np.diff(text, prepend=-1) != 0)) - 1
    head = np.arange(len(tokens)) + head
    _check_heads(head, sentence, texts, text)
    word = is_space == 0
    # from here on rows are words: tokens count as the words before them, a head that is white space as the word itself
    number = np.cumsum(word) - 1
    head = number[np.where(word[head], head, np.arange(len(tokens)))[word]]
    kept = {name: own[word] for name, own in zip(columns, keys, strict=True)}
    words = _Words(text[word], sentence[word], start[word], (start + length)[word], head, kept)
    return words, int(sentence[-1]) + 1 if len(sentence) else 0


def _parents(words: _Words) -> list[int]:
    """[W] the head of each word; −1 for a root."""
    is_root = words.head == np.arange(len(words.head))
    return np.where(is_root, -1, words.head).tolist()  # type: ignore[no-any-return]


def _check_heads(
    head: NDArray[np.int64], sentence: NDArray[np.int64], texts: list[_Text], text: NDArray[np.int64]
) -> None:
    """Refuse a token, [T], whose head stands in another sentence."""
    outside = np.flatnonzero(sentence[head] != sentence)
    if len(outside):
        document = texts[text[outside[0]]].document
        raise AnnotationError(
            f"expected every word's head in its own sentence, found one outside in the document {document.id!r} "
            f"({document.path}); take a pipeline that splits sentences in the parser or before it"
        )


def _sentences(words: _Words, texts: list[_Text], columns: Mapping[str, Column]) -> Sentences:
    """The sentences that have words."""
    # A row for each sentence: its first word, and where this begins in its text.
    lengths = np.unique(words.sentence, return_counts=True)[1]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    first = offsets[:-1]
    begin = words.start[first]
    text_of = words.text[first]
    spans = zip(*_lists(text_of, begin, words.end[offsets[1:] - 1]), strict=True)
    document_index = np.array([text.index for text in texts], np.int64)[text_of]
    # from here on rows are words
    first, begin = np.repeat(first, lengths), np.repeat(begin, lengths)
    is_root = words.head == np.arange(len(words.head))
    return Sentences(
        document=tuple(texts[t].document.id for t in text_of.tolist()),
        document_index=document_index,
        sentence=_positions(document_index),
        text=tuple(texts[t].text[b:e] for t, b, e in spans),
        word_offsets=offsets,
        word_start=words.start - begin,
        word_end=words.end - begin,
        word_head=np.where(is_root, -1, words.head - first),
        columns=columns,
    )


def _lists(*arrays: NDArray[np.int64]) -> list[list[int]]:
    return [array.tolist() for array in arrays]


def _positions(document_index: NDArray[np.int64]) -> NDArray[np.int64]:
    """[S] number of each sentence within its run of equal documents: 0 1 0 1 2 of documents 0 0 3 3 3."""
    rows = np.arange(len(document_index))
    first = np.diff(document_index, prepend=-1) != 0
    return rows - np.maximum.accumulate(np.where(first, rows, 0))
