"""The roles of a run's heads, from all that the run has to tell them by."""

from os import PathLike
from pathlib import Path

import pandas as pd
import xarray as xr

from attnmetrics.describing.files import FILE as ROLES
from attnmetrics.describing.files import load_roles
from attnmetrics.describing.finding import Place, lacking
from attnmetrics.describing.frame import roles_frame
from attnmetrics.describing.nearest import families_frame, head_place, nearest_frame
from attnmetrics.describing.pieces import most_attended
from attnmetrics.describing.questions import answer, of_role
from attnmetrics.describing.rules import Rules, read_rules, with_evidence
from attnmetrics.results.dataset import load
from attnmetrics.results.intervals import FILE as INTERVALS
from attnmetrics.results.tokens import FILE as TOKENS
from attnmetrics.results.tokens import load_tokens
from attnmetrics.running.seals import check
from attnmetrics.storage import Location, locate
from attnmetrics.views.pieces import readable_types

RESULTS = "results.zarr"


def find_roles(
    rules: Rules, data: xr.Dataset, tokens: pd.DataFrame | None, intervals: xr.Dataset | None = None
) -> pd.DataFrame:
    """The frame of `roles.parquet`.

    Args:
        rules: in order.
        data: the run's results.
        tokens: rows of `tokens.parquet`, if there are any.
        intervals: those of the results, if there are any.
    """
    return roles_frame(rules, data, intervals, None if tokens is None else _pieces(data, tokens))


def roles_of(
    run: str | PathLike[str] | Location,
    file: str | PathLike[str] | None,
    role: str | None,
    question: str | None,
    evidence: float | None,
) -> pd.DataFrame:
    """The roles of a merged run, all or some (see `attnmetrics.roles`).

    Raises:
        ConfigError: the file holds no rules, or the rules have no such role or question.
        StoreError: the run's results cannot be read.
    """
    folder, rules = locate(run), read_rules(None if file is None else Path(file))
    chosen = rules if evidence is None else with_evidence(rules, evidence)
    frame = _stored(folder) if file is None and chosen is rules else _found(folder, chosen)
    one = of_role(rules, frame, role) if role else answer(rules, frame, question) if question else None
    return frame if one is None else one.rows.reset_index(drop=True)


def nearest_heads(run: str | PathLike[str] | Location, layer: int, head: int, number: int) -> pd.DataFrame:
    """The heads with the profiles most like one's (see `attnmetrics.nearest_heads`).

    Raises:
        ConfigError: the run has no such head.
        StoreError: the run's results cannot be read.
    """
    folder = locate(run)
    check(folder, RESULTS)
    data = load(folder / RESULTS)
    return nearest_frame(data, head_place(data, layer, head), number)


def find_families(run: str | PathLike[str] | Location) -> pd.DataFrame:
    """The families of all heads (see `attnmetrics.families`).

    Raises:
        StoreError: the run's results cannot be read.
    """
    folder = locate(run)
    return families_frame(load(folder / RESULTS), _stored(folder))


def _stored(run: Location) -> pd.DataFrame:
    """As the merge found them."""
    check(run, ROLES)
    frame = load_roles(run / ROLES)
    frame.attrs["skipped"] = lacking(read_rules(None), load(run / RESULTS))
    return frame


def _found(run: Location, rules: Rules) -> pd.DataFrame:
    check(run, RESULTS)
    tokens = load_tokens(run / TOKENS) if (run / TOKENS).exists() else None
    intervals = load(run / INTERVALS) if (run / INTERVALS).exists() else None
    return find_roles(rules, load(run / RESULTS), tokens, intervals)


def _pieces(data: xr.Dataset, tokens: pd.DataFrame) -> dict[Place, str]:
    """Positions of layer and head → the text of the type that the head attends to most."""
    found = most_attended(tokens, _mass(data))
    layers, heads = (pd.Index(data[dim].values) for dim in ("layer", "head"))
    places = zip(layers.get_indexer(found["layer"]).tolist(), heads.get_indexer(found["head"]).tolist(), strict=True)
    return dict(zip(places, map(_bare, readable_types(found["piece"].tolist())), strict=True))


def _mass(data: xr.Dataset) -> pd.Series:
    """By layer and head, Σ F over the units that are mapped, as many a part of it as of all units they are."""
    part = float(data["map_sentences"]) / max(float(data["sentences"]), 1)
    return pd.Series(part * data["attention_mass"].to_series())


def _bare(piece: str) -> str:
    """Without the space that it begins with, unless it is nothing else."""
    return piece.removeprefix("␣") or piece
