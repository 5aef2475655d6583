"""From a file to chunks of text: opened, decompressed and decoded piece by piece, every fault a CorpusError."""

import bz2
import codecs
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from attnmetrics.corpus.files import File, describe, unreachable
from attnmetrics.errors import CorpusError

CHUNK = 1 << 18
"""Bytes read at once."""
_FEED = 1 << 10
"""Compressed bytes fed at once: even data that swells 30,000-fold stays within some 30 MB."""
_LONGEST_WINDOW = 1 << 31
"""Bytes that zstd's `--long=31` looks back; public dumps have such windows."""
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "Parquet"}
_WEB = ("http://", "https://")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@contextmanager
def opened(file: File) -> Iterator[IO[bytes]]:
    """The file's bytes as they lie there, with random access.

    Raises:
        CorpusError: the file cannot be opened.
    """
    handle, whole = _open(file)
    with handle:
        if not whole:
            yield handle
            return
        with tempfile.TemporaryFile() as copy:
            for chunk in _raw_chunks(handle, file):
                copy.write(chunk)
            copy.seek(0)
            yield copy


def _open(file: File) -> tuple[IO[bytes], bool]:
    """A handle, and whether it gives nothing but the whole file from begin to end, as some web servers do."""
    try:
        if file.filesystem is None:
            return Path(file.path).open("rb"), False
        if file.location.startswith(_WEB) and not file.filesystem.info(file.location).get("partial"):
            return file.filesystem.open(file.location, "rb", block_size=0), True
        return file.filesystem.open(file.location, "rb"), False
    except Exception as error:  # every driver raises its own
        raise _unreadable(file, error) from error


def text_chunks(file: File) -> Iterator[str]:
    """The decoded text of a file, without a byte order mark.

    Raises:
        CorpusError: the file cannot be read, is damaged, or is not UTF-8 (names the byte and the line).
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line, first = 0, 1, True
    for chunk in _chain_end(_byte_chunks(file)):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _not_utf8(file, error, offset - pending, line) from None
        offset += len(chunk)
        line += chunk.count(b"\n")
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        if text:
            yield text


def lines(file: File, limit: int, expected: str) -> Iterator[tuple[int, str]]:
    r"""The file's lines, numbered from 1, without their `\n` or `\r\n`.

    Raises:
        CorpusError: as `text_chunks`; or a line is longer than `limit` characters.
    """
    number, kept, size = 1, [""], 0
    for text in text_chunks(file):
        *whole, rest = text.split("\n")
        for line in whole:
            kept.append(line)
            yield number, "".join(kept).removesuffix("\r")
            number, kept, size = number + 1, [], 0
        kept.append(rest)
        size += len(rest)
        if size > limit:
            raise CorpusError(
                f"{file.path}, line {number}: expected {expected}, found a line of more than {limit:,} characters; "
                "break the file into lines"
            )
    if last := "".join(kept):
        yield number, last.removesuffix("\r")


def _chain_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks
    yield b""


def _byte_chunks(file: File) -> Iterator[bytes]:
    with opened(file) as handle:
        raw = _raw_chunks(handle, file)
        yield from (_decompressed(raw, file) if file.compression else raw)


def _raw_chunks(handle: IO[bytes], file: File) -> Iterator[bytes]:
    while True:
        try:
            chunk = handle.read(CHUNK)
        except Exception as error:  # every driver raises its own
            raise _unreadable(file, error) from error
        if not chunk:
            return
        yield chunk


def _decompressed(chunks: Iterator[bytes], file: File) -> Iterator[bytes]:
    """Bytes of all members (frames, streams) of a compressed file, one after the other, some `CHUNK` at a time."""
    found: list[bytes] = []
    size = 0
    for data in _members(chunks, file):
        found.append(data)
        size += len(data)
        if size >= CHUNK:
            yield b"".join(found)
            found, size = [], 0
    if size:
        yield b"".join(found)


def _members(chunks: Iterator[bytes], file: File) -> Iterator[bytes]:
    new = _decompressor(file.compression)
    state, members = None, 0
    for rest in (chunk[begin : begin + _FEED] for chunk in chunks for begin in range(0, len(chunk), _FEED)):
        while rest:
            if state is None:
                rest = rest.lstrip(b"\0") if members and file.compression == "gzip" else rest  # padding, as of tapes
                state = new() if rest else None
                members += 1
                continue
            yield _decompress(state, rest, file)
            rest = state.unused_data if state.eof else b""
            state = None if state.eof else state
    if state is not None or not members:
        raise _damaged(file, "it ends too early")


def _decompress(state: Any, data: bytes, file: File) -> bytes:
    try:
        return bytes(state.decompress(data))
    except Exception as error:  # zlib.error, OSError, ZstdError
        if "not enough memory" in str(error):
            raise CorpusError(
                f"{file.path}: expected {_window_megabytes(data):,} MB of free memory for the window of its zstd data, "
                "found less; free some, or compress the file again without --long"
            ) from error
        raise _damaged(file, str(error)) from error


def _decompressor(compression: str) -> Callable[[], Any]:
    if compression == "gzip":
        return lambda: zlib.decompressobj(wbits=31)
    if compression == "bzip2":
        return bz2.BZ2Decompressor
    import zstandard

    return lambda: zstandard.ZstdDecompressor(max_window_size=_LONGEST_WINDOW).decompressobj()


def _window_megabytes(data: bytes) -> int:
    """What a zstd frame that begins here must be able to look back on; at a header in two parts, the most there is."""
    import zstandard

    try:
        window = zstandard.get_frame_parameters(data).window_size
    except zstandard.ZstdError:
        window = _LONGEST_WINDOW
    return -(-window // 1_000_000)


def _damaged(file: File, reason: str) -> CorpusError:
    return CorpusError(
        f"{file.path}: expected {file.compression} data, found damaged ones ({reason}); fetch or compress the "
        "file again"
    )


def _unreadable(file: File, error: BaseException) -> CorpusError:
    if file.filesystem is not None:
        return unreachable(file.path, error)
    return CorpusError(f"cannot read {file.path}: {describe(error)}")


def _not_utf8(file: File, error: UnicodeDecodeError, offset: int, line: int) -> CorpusError:
    data = bytes(error.object)
    line += data[: error.start].count(b"\n")
    found = data[error.start : error.start + 4].hex(" ")
    hint = "convert it, e.g. with iconv -t UTF-8"
    if offset == 0:
        looks = next((name for magic, name in _MAGIC.items() if data.startswith(magic)), "")
        hint = f"it looks like {looks}: give it the ending of that format" if looks else hint
        hint = "it looks like UTF-16: convert it with iconv -f UTF-16 -t UTF-8" if data.startswith(_UTF16) else hint
    return CorpusError(
        f"{file.path}, line {line}: expected UTF-8 text, found the bytes {found} at byte "
        f"{offset + error.start:,}; {hint}"
    )
