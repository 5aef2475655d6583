"""Where heads stand in the scatter plot: HeadVis's scores that are ours too, under its names, and all of ours."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import xarray as xr

from attnmetrics.results.intervals import BOUND, BOUNDS
from attnmetrics.results.joined import with_intervals
from attnmetrics.views.certainty import usual_reach
from attnmetrics.views.tables import HEAD, Labels, at_labels, further, heading, kind, labels_of, of_heads, said

DIGITS: Final = 6
"""That count."""

FEW_LABELS: Final = 20
"""A result with more of them, such as dependency relations, would drown all others in a menu."""


@dataclass(frozen=True, slots=True)
class Score:
    """One of HeadVis's scores, and what this package has of it."""

    name: str
    """as its data contract has it"""
    result: str
    """ours; empty for none"""
    at: tuple[tuple[str, str], ...] = ()
    """labels of ours"""
    same: bool = False
    """whether the numbers are the same by definition"""
    difference: str = ""
    """how ours differs, or what is next to it"""
    aliases: tuple[str, ...] = ()
    """what others call it"""

    @property
    def ours(self) -> str:
        """Our result, at its labels."""
        return column(self.result, dict(self.at)) if self.result else ""


SCORES: Final = (
    Score("self_attention_score", "neighbour_attention", (("neighbour", "current"),), same=True),
    Score(
        "previous_token_score", "neighbour_attention", (("neighbour", "previous"),), same=True,
        aliases=("prev_token_score",),
    ),
    Score("pattern_entropy", "entropy_all", same=True),
    Score(
        "qk_distance", "distance",
        difference="null columns, such as that of the first piece, are left out, and the sum is divided by what is "
        "left; HeadVis counts them in, so that a head that rests on the first piece looks far",
    ),
    Score(
        "qk_distance_variance", "distance_deviation",
        difference="the square root of the variance, in pieces, and without null columns, as above",
    ),
    Score(
        "induction_score", "induction_attention",
        difference="a mean over rows that have something to copy, not over all; a piece itself is nothing to copy "
        "(in “A A” HeadVis takes it for it), null columns neither; compare it with its chance level",
    ),
    Score("logit_std", "", difference="not measured: scores before the softmax are not kept"),
    Score("top_logit_margin", "", difference="not measured; `peak_attention` is the mean of the largest weight"),
    Score("logit_z_score", "", difference="not measured"),
    Score("query_token_entropy", "", difference="not measured; the tables of pieces list the types themselves"),
    Score("key_token_entropy", "", difference="not measured; likewise"),
)  # fmt: skip
"""All that its contract names."""


def column(result: str, at: Labels) -> str:
    """The name of a result at these labels.

    >>> column("pos_to", {"pos": "DET"})
    'pos_to:DET'
    """
    return ":".join([result, *map(str, at.values())])


def scatter_columns(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """Tables [layer, head] by name: HeadVis's scores, then results without labels, then those with a few."""
    theirs = {name: _at(data, score) for score in SCORES if score.same and score.result in data
              for name in (score.name, *score.aliases)}  # fmt: skip
    ranked = {name: table for name, table in of_heads(data).items() if kind(table) != "count"}
    tables = sorted(ranked.items(), key=lambda item: len(further(item[1])))
    ours = {column(name, at): at_labels(table, at) for name, table in tables for at in _few(table)}
    return {name: table for name, table in (theirs | ours).items() if not table.isnull().all()}


def scatter_rows(data: xr.Dataset, columns: dict[str, xr.DataArray]) -> list[dict[str, Any]]:
    """A row a head, None without evidence; one with the most numbers first, for the page offers what that one has."""
    numbers = {name: table.transpose(*HEAD).values.tolist() for name, table in columns.items()}
    layers, heads = (data[dim].values.tolist() for dim in HEAD)
    places = product(enumerate(layers), enumerate(heads))
    rows = [
        {"layer": layer, "head": head, **{name: rounded(table[a][b]) for name, table in numbers.items()}}
        for (a, layer), (b, head) in places
    ]
    return sorted(rows, key=lambda row: list(row.values()).count(None))


def scatter_bounds(data: xr.Dataset, sure: xr.Dataset) -> dict[str, tuple[xr.DataArray, xr.DataArray]]:
    """(low, high) of the columns that have intervals."""
    known = [name for name in of_heads(data) if name in sure]
    low, high = (scatter_columns(data[known].assign({name: _bound(data, sure, name, n) for name in known}))
                 for n in range(len(BOUNDS)))  # fmt: skip
    return {name: (low[name], high[name]) for name in low.keys() & high.keys()}


def _bound(data: xr.Dataset, sure: xr.Dataset, name: str, place: int) -> xr.DataArray:
    """A bound of a result, as if it were the result."""
    return data[name].copy(data=sure[name].isel({BOUND: place}).transpose(*data[name].dims).to_numpy())


def describe_columns(data: xr.Dataset, columns: dict[str, xr.DataArray], sure: xr.Dataset) -> dict[str, str]:
    """What each column holds, and how far its intervals reach."""
    by_name = {name: score for score in SCORES for name in (score.name, *score.aliases)}
    beside = with_intervals(data, sure) if sure.data_vars else data
    return {
        name: _describe(beside, table, by_name[name].ours if name in by_name else "") for name, table in columns.items()
    }


def definitions(data: xr.Dataset) -> Iterator[tuple[str, str, str]]:
    """(its score, our column, how it differs) of all that the contract names; ours is empty where there is none."""
    for score in SCORES:
        has = score.result in data
        ours = score.ours if has else ""
        yield ", ".join((score.name, *score.aliases)), ours, "the same" if score.same and has else score.difference


def rounded(value: float) -> float | None:
    """With as many digits as count; None for what JSON does not have.

    >>> rounded(0.12345678)
    0.123457
    """
    return None if not math.isfinite(value) else float(f"{value:.{DIGITS}g}")


def _few(table: xr.DataArray) -> list[Labels]:
    """The labels to show a table at: none for one without further dimensions, and nothing for one with many."""
    dims = further(table)
    if len(dims) > 1 or any(table.sizes[dim] > FEW_LABELS for dim in dims):
        return []
    return [{dims[0]: label} for label in labels_of(table, dims[0])] if dims else [{}]


def _at(data: xr.Dataset, score: Score) -> xr.DataArray:
    return at_labels(data[score.result], dict(score.at))


def _describe(data: xr.Dataset, table: xr.DataArray, ours: str) -> str:
    at = {str(dim): label.item() for dim, label in table.coords.items() if dim not in HEAD and not label.dims}
    parts = (heading(table, at), said(table, "formula"), said(table, "help"), f"Here also {ours}." if ours else "",
             usual_reach(data, str(table.name), at))  # fmt: skip
    return ". ".join(part.rstrip(".") for part in parts if part) + "."
