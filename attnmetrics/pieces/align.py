"""Texts to word pieces, and pieces to the words they belong to: columns over a whole shard, no loop over pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.errors import ModelError

WHITE_SPACE = np.array([code for code in range(0x3001) if chr(code).isspace()], dtype=np.uint32)
"""Every character for which `str.isspace` holds."""


@dataclass(frozen=True, slots=True)
class Template:
    """The pieces that a tokenizer puts around every text, such as `[CLS]` and `[SEP]`; none for GPT-2."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.before) + len(self.after)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The T word pieces of S rows, each a text or a part of one."""

    text: NDArray[np.int64]
    """[S] the text that each row is of, ascending"""
    offsets: NDArray[np.int64]
    """[S + 1] pieces of row s are offsets[s] … offsets[s + 1] − 1"""
    ids: NDArray[np.int64]
    """[T] ids in the model's vocabulary"""
    start: NDArray[np.int64]
    """[T] first character of the piece in its text; 0 for template pieces"""
    end: NDArray[np.int64]
    """[T] one past the last character; 0 for template pieces"""
    in_text: NDArray[np.bool_]
    """[T] False for template pieces"""
    cut: NDArray[np.bool_]
    """[S] the text lost its last pieces"""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[S] pieces per row."""
        return np.diff(self.offsets)

    def ids_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids of these rows' pieces, end to end."""
        return self.ids[ranges(self.offsets[rows], self.offsets[rows + 1])]

    @property
    def row(self) -> NDArray[np.int64]:
        """[T] the row of each piece."""
        return np.repeat(np.arange(len(self.text)), self.lengths)


def find_template(tokenizer: Any) -> Template:
    """The pieces that the tokenizer adds, found by encoding one word with and without them.

    Args:
        tokenizer: a `tokenizers.Tokenizer`.

    Raises:
        ModelError: what it adds is not fixed pieces before and after a text.
    """
    bare = tokenizer.encode("word", add_special_tokens=False).ids
    full = tokenizer.encode("word", add_special_tokens=True).ids
    for begin in range(len(full) - len(bare) + 1):
        if full[begin : begin + len(bare)] == bare:
            return Template(tuple(full[:begin]), tuple(full[begin + len(bare) :]))
    raise ModelError(f"the tokenizer's template changes the text's pieces: {bare} became {full}; use another tokenizer")


def tokenize(tokenizer: Any, texts: Sequence[str], template: Template, max_pieces: int, split: bool = False) -> Pieces:
    """The pieces of each text: the template's before it, its own up to the limit, the template's after it.

    A marker that the text itself spells, such as `[SEP]`, is a text piece.

    Args:
        tokenizer: a `tokenizers.Tokenizer` that neither truncates nor pads.
        texts: what to cut into pieces.
        template: what the tokenizer puts around a text.
        max_pieces: the longest row that is wanted, template included.
        split: give a text as many rows as it takes, instead of cutting off what is beyond the limit.

    Raises:
        ModelError: a text that is no valid Unicode.
    """
    lengths, text_ids, text_spans = encode(tokenizer, texts)
    most = max_pieces - len(template)
    parts = count_rows(lengths, most) if split else np.ones_like(lengths)
    # A row for each part of a text: which text it is of, and the first and the number of this text's pieces in it.
    text = np.repeat(np.arange(len(lengths)), parts)
    first = most * (np.arange(len(text)) - _offsets(parts)[text])
    kept = np.minimum(lengths[text] - first, most)
    offsets = _offsets(kept + len(template))
    # From here on a row for each piece: its part above, and its place among the part's pieces that are the text's.
    part = np.repeat(np.arange(len(text)), kept + len(template))
    within = np.arange(offsets[-1]) - offsets[part] - len(template.before)
    in_text = (within >= 0) & (within < kept[part])
    source = ((_offsets(lengths)[text] + first)[part] + within)[in_text]
    ids = np.empty(offsets[-1], dtype=np.int64)
    ids[~in_text] = np.tile(np.array(template.before + template.after, dtype=np.int64), len(text))
    ids[in_text] = text_ids[source]
    start, end = np.zeros((2, offsets[-1]), dtype=np.int64)
    start[in_text], end[in_text] = text_spans[source].T
    return Pieces(text, offsets, ids, start, end, in_text, cut=(lengths > most)[text] & (not split))


