"""Which files a corpus consists of: files, folders, globs and fsspec URLs, and the format of each."""

import errno
import glob
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from attnmetrics.corpus.omissions import Omissions
from attnmetrics.errors import CorpusError
from attnmetrics.storage import SCHEMES, file_system, os_errors

FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".conllu": "conllu",
    ".conll-u": "conllu",
}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".zstd": "zstd"}
_KNOWN = ", ".join(FORMATS)
_REMEDY_FORMAT = "rename it, or say what it is with --format text|jsonl|parquet|conllu"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a corpus."""

    path: str
    """Path or URL, as messages name it."""
    name: str
    """Name for document ids: relative to the folder or glob that led here, without the ending of a compression."""
    format: str
    """`text`, `jsonl`, `parquet` or `conllu`."""
    compression: str
    """`gzip`, `bzip2`, `zstd`, or empty."""
    filesystem: Any = None
    """The fsspec file system, None for a local file."""
    location: str = ""
    """The path within the file system."""


def find_files(
    paths: Sequence[str | os.PathLike[str]], format: str = "auto", left_out: Omissions | None = None
) -> Iterator[File]:
    """The files of a corpus, in the order of `paths`, those of a folder or glob sorted by name.

    Hidden files are no part of a folder. Files of a folder or glob whose ending tells no format are counted in
    `left_out` as `files_unknown`; files that two of the paths lead to are given once and counted as `files_repeated`.

    Raises:
        CorpusError: a path does not exist, matches nothing or cannot be reached, or a file's format is unknown.
    """
    omissions = Omissions() if left_out is None else left_out
    if not paths:
        raise CorpusError("expected at least one path of a corpus, found none; give files, folders, globs or URLs")
    seen: set[str] = set()
    for path in paths:
        for file in _expand(os.fspath(path), format, omissions):
            if file.path in seen:
                omissions.add("files_repeated")
                continue
            if len(paths) > 1:
                seen.add(file.path)
            yield file


def is_gold(path: str | os.PathLike[str], format: str = "auto") -> bool:
    """Whether this file is CoNLL-U, by its ending or by the format given."""
    return (_endings(os.fspath(path))[0] if format == "auto" else format) == "conllu"


def is_gold_corpus(paths: Sequence[str | os.PathLike[str]], format: str = "auto") -> bool:
    """Whether a corpus is CoNLL-U (True) or text (False); every path is looked up, no file is read.

    Raises:
        CorpusError: as `find_files`; or the corpus has both.
    """
    first: dict[bool, str] = {}
    for file in find_files(paths, format):
        first.setdefault(file.format == "conllu", file.path)
        if len(first) == 2:
            raise CorpusError(
                f"expected a corpus of either CoNLL-U or text, found both: {first[True]} is CoNLL-U, {first[False]} is "
                "not; make a run of each, or choose the files with a glob such as 'FOLDER/**/*.conllu'"
            )
    return True in first


def describe(error: BaseException) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, PermissionError):
        return "permission denied (check the rights of the file and of its folders)"
    if isinstance(error, OSError) and error.strerror and error.errno in errno.errorcode:
        return error.strerror
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _expand(path: str, format: str, left_out: Omissions) -> Iterator[File]:
    if path.startswith("file://"):
        path = _local_path(path)
    if "://" in path:
        return _expand_url(path, format, left_out)
    return _expand_local(os.path.expanduser(path), format, left_out)  # noqa: PTH111 (an unknown user is no error here)


def _local_path(url: str) -> str:
    path = url.removeprefix("file://").removeprefix("localhost/")
    return path if os.path.exists(path) else unquote(path)  # noqa: PTH110 (a bad path is False here, not an error)


def _expand_local(path: str, format: str, left_out: Omissions) -> Iterator[File]:
    try:
        folder = stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 (Path("") is the working folder)
    except FileNotFoundError:
        if glob.has_magic(path):
            yield from _select(path, _glob_local(path), _glob_root(path), format, left_out)
            return
        raise CorpusError(
            f"{path or 'the empty path'} does not exist; expected a file, a folder, a glob or a URL: "
            f"check the spelling (relative paths start at {Path.cwd()})"
        ) from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"cannot look up {path!r}: {describe(error)}") from error
    if folder:
        yield from _select(path, _walk(Path(path), ()), path, format, left_out)
    else:
        yield _explicit(path, Path(path).name, format)


def _glob_local(pattern: str) -> Iterator[str]:
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return iter(sorted(path for path in found if not Path(path).is_dir()))


def _glob_root(pattern: str) -> str:
    """The folder before the first part with a wildcard."""
    parts = pattern.split("/")
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:fixed])


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[str]:
    """Files below a folder, sorted by name within each; a link back to a folder above is not followed."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise CorpusError(f"cannot list the folder {folder}: {describe(error)}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), (*above, real))
        else:
            yield entry.path


def _expand_url(url: str, format: str, left_out: Omissions) -> Iterator[File]:
    filesystem, location = _filesystem(url)
    try:
        with os_errors():
            found = _list_url(filesystem, location)
    except Exception as error:  # every driver raises its own
        raise unreachable(url, error) from error
    if found is None:
        yield _explicit(url, PurePosixPath(_url_path(location)).name, format, filesystem, location)
        return
    root = _glob_root(location) if _has_magic(location) else location

    def name(path: str) -> str:
        return path if path.startswith(("http://", "https://")) else str(filesystem.unstrip_protocol(path))

    yield from _select(url, iter(found), root, format, left_out, name, filesystem)


