"""A corpus cut into shards of whole documents; the cut depends on the corpus and the configuration alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from attnmetrics.assets import CORPORA
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document, digest, read_documents
from attnmetrics.corpus.omissions import Omissions
from attnmetrics.corpus.values import Fields, Values

LARGEST = 200_000
"""Characters of a shard whose size nobody chose, unless one document has more."""

FEWEST = 64
"""Shards that such a corpus has, where it has as many documents: intervals come from differences between them."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of whole documents."""

    index: int
    first_document: int
    """position of its first document in the corpus"""
    documents: int
    characters: int
    digest: str
    """of its documents' ids and texts"""
    values: tuple[Values, ...] = ()
    """of each of its documents, where results are split by fields"""


def cut(documents: Iterable[Document], shard_characters: int | None) -> Iterator[tuple[Shard, tuple[Document, ...]]]:
    """Shards of a corpus, in order.

    Args:
        documents: of the corpus, read once.
        shard_characters: a shard is closed with the document by which it reaches so many. None: before it would have
            more than the first `FEWEST` times `LARGEST` characters of the corpus ask for (see `find_most`).
    """
    if shard_characters is None:
        most, documents = _look_ahead(documents)
        groups = _up_to(documents, most)
    else:
        groups = _reaching(documents, shard_characters)
    first = 0
    for index, held in enumerate(groups):
        yield _shard(index, first, held), tuple(held)
        first += len(held)


def find_most(lengths: list[int]) -> int:
    """Most characters of a shard, `LARGEST` at most, with which these documents make `FEWEST` shards.

    >>> find_most([1000] * 128), find_most([1000] * 10), find_most([100_000] * 200)
    (2999, 1999, 200000)
    """
    wanted = min(FEWEST, len(lengths))
    low, high = 0, LARGEST  # of `low`, every document makes a shard
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _count(lengths, middle) >= wanted else (low, middle - 1)
    return low


def _count(lengths: list[int], most: int) -> int:
    """Shards that documents of these lengths make."""
    shards, held = 0, most + 1
    for length in lengths:
        shards, held = (shards + 1, length) if held + length > most else (shards, held + length)
    return shards


def _look_ahead(documents: Iterable[Document]) -> tuple[int, Iterator[Document]]:
    """Most characters of a shard, found from the first documents, and all documents."""
    rest, characters = iter(documents), 0
    head: list[Document] = []
    for document in rest:
        head.append(document)
        characters += len(document.text)
        if characters >= FEWEST * LARGEST:
            break
    return find_most([len(document.text) for document in head]), chain(head, rest)


def _up_to(documents: Iterable[Document], most: int) -> Iterator[list[Document]]:
    """Documents together while they have no more characters than these."""
    held: list[Document] = []
    characters = 0
    for document in documents:
        if held and characters + len(document.text) > most:
            yield held
            held, characters = [], 0
        held.append(document)
        characters += len(document.text)
    if held:
        yield held


def _reaching(documents: Iterable[Document], least: int) -> Iterator[list[Document]]:
    """Documents together until they have so many characters."""
    held: list[Document] = []
    characters = 0
    for document in documents:
        held.append(document)
        characters += len(document.text)
        if characters >= least:
            yield held
            held, characters = [], 0
    if held:
        yield held


def _shard(index: int, first: int, documents: list[Document]) -> Shard:
    characters = sum(len(document.text) for document in documents)
    values = tuple(document.values for document in documents) if documents[0].values else ()
    return Shard(index, first, len(documents), characters, digest(documents), values)


def stream(config: RunConfig, left_out: Omissions, fields: Fields | None = None) -> Iterator[Document]:
    """The documents of a run; what reading leaves out is counted in `left_out`. Unset, `fields` are the run's."""
    return read_documents(
        [str(CORPORA.get(path, path)) for path in config.corpus],
        format=config.format,
        text_field=config.text_field,
        id_field=config.id_field,
        text_documents=config.text_documents,
        max_documents=config.max_documents,
        left_out=left_out,
        fields=fields or Fields(config.by),
    )
