"""Pieces against words: what a tokenizer gives, and alignment against a loop over pieces and words."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import make_tokenizer

from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sentence import Column, Sentences
from attnmetrics.annotation.sources import read_link
from attnmetrics.errors import ModelError
from attnmetrics.pieces.align import (
    Pieces,
    Template,
    align,
    find_template,
    piece_names,
    tokenize,
)
from attnmetrics.pieces.links import Pairs, spread

GPT2 = make_tokenizer("gpt2").backend_tokenizer
BERT = make_tokenizer("bert").backend_tokenizer
LLAMA = make_tokenizer("llama").backend_tokenizer


def dependencies_of(sentences: Sentences, pieces: Pieces) -> Pairs:
    """Pairs of pieces of a head and its child."""
    pairs = read_link("word.head", sentences, Functions())
    first = np.repeat(sentences.word_offsets[:-1], np.diff(pairs.offsets))
    word = align(sentences, pieces)
    return spread(first + pairs.attending, first + pairs.attended, pieces, word, directed=False)


def sentences_of(*rows: tuple[str, list[tuple[int, int, int]]]) -> Sentences:
    """Sentences from (text, [(start, end, head)])."""
    words = [word for _, row in rows for word in row]
    start, end, head = np.array(words, dtype=np.int64).reshape(-1, 3).T
    count = len(rows)
    return Sentences(
        tuple("d" for _ in rows),
        np.zeros(count, np.int64),
        np.arange(count),
        tuple(text for text, _ in rows),
        np.cumsum([0, *(len(row) for _, row in rows)]),
        start,
        end,
        head,
        {name: Column(("A", "_"), np.zeros(len(words), np.int64)) for name in ("pos", "rel")},
    )


def pieces_of(*rows: list[tuple[int, int]]) -> Pieces:
    """Pieces from their character spans."""
    spans = np.array([span for row in rows for span in row], dtype=np.int64).reshape(-1, 2)
    offsets = np.cumsum([0, *map(len, rows)])
    everywhere = np.ones(len(spans), bool)
    columns = np.zeros(len(spans), np.int64), *spans.T, everywhere
    return Pieces(np.arange(len(rows)), offsets, *columns, np.zeros(len(rows), bool))


def slow_word(text: str, span: tuple[int, int], words: list[tuple[int, int, int]]) -> int:
    """The definition, literally."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    best, most = -1, 0
    for index, (first, last, _) in enumerate(words):
        overlap = len(set(range(start, end)) & set(range(first, last)))
        if overlap > most:
            best, most = index, overlap
    return best


@st.composite
def cut_text(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, int]], list[tuple[int, int]]]:
    """A text, words in order (some sharing one span, with heads) and pieces in order (some within one character)."""
    text = draw(st.text(st.sampled_from("ab \t\u3000é🦉"), min_size=1, max_size=14))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [(a, b) for a, b in pairwise(cuts) if draw(st.booleans())]
    spans = [span for span in spans for _ in range(draw(st.integers(1, 2)))]
    heads = [draw(st.sampled_from([k for k in range(-1, len(spans)) if k != word])) for word in range(len(spans))]
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    pieces = list(pairwise(edges))
    pieces = [piece for piece in pieces for _ in range(draw(st.integers(1, 2)))]
    return text, [(a, b, head) for (a, b), head in zip(spans, heads, strict=True)], pieces


@settings(max_examples=300, deadline=None)
@given(st.lists(cut_text(), min_size=1, max_size=4))
def test_alignment_is_the_definition(rows: list[tuple[str, list[tuple[int, int, int]], list[tuple[int, int]]]]) -> None:
    sentences = sentences_of(*((text, words) for text, words, _ in rows))
    pieces = pieces_of(*(spans for _, _, spans in rows))
    word = align(sentences, pieces)
    expected = [
        -1 if (k := slow_word(text, span, words)) < 0 else k + base
        for (text, words, spans), base in zip(rows, sentences.word_offsets[:-1].tolist(), strict=True)
        for span in spans
    ]
    assert word.tolist() == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(cut_text(), min_size=1, max_size=4))
