"""What waits to be done, in which order, and how often it has failed."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from attnmetrics.engine import Call, Event, Failed, Stage, Task


@dataclass(frozen=True, slots=True)
class Job:
    """A task from one of its calls on."""

    task: Task
    step: int = 0

    @property
    def call(self) -> Call:
        """What is to be done now."""
        return self.task.calls[self.step]


class Backlog:
    """Tasks, drawn as there is room, and jobs that wait for a worker of their stage."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._waiting: deque[Job] = deque()
        self._failures: Counter[tuple[Stage, int, int]] = Counter()

    def is_empty(self) -> bool:
        """Whether nothing waits and no task is left."""
        if not self._waiting and (task := next(self._tasks, None)) is not None:
            self._waiting.append(Job(task))
        return not self._waiting

    def take(self, stages: frozenset[Stage], room: int) -> Job | None:
        """A job of these stages: one that waits, or one of a new task while fewer than `room` jobs wait."""
        for job in self._waiting:
            if job.call.stage in stages:
                self._waiting.remove(job)
                return job
        if len(self._waiting) >= room or (task := next(self._tasks, None)) is None:
            return None
        job = Job(task)
        if job.call.stage in stages:
            return job
        self._waiting.append(job)
        return None

    def go_on(self, job: Job) -> None:
        """A call is done: the next one of its task, if there is one, goes before new tasks."""
        if job.step + 1 < len(job.task.calls):
            self._waiting.appendleft(Job(job.task, job.step + 1))

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Jobs that were taken but not tried are the next."""
        self._waiting.extendleft(reversed(list(jobs)))

    def fail(self, job: Job, reason: str, tries: int) -> Iterator[Event]:
        """Try a job again, but for one that has failed `tries` times in this way."""
        key = (job.call.stage, job.task.shard.index, tries)
        self._failures[key] += 1
        if self._failures[key] < tries:
            self._waiting.append(job)
        else:
            yield Failed(job.call.stage, job.task.shard, reason)
