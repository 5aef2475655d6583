"""Shards one after the other, in this process."""

from collections.abc import Iterator
from typing import Any

from attnmetrics.annotation.sentence import Labels
from attnmetrics.config import RunConfig
from attnmetrics.engine import TRIES, Done, Event, Failed, Stage, Task
from attnmetrics.errors import AttnmetricsError
from attnmetrics.worker import Measuring, Worker


class InlineEngine:
    """One worker, called directly."""

    def __init__(self, config: RunConfig, gold_labels: Labels | None) -> None:
        self._worker = Worker(config, gold_labels)

    def call(self, method: str, *arguments: Any) -> Any:
        """See `Engine`."""
        return getattr(self._worker, method)(*arguments)

    def run(self, tasks: Iterator[Task], fingerprint: str, measuring: Measuring | None) -> Iterator[Event]:
        """See `Engine`."""
        for task in tasks:
            if task.documents is not None:
                event = self._try("annotate", task, task.documents, fingerprint)
                yield event
                if isinstance(event, Failed):
                    continue
            if task.measure:
                yield self._try("measure", task, fingerprint, measuring)

    def close(self) -> None:
        """See `Engine`."""

    def _try(self, stage: Stage, task: Task, *arguments: Any) -> Event:
        reason = ""
        for _ in range(TRIES):
            try:
                return Done(stage, task.shard, self.call(stage, task.shard, *arguments))
            except AttnmetricsError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
        return Failed(stage, task.shard, reason)