def unreachable(url: str, error: BaseException) -> CorpusError:
    """The error for a URL that cannot be read."""
    if isinstance(error, FileNotFoundError) and error.__cause__:  # fsspec says so of every server it does not reach
        error = error.__cause__
    return CorpusError(f"cannot read {url}: {describe(error)}; check the address, the network and the access rights")


def _list_url(filesystem: Any, location: str) -> list[str] | None:
    """Sorted paths of the files of a glob or folder; None for a single file."""
    if _has_magic(location):
        found = filesystem.glob(location, detail=True)
        files = sorted(path for path, info in found.items() if info["type"] == "file")
        return files if "/." in location else [path for path in files if not _hidden(path, _glob_root(location))]
    if location.endswith("/") or filesystem.info(location)["type"] == "directory":
        root = location.rstrip("/")
        return sorted(path for path in filesystem.find(location) if not _hidden(path, root))
    return None


def _hidden(path: str, root: str) -> bool:
    return any(part.startswith(".") for part in path.removeprefix(root).split("/"))


def _filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path within it."""
    import fsspec

    protocol, _, rest = url.partition("://")
    if protocol in SCHEMES:
        return file_system(protocol), rest
    try:
        options = _web_options() if protocol in ("http", "https") else {}
        filesystem, location = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        raise CorpusError(
            f"cannot read {url}: the driver of {protocol}:// is not installed ({error}); install it: "
            f"{_driver(protocol)}"
        ) from error
    except Exception as error:  # every driver raises its own
        if "Protocol not known" in str(error):
            raise CorpusError(
                f"cannot read {url}: {protocol}:// is no protocol that fsspec knows; expected e.g. http://, https://, "
                "hf://, s3://, gs:// or a local path"
            ) from None
        raise unreachable(url, error) from error
    location = str(location)
    return filesystem, location + "/" if url.endswith("/") and not location.endswith("/") else location


def _web_options() -> dict[str, Any]:
    """No limit on a whole download, as aiohttp would set, but on each wait."""
    import aiohttp

    return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)}}


def _driver(protocol: str) -> str:
    drivers = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "hf": "huggingface_hub"}
    drivers |= {"http": "aiohttp", "https": "aiohttp", "sftp": "paramiko"}
    return f"pip install {drivers[protocol]}" if protocol in drivers else "see the message"


def _has_magic(location: str) -> bool:
    """Whether a URL is a glob; in a web address `?` begins the query."""
    if location.startswith(("http://", "https://")):
        return "*" in location
    return glob.has_magic(location)


def _url_path(location: str) -> str:
    if location.startswith(("http://", "https://")):
        return unquote(urlsplit(location).path)
    return location


def _endings(path: str) -> tuple[str | None, str, str]:
    """Format, compression, and the path without the ending of the compression."""
    path = _url_path(path)
    suffix = PurePosixPath(path).suffix
    compression = COMPRESSIONS.get(suffix.lower(), "")
    if compression:
        path = path[: -len(suffix)]
    return FORMATS.get(PurePosixPath(path).suffix.lower()), compression, path


def _explicit(path: str, name: str, format: str, filesystem: Any = None, location: str = "") -> File:
    file = _file(path, name, format, filesystem, location)
    if file is None:
        raise CorpusError(
            f"cannot tell the format of {path} from its ending; expected one of {_KNOWN} (each also .gz, .bz2 or "
            ".zst): "
            f"{_REMEDY_FORMAT}"
        )
    return file


def _file(path: str, name: str, format: str, filesystem: Any, location: str) -> File | None:
    found, compression, name = _endings(name.encode(errors="backslashreplace").decode())  # a name may be any bytes
    if format != "auto":
        found = format
    if found is None:
        return None
    if found == "parquet" and compression:
        raise CorpusError(f"{path} is Parquet within {compression}; expected plain Parquet: decompress the file first")
    return File(path, name, found, compression, filesystem, location or path)


def _select(
    given: str,
    found: Iterator[str],
    root: str,
    format: str,
    left_out: Omissions,
    full: Callable[[str], str] = str,
    filesystem: Any = None,
) -> Iterator[File]:
    """The files of a folder or glob whose format is known; the others are counted."""
    known, unknown = 0, ""
    for location in found:
        name = location.removeprefix(root).lstrip("/")
        file = None if _is_special(location, filesystem) else _file(full(location), name, format, filesystem, location)
        if file is None:
            left_out.add("files_unknown")
            unknown = unknown or full(location)
            continue
        known += 1
        yield file
    if not known and unknown:
        raise CorpusError(
            f"no file in {given} has an ending of a known format ({_KNOWN}), e.g. {unknown}; {_REMEDY_FORMAT}"
        )
    if not known:
        what = "matches no file" if glob.has_magic(given) else "is an empty folder"
        raise CorpusError(f"{given} {what}; expected at least one file: check the path, quote globs")


def _is_special(path: str, filesystem: Any) -> bool:
    """Whether a local path is a pipe, a socket or a device, which a folder's reading must not touch."""
    return filesystem is None and Path(path).exists() and not Path(path).is_file()
