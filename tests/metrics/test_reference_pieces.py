"""Which word a piece belongs to; labels and links of pieces."""

import numpy as np
import pytest
from by_hand import sentence_of

from attnmetrics.metrics.reference.pieces import spread_names, spread_pairs, word_of
from attnmetrics.metrics.reference.sentence import Word


@pytest.mark.parametrize(
    ("span", "text", "words", "expected"),
    [
        ((0, 4), " the", [(1, 4)], 0),
        ((0, 2), "  x", [(0, 1)], None),  # white space overlaps no word
        ((0, 5), "ab cd", [(0, 2), (3, 5)], 0),  # equal overlaps: the first
        ((0, 6), "ab cde", [(0, 2), (3, 6)], 1),
        ((0, 3), "du ", [(0, 2), (0, 2)], 0),  # a multiword token whose words both cover it
        ((2, 4), "abcd", [(0, 2)], None),
        ((3, 3), "abc", [(0, 3)], None),
    ],
)
def test_a_piece_takes_the_word_that_it_overlaps_most(span, text, words, expected):
    assert word_of(span, text, [Word(start, end, "_", "_", -1) for start, end in words]) == expected


def test_words_give_their_names_and_pairs_to_all_their_pieces():
    word = [None, 0, 1, 1, None]
    assert spread_names(["NOUN", "VERB"], word) == ["_", "NOUN", "VERB", "VERB", "_"]
    # A word is in no pair with itself, whoever says so; and the pair is not turned round.
    assert spread_pairs(frozenset({(1, 0), (1, 1)}), word) == {(2, 1), (3, 1)}


def test_pieces_have_the_tags_and_tree_of_their_words():
    words = (Word(0, 1, "PRON", "nsubj", 1), Word(2, 8, "VERB", "root", -1))
    spans = ((0, 0), (0, 1), (1, 4), (4, 5), (5, 8), (0, 0))
    found = sentence_of(np.eye(6), template={0, 5}, text="I re-ran", words=words, spans=spans)
    assert found.labels["pos"] == ["_", "PRON", "VERB", "VERB", "VERB", "_"]
    assert found.labels["rel"] == ["_", "nsubj", "root", "root", "root", "_"]
    assert found.links["dependency"] == {(2, 1), (3, 1), (4, 1)}


@pytest.mark.parametrize(
    ("template", "null", "expected"),
    [
        ({0, 5}, {0, 5}, ["first", "punctuation", "other", "punctuation", "other", "separator"]),
        ({0, 3, 5}, (), ["first", "punctuation", "other", "separator", "other", "separator"]),
        ((), {0}, ["first", "punctuation", "other", "punctuation", "other", "other"]),  # null, though of the text
        ((), (), ["punctuation", "punctuation", "other", "punctuation", "other", "other"]),
        ({5}, (), ["punctuation", "punctuation", "other", "punctuation", "other", "separator"]),
    ],
)
def test_special_is_the_first_kind_that_fits(template, null, expected):
    spans = ((0, 1), (1, 3), (3, 5), (5, 6), (6, 9), (9, 9))  # "." " ." "a;" "," "..." ""
    found = sentence_of(np.eye(6), null, template, text=". .a;,...", spans=spans)
    assert found.labels["special"] == expected


@pytest.mark.parametrize(
    ("ids", "template", "null", "repeat", "induction"),
    [
        ([7, 8, 7, 8], (), (), {(2, 0), (3, 1)}, {(2, 1), (3, 2)}),
        ([7, 8, 7, 8], (), {0}, {(3, 1)}, {(2, 1), (3, 2)}),  # what followed a null piece is not null
        ([7, 8, 7, 8], (), {0, 1}, set(), {(3, 2)}),
        ([7, 7, 7], (), (), {(1, 0), (2, 0), (2, 1)}, {(2, 1)}),  # a piece does not follow itself
        ([2, 7, 7, 2], {0, 3}, (), {(2, 1)}, set()),  # the template repeats nothing
        ([7, 2, 8, 7], {1}, (), {(3, 0)}, set()),  # nor is it what followed
        ([7, 8, 9], (), (), set(), set()),
    ],
)
def test_repeats_and_what_followed_the_first(ids, template, null, repeat, induction):
    found = sentence_of(np.eye(len(ids)), null, template, ids=ids)
    assert found.links["repeat"] == repeat
    assert found.links["induction"] == induction
