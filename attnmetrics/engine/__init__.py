"""Where shards are worked on: in this process, or by Ray actors. Both give the same bits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from attnmetrics.corpus.shards import Shard
from attnmetrics.engine.worker import Counts

Stage = Literal["annotate", "measure", "trace"]
"""A method of `Worker` that does something with a shard."""

TRIES = 3
"""A shard that fails this many times is put aside, and the rest of the run goes on."""


@dataclass(frozen=True, slots=True)
class Call:
    """A stage of one shard."""

    stage: Stage
    arguments: tuple[Any, ...]
    """after the shard"""


@dataclass(frozen=True, slots=True)
class Task:
    """One shard and the stages that it still needs, one after the other."""

    shard: Shard
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A stage of a shard is finished and on disk."""

    stage: Stage
    shard: Shard
    counts: Counts


@dataclass(frozen=True, slots=True)
class Failed:
    """A stage of a shard failed on every try."""

    stage: Stage
    shard: Shard
    reason: str


Event = Done | Failed

OUT_OF_MEMORY = "out of memory; fewer --workers need less, or take a machine with more"
"""Why a call failed."""


def reason_of(error: Exception) -> str:
    """Why a call failed, in a line."""
    unsaid = OUT_OF_MEMORY if isinstance(error, MemoryError) else ""
    return f"{type(error).__name__}: {str(error) or unsaid}"


class Engine(Protocol):
    """Runs tasks with a bounded number of shards in memory."""

    def call(self, method: str, *arguments: Any) -> Any:
        """Have one worker run a method of `Worker` and return its result."""

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """Work on tasks, drawn one by one as there is room; events come as stages end, in any order.

        Raises:
            AttnmetricsError: something no retry can mend (a bad model, a full disk).
        """

    def close(self) -> None:
        """Let all workers go."""
