"""Gold annotations: sentences, words and trees of CoNLL-U (https://universaldependencies.org/format.html)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Annotated, Labels, Sentences, count, make_labels
from attnmetrics.corpus import Document
from attnmetrics.errors import CorpusError
from attnmetrics.metrics.family import NO_LABEL

FINGERPRINT = "conllu-1"
"""Names this module's reading of CoNLL-U; a change of what comes out changes it."""

_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_FORM, _UPOS, _HEAD, _DEPREL, _MISC = (_COLUMNS.index(name) for name in ("FORM", "UPOS", "HEAD", "DEPREL", "MISC"))
_SHOWN = 40
"""Characters of a value that an error shows."""
_WORD = re.compile(r"[0-9]{1,9}")
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_EMPTY = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")
_TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
_SENT_ID = re.compile(r"#\s*sent_id\s*=\s*(.*)")


@dataclass(frozen=True, slots=True)
class GoldSentence:
    """One sentence with W words."""

    text: str
    """First to last character that is not white space."""
    spans: list[tuple[int, int]]
    """[W] characters of each word in the text."""
    pos: list[str]
    """[W] UPOS"""
    rel: list[str]
    """[W] DEPREL"""
    head: list[int]
    """[W] index of the head from 0; −1 for a root"""


class ConlluAnnotator:
    """Takes the annotations that CoNLL-U documents bring; `labels` come from a `LabelScan` of the corpus."""

    fingerprint = FINGERPRINT

    def __init__(self, labels: Labels) -> None:
        self.labels = labels

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        """The sentences of one shard, with the labels found in it.

        Raises:
            CorpusError: malformed CoNLL-U; names file, line and sentence.
        """
        found: list[tuple[int, int, GoldSentence]] = []
        blank = 0
        for index, document in enumerate(documents):
            position = 0
            for sentence in parse(document):
                if sentence is None:
                    blank += 1
                    continue
                found.append((index, position, sentence))
                position += 1
        sentences = _columns(found, documents)
        return Annotated(sentences, count(sentences, len(documents), blank))


class LabelScan:
    """Collects the tags and relations of CoNLL-U documents while they stream by, and checks every line on the way."""

    def __init__(self) -> None:
        self._pos: set[str] = set()
        self._rel: set[str] = set()

    def add(self, document: Document) -> int:
        """Reads one document and returns the number of its sentences.

        Raises:
            CorpusError: malformed CoNLL-U; names file, line and sentence.
        """
        sentences = [sentence for sentence in parse(document) if sentence]
        for sentence in sentences:
            self._pos.update(sentence.pos)
            self._rel.update(sentence.rel)
        return len(sentences)

    @property
    def labels(self) -> Labels:
        """The labels found so far."""
        return make_labels(self._pos, self._rel)


def parse(document: Document) -> Iterator[GoldSentence | None]:
    """The sentences of a CoNLL-U document, in order; None for one that has comments of a sentence but no word.

    Raises:
        CorpusError: malformed CoNLL-U; names file, line and sentence.
    """
    for block in _blocks(document):
        if block.rows:
            yield _parse_block(block)
        elif block.sent_id or block.text is not None:
            yield None


@dataclass(slots=True)
class _Block:
    """The lines of one sentence."""

    path: str
    line: int
    """Of the first line."""
    sent_id: str = ""
    text: str | None = None
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    """Line number and columns of every line that is no comment."""

    def fail(self, line: int, message: str) -> NoReturn:
        name = f", sentence {self.sent_id}" if self.sent_id else ""
        raise CorpusError(f"{self.path}, line {line}{name}: {message}")


@dataclass(slots=True)
class _Token:
    """A word, or a multiword token with its words."""

    form: str
    line: int
    words: list[int]
    space_after: bool


def _blocks(document: Document) -> Iterator[_Block]:
    first = max(document.line, 1)
    block = _Block(document.path or document.id, first)
    for number, line in enumerate(document.text.split("\n"), start=first):
        line = line.removesuffix("\r")
        if not line or line.isspace():
            yield block
            block = _Block(block.path, number + 1)
        elif line.startswith("#"):
            _take_comment(block, line)
        else:
            block.rows.append((number, line.split("\t")))
    yield block


