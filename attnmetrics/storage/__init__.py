"""Where files are: a local folder or a prefix of an object store, with the same promises for both.

In comes a path or a URL; out comes a `Location`.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attnmetrics.errors import ConfigError
from attnmetrics.storage.ahead import AT_ONCE, read_ahead
from attnmetrics.storage.local import LocalLocation
from attnmetrics.storage.location import LEFTOVER_SECONDS, UNREADABLE, Location, Version
from attnmetrics.storage.objects import ObjectLocation, file_system, os_errors

__all__ = [
    "AT_ONCE", "LEFTOVER_SECONDS", "SCHEMES", "UNREADABLE", "LocalLocation", "Location", "ObjectLocation", "Version",
    "expand", "file_system", "locate", "os_errors", "read_ahead",
]  # fmt: skip

SCHEMES = ("s3", "gs")
"""Object stores that a URL may name."""


def locate(path: "str | os.PathLike[str] | Location") -> Location:
    """A path, or a URL such as `s3://bucket/runs/gpt2`, as a location that depends on no working folder.

    Raises:
        ConfigError: the URL is not of a kind that can hold a run.
    """
    if isinstance(path, Location):
        return path
    text = os.fspath(path)
    if text.startswith("file://"):
        return LocalLocation(Path(unquote(urlsplit(text).path)))
    if not re.match(r"\w+:/", text) and text:
        return LocalLocation(Path(expand(text)).absolute())
    scheme, _, rest = text.rstrip("/").partition("://")
    parts = rest.split("/")
    if scheme not in SCHEMES or len(parts) < 2 or not all(map(_is_plain, parts)):
        known = " or ".join(f"{scheme}://bucket/folder" for scheme in SCHEMES)
        raise ConfigError(
            f"expected the path of a folder, or a URL such as {known}, of letters, digits and -_.=+@~ ; found {text!r}"
        )
    return ObjectLocation(f"{scheme}://{rest}")


def expand(text: str) -> str:
    """A path below a home folder, such as `~/runs`, in full; any other text as it is."""
    return os.path.expanduser(text)  # noqa: PTH111 (an unknown user is no error, and a URL is no Path)


def _is_plain(part: str) -> bool:
    """Whether every library takes this part of a URL for the same name."""
    return part not in (".", "..") and re.fullmatch(r"[\w.=+@~-]+", part) is not None
