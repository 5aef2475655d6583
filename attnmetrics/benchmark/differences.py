"""How often heads that do not differ are said to: made-up runs without a difference, compared.

python -m attnmetrics.benchmark.differences

A family are all heads of a result at one label. Where nothing differs, no more than 5% of families may have a head with
q below 0.05.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Final, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from attnmetrics.benchmark.coverage import Coverage
from attnmetrics.benchmark.made_up import SCHEMA, MadeUpShards
from attnmetrics.results.comparison import CLEAR
from attnmetrics.statistics.comparing import Sample, find_differences
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.store.merge import merge
from attnmetrics.store.shards import Store

SHARDS: Final = (20, 64, 400)
NAMES: Final = (
    "null_attention", "pos_to", "distance", "entropy", "repeat_attention", "induction_attention", "variability",
    "relation_accuracy",
)  # fmt: skip
"""Results that are tried."""


def count_false(
    trials: int, shards: int, paired: bool, seed: int = 0, names: Sequence[str] = NAMES
) -> dict[str, Coverage]:
    """Of each result, the share of families with a head that is said to differ, though none does.

    Args:
        trials: pairs of runs.
        shards: of each.
        paired: whether both are of the same documents, in half of which the models do the same.
        seed: of all that is made up.
        names: of results.
    """
    found = [_compare(shards, paired, np.random.default_rng((seed, shards, n)), names) for n in range(trials)]
    return {name: _share(np.array([one[name] for one in found])) for name in names}


def _compare(shards: int, paired: bool, random: np.random.Generator, names: Sequence[str]) -> Mapping[str, float]:
    corpus = MadeUpShards(shards, random)
    other = corpus.measured_anew(random) if paired else MadeUpShards(shards, random)
    samples = _sample(corpus, names, "one"), _sample(other, names, "one" if paired else "other")
    found = find_differences(*samples, SCHEMA.names, names=names)
    return {name: _false(one.q) for name, one in found.items()}


def _sample(corpus: MadeUpShards, names: Sequence[str], name: str) -> Sample:
    groups = GroupSums(SCHEMA, corpus.shards)
    sums = merge(cast(Store, corpus), corpus.commits, None, groups)
    return Sample(groups, SCHEMA.compute_some(sums, names), name)


def _false(q: np.ndarray) -> float:
    """The share of the families [head, family] with evidence that have a head that is said to differ."""
    families = q.reshape(q.shape[0] * q.shape[1], -1)
    families = families[:, ~np.isnan(families).all(0)]
    return float((families < CLEAR).any(0).mean())


def _share(shares: np.ndarray) -> Coverage:
    return Coverage(float(shares.mean()), float(shares.std() / np.sqrt(len(shares))))


def main() -> None:
    """Try, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="of each number of shards")
    parser.add_argument("--shards", type=int, nargs="+", default=SHARDS, help="of a run")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    ways = [(shards, paired) for shards in asked.shards for paired in (True, False)]
    table = Table("results", *(f"{shards} shards{', paired' if paired else ''}" for shards, paired in ways))
    found = [count_false(asked.trials, shards, paired, asked.seed) for shards, paired in ways]
    for name in NAMES:
        table.add_row(name, *(str(one[name]) for one in found))
    Console().print(f"families with q < {CLEAR} though nothing differs, % of {asked.trials:,} trials", table, sep="\n")


if __name__ == "__main__":
    main()
