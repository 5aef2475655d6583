"""What a run's labels and links say of the words of some sentences, in the names of the run's schema."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sentence import Column, Sentences
from attnmetrics.annotation.sources import read_label, read_link
from attnmetrics.annotation.vocabulary import encode
from attnmetrics.errors import AnnotationError
from attnmetrics.metrics.family import Label
from attnmetrics.metrics.schema import Schema, is_of_units


@dataclass(frozen=True, slots=True)
class Marks:
    """Labels and links of the W words of some sentences; those of pieces and of units are made later."""

    schema: Schema
    labels: Mapping[str, NDArray[np.int64]]
    """[W] by label: an index into `schema.names` of this label"""
    links: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    """by link: attending word [P] and attended word [P], counted over all sentences"""


def mark(sentences: Sentences, schema: Schema, functions: Functions) -> Marks:
    """Read the labels and links of these sentences' words.

    Raises:
        AnnotationError: a function of the user's fails, or the annotations lack what a source needs.
    """
    labels = {
        label.name: _encode(label, read_label(label.source, sentences, functions), schema.names[label.name])
        for label in schema.labels
        if not is_of_units(label.source)
    }
    links = {
        link.name: _over_sentences(link.source, sentences, functions)
        for link in schema.links
        if not is_of_units(link.source)
    }
    return Marks(schema, labels, links)


def _encode(label: Label, column: Column, names: tuple[str, ...]) -> NDArray[np.int64]:
    """See `encode`; its error names the label."""
    try:
        return encode(column, names)
    except AnnotationError as error:
        raise AnnotationError(f"label {label.name} of {label.source}: {error}") from error


def _over_sentences(
    source: str, sentences: Sentences, functions: Functions
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of a link with words counted over all sentences."""
    pairs = read_link(source, sentences, functions)
    first = np.repeat(sentences.word_offsets[:-1], np.diff(pairs.offsets))
    return first + pairs.attending, first + pairs.attended
