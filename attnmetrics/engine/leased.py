"""An engine that stops when another driver takes the run over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attnmetrics.annotation.sentence import Declared
from attnmetrics.config import Masking
from attnmetrics.engine import Engine, Event, LanguageFacts, Task
from attnmetrics.model.pack import Batching

if TYPE_CHECKING:
    from attnmetrics.model.load import ModelFacts


@dataclass(frozen=True, slots=True)
class LeasedEngine:
    """Another engine, for as long as the lease holds."""

    engine: Engine
    check: Callable[[], None]
    """raises where the lease is lost"""

    def describe_model(self) -> "ModelFacts":
        """See `Engine`."""
        self.check()
        return self.engine.describe_model()

    def find_batching(self) -> Batching:
        """See `Engine`."""
        self.check()
        return self.engine.find_batching()

    def describe_language_model(self, masking: Masking | None) -> LanguageFacts:
        """See `Engine`."""
        self.check()
        return self.engine.describe_language_model(masking)

    def declared(self) -> Declared:
        """See `Engine`."""
        self.check()
        return self.engine.declared()

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """See `Engine`."""
        for event in self.engine.run(tasks):
            self.check()
            yield event

    def close(self) -> None:
        """See `Engine`."""
        self.engine.close()
