"""The size of shards: what speaks for which, and what wins."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.running.sizing import Choice, Work, choose

DEFAULT = 200_000
CPU = 7e-4
"""Seconds a character of annotating and measuring GPT-2 small on one core."""

MIDDLING = Work(
    characters=100_000_000, documents=50_000, seconds=100_000_000 * CPU, workers=8, variability_sentences=20_000
)


def standing(choice: Choice) -> list[bool]:
    return [holds for _, holds in choice.reasons]


def test_the_size_of_the_options_stays_where_nothing_speaks_against_it() -> None:
    choice = choose(MIDDLING, 123_456)
    assert (choice.characters, choice.because) == (123_456, "what the options say, and nothing speaks against it")
    assert choice.shards == round(100_000_000 / (123_456 + 1_000))
    assert all(standing(choice))


@pytest.mark.parametrize(
    ("change", "characters", "because"),
    [
        ({"workers": 64}, 96_000, "16 shards or more a worker (64)"),
        (
            {"characters": 4_000_000, "documents": 2_000, "seconds": 4e6 * CPU, "workers": 1},
            79_000,
            "50 shards or more",
        ),
        ({"seconds": 500_000.0}, 120_000, "loses 10 minutes of work at most"),
        ({"seconds": 1_000.0}, 300_000, "0.03 s, is 1% of its work"),
        ({"variability_sentences": 400}, 250_000, "a sentence of 400 for variability"),
        ({"characters": 5_000_000_000, "documents": 10**6, "seconds": 5e9 * 1e-4}, 250_000, "for variability"),
        (
            {"characters": 5_000_000_000, "documents": 10**6, "seconds": 5e9 * 1e-4, "variability_sentences": None},
            250_000,
            "no more than 20,000 shards, of 9 files each",
        ),
    ],
)
def test_the_rule_that_decides_is_named(change: dict[str, object], characters: int, because: str) -> None:
    choice = choose(replace(MIDDLING, **change), DEFAULT)
    assert choice.characters == characters
    assert because in choice.because


def test_rules_give_way_to_more_important_ones() -> None:
    """English Wikipedia on cores: a shard of which there are few enough takes longer than may be lost."""
    wikipedia = Work(21_600_000_000, 6_500_000, 21_600_000_000 * CPU, workers=500, variability_sentences=20_000)
    choice = choose(wikipedia, DEFAULT)
    assert choice.characters == 1_100_000
    lost = [reason.text for reason, holds in choice.reasons if not holds]
    assert lost == ["a worker that dies loses 10 minutes of work at most"]
    assert "variability" in choice.because


def test_a_shard_is_a_document_at_least() -> None:
    few = Work(characters=60_000, documents=40, seconds=42.0, workers=2, variability_sentences=20_000)
    choice = choose(few, DEFAULT)
    assert 32 <= choice.shards <= 40
    assert [reason.text[:9] for reason, holds in choice.reasons if not holds] == ["50 shards", "what a sh"]


works = st.builds(
    Work,
    characters=st.integers(1, 10**12),
    documents=st.integers(1, 10**7),
    seconds=st.floats(0, 1e9),
    workers=st.integers(1, 10_000),
    variability_sentences=st.none() | st.integers(1, 10**6),
)


@given(works, st.integers(1, 10**8))
def test_the_size_is_one_that_all_rules_that_hold_allow(work: Work, preferred: int) -> None:
    choice = choose(work, preferred)
    assert choice.characters >= 1
    for reason, holds in choice.reasons:
        assert not holds or reason.least <= choice.characters + 1
        assert not holds or choice.characters <= reason.most
