"""What of a run is exported: its tables, and what it was of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd
import xarray as xr

from attnmetrics.describing.files import FILE as ROLES
from attnmetrics.describing.files import load_roles
from attnmetrics.errors import ConfigError
from attnmetrics.results.by import tables_of
from attnmetrics.results.dataset import load
from attnmetrics.results.exemplars import load_exemplars
from attnmetrics.results.importance import join, load_importance
from attnmetrics.results.intervals import FILE as INTERVALS
from attnmetrics.results.intervals import known, load_intervals
from attnmetrics.results.joined import with_probes
from attnmetrics.results.tokens import FILE as TOKENS
from attnmetrics.results.tokens import load_tokens
from attnmetrics.running.fields import fields_of, intervals_by, results_by
from attnmetrics.running.runfile import Facts, read_facts
from attnmetrics.running.seals import check
from attnmetrics.storage import Location
from attnmetrics.views.facts import about as about_run
from attnmetrics.views.tables import unit_word

Chosen = dict[str, Sequence[int] | None]
"""Layers and heads that are exported; None for all."""


@dataclass(frozen=True, slots=True)
class Content:
    """The tables of a run, of all its heads or of some."""

    data: xr.Dataset
    """with importance and probes, where the run has them"""
    facts: Facts
    frames: dict[str, pd.DataFrame]
    """`tokens`, `roles` and `exemplars`; what the run lacks is not in it"""
    sure: xr.Dataset = field(default_factory=xr.Dataset)
    """the intervals of results, of the same heads; empty where the run has none"""
    by: dict[str, tuple[xr.Dataset, xr.Dataset]] = field(default_factory=dict)
    """likewise results and intervals by the fields that the run is split by, by name of a folder: `by_genre`"""

    @property
    def about(self) -> dict[str, str]:
        """What the run was of: model, corpus, unit, null pieces, …; only what it says."""
        named = {f"{unit_word(self.data)}s": "sentences", "pieces": "pieces"}
        counted = {f"{what} measured": str(self.data[name].item()) for what, name in named.items()}
        missing = self.data.attrs.get("shards_missing")
        failed = {"shards that failed, and are in no number": str(missing)} if missing else {}
        return dict(about_run(self.facts)) | counted | failed | {"attnmetrics": str(self.facts.get("attnmetrics", ""))}


def read_content(folder: Location, layers: Sequence[int] | None, heads: Sequence[int] | None) -> Content:
    """All that is exported of a run.

    Args:
        folder: the run's.
        layers: only these; None for all.
        heads: of each layer only these.

    Raises:
        ConfigError: the run has no such layer or head.
        StoreError: the folder holds no finished run, or a file of it cannot be read.
    """
    check(folder, "results.zarr")
    data = load(folder / "results.zarr")
    facts = read_facts(folder) or {}
    measured = load_importance(folder) if "importance" in facts else None
    chosen = {"layer": layers, "head": heads}
    frames = {name: read(folder / file) for name, (file, read) in _FRAMES.items() if (folder / file).exists()}
    of_some = {name: _rows(frame, chosen) for name, frame in frames.items()}
    whole = _select(with_probes(join(data, measured), folder), chosen)
    return Content(whole, facts, of_some, _sure(folder, chosen), _by(folder, chosen))


def load_sentences(path: Location) -> pd.DataFrame:
    """The frame of `exemplars.parquet`, with `attending`, `attended` and `right_word`, the pieces at i, j and right.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    frame = load_exemplars(path)
    for name, at in (("attending", "i"), ("attended", "j")):
        words = [pieces[place] for pieces, place in zip(frame["pieces"], frame[at].tolist(), strict=True)]
        frame.insert(frame.columns.get_loc("text"), name, words)
    right = zip(frame["pieces"], frame["right"], strict=True)
    words = ["".join(pieces[place] for place in places or ()) for pieces, places in right]
    frame.insert(frame.columns.get_loc("text"), "right_word", words)
    return frame


_FRAMES: Final = {
    "tokens": (TOKENS, load_tokens),
    "roles": (ROLES, load_roles),
    "exemplars": ("exemplars.parquet", load_sentences),
}
"""What stands beside the results, its file, and how that is read."""


def _sure(folder: Location, chosen: Chosen) -> xr.Dataset:
    """The run's intervals; those that it has no reason to have none of."""
    return _known(load_intervals(folder), chosen) if (folder / INTERVALS).exists() else xr.Dataset()


def _known(stored: xr.Dataset, chosen: Chosen) -> xr.Dataset:
    sure = known(stored)
    return xr.Dataset() if sure is None else _select(sure, chosen)


def _by(folder: Location, chosen: Chosen) -> dict[str, tuple[xr.Dataset, xr.Dataset]]:
    """What there is by the fields that the run is split by."""
    return {
        tables_of(field): (
            _select(results_by(folder, field, is_with_intervals=False), chosen),
            _known(intervals_by(folder, field), chosen),
        )
        for field in fields_of(folder)
    }


def of_heads(frame: pd.DataFrame, data: xr.Dataset) -> pd.DataFrame:
    """The rows of a frame that are of heads of the data."""
    return _rows(frame, {dim: data[dim].values.tolist() for dim in ("layer", "head")})


def _select(data: xr.Dataset, chosen: Chosen) -> xr.Dataset:
    for dim, wanted in chosen.items():
        known = data[dim].values.tolist()
        if wanted is not None and not set(wanted) <= set(known):
            raise ConfigError(f"expected {dim}s of the run, {_span(known)}, found {', '.join(map(str, wanted))}")
    return data.sel({dim: sorted(set(wanted)) for dim, wanted in chosen.items() if wanted is not None})


def _span(numbers: list[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def _rows(frame: pd.DataFrame, chosen: Chosen) -> pd.DataFrame:
    for dim, wanted in chosen.items():
        frame = frame if wanted is None else frame[frame[dim].isin(wanted)]
    return frame.reset_index(drop=True)
