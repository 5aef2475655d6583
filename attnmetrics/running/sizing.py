"""How long a shard should be, and why: reasons that pull in different directions, the most important first.

A reason that leaves no size over gives way. Whatever size is chosen becomes a part of the configuration, for bits
depend on it: a run itself never looks at the number of workers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, inf, log10

MEMORY_CHARACTERS = 2_000_000
"""Text of a shard that a worker can well hold: with peaks of all heads and sentences, some 100 MB."""

MOST_SHARDS = 20_000
"""Merging them takes two minutes; their files can be listed and copied."""

FEWEST_SHARDS = 50
"""A confidence interval is made from differences between shards."""

SHARDS_OF_A_WORKER = 16
"""At the end of a run a worker waits for others, half a shard's time in the middle."""

LOST_SECONDS = 600.0
"""Work that is lost with a worker that dies."""

OVERHEAD_SECONDS = 0.03
"""What a shard takes beside its text: handing it out, and writing its files to a disk."""

OVERHEAD_SHARE = 0.01

FILES_OF_A_SHARD = 9
"""State, exemplars, prefix blocks, claims, typical units, tokens, passages, commit, annotations."""


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do."""

    characters: int
    documents: int
    seconds: float
    """of one worker, for all of it"""
    workers: int
    variability_sentences: int | None
    """kept in all, from every shard at least one; None: all"""

    @property
    def excess(self) -> float:
        """Characters that a shard has beyond its size: it ends with the document that fills it."""
        return self.characters / self.documents / 2

    def size(self, shards: int) -> float:
        """Characters of a shard of so many; none where there are fewer documents."""
        return self.characters / shards - self.excess if shards <= self.documents else 0.0

    def shards(self, size: int) -> int:
        """About how many there are of a size."""
        return max(1, min(self.documents, round(self.characters / (size + self.excess))))


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks for longer or for shorter shards."""

    text: str
    least: float = 0.0
    """characters of a shard"""
    most: float = inf


@dataclass(frozen=True, slots=True)
class Choice:
    """A size, and what became of every reason."""

    characters: int
    """of a shard"""
    shards: int
    """about"""
    reasons: tuple[tuple[Reason, bool], ...]
    """the most important first, and whether it holds or gives way to those before it"""
    because: str
    """why it is this size and no other"""


def choose(work: Work, preferred: int) -> Choice:
    """The size that is nearest to the preferred one of those that the reasons leave."""
    least, most = 1.0, inf
    reasons: list[tuple[Reason, bool]] = []
    for reason in _reasons(work):
        holds = max(least, reason.least) <= min(most, reason.most)
        if holds:
            least, most = max(least, reason.least), min(most, reason.most)
        reasons.append((reason, holds))
    size = preferred if least <= preferred <= most else _rounded(least if preferred < least else most, least, most)
    return Choice(size, work.shards(size), tuple(reasons), _because(preferred, least, most, reasons))


def _reasons(work: Work) -> Iterator[Reason]:
    if work.variability_sentences is not None:
        limit = work.variability_sentences
        yield Reason(f"every shard keeps a sentence of {limit:,} for variability", least=work.characters / limit)
    yield Reason("a worker holds a shard in memory", most=MEMORY_CHARACTERS)
    yield Reason(
        f"no more than {MOST_SHARDS:,} shards, of {FILES_OF_A_SHARD} files each", least=work.characters / MOST_SHARDS
    )
    yield Reason(f"{FEWEST_SHARDS} shards or more, for confidence intervals", most=work.size(FEWEST_SHARDS))
    yield Reason(
        f"{SHARDS_OF_A_WORKER} shards or more a worker ({work.workers:,}), so that none waits long for the last",
        most=work.size(SHARDS_OF_A_WORKER * work.workers),
    )
    seconds = max(work.seconds, 1e-9) / work.characters
    yield Reason(f"a worker that dies loses {LOST_SECONDS / 60:g} minutes of work at most", most=LOST_SECONDS / seconds)
    yield Reason(
        f"what a shard takes beside its text, {OVERHEAD_SECONDS:g} s, is {OVERHEAD_SHARE:.0%} of its work at most",
        least=OVERHEAD_SECONDS / OVERHEAD_SHARE / seconds,
    )


def _rounded(size: float, least: float, most: float) -> int:
    """The size in two digits, where the bounds leave one such."""
    step = int(10 ** max(0, floor(log10(size)) - 1))
    for candidate in (floor(size / step) * step, ceil(size / step) * step):
        if least <= candidate <= most:
            return candidate
    return max(1, floor(size))


def _because(preferred: int, least: float, most: float, reasons: list[tuple[Reason, bool]]) -> str:
    if least <= preferred <= most:
        return "what the options say, and nothing speaks against it"
    bound = least if preferred < least else most
    reason = next(reason for reason, holds in reasons if holds and bound in (reason.least, reason.most))
    return f"the nearest to the {preferred:,} of the options for which this holds: {reason.text}"