def count_rows(lengths: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """[S] rows that texts of so many pieces are split into, of at most `most`: one at least."""
    return np.maximum(1, -(-lengths // most))


def encode(tokenizer: Any, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """[S] pieces of each text; of all N of them, text after text, [N] ids and [N, 2] first and last characters.

    Raises:
        ModelError: a text that is no valid Unicode.
    """
    try:
        encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    except (TypeError, UnicodeEncodeError) as error:
        raise ModelError(_undecodable(texts)) from error
    lengths = np.array([len(encoding) for encoding in encodings], dtype=np.int64)
    total = lengths.sum()
    ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64, total)
    spans = chain.from_iterable(chain.from_iterable(encoding.offsets for encoding in encodings))
    return lengths, ids, np.fromiter(spans, np.int64, 2 * total).reshape(-1, 2)


def align(sentences: Sentences, pieces: Pieces) -> NDArray[np.int64]:
    """The word of each piece: the one it overlaps most in characters, the first of equals.

    White space at the start of a piece does not count.

    Example: of the words `the` and `cats`, the pieces `the`, ` ca` and `ts` have 0 1 1.

    Returns:
        [T] word, counted over all sentences (a row of `sentences.word_start`); −1 where the piece overlaps none.
    """
    # All characters are counted over all texts, end to end.
    base = _offsets(np.array([len(text) for text in sentences.text], dtype=np.int64))
    word_base = np.repeat(base[:-1], np.diff(sentences.word_offsets))
    word_start, word_end = word_base + sentences.word_start, word_base + sentences.word_end
    piece_base = base[pieces.text[pieces.row]]
    start, end = piece_base + pieces.start, piece_base + pieces.end
    start = np.minimum(next_character("".join(sentences.text))[start], end)

    first = np.searchsorted(word_end, start, side="right")
    last = np.maximum(np.searchsorted(word_start, end, side="left"), first)
    last[start == end] = first[start == end]
    # From here on a row for each piece and word that may overlap it.
    piece = np.repeat(np.arange(len(start)), last - first)
    word = ranges(first, last)
    overlap = np.minimum(word_end[word], end[piece]) - np.maximum(word_start[word], start[piece])
    # By piece, the largest overlap first: the first row of each piece is its word's.
    order = np.lexsort((word, -overlap, piece))
    order = order[overlap[order] > 0]
    aligned, best = np.unique(piece[order], return_index=True)
    result = np.full(len(start), -1, dtype=np.int64)
    result[aligned] = word[order][best]
    return result


def piece_names(tokenizer: Any, ids: NDArray[np.int64]) -> list[str]:
    """Pieces as the tokenizer's vocabulary spells them, such as `Ġthe` or `##ing`."""
    return [str(tokenizer.id_to_token(piece)) for piece in ids.tolist()]


def next_character(text: str) -> NDArray[np.int64]:
    """[len(text) + 1] the first position from each one on that is not white space; the end where there is none.

    Example: of "a  b", 0 3 3 3 4.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    position = np.where(np.isin(codes, WHITE_SPACE), len(codes), np.arange(len(codes)))
    return np.minimum.accumulate(np.append(position, len(codes))[::-1])[::-1]


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of some runs begins, and the last ends: 0 2 2 5 of runs of 2 0 3."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def ranges(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """first[0] … last[0] − 1, first[1] … last[1] − 1, and so on.

    Example: [3, 0] and [5, 2] give 3 4 0 1.
    """
    offsets = _offsets(last - first)
    return np.repeat(first - offsets[:-1], last - first) + np.arange(offsets[-1])


def _undecodable(texts: Sequence[str]) -> str:
    for row, text in enumerate(texts):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return (
                f"expected valid Unicode, found a lone surrogate at character {error.start} of sentence {row} "
                f"of this shard ({text[:40]!a}); replace it in the corpus"
            )
    return "the tokenizer cannot read these texts; check the corpus for broken characters"
