"""Word pieces of each notation, as a person reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import byte_pieces

from attnmetrics.views.pieces import PLACEHOLDER, Piece, readable, visible


def joined(pieces: list[Piece]) -> str:
    return "".join((" " if piece.space else "") + piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("pieces", "text", "expected"),
    [
        (["The", "Ġcat", "Ġs", "at"], "The cat sat", "The cat sat"),
        (["[CLS]", "the", "cat", "##s", ".", "[SEP]"], "the cats.", "[CLS] the cats. [SEP]"),
        (["[CLS]", "em", "##bed", "-", "ding", "[SEP]"], "Embed-ding", "[CLS] embed-ding [SEP]"),
        (["▁The", "▁cat", "s"], "The cats", "The cats"),
        (["<s>", "▁caf", "é", "</s>"], "café", "<s> café</s>"),
        (["cat", "s</w>"], "cats", "cats"),
        (["a", "Ċ", "b"], "a\nb", "a⏎b"),
        (["a", "ĠĠ", "Ġb"], "a   b", "a␣␣ b"),
        (["one"], "one", "one"),
        ([], "", ""),
    ],
)
def test_notation_is_removed(pieces: list[str], text: str, expected: str) -> None:
    assert joined(readable(pieces, text)) == expected


def test_a_character_of_several_pieces_is_shown_on_its_last() -> None:
    pieces = ["a", "ĠðŁ", "ĺ", "Ģ", "!"]
    shown = readable(pieces, "a 😀!")
    assert [piece.text for piece in shown] == ["a", PLACEHOLDER, PLACEHOLDER, "😀", "!"]
    assert [piece.space for piece in shown] == [False, True, False, False, False]


def test_bytes_of_sentencepiece_are_joined() -> None:
    shown = readable(["▁a", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>"], "a😀")
    assert [piece.text for piece in shown] == ["a", PLACEHOLDER, PLACEHOLDER, PLACEHOLDER, "😀"]


def test_accents_of_other_vocabularies_are_not_taken_for_bytes() -> None:
    assert joined(readable(["[CLS]", "café", "##s", "[SEP]"], "cafés")) == "[CLS] cafés [SEP]"


def test_a_cut_sentence_is_still_decoded() -> None:
    assert joined(readable(["The", "Ġcat"], "The cat sat on the mat")) == "The cat"
    assert joined(readable(["The", "Ġ", "ðŁ"], "The 😀")) == f"The␣{PLACEHOLDER}"


SEEN = st.characters(
    codec="utf-8",
    exclude_categories=["Zs", "Cf"],
    exclude_characters=PLACEHOLDER + "".join(map(chr, range(0xFE00, 0xFE10))),
)


@given(st.text(SEEN, min_size=1))
def test_any_text_is_spelled_by_its_byte_level_pieces(text: str) -> None:
    assert joined(readable(byte_pieces(text), text)).replace(PLACEHOLDER, "") == visible(text)


@given(st.lists(st.text(min_size=1), max_size=8), st.text())
def test_any_pieces_give_as_many_and_nothing_that_controls(pieces: list[str], text: str) -> None:
    shown = readable(pieces, text)
    assert len(shown) == len(pieces)
    for piece in shown:
        assert piece.text
        assert visible(piece.text) == piece.text
        assert piece.text.encode("utf-8")


def test_controls_are_made_visible() -> None:
    assert visible("a\x1b[31m\x00\x7f\x85\u202e\u2066\ud800\t\r\n") == "a␛[31m␀␡⏎��" + "\ufffd" + "⇥⏎⏎"
    assert visible("שלום é 👩‍👧") == "שלום é 👩‍👧"
