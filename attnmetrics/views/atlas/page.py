"""The atlas: one page on every head of a run, from a metric to a head, from a head to its sentences.

Here is what the page holds; `static/atlas.js` and the modules it imports draw it. Text of the corpus travels as JSON
and becomes text nodes only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.results.by import FIELD
from attnmetrics.results.joined import PROBED, set_apart
from attnmetrics.storage import Location
from attnmetrics.views import similarity
from attnmetrics.views.atlas.by import MOST_BYTES, pack_by
from attnmetrics.views.atlas.roles import claims_of_roles, find_rules, pack_roles
from attnmetrics.views.atlas.sentence_book import Book, Room
from attnmetrics.views.certainty import WITHOUT, bear, bounds, certainty, interval_title, sureness
from attnmetrics.views.claims import claims_of, leading, standout_claim
from attnmetrics.views.described import described
from attnmetrics.views.evidence import CHOICES, least
from attnmetrics.views.exemplars import best, strongest, typical
from attnmetrics.views.facts import about, flat, headline, labels_from, left_out, model_name, run_names, source_words
from attnmetrics.views.glossary import explained
from attnmetrics.views.heads import (
    EXAMPLE_ROLES,
    Standout,
    held_out_told,
    per_head,
    standout,
    standouts_by_evidence,
)
from attnmetrics.views.packed_intervals import pack_bounds, pack_intervals
from attnmetrics.views.page import pack, write
from attnmetrics.views.page import render as render_page
from attnmetrics.views.papers.behaviours import asked_for
from attnmetrics.views.papers.claims import Paper, Row, compare, summed_up
from attnmetrics.views.papers.clark_2019 import CLARK, published_layers, published_of
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV
from attnmetrics.views.pieces import visible
from attnmetrics.views.provenance import provenance
from attnmetrics.views.relations import by_rules, coreference, out_of_reach
from attnmetrics.views.roles import RULES
from attnmetrics.views.tables import (
    beside,
    by_layer,
    chance,
    counts,
    is_magnitude,
    is_of_all_attention,
    of_corpus,
    of_heads,
    ranking,
    table_of_heads,
    unit_word,
    units,
    values,
)
from attnmetrics.views.tokens import pack_tokens

MOST_WEIGHTS: Final = 400_000
"""Weights of exemplars' rows in a page; with more, each head shows the rows of fewer sentences."""
MOST_SENTENCES: Final = 10
"""Of a head in a page; `exemplars.parquet` has all."""
TYPICAL_SHOWN: Final = 2
"""Typical sentences of each part of a head's in a page."""
MOST_CHARACTERS: Final = 1_500_000
"""Of the sentences in a page; with more, each head shows fewer."""

NEAREST: Final = 8
"""Heads told beside a head that attend most like it."""

_FIGURES: Final = (
    ("4", "Three heads and a sentence of each", "paper/three-heads"),
    ("5", "Attention to null pieces", "metric/null_attention"),
    ("6", "Attention to a part of speech", "metric/pos_to/NOUN"),
    ("7", "Attention from a part of speech", "metric/pos_from/PUNCT"),
    ("8", "Attention along dependencies", "metric/dependency_alignment"),
    ("9", "Relations by depth", "metric/dependency_type_to"),
    ("10", "Variability", "metric/variability"),
    ("11", "Distance", "metric/distance"),
    ("12", "Entropy", "metric/entropy"),
    ("A.1", "Attention to every part of speech", "metric/pos_to"),
    ("A.2", "Attention from every part of speech", "metric/pos_from"),
)
"""The paper's figures: number, title, address in the page."""

_CORRELATIONS: Final = (("distance_entropy", "entropy", None), ("distance_alignment", "dependency_alignment", "either"))
"""The paper's correlations with distance: stem of the results, the other metric, its label."""
_CORRELATED: Final = {f"{stem}_{end}" for stem, _, _ in _CORRELATIONS for end in ("r", "p")}


