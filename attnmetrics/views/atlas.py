"""The atlas: one page on every head of a run, from a metric to a head, from a head to its sentences.

Here is what the page holds; `static/atlas.js` and the modules it imports draw it. Text of the corpus travels as JSON
and becomes text nodes only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.errors import StoreError
from attnmetrics.storage import Location
from attnmetrics.views import similarity
from attnmetrics.views.certainty import certainty, interval_title, rank_bounds, why_none
from attnmetrics.views.claims import claims_of, leading, standout_claim
from attnmetrics.views.evidence import CHOICES, least
from attnmetrics.views.exemplars import TYPICAL, of_claim, strongest, typical
from attnmetrics.views.facts import about, flat, headline, left_out, model_name
from attnmetrics.views.heads import EXAMPLE_ROLES, Standout, per_head, standout, standouts, standouts_by_evidence
from attnmetrics.views.page import pack
from attnmetrics.views.page import render as render_page
from attnmetrics.views.papers.behaviours import asked_for
from attnmetrics.views.papers.claims import Paper, Row, compare
from attnmetrics.views.papers.clark_2019 import CLARK, published_layers, published_of
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV
from attnmetrics.views.pieces import readable, visible
from attnmetrics.views.relations import by_rules, coreference
from attnmetrics.views.role_pages import pack_roles
from attnmetrics.views.tables import (
    beside,
    by_layer,
    chance,
    dim_title,
    further,
    is_of_all_attention,
    kind,
    labels_of,
    of_corpus,
    of_heads,
    ranking,
    said,
    title,
    unit_word,
    units,
    values,
    with_one_label,
)
from attnmetrics.views.tokens import pack_tokens

PAGE: Final = "index.html"
STEPS: Final = 1 << 14
"""Weights of exemplars' rows travel as whole numbers of this part, an error of at most 3·10⁻⁵."""
MOST_WEIGHTS: Final = 400_000
"""Weights of exemplars' rows in a page; with more, each head shows the rows of fewer sentences."""
MOST_SENTENCES: Final = 10
"""Of a head in a page; `exemplars.parquet` has all."""
TYPICAL_SHOWN: Final = 2
"""Typical sentences of each part of a head's in a page."""
MOST_CHARACTERS: Final = 1_500_000
"""Of the sentences in a page; with more, each head shows fewer."""

MOST_LABELS: Final = 4
"""A metric of more has its intervals in tables and in the terminal; `static/atlas/head-metrics.js` tells no more."""

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
    roles: pd.DataFrame | None = None,
) -> None:
    """Write `folder`/index.html.

    Args:
        data: the run's results.
        exemplars: rows (layer, head, claim, bucket, rank, weight, document, sentence, i, j, text, pieces).
        attention: rows (layer, head, claim, bucket, rank, pieces, i, j, weight) of the first exemplars; may be empty.
        facts: what run.json says; `model`, `corpus`, `counts`, `left_out`, `timings` are shown where present.
        folder: made where missing.
        tokens: rows (layer, head, side, rank, piece, piece_id, attention, occurrences, lift); None for none.
        roles: rows (layer, head, role, detail, …, sentence); None for none.

    Raises:
        StoreError: the folder cannot be written.
    """
    page = render(data, exemplars, attention, facts, tokens=tokens, roles=roles)
    try:
        folder.write_folder(lambda path: (path / PAGE).write_text(page, encoding="utf-8", newline="\n"))
    except OSError as error:
        raise StoreError(
            f"expected to write the report to {folder}, found: {error.strerror or error}; "
            "free space or choose a folder that you may write to, then run `attnmetrics merge` again"
        ) from error


def render(
    data: xr.Dataset,
    exemplars: pd.DataFrame,
    attention: pd.DataFrame,
    facts: Mapping[str, Any],
    served: bool = False,
    tokens: pd.DataFrame | None = None,
    roles: pd.DataFrame | None = None,
) -> str:
    """The page, the same for the same input. `served`: a server stands behind it that runs the model."""
    name = model_name(facts)
    title = f"Attention heads of {name}" if name else "Attention heads"
    content = contents(data, exemplars, attention, facts, tokens, roles)
    return render_page(content | {"served": served}, title, "auto")


