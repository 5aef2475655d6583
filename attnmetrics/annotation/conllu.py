"""Gold annotations: sentences, words and trees of CoNLL-U (https://universaldependencies.org/format.html)."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from typing import Final
from unicodedata import normalize

import numpy as np

from attnmetrics.annotation.conllu_rows import (
    COLUMNS,
    DEPREL,
    FORM,
    HEAD,
    UPOS,
    Block,
    Row,
    Token,
    excerpt,
    read_blocks,
    split_rows,
)
from attnmetrics.annotation.sentence import Annotated, Column, Declared, Sentences, count, declare
from attnmetrics.corpus import Document
from attnmetrics.errors import AnnotationError
from attnmetrics.metrics.family import NO_LABEL

FINGERPRINT: Final = "conllu-2"
"""Names this module's reading of CoNLL-U; a change of what comes out changes it."""

KEPT: Final = {
    "lemma": "LEMMA",
    "pos": "UPOS",
    "xpos": "XPOS",
    "feats": "FEATS",
    "rel": "DEPREL",
    "deps": "DEPS",
    "misc": "MISC",
}
"""Column of the annotation → column of CoNLL-U, taken as it is."""

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class GoldSentence:
    """One sentence with W words."""

    text: str
    """First to last character that is not white space."""
    spans: list[tuple[int, int]]
    """[W] characters of each word in the text."""
    head: list[int]
    """[W] index of the head from 0; −1 for a root"""
    words: list[list[str]]
    """[W] the ten columns of each word"""


class ConlluAnnotator:
    """Takes the annotations that CoNLL-U documents bring; what is declared comes from a `LabelScan` of the corpus."""

    fingerprint = FINGERPRINT

    def __init__(self, declared: Declared) -> None:
        self.declared = declared

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        """The sentences of one shard, with all columns.

        Raises:
            CorpusError: malformed CoNLL-U; names file, line and sentence.
        """
        gold: list[tuple[int, int, GoldSentence]] = []
        blank = 0
        for index, document in enumerate(documents):
            position = 0
            for sentence in parse(document):
                if sentence is None:
                    blank += 1
                    continue
                gold.append((index, position, sentence))
                position += 1
        sentences = _sentences(gold, documents)
        return Annotated(sentences, count(sentences, len(documents), blank))


def check_columns(columns: Collection[str]) -> None:
    """Refuse columns that CoNLL-U has not.

    Raises:
        AnnotationError: naming them.
    """
    if missing := sorted(set(columns) - set(KEPT) - {"form"}):
        raise AnnotationError(
            f"expected labels of CoNLL-U's columns, found {', '.join(f'word.{name}' for name in missing)}, which it "
            "has not; name a key of its column MISC: word.misc.KEY"
        )


class LabelScan:
    """Collects the parts of speech and relations of CoNLL-U documents as they stream by, and checks every line."""

    def __init__(self) -> None:
        self._pos: set[str] = set()
        self._rel: set[str] = set()

    def add(self, document: Document) -> int:
        """Reads one document and returns the number of its sentences.

        Raises:
            CorpusError: malformed CoNLL-U; names file, line and sentence.
        """
        number = 0
        for sentence in filter(None, parse(document)):
            self._pos.update(word[UPOS] for word in sentence.words)
            self._rel.update(word[DEPREL] for word in sentence.words)
            number += 1
        return number

    @property
    def declared(self) -> Declared:
        """The parts of speech and relations so far."""
        return {"pos": declare(self._pos), "rel": declare(self._rel)}


def parse(document: Document) -> Iterator[GoldSentence | None]:
    """The sentences of a CoNLL-U document, in order; None for one that has comments of a sentence but no word.

    Raises:
        CorpusError: malformed CoNLL-U; names file, line and sentence.
    """
    for block in read_blocks(document):
        if block.rows:
            yield _parse_block(block)
        elif block.sent_id or block.text is not None:
            yield None


def _parse_block(block: Block) -> GoldSentence:
    words, tokens = split_rows(block)
    heads = _heads(block, words)
    text = block.text if block.text is not None else _spell(tokens)
    spans = _spans(block, text, words, tokens)
    return GoldSentence(text, spans, heads, [columns for _, columns in words])


def _heads(block: Block, words: list[Row]) -> list[int]:
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


def _head(block: Block, line: int, columns: list[str], words: int) -> int:
    number, head = columns[0], columns[HEAD]
    if head == NO_LABEL:
        block.fail(
            line,
            f"expected the head of word {number} in the column HEAD, found _; annotate the dependencies of the text",
        )
    if not _NUMBER.fullmatch(head) or int(head) > words:
        block.fail(
            line,
            f"expected the head of word {number} to be a number from 0 to {words}, found {excerpt(head)}; correct HEAD",
        )
    if head == number:
        block.fail(line, f"expected the head of word {number} to be another word or 0, found itself; correct HEAD")
    return int(head) - 1