def write_report(
    data: xr.Dataset,
    exemplars: pd.DataFrame,
    attention: pd.DataFrame,
    facts: Mapping[str, Any],
    folder: Location,
    tokens: pd.DataFrame | None = None,
    roles: Sequence[tuple[float, pd.DataFrame]] | None = None,
    by: Sequence[xr.Dataset] = (),
) -> None:
    """Write `folder`/index.html.

    Args:
        data: the run's results.
        exemplars: rows (layer, head, claim, bucket, rank, weight, document, sentence, i, j, text, pieces, right).
        attention: rows (layer, head, claim, bucket, rank, pieces, i, j, weight) of the first exemplars; may be empty.
        facts: what run.json says; `model`, `corpus`, `counts`, `left_out`, `timings` are shown where present.
        folder: made where missing.
        tokens: rows (layer, head, side, rank, piece, piece_id, attention, occurrences, lift); None for none.
        roles: with each share that the page may ask for as evidence, rows (layer, head, role, detail, …, sentence);
            None for none.
        by: results [field, …] by the fields that the run is split by, with their intervals.

    Raises:
        StoreError: the folder cannot be written.
    """
    page = render(data, exemplars, attention, facts, tokens=tokens, roles=roles, by=by)
    write(page, folder, "attnmetrics merge")


def render(
    data: xr.Dataset,
    exemplars: pd.DataFrame,
    attention: pd.DataFrame,
    facts: Mapping[str, Any],
    served: bool = False,
    tokens: pd.DataFrame | None = None,
    roles: Sequence[tuple[float, pd.DataFrame]] | None = None,
    by: Sequence[xr.Dataset] = (),
) -> str:
    """The page, the same for the same input. `served`: a server stands behind it that runs the model."""
    name = model_name(facts)
    title = f"Attention heads of {name}" if name else "Attention heads"
    content = contents(data, exemplars, attention, facts, tokens, roles, by)
    return render_page(content | {"served": served}, title, "auto")


def contents(
    data: xr.Dataset,
    exemplars: pd.DataFrame,
    attention: pd.DataFrame,
    facts: Mapping[str, Any],
    tokens: pd.DataFrame | None = None,
    roles: Sequence[tuple[float, pd.DataFrame]] | None = None,
    by: Sequence[xr.Dataset] = (),
) -> dict[str, Any]:
    """What the page's script reads."""
    data = set_apart(data)
    by_evidence = standouts_by_evidence(data)
    heads = list(of_heads(data).values())
    whole = [table for name, table in of_corpus(data).items() if name not in _CORRELATED]
    with_roles = None if roles is None else find_rules(data, roles)
    of_roles = () if with_roles is None else claims_of_roles(data, with_roles)
    outstanding = [one for _, found in by_evidence for one in found]
    asked = leading(data, exemplars, outstanding, of_roles)
    return {
        "view": "atlas",
        "name": model_name(facts) or "a model",
        "unit": unit_word(data),
        "missing": data.attrs.get("shards_missing"),
        "headline": headline(data, facts),
        "short": run_names(facts).get("model", ""),
        "source": source_words(data, facts),
        "labels_from": labels_from(facts),
        "notation": visible(str(data.attrs.get("notation", "")).partition("; NaN")[0]),
        "about": about(facts),
        "provenance": provenance(facts),
        "left_out": left_out(data, facts),
        "facts": [(visible(name), visible(value)) for name, value in flat(facts)],
        "interval_title": interval_title(data),
        "sureness": sureness(data),
        "without_intervals": WITHOUT,
        "layers": data["layer"].values.tolist(),
        "heads": data["head"].values.tolist(),
        "metrics": [_metric(data, table) for table in heads],
        "corpus": [described(table) for table in whole],
        "intervals": pack_intervals(data, [*heads, *whole]) if interval_title(data) else None,
        "correlations": [_correlation(data, *one) for one in _CORRELATIONS if f"{one[0]}_r" in data],
        "similarity": _similarity(data),
        "evidence": {"least": least(data)},
        "evidence_choices": sorted({least(data), *CHOICES}),
        "standouts": [_standout(one) for one in dict(by_evidence)[least(data)]],
        "standouts_by_evidence": [(share, [_standout(one) for one in found]) for share, found in by_evidence],
        "extremes": [_standout(one) for role in EXAMPLE_ROLES if (one := standout(data, role))],
        "figures": [figure for figure in _FIGURES if _drawable(data, figure[2])],
        "papers": _papers(data),
        "layer_values": {" ".join(key).strip(): found for key, found in published_layers(data).items()},
        "published_relations": published_of(data),
        "relations": [[_told(one) for one in rules] for rules in by_rules(data)],
        "rule_words": RULES,
        "relations_out_of_reach": out_of_reach(data),
        "glossary": explained(str(rel) for rel in data["rel"].values) if "rel" in data.coords else {},
        "probed": [visible(line) for line in data.attrs.get(PROBED, ())],
        "coreference": [_told(one) for one in coreference(data)],
        "roles": None if with_roles is None else pack_roles(data, with_roles),
        "tokens": None if tokens is None else pack_tokens(data, tokens),
        "by": _by(by, facts),
        "sentences": _sentences(data, exemplars, attention, asked),
    }  # fmt: skip


