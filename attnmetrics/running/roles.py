"""The roles of a run's heads, from all that the run has to tell them by."""

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.files import FILE as ROLES
from attnmetrics.describing.files import load_roles
from attnmetrics.describing.finding import Place
from attnmetrics.describing.frame import replaced, roles_frame, with_facts
from attnmetrics.describing.nearest import families_frame, head_place, nearest_frame
from attnmetrics.describing.pieces import most_attended
from attnmetrics.describing.questions import answer, of_role
from attnmetrics.describing.rules import Rules, read_rules, with_evidence
from attnmetrics.results.dataset import load
from attnmetrics.results.intervals import FILE as INTERVALS
from attnmetrics.results.intervals import known
from attnmetrics.results.tokens import FILE as TOKENS
from attnmetrics.results.tokens import load_tokens
from attnmetrics.running.seals import check
from attnmetrics.storage import Location, locate
from attnmetrics.views.evidence import is_off, least, of_each_choice
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


def roles_by_evidence(
    data: xr.Dataset, frame: pd.DataFrame, tokens: pd.DataFrame | None, intervals: xr.Dataset | None = None
) -> list[tuple[float, pd.DataFrame]]:
    """The roles with each share that a page may ask for as evidence, ascending.

    Args:
        data: the run's results; they say with which share `frame` was found.
        frame: the table of roles, which differs for heads that are switched off with one share and not with the other.
        tokens: as in `find_roles`.
        intervals: likewise.
    """
    pieces, off = None if tokens is None else _pieces(data, tokens), is_off(data)

    def ask(asked: xr.Dataset) -> pd.DataFrame:
        changed = [(layer, head) for layer, head in np.argwhere(is_off(asked) != off).tolist()]
        rules = with_evidence(read_rules(None), least(asked))
        return replaced(frame, roles_frame(rules, data, intervals, pieces, changed)) if changed else frame

    return of_each_choice(data, ask)


def page_roles(run: Location, data: xr.Dataset) -> list[tuple[float, pd.DataFrame]]:
    """Those of `roles_by_evidence` of a merged run, whose results say with which share heads are switched off.

    Raises:
        StoreError: the run's results cannot be read.
    """
    frame = roles_of(run, None, None, None, least(data))
    return roles_by_evidence(data, frame, *_beside(run))


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
    frame = _stored(folder) if chosen == read_rules(None) else _found(folder, chosen)
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
    """As the merge found them; found again where it went by rules with roles that the package's no longer have."""
    check(run, ROLES)
    frame, rules = load_roles(run / ROLES), read_rules(None)
    if not {*frame["role"]} <= {"", *rules.names_of_roles}:
        return _found(run, rules)
    return with_facts(frame, rules, load(run / RESULTS))


def _found(run: Location, rules: Rules) -> pd.DataFrame:
    check(run, RESULTS)
    return find_roles(rules, load(run / RESULTS), *_beside(run))


def _beside(run: Location) -> tuple[pd.DataFrame | None, xr.Dataset | None]:
    """A run's tokens and intervals, where it has any."""
    tokens = load_tokens(run / TOKENS) if (run / TOKENS).exists() else None
    intervals = known(load(run / INTERVALS)) if (run / INTERVALS).exists() else None
    return tokens, intervals


def _pieces(data: xr.Dataset, tokens: pd.DataFrame) -> dict[Place, tuple[str, ...]]:
    """Positions of layer and head → the texts of the one or two types that the head attends to most."""
    found = most_attended(tokens, _mass(data))
    layers, heads = (pd.Index(data[dim].values) for dim in ("layer", "head"))
    places = zip(layers.get_indexer(found["layer"]).tolist(), heads.get_indexer(found["head"]).tolist(), strict=True)
    pieces: dict[Place, tuple[str, ...]] = {}
    for place, piece in zip(places, map(_bare, readable_types(found["piece"].tolist())), strict=True):
        pieces[place] = (*pieces.get(place, ()), piece)
    return pieces


def _mass(data: xr.Dataset) -> pd.Series:
    """By layer and head, Σ F over the units that are mapped, as many a part of it as of all units they are."""
    part = float(data["map_sentences"]) / max(float(data["sentences"]), 1)
    return pd.Series(part * data["attention_mass"].to_series())


def _bare(piece: str) -> str:
    """Without the space that it begins with, unless it is nothing else."""
    return piece.removeprefix("␣") or piece
