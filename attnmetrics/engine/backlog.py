"""What waits to be done, in which order, and how often it has failed."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from attnmetrics.engine import Call, Event, Failed, Stage, Task


@dataclass(frozen=True, slots=True)
class Step:
    """A task, and which of its calls is next."""

    task: Task
    number: int = 0

    @property
    def call(self) -> Call:
        """What is to be done now."""
        return self.task.calls[self.number]


class Backlog:
    """Tasks, drawn as there is room, and steps that wait for a worker of their stage."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._waiting: deque[Step] = deque()
        self._failures: Counter[tuple[Stage, int, int]] = Counter()

    def is_empty(self) -> bool:
        """Whether nothing waits and no task is left."""
        if not self._waiting and (task := next(self._tasks, None)) is not None:
            self._waiting.append(Step(task))
        return not self._waiting

    def take(self, stages: frozenset[Stage], room: int) -> Step | None:
        """A step of these stages: one that waits, or one of a new task while fewer than `room` steps wait."""
        for step in self._waiting:
            if step.call.stage in stages:
                self._waiting.remove(step)
                return step
        if len(self._waiting) >= room or (task := next(self._tasks, None)) is None:
            return None
        step = Step(task)
        if step.call.stage in stages:
            return step
        self._waiting.append(step)
        return None

    def go_on(self, step: Step) -> None:
        """A call is done: the next one of its task, if there is one, goes before new tasks."""
        if step.number + 1 < len(step.task.calls):
            self._waiting.appendleft(Step(step.task, step.number + 1))

    def put_back(self, steps: Iterable[Step]) -> None:
        """Steps that were taken but not tried are the next."""
        self._waiting.extendleft(reversed(list(steps)))

    def fail(self, step: Step, reason: str, tries: int) -> Iterator[Event]:
        """Try a step again, but for one that has failed `tries` times in this way."""
        key = (step.call.stage, step.task.portion.index, tries)
        self._failures[key] += 1
        if self._failures[key] < tries:
            self._waiting.append(step)
        else:
            yield Failed(step.call.stage, step.task.portion, reason)
