"""What one process does with one shard: read, annotate or measure, write. A Ray actor runs the same code."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from socket import gethostname
from typing import TYPE_CHECKING

import numpy as np

from attnmetrics.annotation import cache
from attnmetrics.annotation.cache import annotation_path
from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.marks import Marks, mark
from attnmetrics.annotation.sentence import Annotator, Declared, Sentences
from attnmetrics.annotation.sources import columns_to_read, read_label
from attnmetrics.annotation.vocabulary import count_names
from attnmetrics.assets import MODELS, PIPELINES
from attnmetrics.config import Masking, RunConfig
from attnmetrics.corpus import Document
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Effort, LanguageFacts
from attnmetrics.engine.memory import peak_memory_bytes
from attnmetrics.errors import AnnotationError, DamageError, ModelError
from attnmetrics.measuring.predicting import Predicting
from attnmetrics.measuring.selection import Sampling, choose, choose_units
from attnmetrics.measuring.tracing import Chunk
from attnmetrics.metrics.schema import SPECIAL, SPECIAL_LABEL, Schema
from attnmetrics.model.pack import Batching
from attnmetrics.pieces.units import (
    Units,
    check_window,
    count_pairs,
    count_windows,
    read_pairs,
    read_sentences,
    read_windows,
)
from attnmetrics.statistics.sampling import Selection, sample_hashes, smallest
from attnmetrics.statistics.splitting import Split
from attnmetrics.statistics.variability import Prefix
from attnmetrics.statistics.word_features import WordFeatures
from attnmetrics.store.commits import Commit, Counts, LeftOut
from attnmetrics.store.features import FeatureStore
from attnmetrics.store.importance import ImportanceStore
from attnmetrics.store.shards import PartContent, ShardContent, Store

if TYPE_CHECKING:
    from attnmetrics.measuring.shard import ShardResult
    from attnmetrics.model.language import LanguageModel
    from attnmetrics.model.load import Model, ModelFacts
    from attnmetrics.probing.sums import Summing
    from attnmetrics.probing.vectors import VectorFile


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is the same for every shard that is measured."""

    functions: Functions
    """the user's, of labels and links"""
    sampling: Sampling
    store: Store
    batching: Batching


@dataclass(frozen=True, slots=True)
class Differentiating:
    """What is the same for every shard whose importance is measured."""

    selection: Selection
    """the units"""
    how: Predicting
    store: ImportanceStore
    batching: Batching


@dataclass(frozen=True, slots=True)
class Extracting:
    """What is the same for every shard of a treebank that probes learn from."""

    sampling: Sampling
    store: FeatureStore
    batching: Batching
    vectors: "VectorFile | None"
    """of words; None: the model's own embeddings"""
    random: int | None
    """seed of weights that are drawn anew; None: the model's own"""


@dataclass(frozen=True, slots=True)
class Part:
    """Shards of a treebank that are summed up together."""

    index: int
    characters: int
    shards: tuple[int, ...]


KEPT_BYTES = 2 << 30
"""Features that a worker keeps in memory, so that a fit does not read them in every iteration."""


class KeptFeatures:
    """Features that were read, as many as there is room for."""

    def __init__(self) -> None:
        self._features: dict[tuple[str, tuple[int, ...]], WordFeatures] = {}
        self._bytes = 0

    def read(self, store: FeatureStore, shards: tuple[int, ...]) -> WordFeatures:
        """The features of some shards, from memory where they are there."""
        key = str(store.folder), shards
        if key in self._features:
            return self._features[key]
        features = WordFeatures.join([store.read(shard) for shard in shards])
        if self._bytes + features.maps.nbytes <= KEPT_BYTES:
            self._features[key] = features
            self._bytes += features.maps.nbytes
        return features


