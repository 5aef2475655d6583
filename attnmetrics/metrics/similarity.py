"""How alike two heads attend: the divergence of their rows of α, a map of all heads, and groups of them.

The Jensen-Shannon divergence of two rows p, q is ½ Σ p ln(p/m) + ½ Σ q ln(q/m), m = (p + q)/2: 0 where they are equal,
ln 2 where no piece has attention of both. Its mean over rows is a squared distance between points of some space, so
that the heads have a map. Its sums lie in a triangle: a number a pair of heads.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from attnmetrics.metrics.clusters import find_clusters
from attnmetrics.metrics.family import HEAD, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.pairs import count_pairs, square
from attnmetrics.metrics.ratios import ratio
from attnmetrics.metrics.scaling import explained, place

ROWS_A_UNIT: Final = 4
LEAST_ROWS: Final = 256
MOST_STEPS: Final = 6_000_000_000
"""Pairs of heads × rows × columns of a run."""
SENTENCE_COLUMNS: Final = 32
"""Columns of a row, for this count, where units are sentences: most have no more pieces."""
MOST_HEADS: Final = 1500
CLARK: Final = "after Clark et al. 2019, section 6"


def affordable_rows(asked: int, heads: int, columns: int) -> int:
    """How many of the rows asked for a run takes: no more than `MOST_STEPS` allow, or `LEAST_ROWS` if these are more.

    >>> affordable_rows(4096, heads=144, columns=128), affordable_rows(4096, heads=270, columns=128)
    (4096, 1290)
    >>> affordable_rows(4096, heads=1200, columns=128), affordable_rows(100, heads=1200, columns=128)
    (256, 100)
    """
    return min(asked, max(LEAST_ROWS, MOST_STEPS // max(1, count_pairs(heads) * columns)))


def head_distances(sums: Sums) -> Array:
    """[…, head of any layer, head of any layer] mean divergence of two heads, nats."""
    heads = int(np.prod(_grid(sums)))
    divergence = square(sums["divergence_sum"], heads)
    return ratio(divergence, sums["similarity_rows"][..., None, None])


def _grid(sums: Sums) -> tuple[int, int]:
    """Layers and heads of a layer, as a sum of heads has them."""
    layers, heads = sums["given_sum"].shape[-2:]
    return layers, heads


def _distance(sums: Sums) -> Array:
    found = head_distances(sums)
    return found.reshape(*found.shape[:-2], *_grid(sums), *_grid(sums))


def _map(sums: Sums) -> Array:
    found = place(head_distances(sums))
    return found.reshape(*found.shape[:-2], *_grid(sums), found.shape[-1])


def _shares(sums: Sums) -> Mapping[str, Any]:
    """Of the axes of the map, where there are any."""
    shares = explained(head_distances(sums))
    return {"explained_shares": [round(share, 6) for share in shares.tolist()]} if np.isfinite(shares).all() else {}


def _clusters(sums: Sums) -> Array:
    distance = np.sqrt(head_distances(sums))
    found = [find_clusters(one) for one in distance.reshape(-1, *distance.shape[-2:])]
    return np.reshape(found, (*distance.shape[:-2], *_grid(sums)))


def _layer_distance(sums: Sums) -> Array:
    layers, heads = _grid(sums)
    total = _distance(sums).sum(axis=(-3, -1))
    pairs = np.full((layers, layers), heads * heads) - heads * np.eye(layers)
    return ratio(total, pairs)


def _result(
    name: str, dims: tuple[str, ...], title: str, formula: str, compute: Callable[[Sums], Array], help: str,
    unit: str = "nats", kind: Any = "mean", source: str = "",
    **rest: Any,
) -> Result:  # fmt: skip
    return Result(
        name, dims, unit, kind, title, formula, compute, source, help, layered=False, null_in=dims[:2] == HEAD, **rest
    )


FAMILY: Final = Family(
    "similarity",
    "Similarity of heads",
    sums=(
        Sum("divergence_sum", ("head_pair",), Quantity.MAPPED),
        Sum("similarity_rows", (), Quantity.MAPPED),
    ),
    results=(
        _result(
            "head_distance", (*HEAD, "other_layer", "other_head"), "Divergence of two heads",
            "mean over sampled rows of JS(α of the one head, α of the other)", _distance,
            f"0: the two attend alike; ln 2 = 0.693: never to the same piece. Over {ROWS_A_UNIT} rows a unit, chosen "
            "by hash, null pieces in; row 0 of causal models is left out. With units of no fixed size, the number of "
            f"rows is found as if they had {SENTENCE_COLUMNS} pieces. A shard has one unit at least.",
            source=CLARK, magnitude=False,
        ),
        _result(
            "head_map", (*HEAD, "axis"), "Place on a map of all heads",
            "classical scaling with D² = head_distance; the largest component of an axis is positive", _map,
            "Heads that attend alike lie close together. Only distances on the map mean something: neither its axes "
            "nor its directions do; explained_shares says how much of all distances the axes hold.",
            unit="√nats", kind="score", source=CLARK, heading="Axis {} of the map", magnitude=False,
            also=_shares,
        ),
        _result(
            "head_cluster", HEAD, "Cluster of heads that attend alike",
            "average linkage on √head_distance; of 2 to 20 clusters, the number with the best mean silhouette",
            _clusters, "The number is a name: 0 is the largest cluster. No value for fewer than three heads.",
            unit="1", kind="score", magnitude=False,
        ),
        _result(
            "layer_distance", ("layer", "other_layer"), "Divergence of the heads of two layers",
            "mean head_distance between different heads of the two layers", _layer_distance,
            "Weak colour beside the diagonal: heads of neighbouring layers attend alike.",
        ),
        _result(
            "similarity_rows", (), "Rows that heads are compared in", "number", lambda sums: sums["similarity_rows"],
            "Of the sample by which the similarity of heads is found.", unit="rows", kind="count",
        ),
    ),
)  # fmt: skip