def _spell(tokens: list[Token]) -> str:
    """The text of a sentence without `# text`."""
    return "".join(token.form + " " * token.space_after for token in tokens).strip()


def _spans(block: Block, text: str, words: list[Row], tokens: list[Token]) -> list[tuple[int, int]]:
    """[W] characters of each word."""
    spans: list[tuple[int, int]] = []
    end = 0
    for token in tokens:
        begin, end = _find(block, text, token, end)
        spans += _word_spans([words[word][1][FORM] for word in token.words], text[begin:end], begin, end)
    if rest := text[end:].strip():
        block.fail(
            tokens[-1].line,
            f"expected the words to spell the text, found no word for {excerpt(rest)} at its end; correct # text "
            "or the words",
        )
    return spans


def _find(block: Block, text: str, token: Token, begin: int) -> tuple[int, int]:
    """Where a token stands in the text: at `begin`, after white space or none."""
    while begin < len(text) and text[begin].isspace():
        begin += 1
    form = token.form.strip()
    if (end := find_equivalent(form, text, begin)) is not None:
        return begin, end
    pattern = r"\s+".join(map(re.escape, form.split()))
    if match := re.compile(pattern).match(text, begin):
        return match.span()
    where = f"character {begin + 1}{_code_points(form, text[begin:])}"
    return block.fail(
        token.line,
        f"expected the words to spell the text, found {excerpt(token.form)} where the text goes on with "
        f"{excerpt(text[begin:])} ({where}); correct # text or the word",
    )


def find_equivalent(form: str, text: str, begin: int) -> int | None:
    """The end of the longest part of a text, from `begin`, that is a form but for its normal form; None for no part.

    `find_equivalent("cafe\u0301", "un caf\u00e9", 3)` is 7: the accent stands alone in the form, not so in the text.
    """
    if text.startswith(form, begin):
        return begin + len(form)
    wanted, found = normalize("NFD", form), None
    for end in range(begin + 1, len(text) + 1):
        part = normalize("NFD", text[begin:end])
        if part == wanted:
            found = end
        if len(part) > len(wanted):
            break
    return found


def _code_points(form: str, text: str) -> str:
    """The first code points that differ, where one of them is not ASCII and may look like the other."""
    first = next((pair for pair in zip_longest(form, text, fillvalue="") if pair[0] != pair[1]), ("", ""))
    if "".join(first).isascii():
        return ""
    ours, its = (f"U+{ord(character):04X}" if character else "nothing" for character in first)
    return f", {its} in the text and {ours} in the word"


def _word_spans(forms: list[str], spelled: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Each word covers its own part of the token if the words spell it, all of it otherwise."""
    bounds = [0]
    for form in forms:
        following = find_equivalent(form, spelled, bounds[-1])
        if following is None:
            return [(begin, end)] * len(forms)
        bounds.append(following)
    if bounds[-1] != len(spelled):
        return [(begin, end)] * len(forms)
    return [(begin + first, begin + last) for first, last in pairwise(bounds)]


def _sentences(gold: list[tuple[int, int, GoldSentence]], documents: Sequence[Document]) -> Sentences:
    """The sentences of a shard, given (document's index, position in it, sentence) of each."""
    sentences = [sentence for _, _, sentence in gold]
    spans = np.array([span for sentence in sentences for span in sentence.spans], np.int64).reshape(-1, 2)
    return Sentences(
        document=tuple(documents[index].id for index, _, _ in gold),
        document_index=np.array([index for index, _, _ in gold], np.int64),
        sentence=np.array([position for _, position, _ in gold], np.int64),
        text=tuple(sentence.text for sentence in sentences),
        word_offsets=np.array([0, *accumulate(len(sentence.words) for sentence in sentences)], np.int64),
        word_start=np.ascontiguousarray(spans[:, 0]),
        word_end=np.ascontiguousarray(spans[:, 1]),
        word_head=np.array([head for sentence in sentences for head in sentence.head], np.int64),
        columns=_columns(sentences),
    )


def _columns(sentences: list[GoldSentence]) -> dict[str, Column]:
    """All that the rows say of each word and the text, spans and heads do not; `_` where a value is missing."""
    words = [word for sentence in sentences for word in sentence.words]
    columns = {name: Column.of([word[COLUMNS.index(KEPT[name])] for word in words]) for name in KEPT}
    filled = {
        name: column.rename([(n.strip() and n) or NO_LABEL for n in column.names]) for name, column in columns.items()
    }
    forms = [form for sentence in sentences for form in _unspelled_forms(sentence)]
    return {**filled, "form": Column.of(forms)}


def _unspelled_forms(sentence: GoldSentence) -> Iterator[str]:
    """[W] each word's FORM, empty where the text spells it."""
    for word, (begin, end) in zip(sentence.words, sentence.spans, strict=True):
        yield "" if word[FORM] == sentence.text[begin:end] else word[FORM]
