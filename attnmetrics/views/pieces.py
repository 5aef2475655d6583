"""Word pieces and corpus text as a person can read them: never markup, never a control sequence."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from unicodedata import category

PLACEHOLDER: Final = "▯"
"""A piece that finishes no character: the first bytes of an emoji, for example."""

REPLACEMENT: Final = "\ufffd"
_LINE_BREAKS: Final = dict.fromkeys((0x0A, 0x0D, 0x85, 0x2028, 0x2029), "⏎")
_CONTROL_PICTURES: Final = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_DIRECTION_MARKS: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSHOWABLE: Final = dict.fromkeys(
    (*range(0x80, 0xA0), *_DIRECTION_MARKS, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF), REPLACEMENT
)
_STAND_INS: Final = _CONTROL_PICTURES | _UNSHOWABLE | _LINE_BREAKS | {0x09: "⇥"}
_VARIATIONS: Final = "".join(map(chr, range(0xFE00, 0xFE10)))
_BYTE_PIECE: Final = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def visible(text: str) -> str:
    """The text with control characters, direction marks and lone surrogates replaced by visible stand-ins.

    Right-to-left letters stay; the marks that could reorder a page or a terminal line do not.
    """
    return text.translate(_STAND_INS)


@dataclass(frozen=True, slots=True)
class Piece:
    """One word piece, ready to show."""

    text: str
    """What to draw; never empty."""
    space: bool
    """Whether white space separates it from the piece before."""

    @property
    def running(self) -> str:
        """In running text, where a piece that is only spaces needs no sign of its own."""
        return self.text if self.text.strip("␣") else " " * len(self.text)


def readable(pieces: Sequence[str], text: str) -> list[Piece]:
    """The pieces of a sentence without their tokenizer's notation.

    Byte-level pieces ("Ġthe") are decoded, SentencePiece's "▁" and WordPiece's "##" become the presence or absence of
    a space. A piece that is only part of a character is shown as `PLACEHOLDER`, the last part as the character.

    Args:
        pieces: [n] pieces as the tokenizer names them
        text: the sentence, by which the notation is recognised
    """
    cores = _byte_level(pieces, text) or _marked(pieces) or _aligned(pieces, text)
    return [_piece(core, space and index > 0) for index, (core, space) in enumerate(cores)]


def readable_types(pieces: Sequence[str]) -> list[str]:
    """Types of pieces, each by itself and without its tokenizer's notation of bytes; "␣" is the space it begins with.

    WordPiece's "##", which says that a piece goes on with a word, stays. Several types that are parts of a character
    may be the same `PLACEHOLDER`.

    Args:
        pieces: as a tokenizer names them; all of one tokenizer
    """
    if any(mark in piece for piece in pieces for mark in "ĠĊ"):
        raw = [_bytes(piece) for piece in pieces]
    elif any(piece.startswith("▁") for piece in pieces):
        raw = [_sentencepiece_bytes(piece) for piece in pieces]
    else:
        return [visible(piece) for piece in pieces]
    cores = (_split_space(core) for own in raw for core in _decoded([own]))
    return ["␣" * space + (visible(core) or PLACEHOLDER) for core, space in cores]


def _piece(core: str, space: bool) -> Piece:
    return Piece(_seen(visible(core)) or PLACEHOLDER, space)


def _seen(core: str) -> str:
    """A piece of which nothing would be seen, as a sign: spaces as "␣", joiners and their like by their codes."""
    if not all(is_unseen(one) for one in core):
        return core
    return "".join("␣" if one == "␣" or category(one) == "Zs" else f"U+{ord(one):04X}" for one in core)


def is_unseen(character: str) -> bool:
    """Whether nothing of a character is seen: spaces and their sign, joiners, variation selectors."""
    return character == "␣" or category(character) in ("Cf", "Zs") or character in _VARIATIONS


@cache
def _byte_of() -> dict[str, int]:
    """The byte that each character of GPT-2's byte-level alphabet stands for."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(moved)}


def _bytes(piece: str) -> bytes:
    table = _byte_of()
    return b"".join(bytes([table[c]]) if c in table else c.encode("utf-8", "replace") for c in piece)


def _byte_level(pieces: Sequence[str], text: str) -> list[tuple[str, bool]] | None:
    """Decoded pieces, or None where these are not byte-level ones."""
    raw = [_bytes(piece) for piece in pieces]
    joined = b"".join(raw).decode("utf-8", "replace").strip()
    spelled = joined.rstrip(REPLACEMENT) in text or (text != "" and text in joined and not _ends_words(pieces))
    if not spelled and not any(mark in piece for piece in pieces for mark in "ĠĊ"):
        return None
    return [_split_space(core) for core in _decoded(raw)]


def _ends_words(pieces: Sequence[str]) -> bool:
    return any(piece.endswith("</w>") for piece in pieces)


def _decoded(raw: Sequence[bytes]) -> list[str]:
    """Each piece's characters; one that spans pieces belongs to the last of them."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [decoder.decode(part) + (PLACEHOLDER if decoder.getstate()[0] else "") for part in raw]


def _split_space(core: str) -> tuple[str, bool]:
    """A single leading space apart; a piece that is all white space stays, to be seen."""
    if not core.strip():
        return core.replace(" ", "␣"), False
    return (core[1:], True) if core.startswith(" ") else (core, False)


def _marked(pieces: Sequence[str]) -> list[tuple[str, bool]] | None:
    """SentencePiece pieces, or None where none begins with its mark."""
    if not any(piece.startswith("▁") for piece in pieces):
        return None
    raw = [_sentencepiece_bytes(piece) for piece in pieces]
    return [_split_space(core) for core in _decoded(raw)]


def _sentencepiece_bytes(piece: str) -> bytes:
    byte = _BYTE_PIECE.fullmatch(piece)
    return bytes.fromhex(byte[1]) if byte else piece.replace("▁", " ").encode("utf-8", "replace")


def _aligned(pieces: Sequence[str], text: str) -> list[tuple[str, bool]]:
    """WordPiece and other pieces; a space stands where the text has one before the piece."""
    lowered, position, result = text.lower(), 0, []
    for piece in pieces:
        core = piece.removeprefix("##").removesuffix("</w>")
        start = lowered.find(core.lower(), position)
        found = start >= 0 and not lowered[position:start].strip()
        space = start == 0 or lowered[start - 1].isspace() if found else not piece.startswith("##")
        position = start + len(core) if found else position
        result.append((core, space))
    return result


def window(number: int, i: int, j: int, limit: int) -> list[int | None]:
    """Indices of the pieces to show, at most `limit`, around i and j; None where pieces are left out."""
    near = next(near for half in range(limit, -1, -1) if len(near := _near(number, i, j, half)) <= limit)
    kept: list[int | None] = []
    for n in sorted(near):
        if n - 1 not in near and n > 0:
            kept.append(None)
        kept.append(n)
    return kept if kept[-1] == number - 1 else [*kept, None]


def _near(number: int, i: int, j: int, half: int) -> set[int]:
    return {n for centre in (i, j) for n in range(max(0, centre - half), min(number, centre + half + 1))}
