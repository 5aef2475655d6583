"""What all contenders work on: a model's folder, annotated sentences, their pieces."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.assets import CORPORA, MODELS, PIPELINES
from attnmetrics.corpus import Document, read_documents
from attnmetrics.model.load import Model, load_model, quiet

SEED = 2019


@dataclass(frozen=True, slots=True)
class Material:
    """S sentences of natural lengths, and a model to read them."""

    folder: Path
    """the model's"""
    documents: Sequence[Document]
    sentences: Sentences
    threads: int

    def load(self, dtype: str) -> Model:
        """The model as a run loads it."""
        return load_model(str(self.folder), dtype=dtype, device="cpu", threads=self.threads)  # type: ignore[arg-type]

    def network(self, dtype: str, attention: str) -> Any:
        """The base model as transformers loads it."""
        from transformers import AutoModel

        kind = getattr(torch, dtype)
        with quiet():
            return AutoModel.from_pretrained(self.folder, dtype=kind, attn_implementation=attention).eval()


@contextmanager
def gather(sentences: int, threads: int) -> Iterator[Material]:
    """The demo corpus, annotated, up to a number of sentences taken evenly, and a model of GPT-2 small's size.

    The weights are random: the arithmetic is the same.
    """
    documents = list(read_documents([str(CORPORA["demo"])]))
    found = SpacyAnnotator(str(PIPELINES["en_ud_core"])).annotate(documents).sentences
    rows = np.unique(np.linspace(0, len(found) - 1, min(sentences, len(found))).astype(np.int64))
    with TemporaryDirectory() as folder:
        with quiet():
            _save_model(Path(folder))
        yield Material(Path(folder), documents, found.take(rows), threads)


def _save_model(folder: Path) -> None:
    from transformers import AutoTokenizer, GPT2Config, GPT2Model

    tokenizer = AutoTokenizer.from_pretrained(MODELS["demo"])
    tokenizer.save_pretrained(folder)
    torch.manual_seed(SEED)
    GPT2Model(GPT2Config(vocab_size=len(tokenizer))).save_pretrained(folder)


def in_batches(lengths: NDArray[np.int64], pieces: int) -> Iterator[NDArray[np.int64]]:
    """Rows of sentences sorted by length, in batches of at most this many pieces with their padding."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or lengths[order[end]] * (end + 1 - start) > pieces:
            yield order[start:end]
            start = end
