"""A corpus cut into shards of whole documents; the cut depends on the corpus and the configuration alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from attnmetrics.annotation.cache import annotation_path
from attnmetrics.annotation.conllu import LabelScan
from attnmetrics.annotation.sentence import Labels
from attnmetrics.assets import CORPORA
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document, digest, read_documents
from attnmetrics.errors import CorpusError
from attnmetrics.storage import Location


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


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do."""

    shards: tuple[Shard, ...]
    digest: str
    """of the whole corpus"""
    gold_labels: Labels | None
    """tags and relations of a CoNLL-U corpus; None for text that a pipeline annotates"""
    left_out: dict[str, int]
    """what reading left out or cut, counted by reason"""

    @property
    def documents(self) -> int:
        """Documents in all shards."""
        return sum(shard.documents for shard in self.shards)

    @property
    def characters(self) -> int:
        """Characters in all shards."""
        return sum(shard.characters for shard in self.shards)


def make_plan(config: RunConfig) -> Plan:
    """Read the corpus once, as a stream, and cut it.

    Raises:
        CorpusError: the corpus is missing, empty or malformed.
    """
    left_out: Counter[str] = Counter()
    scan = LabelScan()
    shards = []
    gold = False
    for shard, documents in cut(_read(config, left_out), config.shard_characters):
        gold = documents[0].gold
        for document in documents if gold else ():
            scan.add(document)
        shards.append(shard)
    whole = blake2b("".join(shard.digest for shard in shards).encode(), digest_size=16).hexdigest()
    return Plan(tuple(shards), whole, scan.labels if gold else None, dict(left_out))


def read_shards(config: RunConfig, plan: Plan, wanted: set[int]) -> Iterator[tuple[Shard, tuple[Document, ...]]]:
    """Read the corpus again and give the documents of the wanted shards.

    Raises:
        CorpusError: the corpus is no longer the one that was planned.
    """
    if not wanted:
        return
    last = max(wanted)
    for shard, documents in cut(_read(config, Counter()), config.shard_characters):
        if shard.index >= len(plan.shards) or shard != plan.shards[shard.index]:
            raise CorpusError(
                f"the corpus changed while it was read: shard {shard.index} (documents from number "
                f"{shard.first_document}) is not the one that was planned; start again when the files are at rest"
            )
        if shard.index in wanted:
            yield shard, documents
        if shard.index == last:
            return


def annotation_file(config: RunConfig, annotator_fingerprint: str, shard: Shard) -> Location:
    """Where the annotations of a shard are, or will be."""
    return annotation_path(config.annotation_folder, annotator_fingerprint, shard.digest)


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


def _read(config: RunConfig, left_out: Counter[str]) -> Iterator[Document]:
    return read_documents(
        [str(CORPORA.get(path, path)) for path in config.corpus],
        format=config.format,
        text_field=config.text_field,
        id_field=config.id_field,
        text_documents=config.text_documents,
        max_documents=config.max_documents,
        left_out=left_out,
    )