def _drawable(data: xr.Dataset, route: str) -> bool:
    """Whether the run has the tables, and the label, that a figure is of."""
    page, name, *label = route.split("/")
    if page == "paper":
        return any(role.metric in data for role in EXAMPLE_ROLES)
    table = table_of_heads(data, name)
    is_there = table is not None and is_magnitude(table)
    return is_there and (not label or per_head(data, name, {"pos": label[0]}) is not None)


def _metric(data: xr.Dataset, table: xr.DataArray) -> dict[str, Any]:
    """A table of heads with its by-layer twin [layer, label], NaN where the run has none, and its chance level."""
    twin, level = by_layer(data, str(table.name)), chance(data, table)
    by_layers = np.full((table.shape[0], *table.shape[2:]), np.nan) if twin is None else values(twin)
    chance_name = None if level is None else visible(str(level.name))
    claims = [visible(claim) for claim in claims_of(table)]
    of = counts(data, table)
    ranks, lines = ranking(data, table), [visible(str(one.name)) for one in beside(data, table)]
    return described(table) | {
        "chance": chance_name,
        "chance_off_null": table.attrs.get("chance_times") == "evidence",
        "excess": None if ranks is table else visible(str(ranks.name)),
        "beside": lines,
        "counts": None if of is None else visible(str(of.name)),
        "has_null": is_of_all_attention(table),
        "claims": claims,
        "by_layer": pack(by_layers),
    }


def _similarity(data: xr.Dataset) -> dict[str, Any] | None:
    """How alike heads attend, without the distances of all pairs: those to the nearest heads; None where unknown."""
    if not similarity.has_map(data):
        return None
    distance, of_layers = data[similarity.DISTANCE], certainty(data, similarity.LAYERS)
    others, distances = similarity.nearest(distance, NEAREST)
    return {
        "map": described(data[similarity.MAP]),
        "cluster": pack(values(data[similarity.CLUSTER])),
        "others": pack(others.astype("<u2")),
        "distances": pack(distances.astype("<f4")),
        "layers": pack(values(data[similarity.LAYERS])),
        "layer_codes": None if of_layers is None else pack_bounds(of_layers),
        "shares": similarity.explained(data[similarity.MAP]),
        "usual": similarity.quartiles(similarity.distances(distance)),
        "rows": float(data["similarity_rows"]) if "similarity_rows" in data else None,
        "unit": units(distance),
    }


