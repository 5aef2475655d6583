"""Shards one after the other, in this process."""

from collections.abc import Iterator
from typing import Any

from attnmetrics.annotation.sentence import Declared
from attnmetrics.config import RunConfig
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import TRIES, Call, Done, Event, Failed, Task, reason_of
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import AttnmetricsError


class InlineEngine:
    """One worker, called directly."""

    def __init__(self, config: RunConfig, gold_labels: Declared | None) -> None:
        self._worker = Worker(config, gold_labels)

    def call(self, method: str, *arguments: Any) -> Any:
        """See `Engine`."""
        return getattr(self._worker, method)(*arguments)

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """See `Engine`."""
        for task in tasks:
            for call in task.calls:
                event = self._try(task.shard, call)
                yield event
                if isinstance(event, Failed):
                    break

    def close(self) -> None:
        """See `Engine`."""

    def _try(self, shard: Shard, call: Call) -> Event:
        reason = ""
        for _ in range(TRIES):
            try:
                return Done(call.stage, shard, self.call(call.stage, shard, *call.arguments))
            except AttnmetricsError:
                raise
            except Exception as error:
                reason = reason_of(error)
        return Failed(call.stage, shard, reason)
