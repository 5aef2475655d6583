"""How often intervals hold the true value: made-up corpora through the merge of a run and its intervals.

python -m attnmetrics.benchmark.coverage
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from attnmetrics.benchmark.made_up import SCHEMA, MadeUpShards, true_values
from attnmetrics.metrics.family import Array
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.intervals import find_intervals
from attnmetrics.store.merge import merge
from attnmetrics.store.shards import Store

SHARDS: Final = (12, 20, 64, 400)
KINDS: Final = {
    "null_attention": "shares",
    "pos_to": "shares of a label, some of a hundredth",
    "pos_to_by_layer": "shares by layer",
    "distance": "means, pieces",
    "entropy": "means, nats",
    "repeat_attention": "ratios with tiny mass",
    "induction_attention": "ratios with tiny mass, most of it in few documents",
    "variability": "variability",
    "distance_entropy_r": "correlation over heads",
    "distance_sd": "standard deviation over heads",
    "relation_accuracy": "accuracies",
    "relation_best_accuracy": "accuracy of the best head",
}
"""Results that are tried."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of how many intervals the true value was within."""

    share: float
    error: float
    """of a Monte Carlo trial: standard deviation over corpora ÷ √corpora"""

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} ± {100 * self.error:.1f}"


def try_corpora(
    corpora: int, shards: int, seed: int = 0, names: Sequence[str] = tuple(KINDS), documents: int = 400_000
) -> dict[str, Coverage]:
    """The coverage of 95% intervals of each result.

    Args:
        corpora: how many are tried.
        shards: of each.
        seed: of all that is made up.
        names: of results.
        documents: that true values are found from.
    """
    truth = true_values(names, np.random.default_rng(seed), documents)
    held = [_held(MadeUpShards(shards, np.random.default_rng((seed, shards, n))), truth) for n in range(corpora)]
    return {name: _coverage(np.array([one[name] for one in held])) for name in names}


def _held(corpus: MadeUpShards, truth: Mapping[str, Array]) -> dict[str, float]:
    """Of each result, the share of its values whose interval holds the truth."""
    groups = GroupSums(SCHEMA, corpus.shards)
    sums = merge(cast(Store, corpus), corpus.commits, None, groups)
    found = find_intervals(groups, SCHEMA.compute(sums), names=tuple(truth))
    return {name: _share(one.bounds, truth[name]) for name, one in found.items()}


def _share(bounds: Array, truth: Array) -> float:
    known = ~np.isnan(bounds[..., 0]) & ~np.isnan(truth)
    return float(np.mean(((bounds[..., 0] <= truth) & (truth <= bounds[..., 1]))[known])) if known.any() else np.nan


def _coverage(shares: Array) -> Coverage:
    shares = shares[~np.isnan(shares)]
    if not len(shares):
        return Coverage(np.nan, np.nan)
    return Coverage(float(shares.mean()), float(shares.std() / np.sqrt(len(shares))))


def main() -> None:
    """Try, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=int, default=2000, help="of each number of shards")
    parser.add_argument("--shards", type=int, nargs="+", default=SHARDS, help="of a corpus")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    table = Table("results", *(f"{shards} shards" for shards in asked.shards))
    found = [try_corpora(asked.corpora, shards, asked.seed) for shards in asked.shards]
    for name, kind in KINDS.items():
        table.add_row(f"{name}: {kind}", *(str(one[name]) for one in found))
    Console().print(f"95% intervals that hold the true value, % of {asked.corpora:,} corpora", table, sep="\n")


if __name__ == "__main__":
    main()
