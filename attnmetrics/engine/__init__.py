"""Who works on a shard: this process, or Ray's actors. Both give the same bits.

In come tasks, the stages that a portion of the work still needs; out come events, as stages end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from attnmetrics.config import Masking
from attnmetrics.model.pack import Batching
from attnmetrics.statistics.sampling import SampleKeys

if TYPE_CHECKING:  # those who read a finished run need nothing that reads a corpus
    from attnmetrics.annotation.sentence import Declared
    from attnmetrics.model.load import ModelFacts

Stage = Literal["annotate", "count", "count_units", "measure", "trace", "sample", "importance", "extract", "sum_up"]
"""A method of `Worker` that does something with a portion of the work."""

LanguageFacts = TypedDict("LanguageFacts", {"class": str, "causal": bool, "mask": int | None})
"""What a run's record says of a model with its language-model head; `mask` is an id."""

TRIES = 3
"""A portion that fails this many times is put aside, and the rest of the run goes on."""


class Portion(Protocol):
    """A piece of work: a shard of the corpus, or a chunk of the sentences that are read once more."""

    @property
    def index(self) -> int:
        """Its number, from 0."""

    @property
    def characters(self) -> int:
        """How much there is to read."""


@dataclass(frozen=True, slots=True)
class Call:
    """A stage of one portion."""

    stage: Stage
    arguments: tuple[Any, ...]
    """after the portion"""


@dataclass(frozen=True, slots=True)
class Task:
    """One portion and the stages that it still needs, one after the other."""

    portion: Portion
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Effort:
    """What a stage did with a portion, and what that took."""

    seconds: float
    peak_memory_bytes: int
    """the most that the worker has held so far"""
    units: int
    """sentences or windows"""
    words: int = 0
    pieces: int = 0
    names: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """by label, how many words have each name, where names are counted"""
    keys: SampleKeys | None = None
    """of units that may be in a sample, where one is drawn"""
    sums: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """what a portion adds to a probe, where one is fitted or tried"""


@dataclass(frozen=True, slots=True)
class Done:
    """A stage of a portion is finished and on disk."""

    stage: Stage
    portion: Portion
    effort: Effort


@dataclass(frozen=True, slots=True)
class Damaged:
    """A stage found what it reads damaged and removed it: the stage before is to be done again."""

    stage: Stage
    portion: Portion
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A stage of a portion failed on every try."""

    stage: Stage
    portion: Portion
    reason: str


Event = Done | Damaged | Failed

OUT_OF_MEMORY = "out of memory; fewer --workers need less, or take a machine with more"
"""Why a call failed."""


def reason_of(error: Exception) -> str:
    """Why a call failed, in a line."""
    unsaid = OUT_OF_MEMORY if isinstance(error, MemoryError) else ""
    return f"{type(error).__name__}: {str(error) or unsaid}"


class Engine(Protocol):
    """Runs tasks with a bounded number of shards in memory."""

    def describe_model(self) -> "ModelFacts":
        """Have one worker load the model and describe it (see `Worker.describe_model`)."""

    def find_batching(self) -> Batching:
        """Have one worker try how the model is given units (see `Worker.find_batching`)."""

    def describe_language_model(self, masking: Masking | None) -> LanguageFacts:
        """Have one worker load the model with its head (see `Worker.describe_language_model`)."""

    def declared(self) -> "Declared":
        """Have one worker say what its pipeline declares (see `Worker.declared`)."""

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """Work on tasks, drawn one by one as there is room; events come as stages end, in any order.

        Raises:
            AttnmetricsError: something no retry can mend (a bad model, a full disk).
        """

    def close(self) -> None:
        """Let all workers go."""
