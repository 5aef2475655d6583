"""What all contenders work on: a model's folder, annotated sentences, their pieces."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.marks import mark
from attnmetrics.annotation.sentence import Declared, Sentences
from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.assets import PIPELINES
from attnmetrics.benchmark.shapes import SHAPES, Shape
from attnmetrics.corpus import Document
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.model.checkpoint import quiet
from attnmetrics.model.load import Dtype, Model, load_model
from attnmetrics.pieces.units import Units, read_sentences, read_windows

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Material:
    """Natural text, and a model to read it."""

    folder: Path
    """the model's"""
    sentences: Sentences
    """of natural lengths"""
    running: Sentences
    """a whole corpus as one document"""
    declared: Declared
    """names of the sentences' parts of speech and relations"""
    threads: int
    device: Device

    def load(self, dtype: Dtype) -> Model:
        """The model as a run loads it."""
        return load_model(str(self.folder), dtype=dtype, device=self.device, threads=self.threads)

    def schema(self, layers: tuple[int, ...], heads: int) -> Schema:
        """What a run of a model with so many heads measures."""
        return Schema(layers, heads, LABELS, LINKS, {**self.declared, "special": SPECIAL})

    def read(self, model: Model) -> Units:
        """The sentences as a worker reads them."""
        schema = self.schema(model.layers, model.heads)
        return read_sentences(self.sentences, mark(self.sentences, schema, Functions()), model)

    def read_windows(self, model: Model, sentences: int, size: int) -> Units:
        """The first so many sentences of the running text, from its beginning again at its end, as windows."""
        rows = np.arange(sentences)
        running = replace(self.running.take(rows % len(self.running)), sentence=rows)
        schema = self.schema(model.layers, model.heads)
        return read_windows(running, mark(running, schema, Functions()), model, size)

    def network(self, dtype: Dtype, attention: str) -> Any:
        """The base model as transformers loads it."""
        from transformers import AutoModel

        kind = getattr(torch, dtype)
        with quiet():
            network = AutoModel.from_pretrained(self.folder, dtype=kind, attn_implementation=attention)
        return network.eval().to(self.device)


@contextmanager
def gather(
    documents: Sequence[Document],
    sentences: int,
    threads: int,
    shape: Shape = SHAPES["gpt2"],
    device: Device | None = None,
) -> Iterator[Material]:
    """Annotate documents, take a number of their sentences evenly, and make a model.

    Args:
        documents: whose sentences are read.
        sentences: how many, at most.
        threads: of each contender.
        shape: the model's.
        device: where it runs; unset, on a GPU if there is one.
    """
    annotator = SpacyAnnotator(str(PIPELINES["en_ud_core"]))
    found = annotator.annotate(documents).sentences
    rows = np.unique(np.linspace(0, len(found) - 1, min(sentences, len(found))).astype(np.int64))
    joined = replace(found, document_index=np.zeros_like(found.document_index), sentence=np.arange(len(found)))
    place: Device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with TemporaryDirectory() as folder:
        shape.save(Path(folder))
        yield Material(Path(folder), found.take(rows), joined, annotator.declared, threads, place)


def in_batches(lengths: NDArray[np.int64], pieces: int) -> Iterator[NDArray[np.int64]]:
    """Rows of sentences sorted by length, in batches of at most this many pieces with their padding."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or lengths[order[end]] * (end + 1 - start) > pieces:
            yield order[start:end]
            start = end
