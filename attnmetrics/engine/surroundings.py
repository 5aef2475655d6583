"""What a worker's node must have in common with the driver's: versions that decide bits, and the run's folder.

On machines of one's own, one is easily forgotten when packages are upgraded, and a path may be another disk on each.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from attnmetrics.errors import ConfigError
from attnmetrics.storage import Location

BIT_PACKAGES = ("attnmetrics", "torch", "transformers", "tokenizers", "numpy", "numba")
"""Packages whose version can change the bits of a result."""
PACKAGE = Path(__file__).parents[1]
"""Our own."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process finds where it is."""

    host: str
    versions: Mapping[str, str]
    """of `BIT_PACKAGES`, less what says for which device one was built; of our own with a digest of its code, as
    checkouts of one version differ"""
    sees_run: bool
    """whether the run's folder holds a run.json"""


def look_around(folder: Location) -> Surroundings:
    """The surroundings of this process; `folder` is the run's."""
    versions = {package: version(package).partition("+")[0] for package in BIT_PACKAGES}
    versions["attnmetrics"] += f" (code {digest_code(PACKAGE)})"
    return Surroundings(socket.gethostname(), versions, _sees(folder / "run.json"))


def digest_code(folder: Path) -> str:
    """A digest of the names and contents of all Python files in a folder."""
    digest = blake2b(digest_size=4)
    for path in sorted(folder.rglob("*.py")):
        code = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(code)}\0".encode() + code)
    return digest.hexdigest()


def refuse_foreign(found: Surroundings, home: Surroundings, folder: Location) -> None:
    """Refuse a worker whose results would be others, or be lost.

    Args:
        found: its surroundings.
        home: those of the driver.
        folder: the run's.

    Raises:
        ConfigError: naming its host and what differs.
    """
    others = [
        f"{package} {found.versions.get(package)} instead of {ours}"
        for package, ours in home.versions.items()
        if found.versions.get(package) != ours
    ]
    if others:
        raise ConfigError(
            "expected the same packages on every node of the Ray cluster, for results depend on them; found on "
            f"{found.host} {', '.join(others)}; install these there, then run the same command to go on"
        )
    if home.sees_run and not found.sees_run:
        raise ConfigError(
            f"{folder} is written here, but {found.host}, a node of the Ray cluster, cannot read it: expected a folder "
            "that all nodes share, or a URL such as s3://bucket/run that all may read and write; give it as --out"
        )


def _sees(file: Location) -> bool:
    try:
        return file.exists()
    except OSError:
        return False
