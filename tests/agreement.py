"""Whether results and exemplars agree with the float64 reference, within the tolerance of the contract."""

import json
from collections.abc import Sequence
from dataclasses import fields
from itertools import chain, combinations, pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from gold import Annotated, label, new_reference, new_schema, read_units
from reference_forward import attention_float64

from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import ShardResult, measure
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.reference.answers import Strongest
from attnmetrics.metrics.reference.entropy import NearRow
from attnmetrics.metrics.reference.exemplars import APART, OWN, Peak
from attnmetrics.metrics.reference.sentence import Sentence
from attnmetrics.metrics.reference.similarity import clusters_of, map_of
from attnmetrics.metrics.reference.sinks import BINS, Sinks, rate
from attnmetrics.metrics.reference.syntax import RULES
from attnmetrics.metrics.reference.twins import Reference
from attnmetrics.metrics.reference.typical import Unit, cut
from attnmetrics.model.load import load_model
from attnmetrics.results.dataset import dataset
from attnmetrics.statistics.claims import BEST, Rows, merge_rows
from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.listing import make_listing
from attnmetrics.statistics.tokens import SIDES, Tokens, Totals
from attnmetrics.statistics.typical import Typical, find_typical, merge_typical
from attnmetrics.statistics.variability import deviations

RELATIVE, ABSOLUTE, WEIGHT = 1e-5, 1e-7, 5e-6
CORRELATION = 10
"""A correlation near 0 over a dozen heads magnifies their errors: so many times more are allowed there."""
K = 8
NEAR_EDGE = 1e-5
SHARP = 2e-5
"""What rounding in a float32 forward pass may do to a weight halfway between 0 and 1 where scores are large: eager
attention of transformers is off by 9·10⁻⁶ there."""
LEAST = 2
"""Occurrences of a type of piece that is listed."""


def allowed_ratio(found: np.ndarray, expected: np.ndarray, *terms: np.ndarray) -> np.ndarray:
    """Error as a share of what is allowed; ∞ where only one is NaN.

    A difference may be as wrong as its two terms together: where they are nearly equal, it is no smaller than their
    errors.
    """
    allowed = sum(RELATIVE * np.abs(term) + ABSOLUTE for term in terms or (expected,))
    error = np.abs(found - expected) / allowed
    return np.where(np.isnan(found) & np.isnan(expected), 0, np.where(np.isnan(error), np.inf, error))


def entropy_ratio(found: xr.Dataset, expected: Reference, layer: int, heads: Sequence[int], suffix: str) -> float:
    """Error of one head's (or layer's) entropy; rows near the cut may fall either way."""
    near = [row for row in expected.near_rows if row.layer == layer and row.head in heads]
    at_heads = (layer, list(heads))
    total = expected.entropy.total[at_heads].sum() - sum(row.entropy for row in near if row.kept)
    rows = expected.entropy.rows[at_heads].sum() - sum(row.kept for row in near)
    at = (layer,) if suffix else (layer, heads[0])
    value, number = (found[f"{name}{suffix}"].to_numpy()[at] for name in ("entropy", "entropy_rows"))
    return min(_choice_ratio(value, number, total, rows, chosen) for chosen in _subsets(near))


def _subsets(rows: list[NearRow]) -> list[tuple[NearRow, ...]]:
    return list(chain.from_iterable(combinations(rows, size) for size in range(len(rows) + 1)))


def _choice_ratio(value: float, number: int, total: float, rows: float, chosen: tuple[NearRow, ...]) -> float:
    count = rows + len(chosen)
    if number != count:
        return np.inf
    mean = (total + sum(row.entropy for row in chosen)) / count if count else np.nan
    return float(allowed_ratio(np.asarray(value), np.asarray(mean)))


