"""Every card of the demo's atlas is shown by the sentences behind it; what the check itself takes for shown."""

from pathlib import Path

import pytest
from check_cards import OF_ROWS, Annotated, Sentence, check_page, shows
from pages import needs_chromium

#      The(0) cat(1) saw(2) the(3) cat(4) .(5), where "saw" is the root and "kitten" is two pieces
WORDS = ("The", "kitten", "saw", "the", "kitten", ".")
STARTS = [0, 4, 11, 15, 19, 25]
ANNOTATED = Annotated(
    "The kitten saw the kitten.",
    STARTS,
    [start + len(word) for start, word in zip(STARTS, WORDS, strict=True)],
    [1, 2, -1, 4, 2, 2],
    ["DET", "NOUN", "VERB", "DET", "NOUN", "PUNCT"],
)
PIECES = ["the", "kit", "ten", "saw", "the", "kit", "ten", "."]


@pytest.mark.parametrize(
    ("card", "right", "wrong"),
    [
        ("to determiners", [(2, 0), (5, 4)], [(2, 1), (4, 3)]),
        ("to nouns", [(3, 2)], [(3, 0)]),
        ("to punctuation", [(1, 7)], [(7, 1)]),
        ("along dependencies", [(1, 0), (0, 2), (3, 5), (7, 3)], [(2, 1), (4, 3), (0, 0), (6, 1)]),
        ("previous piece", [(3, 2)], [(2, 3), (3, 1), (3, 3)]),
        ("own piece", [(3, 3)], [(3, 2)]),
        ("repeated piece", [(5, 1), (4, 0)], [(1, 5), (5, 2), (4, 4)]),
        ("induction", [(5, 2), (4, 1)], [(5, 1), (1, 5), (4, 0)]),
    ],
)
def test_a_pair_shows_what_a_card_says_or_does_not(
    card: str, right: list[tuple[int, int]], wrong: list[tuple[int, int]]
) -> None:
    for pairs, expected in ((right, True), (wrong, False)):
        for i, j in pairs:
            assert shows(card, Sentence("a", PIECES, i, j), ANNOTATED) is expected, (card, i, j)


@needs_chromium
def test_the_first_sentences_of_every_card_show_it(demo_run: Path) -> None:
    verdicts = check_page(demo_run / "report" / "index.html", demo_run / "annotations")
    assert len([one for one in verdicts if one.card not in OF_ROWS and one.of == 3]) >= 7
    assert [one for one in verdicts if not one.is_right] == []
