"""What a word's label or link can be read from: a column of the annotation, a key in one, a function of the user's.

word.pos  word.rel  word.lemma  word.xpos  word.entity      the column
word.feats.KEY  word.misc.KEY                               the value of a key in CoNLL-U's FEATS or MISC
word.ext.KEY                                                spaCy's `token._.KEY`
word.head                                                   a link: each word's head and the word
word.coreference                                            a link made in units, see `model/mentions.py`
piece.special  piece.repeat  piece.induction                made from pieces, see `metrics.schema`
python:MODULE:NAME                                          see `functions.py`
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

import numpy as np

from attnmetrics.annotation.features import parse_features
from attnmetrics.annotation.functions import Functions, is_function
from attnmetrics.annotation.sentence import ABSENT, Column, Sentences, WordPairs
from attnmetrics.errors import AnnotationError, ConfigError
from attnmetrics.metrics.schema import COREFERENCE, is_of_pieces

_COLUMNS: Final = ("word.pos", "word.rel", "word.lemma", "word.xpos", "word.entity")
_TEMPLATES: Final = ("word.feats.KEY", "word.misc.KEY", "word.ext.KEY", "python:MODULE:NAME")
LABEL_SOURCES: Final = (*_COLUMNS, "piece.special", *_TEMPLATES)
LINK_SOURCES: Final = ("word.head", COREFERENCE, "piece.repeat", "piece.induction", _TEMPLATES[-1])

_KEYED: Final = ("feats", "misc", "ext")
_ALWAYS: Final = frozenset({"pos", "rel"})
_OF_MENTIONS: Final = frozenset({"feats", "form"})
"""What of mentions' head words is compared, where the annotation has it."""


def check_source(source: str, kind: Literal["label", "link"]) -> None:
    """Refuse what no label, or no link, can be made from.

    Raises:
        ConfigError: it is none; the message names those that are.
    """
    sources = LABEL_SOURCES if kind == "label" else LINK_SOURCES
    has_key = kind == "label" and _key(source) != ""
    if has_key or is_function(source) or (source in sources and source not in _TEMPLATES):
        return
    raise ConfigError(
        f"expected the source of a {kind}, one of {', '.join(sources)}; found {source[:80]!r}; correct it"
    )


def columns_of(source: str) -> frozenset[str]:
    """The columns of the annotation that a source needs: `{"feats"}` for `word.feats.Case`.

    A function needs `pos` and `rel`, and can use all that are kept (see `columns_to_read`).
    """
    if source in ("word.head", COREFERENCE) or is_of_pieces(source):
        return frozenset()
    if is_function(source):
        return _ALWAYS
    column = source.removeprefix("word.")
    name = column.split(".")[0]
    return frozenset({name if name in ("feats", "misc") else column})


def columns_to_read(sources: Iterable[str], kept: Collection[str]) -> frozenset[str]:
    """The columns that these sources need, and all that are `kept` if one of them is a function."""
    sources = tuple(sources)
    needed = _ALWAYS.union(*map(columns_of, sources))
    compared = _OF_MENTIONS.intersection(kept) if COREFERENCE in sources else frozenset[str]()
    return needed.union(kept) if any(map(is_function, sources)) else needed | compared


def read_label(source: str, sentences: Sentences, functions: Functions) -> Column:
    """One name a word.

    Args:
        source: see the top of this file.
        sentences: with the columns of `columns_of(source)`.
        functions: the user's.

    Raises:
        AnnotationError: the annotation lacks the column, or the user's function fails.
    """
    if is_function(source):
        return functions.read_label(source, sentences)
    (name,) = columns_of(source)
    if name not in sentences.columns:
        raise AnnotationError(
            f"expected the column {name} for {source}, found {', '.join(sorted(sentences.columns))}; read it from the "
            "annotations too"
        )
    column = sentences.columns[name]
    return column if name not in ("feats", "misc") else _values(column, _key(source))


def read_link(source: str, sentences: Sentences, functions: Functions) -> WordPairs:
    """Pairs of words of one sentence.

    Args:
        source: see the top of this file.
        sentences: with the columns of `columns_of(source)`.
        functions: the user's.

    Raises:
        AnnotationError: the user's function fails.
    """
    return functions.read_link(source, sentences) if is_function(source) else _pair_heads(sentences)


def check_counts(source: str, counts: Mapping[str, int]) -> None:
    """Refuse a key that no word of the corpus has, given how many words have each name (see `count_names`).

    Raises:
        ConfigError: all words lack it.
    """
    if _key(source) and counts and not set(counts) - {ABSENT}:
        raise ConfigError(
            f"expected words with the key {_key(source)} of {source}, found none among {sum(counts.values()):,} words; "
            "correct the key, upper and lower case too, or take annotations that have it"
        )


def _key(source: str) -> str:
    """The key of `word.feats.KEY`, `word.misc.KEY`, `word.ext.KEY`; empty for other sources."""
    word, _, rest = source.partition(".")
    column, _, key = rest.partition(".")
    return key if word == "word" and column in _KEYED else ""


def _values(column: Column, key: str) -> Column:
    """The values of a key, `none` where it is blank: each distinct name is parsed once."""
    values = [parse_features(name).get(key, "") for name in column.names]
    return column.rename([value if value.strip() else ABSENT for value in values])


def _pair_heads(sentences: Sentences) -> WordPairs:
    """Each head and its word, in the order of the words: heads [1, −1, 1] of one sentence are (1, 0), (1, 2)."""
    has_head = np.flatnonzero(sentences.word_head >= 0)
    row = sentences.word_row
    per_row = np.bincount(row[has_head], minlength=len(sentences))
    return WordPairs(
        offsets=np.concatenate([[0], np.cumsum(per_row)]),
        attending=sentences.word_head[has_head],
        attended=has_head - sentences.word_offsets[row[has_head]],
    )
