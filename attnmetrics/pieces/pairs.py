"""Two segments of a document as one unit: which sentences they are, and their pieces, as the tokenizer puts a pair.

A document is cut in order, nothing is drawn: each unit takes as many whole sentences as fit, at least one, and is cut
in two at the border between sentences nearest the middle, counted in pieces. A unit of one sentence (all that is left
of its document, or one with no room beside it) has one segment, and is read as a text alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import ModelError
from attnmetrics.pieces.align import Pieces, encode, ranges

Ids = tuple[int, ...]
RUNS: Final = 5
"""Of a unit: the template's pieces before, those of the first segment, between, those of the second, after."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The pieces that a tokenizer puts before, between and after one or two texts, and the segment of each piece."""

    gaps: tuple[Ids, ...]
    """one more than there are texts; such as `[CLS]`, `[SEP]`, `[SEP]` of two"""
    gap_segments: tuple[Ids, ...]
    """of each of these pieces"""
    text_segments: Ids
    """of each text's pieces"""

    @property
    def size(self) -> int:
        """Number of the template's pieces."""
        return sum(map(len, self.gaps))


def find_frame(tokenizer: Any, texts: int) -> Frame:
    """What the tokenizer makes of one text or of two, found by encoding the same word as each.

    Args:
        tokenizer: a `tokenizers.Tokenizer`.
        texts: 1 or 2.

    Raises:
        ModelError: its template changes the pieces of the texts, or their order.
    """
    bare = tokenizer.encode("word", add_special_tokens=False).ids
    found = tokenizer.encode(*["word"] * texts, add_special_tokens=True)
    gaps: list[list[tuple[int, int]]] = [[]]
    inner: list[list[tuple[int, int]]] = []
    for source, piece in zip(found.sequence_ids, zip(found.ids, found.type_ids, strict=True), strict=True):
        if source is None:
            gaps[-1].append(piece)
            continue
        if source == len(inner):
            inner.append([])
            gaps.append([])
        inner[-1].append(piece)
    if [[ids for ids, _ in text] for text in inner] != [bare] * texts:
        raise ModelError(
            f"the tokenizer's template changes the pieces of {texts} texts: {bare} became {found.ids}; use another "
            "tokenizer"
        )
    return Frame(
        gaps=tuple(tuple(ids for ids, _ in gap) for gap in gaps),
        gap_segments=tuple(tuple(segment for _, segment in gap) for gap in gaps),
        text_segments=tuple(text[0][1] for text in inner),
    )