class Worker:
    """Loads the pipeline and the model when they are first needed, and keeps them."""

    def __init__(self, config: RunConfig, gold: Declared | None, columns: frozenset[str] = frozenset()) -> None:
        """A worker of a run.

        Args:
            config: of the run.
            gold: what a CoNLL-U corpus declares; None for text that a pipeline annotates.
            columns: of the annotation, that a pipeline is asked for.
        """
        self._config = config
        self._gold = gold
        self._columns = columns
        self._annotator: Annotator | None = None
        self._model: Model | None = None
        self._language_model: LanguageModel | None = None
        self._expected = ""
        self._fingerprint = ""
        self._random: tuple[int, Model] | None = None
        self._kept = KeptFeatures()

    def expect(self, fingerprint: str) -> None:
        """From now on, work with no other model than the one with this fingerprint; with any, where it is empty."""
        self._expected = fingerprint

    def declared(self) -> Declared:
        """The names that the pipeline declares; kept beside the annotations, for runs without the pipeline."""
        annotator = self._load_annotator()
        cache.save_declared(self._config.annotation_folder, annotator.fingerprint, annotator.declared)
        return annotator.declared

    def describe_model(self) -> "ModelFacts":
        """What the driver needs to know of the model.

        Raises:
            ConfigError: the model cannot read windows or pairs of the size that is wanted.
        """
        return self._load_model().describe()

    def find_batching(self) -> Batching:
        """How the model is given the units of the run (see `neighbours.find_batching`).

        Raises:
            ModelError: its attention is not finite.
        """
        from attnmetrics.model.neighbours import find_batching

        model, config = self._load_model(), self._config
        return find_batching(model, config.window or model.max_pieces, config.batch_pieces or model.batch_pieces)

    def describe_language_model(self, masking: Masking | None) -> LanguageFacts:
        """What the driver needs to know of the model with its language-model head.

        Raises:
            ModelError: it has no such head, or no mask where one is needed.
        """
        found = self._load_language_model()
        if masking in ("mask", "bert"):
            found.require_mask()
        return {"class": type(found.network).__name__, "causal": found.model.causal, "mask": found.mask}

    def annotate(self, shard: Shard, documents: Sequence[Document], fingerprint: str) -> Effort:
        """Annotate a shard's documents and cache the result.

        Raises:
            AnnotationError: the pipeline here is not the one with this fingerprint.
        """
        annotator = self._load_annotator()
        if annotator.fingerprint != fingerprint:
            raise AnnotationError(
                f"expected on {gethostname()} the pipeline {self._config.annotator} that the run was planned with, "
                "found another version of it or of spaCy; install the same there, then run the same command to go on"
            )
        start = time.perf_counter()
        annotated = annotator.annotate(documents)
        path = annotation_path(self._config.annotation_folder, fingerprint, shard.digest)
        cache.write(path, annotated, fingerprint=fingerprint, digest=shard.digest)
        return _effort(start, units=annotated.counts["sentences"], words=annotated.counts["words"])

    def count(self, shard: Shard, fingerprint: str, sources: Mapping[str, str], functions: Functions) -> Effort:
        """Count the names of some labels, name → source, in an annotated shard.

        Raises:
            DamageError: its annotations were damaged; they are removed.
        """
        start = time.perf_counter()
        sentences = self._read(shard, fingerprint, sources.values())
        names = {label: count_names(read_label(source, sentences, functions)) for label, source in sources.items()}
        return replace(_effort(start, units=len(sentences)), names=names)

    def count_units(self, shard: Shard, fingerprint: str) -> Effort:
        """Count the units of an annotated shard.

        Raises:
            DamageError: its annotations were damaged; they are removed.
        """
        config, start = self._config, time.perf_counter()
        sentences = self._read(shard, fingerprint, ())
        if config.window is None:
            return _effort(start, units=len(sentences))
        count = count_pairs if config.pairs else count_windows
        return _effort(start, units=count(sentences, self._load_model(), config.window))

    def measure(self, shard: Shard, fingerprint: str, measuring: Measuring) -> Effort:
        """Measure an annotated shard and commit its state.

        Raises:
            DamageError: its annotations were damaged; they are removed.
        """
        from attnmetrics.measuring.shard import measure

        model = self._load_model(measuring.batching)
        start = time.perf_counter()
        schema = measuring.store.schema
        sentences = self._read(shard, fingerprint, schema.sources)
        chosen = choose(measuring.sampling, sentences)
        units = self._read_units(chosen.sentences, mark(chosen.sentences, schema, measuring.functions), model)
        prefix_rows, prefix_hashes, map_sample = choose_units(measuring.sampling, units, chosen.metrics)
        split = Split.of(units.document_index - shard.first_document, shard.values, measuring.store.by)
        result = measure(
            units,
            model,
            batch_pieces=self._config.batch_pieces,
            exemplars=self._config.exemplars,
            typical=measuring.sampling.typical_units(shard.characters),
            metric_rows=chosen.metrics,
            prefix_rows=prefix_rows,
            map_sample=map_sample,
            split=split,
        )
        left_out = LeftOut(
            sentences_blank=self._count_blank(shard, fingerprint),
            sentences_not_sampled=len(sentences) - len(chosen.sentences),
            sentences_without_pieces=result.sentences_without_pieces,
            sentences_cut=int(result.state["sentences_cut"]),
            pieces_unaligned=int(result.state["pieces_unaligned"]),
        )
        commit = Commit(shard.index, shard.first_document, _counts(result, units), left_out)
        prefix = Prefix(result.blocks, prefix_hashes)
        parts = {
            part: PartContent(state, np.flatnonzero(split.has(part)[prefix_rows]))
            for part, state in result.parts.items()
        }
        measuring.store.write(
            commit,
            ShardContent(
                state=result.state,
                prefix=prefix,
                exemplars=result.exemplars,
                claims=result.claims,
                typical=result.typical,
                tokens=result.tokens,
                passages=result.passages,
                parts=parts,
            ),
        )
        return _effort(start, units=commit.counts.sentences, pieces=commit.counts.pieces)

    def trace(self, chunk: Chunk, store: Store, batching: Batching) -> Effort:
        """Trace the attention in some exemplars."""
        from attnmetrics.measuring.sparse import trace_heads

        model = self._load_model(batching)
        start = time.perf_counter()
        pieces = self._config.batch_pieces
        store.write_traces(chunk.digest, trace_heads(model, chunk.units, chunk.wanted, pieces, chunk.segments))
        return _effort(start, units=len(chunk.units))

    def sample(self, shard: Shard, fingerprint: str, number: int) -> Effort:
        """Find the units of an annotated shard with the smallest hashes, at most so many.

        Raises:
            DamageError: its annotations were damaged; they are removed.
        """
        model = self._load_model()
        start = time.perf_counter()
        units = self._read_pieces(self._read(shard, fingerprint, ()), model)
        hashes = sample_hashes(self._config.seed, units.document, units.number)
        first = smallest(hashes, units.document_index, units.number, number)
        keys = hashes[first], units.document_index[first], units.number[first]
        return replace(_effort(start, units=len(units)), keys=keys)

    def importance(self, shard: Shard, fingerprint: str, differentiating: Differentiating) -> Effort:
        """Measure how much a loss depends on attention in some units of an annotated shard, and commit it.

        Raises:
            DamageError: its annotations were damaged; they are removed.
        """
        from attnmetrics.measuring.importance import measure_importance

        model = self._load_language_model(differentiating.batching)
        start = time.perf_counter()
        sentences, selection = self._read(shard, fingerprint, ()), differentiating.selection
        if self._config.window is None:
            sentences = choose(Sampling(self._config.seed, selection, None, None, None), sentences).sentences
        units = self._read_pieces(sentences, model.model)
        hashes = sample_hashes(self._config.seed, units.document, units.number)
        rows = np.flatnonzero(selection.selects(hashes, units.document_index, units.number))
        store, how = differentiating.store, differentiating.how
        state = measure_importance(units, rows, model, how, store.layout, self._config.batch_pieces)
        store.write(shard.index, state)
        return _effort(start, units=len(rows), pieces=int(units.pieces.lengths[rows].sum()))

    def extract(self, shard: Shard, fingerprint: str, extracting: Extracting) -> Effort:
        """Make what probes learn from of an annotated shard, and commit it.

        Raises:
            DamageError: its annotations were damaged; they are removed.
        """
        from attnmetrics.probing.features import extract

        model = self._load_model(extracting.batching)
        if extracting.random is not None:
            model = self._randomise(model, extracting.random)
        start = time.perf_counter()
        sentences = self._read(shard, fingerprint, ("word.rel", "word.form"))
        chosen = choose(extracting.sampling, sentences).sentences
        pieces = self._config.batch_pieces
        seed = extracting.sampling.seed
        features = extract(chosen, model, seed=seed, vectors=extracting.vectors, batch_pieces=pieces)
        extracting.store.write(shard.index, shard.first_document, features)
        return _effort(start, units=len(features), words=len(features.head))

    def sum_up(self, part: Part, store: FeatureStore, summing: "Summing") -> Effort:
        """What a part of a treebank adds to a probe.

        Raises:
            DamageError: what probes learn from was damaged; its commit is taken back.
        """
        import torch

        torch.set_num_threads(1)  # with more, the order of additions depends on their number
        start = time.perf_counter()
        features = self._kept.read(store, part.shards)
        sums = summing.sums(features, self._config.threads)
        return replace(_effort(start, units=len(features), words=len(features.head)), sums=sums)

    def _randomise(self, model: "Model", seed: int) -> "Model":
        """The model with weights drawn anew; that of the last seed is kept."""
        from attnmetrics.model.randomise import randomise

        if self._random is None or self._random[0] != seed:
            self._random = seed, randomise(model, seed)
        return self._random[1]

    def _read(self, shard: Shard, fingerprint: str, sources: Collection[str]) -> Sentences:
        """A shard's annotations, with the columns that these sources need.

        Raises:
            DamageError: they were damaged; they are removed.
        """
        path = annotation_path(self._config.annotation_folder, fingerprint, shard.digest)
        try:
            columns = columns_to_read(sources, cache.read_columns(path))
            return cache.read(path, columns, shard.first_document)
        except DamageError:
            cache.remove(path)
            raise

    def _count_blank(self, shard: Shard, fingerprint: str) -> int:
        path = annotation_path(self._config.annotation_folder, fingerprint, shard.digest)
        return cache.read_counts(path)["sentences_blank"]

    def _read_units(self, sentences: Sentences, marks: Marks, model: "Model") -> Units:
        config = self._config
        if config.window is None:
            return read_sentences(sentences, marks, model)
        if config.pairs:
            return read_pairs(sentences, marks, model, config.window, config.segment_ids)
        return read_windows(sentences, marks, model, config.window)

    def _read_pieces(self, sentences: Sentences, model: "Model") -> Units:
        """Units with no other label than `special`, and no link."""
        schema = Schema(model.layers, model.heads, (SPECIAL_LABEL,), (), {SPECIAL_LABEL.name: SPECIAL})
        return self._read_units(sentences, mark(sentences, schema, Functions()), model)

    def _load_annotator(self) -> Annotator:
        if self._annotator is None:
            self._annotator = load_annotator(self._config, self._gold, self._columns)
        return self._annotator

    def _load_model(self, batching: Batching | None = None) -> "Model":
        """The model, given sentences in this way; unset, as it was loaded.

        Raises:
            ModelError: it is not the one that is expected.
        """
        if self._model is None:
            self._model = _load(self._config)
            _check_unit(self._config, self._model)
        if self._expected:
            self._refuse_another(self._model)
        return self._model if batching is None else self._model.keep_to(batching)

    def _refuse_another(self, model: "Model") -> None:
        """Refuse a model that is not the expected one; its files are read for that once."""
        self._fingerprint = self._fingerprint or model.fingerprint
        if self._fingerprint != self._expected:
            raise ModelError(
                f"expected on {gethostname()} the files of {model.name} that the run began with, found others in "
                f"{model.folder}; put these there or use a folder that all share; then run the same command to go on"
            )

    def _load_language_model(self, batching: Batching | None = None) -> "LanguageModel":
        """The model with its head, given units in this way; from then on it is the model without it too."""
        from attnmetrics.model.language import load_language_model

        if self._language_model is None:
            config = self._config
            found = load_language_model(self._load_model(), config.trust_remote_code, config.allow_pickle)
            self._language_model, self._model = found, found.model
        return self._language_model if batching is None else self._language_model.keep_to(batching)


