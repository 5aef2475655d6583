"""Labels and links by the user's own functions of a sentence, named `python:MODULE:NAME`.

A label function gives one text a word; a link function gives pairs (attending word, attended word), as positions in the
sentence:

    def capital(sentence): return ["yes" if word.text[0].isupper() else "no" for word in sentence.words]
    def next_word(sentence): return [(word, word + 1) for word in range(len(sentence.words) - 1)]

What runs is the module's text as it was when it was found, here and in every worker: its digest is part of the run.
Nothing else travels: what a module imports or reads has to be on every node, installed or in the working directory.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from hashlib import blake2b
from itertools import accumulate
from types import ModuleType
from typing import Any, Final

import numpy as np

from attnmetrics.annotation.modules import UserModule, execute, find_module, working_directory
from attnmetrics.annotation.sentence import NAME_LENGTH, Column, Sentences, WordPairs
from attnmetrics.annotation.words import iterate
from attnmetrics.errors import AnnotationError, first_line

_PREFIX: Final = "python"
_SHOWN: Final = 60
"""Characters of a sentence, or of a value, that an error shows."""


def is_function(source: str) -> bool:
    """Whether it is `python:MODULE:NAME`."""
    prefix, _, rest = source.partition(":")
    module, _, name = rest.partition(":")
    return prefix == _PREFIX and name.isidentifier() and all(map(str.isidentifier, module.split(".")))


class Functions:
    """The user's functions, with the text of their modules, which is what travels to workers."""

    def __init__(self, modules: Iterable[UserModule] = ()) -> None:
        self._texts = {module.name: module for module in modules}
        self._modules: dict[str, ModuleType] = {}

    @classmethod
    def find(cls, sources: Iterable[str]) -> "Functions":
        """The functions among these sources, each checked to be one.

        Raises:
            AnnotationError: a module or function is not there, cannot be imported, or is no function.
        """
        wanted = sorted(filter(is_function, sources))
        functions = cls(find_module(name) for name in sorted({_split(source)[0] for source in wanted}))
        for source in wanted:
            functions.get(source)
        return functions

    def __reduce__(self) -> tuple[Any, ...]:
        return Functions, (tuple(self._texts.values()),)

    @property
    def digests(self) -> dict[str, str]:
        """Of the text of each module, by its name."""
        return {name: blake2b(module.text.encode(), digest_size=16).hexdigest() for name, module in self._texts.items()}

    def get(self, source: str) -> Callable[[Any], Any]:
        """The function of `python:MODULE:NAME`.

        Raises:
            AnnotationError: its module cannot be imported, or has no function of that name.
        """
        module_name, name = _split(source)
        if module_name not in self._modules:
            self._modules[module_name] = execute(self._texts[module_name])
        function = getattr(self._modules[module_name], name, None)
        if not callable(function):
            kind = "nothing" if function is None else f"a {type(function).__name__}"
            raise AnnotationError(
                f"expected a function {name} in the module {module_name}, found {kind} of that name; correct {source}"
            )
        return function  # type: ignore[no-any-return]

    def read_label(self, source: str, sentences: Sentences) -> Column:
        """One name a word, as the function gives them.

        Raises:
            AnnotationError: the function fails, or gives other than one text a word; names document and sentence.
        """
        function = self.get(source)
        values: list[str] = []
        with working_directory():
            for row, sentence in enumerate(iterate(sentences)):
                with _naming(source, sentences, row):
                    values += _names(function(sentence), len(sentence.words))
        return Column.of(values)

    def read_link(self, source: str, sentences: Sentences) -> WordPairs:
        """The pairs that the function gives, each once and in order; a word paired with itself is left out.

        Raises:
            AnnotationError: the function fails, or gives other than pairs of positions; names document and sentence.
        """
        function = self.get(source)
        pairs: list[list[tuple[int, int]]] = []
        with working_directory():
            for row, sentence in enumerate(iterate(sentences)):
                with _naming(source, sentences, row):
                    pairs.append(_pairs(function(sentence), len(sentence.words)))
        both = np.array([pair for own in pairs for pair in own], np.int64).reshape(-1, 2)
        offsets = np.array([0, *accumulate(map(len, pairs))], np.int64)
        return WordPairs(offsets, np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1]))


def _split(source: str) -> tuple[str, str]:
    """Module and name."""
    _, module, name = source.split(":")
    return module, name


@contextmanager
def _naming(source: str, sentences: Sentences, row: int) -> Iterator[None]:
    """Errors name the function, the document and the sentence."""
    try:
        yield
    except (Exception, SystemExit) as error:  # a user's function raises anything
        kind = "" if isinstance(error, AnnotationError) else f"{type(error).__name__}: "
        raise AnnotationError(
            f"{source} failed on the document {sentences.document[row]!r}, sentence {sentences.sentence[row]} "
            f"({_excerpt(sentences.text[row])}): {kind}{first_line(error)}; correct the function"
        ) from error


def _names(values: Any, words: int) -> list[str]:
    """What a label function gave, checked."""
    if not isinstance(values, Iterable) or isinstance(values, str | Mapping | Set):
        raise AnnotationError(f"expected a list of {words} texts, one a word, found {_excerpt(values)}")
    names = list(values)
    if len(names) != words:
        raise AnnotationError(f"expected {words} texts, one a word, found {len(names)}")
    for position, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or len(name) > NAME_LENGTH:
            raise AnnotationError(
                f"expected a text of 1 to {NAME_LENGTH} characters, not all of them white space, for word {position}, "
                f"found {_excerpt(name)}{_length(name)}"
            )
        name.encode()
    return names


def _length(name: Any) -> str:
    """How long a text is that is cut where it is shown."""
    return f" ({len(name):,} characters)" if isinstance(name, str) and len(name) > NAME_LENGTH else ""


def _pairs(values: Any, words: int) -> list[tuple[int, int]]:
    """What a link function gave, checked, each pair once."""
    if not isinstance(values, Iterable):
        raise AnnotationError(f"expected pairs of positions of words, found {_excerpt(values)}")
    pairs = {_pair(pair, words) for pair in values}
    return sorted((attending, attended) for attending, attended in pairs if attending != attended)


def _pair(pair: Any, words: int) -> tuple[int, int]:
    try:
        attending, attended = map(operator.index, pair)
    except (TypeError, ValueError):
        raise AnnotationError(f"expected a pair of positions of words, found {_excerpt(pair)}") from None
    if not (0 <= attending < words and 0 <= attended < words):
        raise AnnotationError(f"expected positions from 0 to {words - 1}, found the pair ({attending}, {attended})")
    return attending, attended


def _excerpt(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