def group_sentences(
    lengths: NDArray[np.int64], document: NDArray[np.int64], room: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first sentence of each unit, and the first one of its second segment (that of the next unit: it has none).

    Example: sentences of 3 4 2 | 9 pieces of two documents, in a room of 9, give units at 0 and 3, and 1 and 4: of 3
    against 6 pieces and 7 against 2, the first is nearer the middle.

    Args:
        lengths: [S] pieces of each sentence alone.
        document: [S] its document, ascending.
        room: pieces of a unit that are its segments'.
    """
    first: list[int] = []
    filled = 0
    for place, length in enumerate(lengths.tolist()):
        if place == 0 or document[place] != document[place - 1] or filled + length > room:
            first.append(place)
            filled = 0
        filled += length
    bounds = [*first, len(lengths)]
    second = [_halve(lengths[a:b]) + a for a, b in pairwise(bounds)]
    return np.array(first, dtype=np.int64), np.array(second, dtype=np.int64)


def _halve(lengths: NDArray[np.int64]) -> int:
    """The border that leaves the most equal halves, the first of equals; the end where there is but one sentence."""
    before = np.cumsum(lengths)
    return int(np.argmin(np.abs(2 * before[:-1] - before[-1]))) + 1 if len(lengths) > 1 else 1


def tokenize_pairs(
    tokenizer: Any, firsts: Sequence[str], seconds: Sequence[str | None], frames: tuple[Frame, Frame], size: int
) -> tuple[Pieces, NDArray[np.int64]]:
    """The pieces of pairs of texts; characters are counted in the two texts joined by a space.

    What does not fit loses its last pieces, and is cut.

    Args:
        tokenizer: a `tokenizers.Tokenizer` that neither truncates nor pads.
        firsts: [S] first texts.
        seconds: [S] second texts; None: the first is read alone.
        frames: of one text and of two.
        size: the most pieces of a pair, template included.

    Returns:
        the pieces, and [T] the segment that each of them is in.

    Raises:
        ModelError: a text that is no valid Unicode.
    """
    number, paired = len(firsts), np.array([text is not None for text in seconds], dtype=np.bool_)
    lengths, ids, spans = encode(tokenizer, [*firsts, *(text or "" for text in seconds)])
    gaps, text_segments = _gaps(frames), _text_segments(frames, paired)
    # All pieces that there are, one after the other: those of first texts, of second ones, of the two frames.
    shift = np.repeat([0] * number + [len(text) + 1 for text in firsts], lengths)
    pool = {
        "ids": np.concatenate([ids, gaps.ids]),
        "segments": np.concatenate([np.repeat(text_segments, lengths), gaps.segments]),
        "start": np.concatenate([spans[:, 0] + shift, np.zeros_like(gaps.ids)]),
        "end": np.concatenate([spans[:, 1] + shift, np.zeros_like(gaps.ids)]),
    }
    # [S, run] where in the pool each run of a unit begins, and how many pieces it has.
    frame = paired.astype(np.int64)
    begin, count = np.zeros((2, number, RUNS), dtype=np.int64)
    begin[:, ::2], count[:, ::2] = len(ids) + gaps.begin[frame], gaps.count[frame]
    begin[:, 1::2] = (np.cumsum(lengths) - lengths).reshape(2, -1).T
    wanted = lengths.reshape(2, -1).T * np.stack([np.ones_like(paired), paired], axis=1)
    room = size - count.sum(axis=1)
    count[:, 1] = np.minimum(wanted[:, 0], room)
    count[:, 3] = np.minimum(wanted[:, 1], room - count[:, 1])
    # A row for each piece of the units: where it is in the pool.
    source = ranges(begin.ravel(), (begin + count).ravel())
    found = {name: column[source] for name, column in pool.items()}
    pieces = Pieces(
        text=np.arange(number),
        offsets=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(count.sum(axis=1))]),
        ids=found["ids"],
        start=found["start"],
        end=found["end"],
        in_text=source < len(ids),
        cut=wanted.sum(axis=1) > count[:, 1::2].sum(axis=1),
    )
    return pieces, found["segments"]


@dataclass(frozen=True, slots=True)
class _Gaps:
    """The pieces of two frames, end to end."""

    ids: NDArray[np.int64]
    segments: NDArray[np.int64]
    begin: NDArray[np.int64]
    """[frame, 3] where those before, between and after texts begin; a single text has none between"""
    count: NDArray[np.int64]
    """[frame, 3] how many there are"""


def _gaps(frames: tuple[Frame, Frame]) -> _Gaps:
    single, pair = frames
    gaps = [single.gaps[0], (), single.gaps[1], *pair.gaps]
    segments = [single.gap_segments[0], (), single.gap_segments[1], *pair.gap_segments]
    count = np.array([len(gap) for gap in gaps], dtype=np.int64)
    return _Gaps(
        ids=np.array([piece for gap in gaps for piece in gap], dtype=np.int64),
        segments=np.array([segment for gap in segments for segment in gap], dtype=np.int64),
        begin=(np.cumsum(count) - count).reshape(2, 3),
        count=count.reshape(2, 3),
    )


def _text_segments(frames: tuple[Frame, Frame], paired: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[2 S] the segment of each first text, then of each second one."""
    (alone,), (first, second) = frames[0].text_segments, frames[1].text_segments
    return np.concatenate([np.where(paired, first, alone), np.full(len(paired), second)])
