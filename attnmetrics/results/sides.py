"""What is compared: sides, each a run or a part of one, and what comes of it.

A side needs no folder: whoever has sums of groups of shards and the results of their total can compare them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
import xarray as xr

from attnmetrics.metrics.schema import Schema
from attnmetrics.statistics.groups import GroupSums


@dataclass(frozen=True, slots=True)
class Side:
    """A run, or the part of a run that has a value of a field of documents."""

    name: str
    """short, and no other side's"""
    schema: Schema
    results: xr.Dataset
    """as `results.dataset.dataset` makes them"""
    groups: Callable[[], GroupSums]
    """reads the sums of the groups of shards whose total `results` are of; called when they are needed, for they are
    many numbers, and again for each side that this one is compared with, where it is the first"""
    corpus: str
    """of sides with the same, group k holds the same documents: they are paired, and drawn alike"""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """what must be the same in all sides, in words: what it is → what it is here, such as "unit" → "sentence\""""
    settings: Mapping[str, str] = field(default_factory=dict)
    """what may differ and is then told, likewise"""
    intervals: xr.Dataset | None = None
    """of the results; None where there are none"""
    roles: pd.DataFrame | None = None
    """as `roles.parquet` has them; None where they are unknown"""
    exemplars: Callable[[], pd.DataFrame] | None = None
    """reads its sentences, as `attnmetrics.exemplars` gives them; None where it has none"""
    attention: Callable[[], pd.DataFrame] | None = None
    """reads the attention in them, as `attnmetrics.exemplar_attention` gives it"""
    place: str = ""
    """where it is: a path, a URL, or a value of a field"""
    shards: str = ""
    """of sides with the same, group k holds documents of the same shards: they are drawn alike, as those of the same
    `corpus` are; empty of sides that are no part of a run"""
    source: str = ""
    """its model and text in few words, as files of drawings have them"""
    remarks: tuple[str, ...] = ()
    """what is to be said of it alone, such as that shards are missing"""

    @property
    def drawn_with(self) -> str:
        """The same for sides that are drawn alike."""
        return self.shards or self.corpus


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a comparison gives."""

    data: xr.Dataset
    """as `results.comparison` describes it"""
    sides: tuple[Side, ...]
    """in the order of its dimension `run`"""
    role_changes: pd.DataFrame
    """as `describing.changes.role_changes` gives them"""