def _check_unit(config: RunConfig, model: "Model") -> None:
    """Refuse windows or pairs that the model cannot read."""
    from attnmetrics.model.segments import check_pair

    if config.pairs and config.window:
        check_pair(config.window, model)
    elif config.window:
        check_window(config.window, model)


def _load(config: RunConfig) -> "Model":
    from attnmetrics.model.load import load_model

    return load_model(
        str(MODELS.get(config.model, config.model)),
        revision=config.revision,
        device=config.device,
        dtype=config.dtype,
        null_tokens=config.null_tokens,
        layers=config.layers,
        threads=config.threads,
        trust_remote_code=config.trust_remote_code,
        allow_pickle=config.allow_pickle,
        stack=config.stack,
    )


def load_annotator(config: RunConfig, gold: Declared | None, columns: frozenset[str]) -> Annotator:
    """The annotator of a run; its pipeline is loaded when it is first needed."""
    if gold is not None:
        from attnmetrics.annotation.conllu import ConlluAnnotator

        return ConlluAnnotator(gold)
    from attnmetrics.annotation.spacy import SpacyAnnotator

    return SpacyAnnotator(str(PIPELINES.get(config.annotator, config.annotator)), columns)


def _counts(result: "ShardResult", units: Units) -> Counts:
    return Counts(
        sentences=int(result.state["sentences"]),
        pieces=int(result.state["pieces"]),
        exemplar_sentences=len(units),
        prefix_sentences=len(result.blocks),
    )


def _effort(start: float, units: int, words: int = 0, pieces: int = 0) -> Effort:
    return Effort(time.perf_counter() - start, peak_memory_bytes(), units, words, pieces)
