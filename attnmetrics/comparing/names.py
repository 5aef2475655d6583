"""Short names of runs, no two alike: of their folders, and of as many folders above as it takes."""

from collections import Counter
from collections.abc import Sequence

from attnmetrics.storage import Location


def name_runs(runs: Sequence[Location]) -> list[str]:
    """A name for each of these runs.

    `runs/a/gpt2` and `runs/b/gpt2` are `a/gpt2` and `b/gpt2`; `runs/gpt2` and `runs/bert` are `gpt2` and `bert`.
    """
    parts = [[part for part in str(run).split("/") if part] for run in runs]
    names = [_last(own, 1) for own in parts]
    for length in range(2, max(map(len, parts), default=0) + 1):
        number = Counter(names)
        names = [_last(own, length) if number[name] > 1 else name for own, name in zip(parts, names, strict=True)]
    return names


def _last(parts: Sequence[str], length: int) -> str:
    return "/".join(parts[-length:])
