"""Shards one after the other, in this process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attnmetrics.annotation.sentence import Declared
from attnmetrics.config import Masking, RunConfig
from attnmetrics.engine import TRIES, Call, Damaged, Done, Event, Failed, LanguageFacts, Portion, Task, reason_of
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import AttnmetricsError, DamageError
from attnmetrics.model.pack import Batching

if TYPE_CHECKING:
    from attnmetrics.model.load import ModelFacts


class InlineEngine:
    """One worker, called directly."""

    def __init__(self, config: RunConfig, gold: Declared | None, columns: frozenset[str] = frozenset()) -> None:
        self._worker = Worker(config, gold, columns)

    def describe_model(self) -> "ModelFacts":
        """See `Engine`."""
        return self._worker.describe_model()

    def find_batching(self) -> Batching:
        """See `Engine`."""
        return self._worker.find_batching()

    def describe_language_model(self, masking: Masking | None) -> LanguageFacts:
        """See `Engine`."""
        return self._worker.describe_language_model(masking)

    def declared(self) -> Declared:
        """See `Engine`."""
        return self._worker.declared()

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """See `Engine`."""
        for task in tasks:
            for call in task.calls:
                event = self._try(task.portion, call)
                yield event
                if not isinstance(event, Done):
                    break

    def close(self) -> None:
        """See `Engine`."""

    def _try(self, portion: Portion, call: Call) -> Event:
        reason = ""
        for _ in range(TRIES):
            try:
                return Done(call.stage, portion, getattr(self._worker, call.stage)(portion, *call.arguments))
            except DamageError as error:
                return Damaged(call.stage, portion, str(error))
            except AttnmetricsError:
                raise
            except Exception as error:
                reason = reason_of(error)
        return Failed(call.stage, portion, reason)
