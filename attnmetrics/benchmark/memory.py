"""Memory that a worker takes beyond itself: a whole shard at default settings, each try in a process of its own.

python -m attnmetrics.benchmark.memory
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.assets import CORPORA, PIPELINES
from attnmetrics.benchmark.material import Material, gather
from attnmetrics.benchmark.race import peak_bytes
from attnmetrics.benchmark.shapes import Shape
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document, read_documents
from attnmetrics.corpus.shards import FEWEST, LARGEST
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import ShardResult, measure
from attnmetrics.metrics.similarity import ROWS_A_UNIT, SENTENCE_COLUMNS, affordable_rows
from attnmetrics.model.load import Model
from attnmetrics.statistics.typical import enough
from attnmetrics.statistics.variability import Prefix
from attnmetrics.storage import locate
from attnmetrics.store.commits import Commit
from attnmetrics.store.shards import ShardContent, Store

MODELS: Final = (
    Shape("12 × 12 heads of width 64", "GPT2"),
    Shape("40 × 30 heads of width 8", "GPT2", {"n_layer": 40, "n_head": 30, "n_embd": 240}),
)
"""That of many heads is narrow: here sums are asked about, which do not grow with a head's width."""
FIRST: Final = 40
"""Sentences that are measured before, so that what is loaded and compiled does not count."""


def documents() -> Iterator[Document]:
    """As many of the demo corpus as a shard has, again under other names where it has fewer."""
    characters = 0
    for number, document in enumerate(cycle(read_documents([str(CORPORA["demo"])]))):
        if characters + len(document.text) > LARGEST:
            return
        characters += len(document.text)
        yield replace(document, id=str(number))


def annotating() -> int:
    """Most bytes while a shard's texts are annotated."""
    from attnmetrics.annotation.spacy import SpacyAnnotator

    annotator, texts = SpacyAnnotator(str(PIPELINES["en_ud_core"])), list(documents())
    annotator.annotate(texts[:1])
    return peak_bytes(lambda: annotator.annotate(texts)) or 0


def measuring(shape: Shape) -> int:
    """Most bytes while a shard is measured and written, for a model of this shape."""
    with gather(list(documents()), LARGEST, 1, shape) as material, TemporaryDirectory() as folder:
        model = material.load("float32")
        config = RunConfig(model="demo", corpus=("demo",), out=locate(folder))
        store = Store(config.out, material.schema(model.layers, model.heads), 1, config.exemplars)
        store.create()
        few = replace(material, sentences=material.sentences.take(np.arange(FIRST)))
        _measure(few, model, config, store)
        return peak_bytes(lambda: _measure(material, model, config, store)) or 0


def _measure(material: Material, model: Model, config: RunConfig, store: Store) -> None:
    """What a worker does with one shard of `FEWEST`, of texts that all count as different."""
    units = material.read(model)
    units = replace(units, digest=np.arange(len(units), dtype=np.uint64))
    asked = affordable_rows(config.similarity_rows or 0, len(model.layers) * model.heads, SENTENCE_COLUMNS)
    mapped, compared = _share(len(units), config.map_sentences), _share(len(units), asked // ROWS_A_UNIT)
    kept = _share(len(units), config.variability_sentences)
    found = measure(
        units, model, exemplars=config.exemplars, typical=enough(1 / FEWEST), prefix_rows=kept,
        map_sample=MapSample(config.seed, mapped, compared, ROWS_A_UNIT),
    )  # fmt: skip
    store.write(Commit(0, 0), _content(found, kept))


def _content(found: ShardResult, kept: NDArray[np.int64]) -> ShardContent:
    prefix = Prefix(found.blocks, kept.astype(np.uint64))
    return ShardContent(found.state, prefix, found.exemplars, found.claims, found.typical, found.tokens, found.passages)


def _share(units: int, limit: int | None) -> NDArray[np.int64]:
    """Some of a shard's units, evenly: what it gives to a sample of so many."""
    return np.unique(np.linspace(0, units - 1, min(units, (limit or units) // FEWEST)).astype(np.int64))


def main() -> None:
    """Print what each takes, as soon as it is known."""
    print(f"memory beyond the loaded process, at its peak, for a shard of {LARGEST:,} characters")
    tries: dict[str, Callable[[], int]] = {"annotating": annotating}
    tries |= {f"measuring, {shape.title}": partial(measuring, shape) for shape in MODELS}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for title, peak in tries.items():
            print(f"{title}: {pool.submit(peak).result() / 1e6:,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