def test_dependencies_are_all_pairs_of_pieces_of_head_and_child(
    rows: list[tuple[str, list[tuple[int, int, int]], list[tuple[int, int]]]],
) -> None:
    sentences = sentences_of(*((text, words) for text, words, _ in rows))
    pieces = pieces_of(*(spans for _, _, spans in rows))
    found = dependencies_of(sentences, pieces)
    for row, (text, words, spans) in enumerate(rows):
        own = [slow_word(text, span, words) for span in spans]
        expected = {
            (i, j)
            for i in range(len(spans))
            for j in range(len(spans))
            if own[i] >= 0 and own[j] >= 0 and words[own[j]][2] == own[i]
        }
        part = slice(found.offsets[row], found.offsets[row + 1])
        pairs = list(zip(found.attending[part].tolist(), found.attended[part].tolist(), strict=True))
        assert len(pairs) == len(set(pairs))
        assert set(pairs) == expected


def test_templates() -> None:
    assert find_template(GPT2) == Template()
    assert find_template(LLAMA) == Template(before=(0,))
    assert find_template(BERT) == Template(before=(2,), after=(3,))


@pytest.mark.parametrize("tokenizer", [GPT2, BERT, LLAMA], ids=["gpt2", "bert", "llama"])
def test_tokenize_gives_what_the_tokenizer_gives(tokenizer: object) -> None:
    texts = ("The river rises.", "", "naïve 🦉🦉!", "A")
    pieces = tokenize(tokenizer, texts, find_template(tokenizer), 50)
    for row, text in enumerate(texts):
        encoding = tokenizer.encode(text)  # type: ignore[attr-defined]
        part = slice(pieces.offsets[row], pieces.offsets[row + 1])
        assert pieces.ids[part].tolist() == encoding.ids
        spans = list(zip(pieces.start[part].tolist(), pieces.end[part].tolist(), strict=True))
        assert [span for span, own in zip(spans, pieces.in_text[part], strict=True) if own] == [
            span for span, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True) if not special
        ]
    assert not pieces.cut.any()


def test_a_long_sentence_loses_its_last_text_pieces_and_keeps_its_template() -> None:
    text = "The bridge was destroyed by a flood."
    whole = BERT.encode(text).ids
    pieces = tokenize(BERT, (text, "A"), find_template(BERT), 6)
    assert pieces.ids[:6].tolist() == [*whole[:5], 3]
    assert pieces.in_text[:6].tolist() == [False, True, True, True, True, False]
    assert pieces.cut.tolist() == [True, False]
    assert pieces.lengths.tolist() == [6, 3]


def test_markers_in_the_text_and_unknown_characters_are_text() -> None:
    pieces = tokenize(BERT, ("A [SEP] 漢",), find_template(BERT), 50)
    assert pieces.ids.tolist() == [2, BERT.token_to_id("a"), 3, 1, 3]
    assert pieces.in_text.tolist() == [False, True, True, True, False]
    assert pieces.start.tolist() == [0, 0, 2, 8, 0]


def test_bytes_of_one_character_belong_to_its_word() -> None:
    text = "a 🦉 b"
    sentences = sentences_of((text, [(0, 1, -1), (2, 3, 0), (4, 5, 0)]))
    pieces = tokenize(GPT2, sentences.text, Template(), 50)
    word = align(sentences, pieces)
    assert word.tolist() == [0, -1, 1, 1, 1, 1, 2]  # the second piece is the space alone
    assert piece_names(GPT2, pieces.ids) == ["a", "Ġ", "ð", "Ł", "¦", "ī", "Ġb"]


def test_template_pieces_are_shown_by_name() -> None:
    pieces = tokenize(BERT, ("Nobody knew.",), find_template(BERT), 50)
    shown = piece_names(BERT, pieces.ids)
    assert shown[0] == "[CLS]"
    assert shown[-1] == "[SEP]"
    assert "".join(shown[1:-1]).replace("##", "") == "nobodyknew."


def test_broken_unicode_is_refused() -> None:
    with pytest.raises(ModelError, match="lone surrogate at character 3 of sentence 1"):
        tokenize(GPT2, ("fine", "bad\ud800"), Template(), 50)


def test_no_sentences() -> None:
    sentences = sentences_of()
    pieces = tokenize(GPT2, (), Template(), 50)
    word = align(sentences, pieces)
    assert len(word) == 0
    assert dependencies_of(sentences, pieces).offsets.tolist() == [0]