def _take_comment(block: _Block, line: str) -> None:
    if match := _SENT_ID.fullmatch(line):
        block.sent_id = match[1].strip()[:_SHOWN]
    elif match := _TEXT.fullmatch(line):
        block.text = match[1].strip()


def _parse_block(block: _Block) -> GoldSentence:
    words, tokens = _split_rows(block)
    heads = _heads(block, words)
    text = block.text if block.text is not None else _spell(tokens)
    spans = _spans(block, text, words, tokens)
    pos, rel = ([columns[column] for _, columns in words] for column in (_UPOS, _DEPREL))
    return GoldSentence(text, spans, pos, rel, heads)


@dataclass(slots=True)
class _Rows:
    """Words and surface tokens of one sentence, gathered line by line while the sequence of ids is checked."""

    block: _Block
    words: list[tuple[int, list[str]]] = field(default_factory=list)
    """Line and columns"""
    tokens: list[_Token] = field(default_factory=list)
    until: int = 0
    """Last word of the latest multiword token."""
    empty: int = 0
    """Empty nodes since the latest word."""

    def add(self, line: int, columns: list[str]) -> None:
        _check_columns(self.block, line, columns)
        number, following = columns[0], len(self.words) + 1
        if number == str(following):
            self._add_word(line, columns)
        elif (match := _RANGE.fullmatch(number)) and self.until < following == int(match[1]) <= int(match[2]):
            self.until = int(match[2])
            self.tokens.append(_Token(columns[_FORM], line, [], _space_after(columns)))
        elif (match := _EMPTY.fullmatch(number)) and (int(match[1]), int(match[2])) == (following - 1, self.empty + 1):
            self.empty += 1
        else:
            self.block.fail(
                line,
                f"expected the id {following}, a range from it ({following}-{following + 1}) or an empty node "
                f"({following - 1}.{self.empty + 1}), found {_excerpt(number)}; number the words from 1 without gaps",
            )

    def _add_word(self, line: int, columns: list[str]) -> None:
        index = len(self.words)
        if index >= self.until:
            self.tokens.append(_Token(columns[_FORM], line, [index], _space_after(columns)))
        else:
            self.tokens[-1].words.append(index)
        self.words.append((line, columns))
        self.empty = 0


def _split_rows(block: _Block) -> tuple[list[tuple[int, list[str]]], list[_Token]]:
    rows = _Rows(block)
    for line, columns in block.rows:
        rows.add(line, columns)
    if len(rows.words) < rows.until:
        token = rows.tokens[-1]
        block.fail(
            token.line,
            f"expected words up to {rows.until} for {_excerpt(token.form)}, found {len(rows.words)}; correct the range",
        )
    if not rows.words:
        block.fail(block.rows[0][0], "expected at least one word, found only empty nodes; remove the sentence")
    return rows.words, rows.tokens


def _check_columns(block: _Block, line: int, columns: list[str]) -> None:
    if len(columns) != len(_COLUMNS):
        hint = "; separate the columns by tabs, not spaces" if len(columns) == 1 else "; write _ for what is missing"
        block.fail(line, f"expected {len(_COLUMNS)} columns ({' '.join(_COLUMNS)}), found {len(columns)}{hint}")
    for column in (_FORM, _UPOS, _HEAD, _DEPREL):
        if not columns[column] or columns[column].isspace():
            block.fail(
                line, f"expected a value in the column {_COLUMNS[column]} of {columns[0]}, found none; fill it in"
            )


def _space_after(columns: list[str]) -> bool:
    return "SpaceAfter=No" not in columns[_MISC].split("|")


def _heads(block: _Block, words: list[tuple[int, list[str]]]) -> list[int]:
    """[W] index of each head, −1 for roots; every chain of heads is checked to end in a root."""
    heads = [_head(block, line, columns, len(words)) for line, columns in words]
    done = [False] * len(heads)
    for word in range(len(heads)):
        path: list[int] = []
        while word >= 0 and not done[word]:
            done[word] = True
            path.append(word)
            word = heads[word]
        if word in path:
            chain = [*path[path.index(word) :], word]
            block.fail(
                words[word][0],
                f"expected a tree, found a cycle of heads: {' → '.join(str(w + 1) for w in chain)}; attach one of "
                "these words "
                "to a word outside of the cycle, or make it the root (0)",
            )
    return heads


