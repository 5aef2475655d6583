"""Which pieces are a word together, and how the word is written: by the text that they are of, where it is known."""

from collections.abc import Sequence
from typing import Final
from unicodedata import category

from attnmetrics.views.pieces import PLACEHOLDER, Piece, is_unseen, visible

Span = tuple[int, int]
"""From one character of the text to before another; (0, 0) of what is not in it."""

_JOINERS: Final = "\u200d\u200c"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)


def group_words(
    pieces: Sequence[Piece], spans: Sequence[Span] = (), text: str = "", second: int | None = None
) -> list[int]:
    """[n] the word of each piece, counted from 0: letters and digits without a space between them are one word, and so
    is whatever is drawn as one sign, such as a family of emoji.

    Args:
        pieces: [n], as people read them.
        spans: [n], where they are in the text; without, pieces that go on are told by what they show.
        text: of the spans.
        second: the piece that begins a second text.
    """
    words: list[int] = []
    for place in range(len(pieces)):
        joined = place > 0 and place != second and _goes_on(pieces, spans, text, place)
        words.append((words[-1] + (not joined)) if words else 0)
    return words


def spell_words(pieces: Sequence[Piece], words: Sequence[int], spans: Sequence[Span] = (), text: str = "") -> list[str]:
    """The text of each word: as the text has it, else as its pieces show it."""
    own: dict[int, list[int]] = {}
    for place, word in enumerate(words):
        own.setdefault(word, []).append(place)
    return [_spell([pieces[n] for n in places], [spans[n] for n in places if spans], text) for places in own.values()]


def _spell(pieces: Sequence[Piece], spans: Sequence[Span], text: str) -> str:
    if spans and all(start < end for start, end in spans):
        written = text[spans[0][0] : spans[-1][1]].strip()
        if not all(map(is_unseen, written)):
            return visible(written)
    return "".join(piece.text for piece in pieces).replace(PLACEHOLDER, "") or PLACEHOLDER


def _goes_on(pieces: Sequence[Piece], spans: Sequence[Span], text: str, place: int) -> bool:
    """Whether a piece goes on with the word of the one before."""
    before, own = (spans[place - 1], spans[place]) if spans else ((0, 0), (0, 0))
    if before[0] < before[1] and own[0] < own[1]:
        start = own[0] + len(text[slice(*own)]) - len(text[slice(*own)].lstrip())
        return own[0] < before[1] or (start == before[1] and _joined(text[before[1] - 1], text[start : start + 1]))
    last, first = pieces[place - 1].text[-1], pieces[place].text[0]
    return not pieces[place].space and _in_word(last) and _in_word(first)


def _joined(last: str, first: str) -> bool:
    """Whether two characters side by side are of one word, or of one sign."""
    if not first:
        return False
    both = ord(last) in _FLAG_LETTERS and ord(first) in _FLAG_LETTERS
    return both or last in _JOINERS or _extends(first) or (_in_word(last) and _in_word(first))


def _extends(character: str) -> bool:
    return character in _JOINERS or category(character).startswith("M") or ord(character) in _SKIN_TONES


def _in_word(character: str) -> bool:
    return character.isalnum() or character == PLACEHOLDER or category(character).startswith("M")
