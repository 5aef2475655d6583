"""What there is to do: the corpus, read once as a stream and cut into shards."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from hashlib import blake2b

from attnmetrics.annotation import conllu, pipeline
from attnmetrics.annotation.conllu import ConlluAnnotator, LabelScan
from attnmetrics.annotation.sentence import Declared
from attnmetrics.assets import PIPELINES
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document
from attnmetrics.corpus.omissions import Omissions
from attnmetrics.corpus.shards import Shard, cut, stream
from attnmetrics.corpus.values import Fields, ValueScan
from attnmetrics.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do."""

    shards: tuple[Shard, ...]
    digest: str
    """of the whole corpus"""
    gold: Declared | None
    """tags and relations of a CoNLL-U corpus; None for text that a pipeline annotates"""
    most_sentences: int
    """sentences in all shards; of text, whose sentences are not known yet, no more than this, its characters"""
    omissions: Omissions
    """what reading left out or cut"""
    by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """by field that results are split by, how many documents have each value"""

    @property
    def documents(self) -> int:
        """Documents in all shards."""
        return sum(shard.documents for shard in self.shards)

    @property
    def characters(self) -> int:
        """Characters in all shards."""
        return sum(shard.characters for shard in self.shards)

    @property
    def values_digest(self) -> str:
        """Of the values of all documents."""
        state = blake2b(digest_size=16)
        for shard in self.shards:
            state.update(repr(shard.values).encode())
        return state.hexdigest()


def annotator_fingerprint(config: RunConfig, plan: Plan) -> str:
    """What names the annotator of a plan's corpus, and all that decides what comes out of it.

    Raises:
        AnnotationError: there is no such pipeline.
    """
    if plan.gold is not None:
        return ConlluAnnotator.fingerprint
    return pipeline.digest_pipeline(str(PIPELINES.get(config.annotator, config.annotator)))


def check_columns(plan: Plan, columns: Set[str]) -> None:
    """Refuse columns of the annotation that a plan's kind of corpus has not, whatever its pipeline.

    Raises:
        AnnotationError: naming them.
    """
    check = pipeline.check_columns if plan.gold is None else conllu.check_columns
    check(columns)


def make_plan(config: RunConfig) -> Plan:
    """Read the corpus once, as a stream, and cut it.

    Raises:
        CorpusError: the corpus is missing, empty or malformed; no document has a field of `config.by`, or there are too
            many values of it.
    """
    omissions, fields = Omissions(), Fields(config.by)
    scan, values = LabelScan(), ValueScan(fields)
    shards = []
    gold, sentences = False, 0
    for shard, documents in cut(stream(config, omissions, fields), config.shard_characters):
        values.add(documents)
        gold = documents[0].gold
        sentences += sum(map(scan.add, documents)) if gold else shard.characters
        shards.append(shard)
    whole = blake2b("".join(shard.digest for shard in shards).encode(), digest_size=16).hexdigest()
    omissions.update(scan.unread)
    return Plan(tuple(shards), whole, scan.declared if gold else None, sentences, omissions, values.read())


def read_shards(config: RunConfig, plan: Plan, wanted: set[int]) -> Iterator[tuple[Shard, tuple[Document, ...]]]:
    """Read the corpus again and give the documents of the wanted shards.

    Raises:
        CorpusError: the corpus is no longer the one that was planned.
    """
    if not wanted:
        return
    last = max(wanted)
    for shard, documents in cut(stream(config, Omissions()), config.shard_characters):
        if shard != plan.shards[shard.index]:
            raise _changed(shard, "is not the one that was planned")
        if shard.index in wanted:
            yield shard, documents
        if shard.index == last:
            return
    raise _changed(plan.shards[last], "is no longer there")


def _changed(shard: Shard, how: str) -> CorpusError:
    return CorpusError(
        f"the corpus changed while it was read: shard {shard.index} (documents from number {shard.first_document}) "
        f"{how}; start again when the files are at rest"
    )