def _by(by: Sequence[xr.Dataset], facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What there is of each field; fields share the room."""
    documents = facts.get("corpus", {}).get("by", {})
    most = MOST_BYTES // max(1, len(by))
    return [pack_by(one, documents.get(one.attrs[FIELD], {}), most) for one in by]


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if np.isfinite(value) else None


def _correlation(data: xr.Dataset, name: str, other: str, label: str | None) -> dict[str, Any]:
    r, p = (float(data[key]) if key in data else np.nan for key in (f"{name}_r", f"{name}_p"))
    low, high = bounds(data, f"{name}_r", {}) if f"{name}_r" in data else (np.nan, np.nan)
    interval = "" if np.isnan(low) else bear(data[f"{name}_r"], r, low, high)[1].replace("-", "−")
    return {"x": "distance", "y": other, "label": label, "r": _finite(r), "p": _finite(p), "interval": interval}


def _standout(one: Standout) -> dict[str, Any]:
    role = one.role
    return {
        "title": one.title,
        "metric": role.metric,
        "label": next((str(label) for label in role.at.values()), None),
        "claim": visible(standout_claim(one)),
        "layer": one.layer,
        "head": one.head,
        "value": one.value,
        "median": one.median,
        "chance": None if np.isnan(one.chance) else one.chance,
        "of_chance": one.of_chance,
        "told": one.shown,
        "interval": None if np.isnan(one.bounds[0]) else one.interval,
        "place": one.stands_told,
        "held_out": held_out_told(one),
    }


# ---- papers


def _papers(data: xr.Dataset) -> list[dict[str, Any]]:
    """The papers, each claim beside the run's; of the second, only where the run can answer any."""
    compared = [(paper, compare(paper, data)) for paper in (VIG_BELINKOV, CLARK)]
    return [_paper(paper, rows) for paper, rows in compared if paper is VIG_BELINKOV or any(row.given for row in rows)]


def _paper(paper: Paper, rows: Sequence[Row]) -> dict[str, Any]:
    about = {"key": paper.key, "name": paper.name, "citation": paper.citation, "conditions": paper.conditions}
    return about | {"rows": [_compared(row) for row in rows], "summed_up": summed_up(rows)}


def _compared(row: Row) -> dict[str, Any]:
    claim = row.claim
    said = {"where": claim.where, "claim": claim.claim, "unit": claim.unit, "published": claim.published}
    beside = {"released": claim.released, "note": claim.note, "result": claim.result}
    sure = {"interval": row.intervals, "verdict": row.verdict}
    return said | beside | {"found": visible(row.text), "told": visible(row.told), "given": row.given} | sure


def _told(one: Any) -> dict[str, Any]:
    """A relation or a class of mentions; JSON has no NaN."""
    return {name: _plain(value) for name, value in asdict(one).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {visible(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return _finite(value) if isinstance(value, float) else visible(value) if isinstance(value, str) else value


# ---- exemplars


def _sentences(
    data: xr.Dataset, exemplars: pd.DataFrame, attention: pd.DataFrame, is_asked: pd.Series
) -> dict[str, Any]:
    """Sentences, each once; the exemplars of each head; those that answer claims; the attention in them.

    `is_asked`: which exemplars answer a claim of a head that a page leads to from it.
    """
    book, room = Book(unit_word(data)), Room(MOST_SENTENCES, MOST_CHARACTERS, MOST_WEIGHTS)
    by_head = book.listed(room.short(strongest(exemplars)), room.drawn(strongest(attention)))
    of_parts = book.listed_by_bucket(_few(typical(exemplars)), room.in_parts(typical(attention)))
    asked = exemplars[is_asked | exemplars.index.isin(asked_for(data, exemplars).index)]
    drawn = room.drawn(asked_for(data, attention))
    claimed = [[visible(claim), *place, rows] for (claim, *place), rows in book.listed(asked, best(drawn)).items()]
    heads = [(layer, head) for layer in data["layer"].values.tolist() for head in data["head"].values.tolist()]
    listed = [by_head.get(("", *head), []) for head in heads]
    return book.packed(listed, [of_parts.get(head, []) for head in heads], claimed)


def _few(exemplars: pd.DataFrame) -> pd.DataFrame:
    """As many of each head and bucket as a page shows."""
    return exemplars[exemplars["rank"] <= TYPICAL_SHOWN]