def _head(block: _Block, line: int, columns: list[str], words: int) -> int:
    number, head = columns[0], columns[_HEAD]
    if head == NO_LABEL:
        block.fail(
            line,
            f"expected the head of word {number} in the column HEAD, found _; annotate the dependencies of the text",
        )
    if not _WORD.fullmatch(head) or int(head) > words:
        block.fail(
            line,
            f"expected the head of word {number} to be a number from 0 to {words}, found {_excerpt(head)}; "
            "correct HEAD",
        )
    if head == number:
        block.fail(line, f"expected the head of word {number} to be another word or 0, found itself; correct HEAD")
    return int(head) - 1


def _spell(tokens: list[_Token]) -> str:
    """The text of a sentence without `# text`."""
    return "".join(token.form + " " * token.space_after for token in tokens).strip()


def _spans(block: _Block, text: str, words: list[tuple[int, list[str]]], tokens: list[_Token]) -> list[tuple[int, int]]:
    """[W] characters of each word."""
    spans: list[tuple[int, int]] = []
    end = 0
    for token in tokens:
        begin, end = _find(block, text, token, end)
        spans += _word_spans([words[word][1][_FORM] for word in token.words], text[begin:end], begin, end)
    if rest := text[end:].strip():
        block.fail(
            tokens[-1].line,
            f"expected the words to spell the text, found no word for {_excerpt(rest)} at its end; correct # text "
            "or the words",
        )
    return spans


def _find(block: _Block, text: str, token: _Token, begin: int) -> tuple[int, int]:
    """Where a token stands in the text: at `begin`, after white space or none."""
    while begin < len(text) and text[begin].isspace():
        begin += 1
    form = token.form.strip()
    if text.startswith(form, begin):
        return begin, begin + len(form)
    pattern = r"\s+".join(map(re.escape, form.split()))
    match = re.compile(pattern).match(text, begin)
    return (
        match.span()
        if match
        else block.fail(
            token.line,
            f"expected the words to spell the text, found {_excerpt(token.form)} where the text goes on with "
            f"{_excerpt(text[begin:])} (character {begin + 1}); correct # text or the word",
        )
    )


def _word_spans(forms: list[str], spelled: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Each word covers its own part of the token if the words spell it, all of it otherwise."""
    if len(forms) == 1 or "".join(forms) != spelled:
        return [(begin, end)] * len(forms)
    return list(pairwise(accumulate(map(len, forms), initial=begin)))


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…") if text else "nothing"


def _columns(found: list[tuple[int, int, GoldSentence]], documents: Sequence[Document]) -> Sentences:
    sentences = [sentence for _, _, sentence in found]
    pos = [tag for sentence in sentences for tag in sentence.pos]
    rel = [name for sentence in sentences for name in sentence.rel]
    spans = np.array([span for sentence in sentences for span in sentence.spans], np.int64).reshape(-1, 2)
    labels = make_labels(set(pos), set(rel))
    return Sentences(
        labels=labels,
        document=tuple(documents[index].id for index, _, _ in found),
        document_index=np.array([index for index, _, _ in found], np.int64),
        sentence=np.array([position for _, position, _ in found], np.int64),
        text=tuple(sentence.text for sentence in sentences),
        word_offsets=np.array([0, *accumulate(len(sentence.pos) for sentence in sentences)], np.int64),
        word_start=np.ascontiguousarray(spans[:, 0]),
        word_end=np.ascontiguousarray(spans[:, 1]),
        word_pos=_codes(pos, labels.pos),
        word_rel=_codes(rel, labels.rel),
        word_head=np.array([head for sentence in sentences for head in sentence.head], np.int64),
    )


def _codes(names: list[str], labels: tuple[str, ...]) -> NDArray[np.int64]:
    code = {label: number for number, label in enumerate(labels)}
    return np.fromiter((code[name] for name in names), np.int64, len(names))
