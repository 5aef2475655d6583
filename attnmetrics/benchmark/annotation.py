"""Annotating against the bare pipeline: the same texts, in turns, in processor time of one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from attnmetrics.annotation import cache
from attnmetrics.annotation.sentence import Annotated
from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.benchmark.overhead import ANNOTATING, PARSING, watch
from attnmetrics.benchmark.race import middle_and_quartiles, take_turns
from attnmetrics.corpus import Document
from attnmetrics.storage import locate


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast texts are annotated."""

    words_per_second: float
    """of annotating and writing the file, a second of one core; the median over the rounds"""
    bare_words_per_second: float
    """of the bare pipeline at the batch size that suits it best"""
    bare_batch: int
    """this batch size, in texts"""
    ratio: tuple[float, float, float]
    """annotating ÷ bare: median and quartiles over the rounds"""
    pipeline_share: float
    """of annotating: what the ratio would be if both had the same batches, and nothing else ran on the machine"""


def pace(documents: Sequence[Document], pipeline: str, rounds: int, batches: Sequence[int] = ()) -> Pace:
    """Annotate some documents ever and again, in turns with the bare pipeline.

    Args:
        documents: of one shard.
        pipeline: name or path.
        rounds: that count, after one that does not.
        batches: sizes that the bare pipeline may try, in texts, beside its own.
    """
    annotator = SpacyAnnotator(pipeline)
    texts = [document.text for document in documents]
    sizes = (annotator.pipeline.batch_size, *batches)

    def bare(size: int) -> Callable[[], object]:
        return lambda: sum(map(len, annotator.pipeline.pipe(texts, batch_size=size)))

    with TemporaryDirectory() as folder:
        path = cache.annotation_path(locate(folder), annotator.fingerprint, "")

        def annotate() -> Annotated:
            annotated = annotator.annotate(documents)
            cache.write(path, annotated, annotator.fingerprint, "")
            return annotated

        words = annotate().counts["words"]
        with watch() as seconds:
            ours, *theirs = take_turns([annotate, *map(bare, sizes)], rounds, process_time)
    best = int(np.argmin(np.median(theirs, axis=1)))
    parts = {part: spent for (_, part), spent in seconds.items() if part in ANNOTATING}
    return Pace(
        words_per_second=words / float(np.median(ours)),
        bare_words_per_second=words / float(np.median(theirs[best])),
        bare_batch=sizes[best],
        ratio=middle_and_quartiles(theirs[best] / ours),
        pipeline_share=parts[PARSING] / sum(parts.values()),
    )