def contents(
    data: xr.Dataset,
    exemplars: pd.DataFrame,
    attention: pd.DataFrame,
    facts: Mapping[str, Any],
    tokens: pd.DataFrame | None = None,
    roles: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """What the page's script reads."""
    return {
        "view": "atlas",
        "name": model_name(facts) or "a model",
        "unit": unit_word(data),
        "missing": data.attrs.get("shards_missing"),
        "headline": headline(data, facts),
        "about": about(facts),
        "left_out": left_out(data, facts),
        "facts": [(visible(name), visible(value)) for name, value in flat(facts)],
        "interval_title": interval_title(data),
        "no_intervals": why_none(data),
        "layers": data["layer"].values.tolist(),
        "heads": data["head"].values.tolist(),
        "metrics": [_metric(data, table) for table in of_heads(data).values()],
        "corpus": [_described(table) for name, table in of_corpus(data).items() if name not in _CORRELATED],
        "correlations": [_correlation(data, *one) for one in _CORRELATIONS if f"{one[0]}_r" in data],
        "similarity": _similarity(data),
        "evidence": {"least": least(data)},
        "evidence_choices": sorted({least(data), *CHOICES}),
        "standouts": [_standout(one) for one in standouts(data)],
        "standouts_by_evidence": _by_evidence(data),
        "extremes": [_standout(one) for role in EXAMPLE_ROLES if (one := standout(data, role))],
        "figures": [figure for figure in _FIGURES if _drawable(data, figure[2])],
        "papers": _papers(data),
        "layer_values": {" ".join(key).strip(): found for key, found in published_layers(data).items()},
        "published_relations": published_of(data),
        "relations": [[_told(one) for one in rules] for rules in by_rules(data)],
        "coreference": [_told(one) for one in coreference(data)],
        "roles": None if roles is None else pack_roles(data, roles),
        "tokens": None if tokens is None else pack_tokens(data, tokens),
        **_sentences(data, exemplars, attention),
    }  # fmt: skip


def _drawable(data: xr.Dataset, route: str) -> bool:
    """Whether the run has the tables, and the label, that a figure is of."""
    page, name, *label = route.split("/")
    if page == "paper":
        return any(role.metric in data for role in EXAMPLE_ROLES)
    return name in of_heads(data) and (not label or per_head(data, name, {"pos": label[0]}) is not None)


def _metric(data: xr.Dataset, table: xr.DataArray) -> dict[str, Any]:
    """A table of heads with its by-layer twin [layer, label], NaN where the run has none, and its chance level."""
    twin, level = by_layer(data, str(table.name)), chance(data, table)
    by_layers = np.full((table.shape[0], *table.shape[2:]), np.nan) if twin is None else values(twin)
    chance_name = None if level is None else visible(str(level.name))
    claims = [visible(claim) for claim in claims_of(table)]
    ranks, lines = ranking(data, table), [visible(str(one.name)) for one in beside(data, table)]
    return _described(table) | {
        "chance": chance_name,
        "chance_off_null": table.attrs.get("chance_times") == "evidence",
        "excess": None if ranks is table else visible(str(ranks.name)),
        "beside": lines,
        "has_null": is_of_all_attention(table),
        "claims": claims,
        "by_layer": pack(by_layers),
        "sure": _sure(data, table),
    }


def _sure(data: xr.Dataset, table: xr.DataArray) -> dict[str, Any] | None:
    """The intervals of a table that a head's page tells label by label, and of ranks; None where there are none."""
    found = certainty(data, str(table.name))
    if found is None or np.prod(table.shape[2:]) > MOST_LABELS:
        return None
    ranks = rank_bounds(data, str(table.name))
    low, high = (None, None) if ranks is None else (pack(bound.astype("<f4")) for bound in ranks)
    bounds = {"low": pack(values(found.low).astype("<f4")), "high": pack(values(found.high).astype("<f4"))}
    return {**bounds, "unsure": pack(found.unsure.to_numpy().astype("u1")), "rank_low": low, "rank_high": high}


def _similarity(data: xr.Dataset) -> dict[str, Any] | None:
    """How alike heads attend, without the distances of all pairs: those to the nearest heads; None where unknown."""
    if not similarity.has_map(data):
        return None
    distance = data[similarity.DISTANCE]
    others, distances = similarity.nearest(distance, NEAREST)
    return {
        "map": _described(data[similarity.MAP]),
        "cluster": pack(values(data[similarity.CLUSTER])),
        "others": pack(others.astype("<u2")),
        "distances": pack(distances.astype("<f4")),
        "layers": pack(values(data[similarity.LAYERS])),
        "shares": similarity.explained(data[similarity.MAP]),
        "rows": float(data["similarity_rows"]) if "similarity_rows" in data else None,
        "unit": units(distance),
    }


def _described(table: xr.DataArray) -> dict[str, Any]:
    """A table [layer, head, label], or one of the corpus [label], and what it says of itself."""
    of_labels = with_one_label(table)
    dim = next(iter(further(of_labels)), None)
    return {
        "name": visible(str(table.name)),
        "title": title(table),
        "heading": said(table, "heading") or None,
        "unit": units(table),
        "kind": kind(table),
        "dim": None if dim is None else visible(dim),
        "dim_title": " and ".join(dim_title(table, one) for one in further(table)).capitalize() or None,
        "labels": [] if dim is None else [visible(str(label)) for label in labels_of(of_labels, dim)],
        "help": said(table, "help"),
        "formula": said(table, "formula"),
        "source": said(table, "source"),
        "family": said(table, "family"),
        "caption": said(table, "caption"),
        "values": pack(values(of_labels)),
    }


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if np.isfinite(value) else None


def _correlation(data: xr.Dataset, name: str, other: str, label: str | None) -> dict[str, Any]:
    r, p = (float(data[key]) if key in data else np.nan for key in (f"{name}_r", f"{name}_p"))
    return {"x": "distance", "y": other, "label": label, "r": _finite(r), "p": _finite(p)}


def _standout(one: Standout) -> dict[str, Any]:
    role = one.role
    return {
        "title": role.title,
        "metric": role.metric,
        "label": next((str(label) for label in role.at.values()), None),
        "claim": visible(standout_claim(one)),
        "layer": one.layer,
        "head": one.head,
        "value": one.value,
        "median": one.median,
        "chance": None if np.isnan(one.chance) else one.chance,
        "of_chance": one.of_chance,
    }


def _by_evidence(data: xr.Dataset) -> list[tuple[float, list[dict[str, Any]]]]:
    """What stands out where a page is asked for other evidence."""
    return [(share, [_standout(one) for one in found]) for share, found in standouts_by_evidence(data)]


# ---- papers


def _papers(data: xr.Dataset) -> list[dict[str, Any]]:
    """The papers, each claim beside the run's; of the second, only where the run can answer any."""
    compared = [(paper, compare(paper, data)) for paper in (VIG_BELINKOV, CLARK)]
    return [_paper(paper, rows) for paper, rows in compared if paper is VIG_BELINKOV or any(row.given for row in rows)]


def _paper(paper: Paper, rows: Sequence[Row]) -> dict[str, Any]:
    about = {"key": paper.key, "name": paper.name, "citation": paper.citation, "conditions": paper.conditions}
    return about | {"rows": [_compared(row) for row in rows]}


def _compared(row: Row) -> dict[str, Any]:
    claim = row.claim
    said = {"where": claim.where, "claim": claim.claim, "unit": claim.unit, "published": claim.published}
    beside = {"released": claim.released, "note": claim.note, "result": claim.result}
    return said | beside | {"found": visible(row.text), "given": row.given}


def _told(one: Any) -> dict[str, Any]:
    """A relation or a class of mentions; JSON has no NaN."""
    return {name: _plain(value) for name, value in asdict(one).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {visible(name): _plain(inner) for name, inner in value.items()}
    return _finite(value) if isinstance(value, float) else visible(value) if isinstance(value, str) else value


# ---- exemplars


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A sentence of a head."""

    sentence: int
    """position in the page's sentences"""
    rank: int
    weight: float
    i: int
    j: int
    rows: bool
    """whether the page has the attention in it"""


def _sentences(data: xr.Dataset, exemplars: pd.DataFrame, attention: pd.DataFrame) -> dict[str, Any]:
    """Sentences, each once; the exemplars of each head; those that answer claims; the attention in them."""
    book = _Book(unit_word(data))
    by_head = book.listed(_short(strongest(exemplars)), _drawn(strongest(attention)))
    of_parts = book.listed_by_bucket(_few(typical(exemplars)))
    asked, drawn = _asked(data, exemplars), _drawn(asked_for(data, attention))
    claimed = [
        [visible(claim), *place, listed]
        for claim, rows in asked.groupby("claim")
        for place, listed in book.listed(rows, of_claim(drawn, str(claim))).items()
    ]
    heads = [(layer, head) for layer in data["layer"].values.tolist() for head in data["head"].values.tolist()]
    return {
        "exemplars": [by_head.get(head, []) for head in heads],
        "typical": [of_parts.get(head, []) for head in heads],
        "claimed": claimed,
        "sentences": book.sentences,
        "rows": book.rows.packed(),
        "steps": STEPS,
    }


def _asked(data: xr.Dataset, exemplars: pd.DataFrame) -> pd.DataFrame:
    """Those that answer a claim and that some page shows."""
    in_papers = exemplars.index.isin(asked_for(data, exemplars).index)
    return exemplars[in_papers | leading(data, exemplars)]


class _Book:
    """Sentences of exemplars, each once, and the attention in them, in the order in which they are listed."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._places: dict[tuple[str, int, tuple[str, ...]], int] = {}
        self.sentences: list[list[str | list[str]]] = []
        self.rows = _Rows()

    def listed(self, exemplars: pd.DataFrame, attention: pd.DataFrame) -> dict[tuple[int, int], list[list[Any]]]:
        """By head its exemplars, best first, with the attention in those that have any; all of one claim."""
        found = {(int(row.layer), int(row.head), int(row.rank)): row for row in attention.itertuples(index=False)}
        by_head: dict[tuple[int, int], list[list[Any]]] = {}
        for row in exemplars.sort_values(["layer", "head", "rank"]).itertuples(index=False):
            at = int(row.layer), int(row.head)
            one = self._exemplar(row, found.get((*at, int(row.rank))))
            by_head.setdefault(at, []).append(list(asdict(one).values()))
        return by_head

    def listed_by_bucket(self, exemplars: pd.DataFrame) -> dict[tuple[int, int], list[list[Any]]]:
        """By head typical ones [bucket, exemplar], those with the largest weights first, without attention."""
        by_head: dict[tuple[int, int], list[list[Any]]] = {}
        for bucket in reversed(TYPICAL):
            for at, listed in self.listed(exemplars[exemplars["bucket"] == bucket], exemplars.iloc[:0]).items():
                by_head.setdefault(at, []).extend([bucket, one] for one in listed)
        return by_head

    def _exemplar(self, row: Any, weights: Any) -> Exemplar:
        if weights is not None:
            self.rows.add(weights)
        place = self._place(row)
        return Exemplar(place, int(row.rank), float(row.weight), int(row.i), int(row.j), weights is not None)

    def _place(self, row: Any) -> int:
        key = str(row.document), int(row.sentence), tuple(row.pieces)
        if key not in self._places:
            self._places[key] = len(self.sentences)
            self.sentences.append(_sentence(row, self._unit))
        return self._places[key]


def _short(exemplars: pd.DataFrame) -> pd.DataFrame:
    """As many of each head as a page can hold."""
    return exemplars[exemplars["rank"] <= _affordable(exemplars["rank"], exemplars["text"], MOST_CHARACTERS)]


def _few(exemplars: pd.DataFrame) -> pd.DataFrame:
    """As many of each head and bucket as a page shows."""
    return exemplars[exemplars["rank"] <= TYPICAL_SHOWN]


def _drawn(attention: pd.DataFrame) -> pd.DataFrame:
    """The attention in as many of each head as a page can hold."""
    return attention[attention["rank"] <= _affordable(attention["rank"], attention["weight"], MOST_WEIGHTS)]


def _affordable(rank: pd.Series, content: pd.Series, most: int) -> int:
    """The last rank up to which the lengths of all contents add up to no more than `most`; one rank at least."""
    lengths = content.map(len).astype(int).groupby(rank.astype(int)).sum().sort_index()
    return min(max(1, int((lengths.cumsum() <= most).sum())), MOST_SENTENCES)


def _sentence(row: Any, unit: str) -> list[str | list[str]]:
    """[source, pieces, whether white space is before each, and the corpus's text where these do not spell it]"""
    pieces = readable(list(row.pieces), str(row.text))
    spaces = "".join("1" if piece.space else "0" for piece in pieces)
    source = visible(f"{row.document}, {unit} {row.sentence}")
    spelled = "".join(" " * piece.space + piece.text for piece in pieces)
    return [
        source,
        [piece.text for piece in pieces],
        spaces,
        *([] if spelled == row.text else [quote(str(row.text), " ", errors="replace")]),
    ]


class _Rows:
    """Rows of attention, sparse and end to end: lengths of rows, attended pieces, weights."""

    def __init__(self) -> None:
        self._lengths: list[Any] = []
        self._to: list[Any] = []
        self._weights: list[Any] = []

    def add(self, weights: Any) -> None:
        """All n rows of a sentence, in order."""
        attending = np.asarray(weights.i, np.int64)
        order = np.argsort(attending, kind="stable")
        self._lengths.append(np.bincount(attending, minlength=int(weights.pieces)))
        self._to.append(np.asarray(weights.j)[order])
        self._weights.append(np.rint(np.asarray(weights.weight, np.float64)[order] * STEPS))

    def packed(self) -> dict[str, str]:
        """As the page's script unpacks them."""
        kinds = {"lengths": (self._lengths, "<u2"), "to": (self._to, "<u2"), "weights": (self._weights, "<u2")}
        return {name: pack(np.concatenate([np.zeros(0), *parts]).astype(kind)) for name, (parts, kind) in kinds.items()}
