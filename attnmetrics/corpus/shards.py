"""A corpus cut into shards of whole documents; the cut depends on the corpus and the configuration alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from attnmetrics.assets import CORPORA
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document, digest, read_documents
from attnmetrics.corpus.omissions import Omissions


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


def cut(documents: Iterable[Document], shard_characters: int) -> Iterator[tuple[Shard, tuple[Document, ...]]]:
    """Close a shard at the end of the document with which it reaches `shard_characters`."""
    index = first = characters = 0
    held: list[Document] = []
    for document in documents:
        held.append(document)
        characters += len(document.text)
        if characters >= shard_characters:
            yield _shard(index, first, held), tuple(held)
            index, first, characters, held = index + 1, first + len(held), 0, []
    if held:
        yield _shard(index, first, held), tuple(held)


def _shard(index: int, first: int, documents: list[Document]) -> Shard:
    characters = sum(len(document.text) for document in documents)
    return Shard(index, first, len(documents), characters, digest(documents))


def stream(config: RunConfig, left_out: Omissions) -> Iterator[Document]:
    """The documents of a run; what reading leaves out is counted in `left_out`."""
    return read_documents(
        [str(CORPORA.get(path, path)) for path in config.corpus],
        format=config.format,
        text_field=config.text_field,
        id_field=config.id_field,
        text_documents=config.text_documents,
        max_documents=config.max_documents,
        left_out=left_out,
    )
