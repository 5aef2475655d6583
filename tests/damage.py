"""Damage to a run: files that change, end early or go, and a worker that fails."""

from collections.abc import Callable
from pathlib import Path

from attnmetrics.engine.worker import Worker


def flip(path: Path, where: float) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    bit = int(where * len(data) * 8)
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def cut(path: Path, where: float) -> None:
    """Leave only the beginning."""
    path.write_bytes(path.read_bytes()[: int(where * path.stat().st_size)])


def delete(path: Path, where: float) -> None:
    path.unlink()


KINDS: dict[str, Callable[[Path, float], None]] = {"flip": flip, "cut": cut, "delete": delete}


def failing_at(shard: int, error: Callable[[], BaseException], times: int) -> Callable[..., object]:
    """`Worker.measure`, but that it raises at one shard the first so many times."""
    measure, left = Worker.measure, [times]

    def failing(self: Worker, task_shard: object, *arguments: object) -> object:
        if task_shard.index == shard and left[0]:  # type: ignore[attr-defined]
            left[0] -= 1
            raise error()
        return measure(self, task_shard, *arguments)  # type: ignore[arg-type]

    return failing
