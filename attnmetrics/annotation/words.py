"""Annotated sentences as objects, one after the other, for the user's own functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from attnmetrics.annotation.features import parse_features
from attnmetrics.annotation.sentence import Sentences
from attnmetrics.errors import AnnotationError


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence, with all columns that the annotation keeps."""

    text: str
    """as the sentence's text has it; of a multiword token that its words do not spell, the whole token"""
    start: int
    """first character in the sentence's text"""
    end: int
    """one past the last character"""
    head: int | None
    """position of the head in the sentence, from 0; None for a root"""
    columns: Mapping[str, str]
    """the columns as they are kept, such as `feats` (`Case=Nom|Number=Sing`) and `ext.KEY`"""

    @property
    def form(self) -> str:
        """CoNLL-U's FORM; of a pipeline the text."""
        return self.columns.get("form") or self.text

    @property
    def pos(self) -> str:
        """The universal part of speech."""
        return self._value("pos")

    @property
    def rel(self) -> str:
        """The relation to the head."""
        return self._value("rel")

    @property
    def lemma(self) -> str:
        """The lemma."""
        return self._value("lemma")

    @property
    def xpos(self) -> str:
        """The language's own part of speech."""
        return self._value("xpos")

    @property
    def entity(self) -> str:
        """The type of the entity that the word belongs to, `O` for none."""
        return self._value("entity")

    @property
    def feats(self) -> Mapping[str, str]:
        """The morphological features."""
        return _features(self._value("feats"))

    @property
    def misc(self) -> Mapping[str, str]:
        """CoNLL-U's MISC."""
        return _features(self._value("misc"))

    def _value(self, column: str) -> str:
        try:
            return self.columns[column]
        except KeyError:
            raise AnnotationError(
                f"expected the column {column}, found only {', '.join(sorted(self.columns))} in the annotation; take "
                "an annotator that gives it, and ask for it with a label of its own"
            ) from None


@dataclass(frozen=True, slots=True)
class Sentence:
    """An annotated sentence."""

    text: str
    words: tuple[Word, ...]
    """in text order"""


def iterate(sentences: Sentences) -> Iterator[Sentence]:
    """Each of the sentences as an object."""
    spans = list(zip(sentences.word_start.tolist(), sentences.word_end.tolist(), strict=True))
    heads = [None if head < 0 else head for head in sentences.word_head.tolist()]
    columns = _rows(sentences)
    for text, (first, last) in zip(sentences.text, pairwise(sentences.word_offsets.tolist()), strict=True):
        own = range(first, last)
        words = (Word(text[slice(*spans[word])], *spans[word], heads[word], columns[word]) for word in own)
        yield Sentence(text, tuple(words))


def _rows(sentences: Sentences) -> list[Mapping[str, str]]:
    """[W] the names of each word by column."""
    columns = [column.values() for column in sentences.columns.values()]
    return [dict(zip(sentences.columns, row, strict=True)) for row in zip(*columns, strict=True)]


@lru_cache(maxsize=4096)
def _features(text: str) -> Mapping[str, str]:
    return MappingProxyType(parse_features(text))