def worst_ratios(found: xr.Dataset, expected: Reference) -> dict[str, float]:
    """The largest error of each result, as a share of what is allowed."""
    values = expected.results()
    assert set(values) == set(found.data_vars)
    ratios = {
        name: float(allowed_ratio(found[name].to_numpy(), value, *_terms(name, values)).max())
        for name, value in values.items()
        if not name.startswith(("entropy", "distance_entropy", "head_map", "head_cluster"))
    }
    layers, heads = range(expected.model.layers), range(expected.model.heads)
    ratios["entropy"] = max(entropy_ratio(found, expected, layer, [head], "") for layer in layers for head in heads)
    ratios["entropy_by_layer"] = max(entropy_ratio(found, expected, layer, heads, "_by_layer") for layer in layers)
    ratios |= map_ratios(found) | sink_ratios(found, expected)
    ratios["distance_deviation"] = deviation_ratio(found["distance_deviation"].to_numpy(), values["distance_deviation"])
    if not expected.near_rows:
        for name in ("distance_entropy_r", "distance_entropy_p"):
            ratios[name] = float(allowed_ratio(found[name].to_numpy(), values[name]))
    return {name: ratio / CORRELATION if name.endswith(("_r", "_p")) else ratio for name, ratio in ratios.items()}


def _terms(name: str, values: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What a result is the difference of; nothing where it is none."""
    return [values[name.replace("_excess", of)] for of in ("_alignment", "_expected") if "_excess" in name]


def sink_ratios(found: xr.Dataset, expected: Reference) -> dict[str, float]:
    """Errors of histograms, of which a weight near an edge may be in either bin, and of rates that follow from them."""
    (twin,) = (one for one in expected.twins if isinstance(one, Sinks))
    ratios = {}
    for name, weights in twin.weights.items():
        below = found[name].to_numpy().cumsum(axis=-1)
        edges, one = np.arange(1, BINS) / BINS, np.array(weights).reshape(-1, *below.shape[:2], 1)
        least, most = (one < edges - NEAR_EDGE).sum(axis=0), (one < edges + NEAR_EDGE).sum(axis=0)
        agrees = (least <= below[..., :-1]) & (below[..., :-1] <= most)
        ratios[name] = 0.0 if agrees.all() and (below[..., -1] == len(weights)).all() else np.inf
    histogram = found["first_piece_histogram"].to_numpy()
    for name, counts in (("sink_rate", histogram), ("sink_rate_by_layer", histogram.sum(axis=1))):
        ratios[name] = float(allowed_ratio(found[name].to_numpy(), rate(counts)).max())
    return ratios


def deviation_ratio(found: np.ndarray, expected: np.ndarray) -> float:
    """The error of deviations of distance: below 0.01 they are differences of nearly equal numbers."""
    ratio = allowed_ratio(found, expected)
    return float(np.where(expected < 0.01, np.abs(found - expected) / 1e-3, ratio).max())


def map_ratios(found: xr.Dataset) -> dict[str, float]:
    """Errors of the map and the clusters that follow from the distances found: rounding may turn those of others."""
    heads = found.sizes["layer"] * found.sizes["head"]
    distance = found["head_distance"].to_numpy().reshape(heads, heads)
    points, groups = map_of(distance), clusters_of(np.sqrt(distance))
    return {
        "head_map": float(allowed_ratio(found["head_map"].to_numpy().reshape(heads, 2), points).max()),
        "head_cluster": float(allowed_ratio(found["head_cluster"].to_numpy().ravel(), groups).max()),
    }


def check_exemplars(found: Exemplars, expected: Reference, maps: dict) -> float:
    """Every rank of every head, of both kinds; returns the largest error of a weight."""
    worst = 0.0
    for number, kind in enumerate((APART, OWN)):
        for layer in range(expected.model.layers):
            for head in range(expected.model.heads):
                columns = (found.weight, found.document_index, found.sentence, found.i, found.j)
                rows = [Peak(*row) for row in zip(*(c[number, layer, head].tolist() for c in columns), strict=True)]
                kept = [row for row in rows if row.document_index >= 0]
                ranking = expected.strongest.rank(layer, head, kind)
                every = [peak for peak, _ in expected.strongest.every(layer, head, kind)]
                assert len(kept) == min(K, len(ranking))
                at = layer, head
                worst = max([worst, *(_check_rank(row, ranking[k], every, maps, at) for k, row in enumerate(kept))])
    return worst


def check_claims(
    found: Rows, claims: Claims, expected: Reference, maps: dict, rounding: float = WEIGHT
) -> tuple[float, int]:
    """Every rank of every claim and head; returns the largest error of a weight, and how many there are."""
    listed = make_listing(Exemplars.zero(0, 0, 0), found, claims.names, claims.either)
    worst, number = 0.0, 0
    for claim in {*listed.claims[1:], *(name for name, _, _ in expected.claims.strongest)}:
        for layer in range(expected.model.layers):
            for head in range(expected.model.heads):
                here = (listed.rows["layer"] == layer) & (listed.rows["head"] == head)
                own = listed.rows[here & (listed.rows["claim"] == listed.claims.index(claim))]
                rows = own[["weight", "document_index", "sentence", "i", "j"]].tolist()
                at = claim, layer, head
                ranking, every = expected.claims.best(*at), expected.claims.every(*at)
                assert len(rows) == min(BEST, len(ranking)), claim
                for k, row in enumerate(rows):
                    worst = max(worst, _check_rank(Peak(*row), ranking[k], every, maps, (layer, head), rounding))
                number += len(rows)
    return worst, number


def check_relations(found: Rows, claims: Claims, expected: Reference, maps: dict, rounding: float = WEIGHT) -> int:
    """The strongest pairs of every relation's hits and misses, by every rule, in every head; returns how many."""
    return sum(
        check_answers(
            found,
            claims.first_of_relation(rule) + 2 * rel,
            f"relation:{name}:{rule_name}",
            expected.relations,
            maps,
            rounding,
        )
        for (rule, rule_name), (rel, name) in product(enumerate(RULES), enumerate(claims.rels))
    )


def check_answers(found: Rows, first: int, name: str, expected: Strongest, maps: dict, rounding: float = WEIGHT) -> int:
    """The strongest pairs of the hits and the misses of one question, in every head; returns how many."""
    number, (layers, heads) = 0, next(iter(maps.values())).shape[:2]
    for is_miss, kind in enumerate(("hit", "miss")):
        of_claim = found[found["claim"] == first + is_miss]
        for at in product(range(layers), range(heads)):
            own = of_claim[(of_claim["layer"] == at[0]) & (of_claim["head"] == at[1])]
            rows = own[["weight", "document_index", "sentence", "i", "j"]].tolist()
            ranking, every = (find(f"{name}:{kind}", *at) for find in (expected.best, expected.every))
            assert len(rows) == min(BEST, len(ranking))
            for k, row in enumerate(rows):
                assert _check_rank(Peak(*row), ranking[k], every, maps, at, rounding) < rounding
            number += len(rows)
    return number


def check_tokens(found: Tokens, expected: Reference) -> int:
    """Every rank of every head and side, ids but for those whose lifts rounding may swap; returns how many."""
    has_queries = bool((found.rows["side"] == SIDES.index("query")).any())
    assert has_queries == bool(expected.tokens.null_pieces)
    number, types = 0, found.types
    for layer, head, side in product(range(expected.model.layers), range(expected.model.heads), SIDES):
        own = found.rows[(found.rows["layer"] == layer) & (found.rows["head"] == head)]
        own = own[own["side"] == SIDES.index(side)]
        listed = [token for token in expected.tokens.listed(layer, head, side, LEAST) if token.lift > ABSOLUTE]
        assert own["rank"].tolist() == list(range(len(own)))
        own = own[own["lift"] > ABSOLUTE]
        assert len(own) == len(listed)
        twins = [expected.tokens._token(layer, head, side, piece) for piece in types.ids[own["type"]].tolist()]
        # A row's weights are wrong by as much as one weight may be.
        allowed = [RELATIVE * twin.lift + WEIGHT * twin.occurrences * twin.lift / twin.attention for twin in twins]
        for of_twins in (listed, twins):
            assert (abs(own["lift"] - [twin.lift for twin in of_twins]) <= allowed).all()
        np.testing.assert_allclose(own["attention"] / own["lift"], [twin.attention / twin.lift for twin in twins])
        occurrences = types.occurrences[SIDES.index(side), own["type"]]
        assert occurrences.tolist() == [twin.occurrences for twin in twins]
        number += len(own)
    return number


def check_typical(found: Typical, expected: Reference, maps: dict) -> int:
    """Every unit's largest weight and pair in every head, and what its parts show; returns how many are shown."""
    unit, part, layer, head, rank = find_typical(found)
    for at in product(range(expected.model.layers), range(expected.model.heads)):
        own = [
            Unit(*row)
            for row in zip(
                *(column.tolist() for column in (found.hashes, found.document_index, found.sentence)),
                *(column[:, *at].tolist() for column in (found.weight, found.i, found.j)),
                strict=True,
            )
        ]
        for one, twin in zip(own, expected.typical.units(*at), strict=True):
            peaks = [Peak(*(getattr(each, field.name) for field in fields(Peak))) for each in (one, twin)]
            assert one.digest == twin.digest
            if one.i < 0:
                assert one == twin
            else:
                assert _check_rank(peaks[0], peaks[1], peaks[1:], maps, at) < WEIGHT
        here = (layer == at[0]) & (head == at[1])
        for number, shown in enumerate(cut(own).values()):
            assert [own[place] for place in unit[here & (part == number)].tolist()] == shown
            assert rank[here & (part == number)].tolist() == list(range(len(shown)))
    return len(unit)


def _check_rank(
    row: Peak, expected: Peak, every: list[Peak], maps: dict, head: tuple[int, int], rounding: float = WEIGHT
) -> float:
    """The sentence is the expected one or one as heavy, but for rounding; so are its i and j.

    A text that occurs twice may be listed as either: a processor may round the two differently.
    """
    own = next(p for p in every if (p.document_index, p.sentence) == (row.document_index, row.sentence))
    assert own == expected or abs(own.weight - expected.weight) < rounding
    at_place = maps[row.document_index, row.sentence][head][row.i, row.j]
    assert (row.i, row.j) == (own.i, own.j) or own.weight - at_place < rounding
    return abs(row.weight - own.weight)


class Found(NamedTuple):
    """Everything the package says."""

    results: xr.Dataset
    exemplars: Exemplars
    claims: Rows
    typical: Typical
    tokens: Tokens


def merge_found_tokens(parts: Sequence[ShardResult], has_null: bool) -> Tokens:
    """The tokens of some shards, as merging finds them."""
    totals = Totals()
    for part in parts:
        totals.add(part.tokens.types)
    competitors = totals.competitors(LEAST)
    layers, _, _, heads = parts[0].tokens.attention.shape
    attention = competitors.sum_up((part.tokens for part in parts), (layers, heads))
    return Tokens(competitors.types, competitors.rank(attention, range(1 + has_null)))


def measured(folder: Path, sentences: Sequence[Annotated], null: str | None) -> Found:
    """Everything the package says, from three shards."""
    model = load_model(str(folder), device="cpu", null_tokens=null)
    schema = new_schema(len(model.layers), model.heads)
    bounds = [0, len(sentences) // 3, len(sentences) // 2, len(sentences)]
    shards = [read_units(sentences[begin:end], model, own=True) for begin, end in pairwise(bounds)]
    samples = [MapSample(seed=0, rows=np.arange(len(units))) for units in shards]
    pairs = zip(shards, samples, strict=True)
    parts = [measure(units, model, batch_pieces=300, exemplars=K, map_sample=sample) for units, sample in pairs]
    state = parts[0].state.merge(parts[1].state).merge(parts[2].state)
    sums = state.sums | deviations(lambda: (part.blocks for part in parts))
    claims = merge_rows(part.claims for part in parts)
    typical = merge_typical(part.typical for part in parts)
    tokens = merge_found_tokens(parts, has_null=state["null_sum"].any())
    return Found(dataset(schema, sums), merge_all(part.exemplars for part in parts), claims, typical, tokens)


def referred(folder: Path, sentences: Sequence[Annotated], null: str | None) -> tuple[Reference, dict]:
    """Everything the reference says, and every α by (document, sentence)."""
    found: Reference | None = None
    maps = {}
    for sentence in sentences:
        attention = attention_float64(folder, sentence.text)
        layers, heads = attention.alpha.shape[:2]
        causal = json.loads((folder / "config.json").read_text())["model_type"] != "bert"
        found = found or new_reference(layers, heads, causal)
        chosen = null or ("first" if causal else "special")
        read = Sentence(
            text=sentence.text,
            words=sentence.words,
            spans=attention.spans,
            ids=attention.ids,
            template=attention.template,
            null={"first": frozenset({0}), "special": attention.template, "none": frozenset()}[chosen],
            alpha=attention.alpha,
            added=attention.added,
            mentions=sentence.mentions,
            cut=attention.cut,
            document=f"document {sentence.document}",
            document_index=sentence.document,
            sentence=sentence.sentence,
        )
        found.add(label(read))
        maps[sentence.document, sentence.sentence] = attention.alpha
    assert found is not None
    return found, maps
