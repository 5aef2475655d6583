"""How many units the samples of a run take of every shard: an equal number, or all where the corpus has no more."""

from collections.abc import Iterator
from dataclasses import dataclass

from attnmetrics.config import RunConfig
from attnmetrics.errors import ConfigError
from attnmetrics.measuring.selection import Sampling
from attnmetrics.metrics.similarity import ROWS_A_UNIT, SENTENCE_COLUMNS, affordable_rows
from attnmetrics.running.plan import Plan
from attnmetrics.running.stages import Job, sample_sizes, samples, select
from attnmetrics.statistics.sampling import equal_share


@dataclass(frozen=True, slots=True)
class Limits:
    """Units of the whole corpus that each sample takes, at most; None: all."""

    variability: int | None
    mapped: int | None
    compared: int | None

    @classmethod
    def of(cls, config: RunConfig, heads: int) -> "Limits":
        """Those of a run that measures so many heads in all layers."""
        rows = rows_compared(config, heads)
        compared = None if rows is None else max(1, rows // ROWS_A_UNIT)
        return cls(config.variability_sentences, config.map_sentences, compared)

    @property
    def most(self) -> int:
        """With more units than this, every sample is shared out."""
        return max(self._given(), default=0)

    @property
    def least(self) -> int | None:
        """With no more units than this, every sample takes all of them, and so it does if there is none."""
        return min(self._given(), default=None)

    def _given(self) -> Iterator[int]:
        return (limit for limit in (self.variability, self.mapped, self.compared) if limit is not None)


def rows_compared(config: RunConfig, heads: int) -> int | None:
    """The rows that so many heads are compared in, at most; None for all."""
    asked = config.similarity_rows
    return None if asked is None else affordable_rows(asked, heads, config.window or SENTENCE_COLUMNS)


def known_units(job: Job, limits: Limits) -> int | None:
    """The units of the corpus, or no fewer that make no difference to its samples; None: they are to be counted."""
    config, plan = job.config, job.plan
    if config.window is None and (plan.gold is not None or samples(config)):
        return plan.most_sentences
    most = plan.characters  # a unit has one at least
    return most if limits.least is None or most <= limits.least else None


def make_sampling(job: Job, limits: Limits, units: int) -> Sampling:
    """Which sentences are measured: needs all annotations if it samples.

    Args:
        job: the run's.
        limits: of its samples of units.
        units: of the corpus, as far as they make a difference to these.
    """
    config, shards = job.config, len(job.plan.shards)
    sample, metrics = select(job, config.sample_sentences), select(job, config.metric_sentences)
    counted = min([units, *(chosen.number for chosen in (sample, metrics) if chosen is not None)])
    kept, mapped, compared = (
        equal_share(limit, shards, counted) for limit in (limits.variability, limits.mapped, limits.compared)
    )
    return Sampling(
        config.seed, sample, metrics, kept, mapped,
        similarity_units=None if compared is None else max(1, compared),
        rows_a_unit=None if limits.compared is None else ROWS_A_UNIT,
        characters=job.plan.characters,
    )  # fmt: skip


def check_variability(config: RunConfig, plan: Plan) -> None:
    """Refuse fewer units for variability than there are shards.

    Raises:
        ConfigError: some shards would give none.
    """
    limit, shards = config.variability_sentences, len(plan.shards)
    if limit is not None and limit < min([shards, *sample_sizes(config)]):
        raise ConfigError(
            f"expected at least one variability sentence for each of {shards} shards, found {limit}; "
            "raise --variability-sentences or --shard-characters"
        )
