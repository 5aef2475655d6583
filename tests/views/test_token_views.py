"""Types of pieces as they are shown: readable, in the terminal and in the page."""

import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console
from synthetic import HOSTILE, attention, dataset, exemplars, facts

from attnmetrics.views.atlas.page import contents
from attnmetrics.views.pieces import PLACEHOLDER, readable_types
from attnmetrics.views.terminal.exemplars import show_typical
from attnmetrics.views.terminal.tokens import show_tokens
from attnmetrics.views.tokens import pack_tokens


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["Ġthe", "ing", "ĠÃ©tÃ©", "Ċ", "ð", "ĠĠ"], ["␣the", "ing", "␣été", "⏎", PLACEHOLDER, "␣␣"]),
        (["▁the", "ing", "<0x0A>", "▁"], ["␣the", "ing", "⏎", "␣"]),
        (["the", "##ing", "[UNK]", "\x1b[31m"], ["the", "##ing", "[UNK]", "␛[31m"]),
        ([], []),
    ],
)
def test_types_of_pieces_are_readable(pieces: list[str], expected: list[str]) -> None:
    assert readable_types(pieces) == expected


def frame(queries: bool = True) -> pd.DataFrame:
    """Head (0, 1) has two types as keys and one as query, head (1, 0) one."""
    rows = [
        (0, 1, "key", 1, "Ġthe", 30, 5.0, 8, 2.5),
        (0, 1, "key", 2, HOSTILE, 7, 4.0, 9, 1.5),
        (0, 1, "query", 1, "ing", 4, 6.0, 8, 0.75),
        (1, 0, "key", 1, "ing", 4, 1.0, 1200, 0.5),
    ]
    names = ["layer", "head", "side", "rank", "piece", "piece_id", "attention", "occurrences", "lift"]
    made = pd.DataFrame(rows, columns=names)
    return made if queries else made[made["side"] == "key"]


def said(view: object) -> str:
    console = Console(width=300, record=True, file=StringIO())
    console.print(view)
    return console.export_text()


def test_the_terminal_has_both_sides() -> None:
    text = said(show_tokens(frame(), 0, 1))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "Pieces it attends to times even occurrences Pieces that attend off null occurrences"
    assert lines[2] == "␣the 2.5× 8 ing 75% 8"
    assert "\x1b" not in text
    assert "ing" not in said(show_tokens(frame(), 0, 1, top=1)).splitlines()[3:]
    assert "that attend" not in said(show_tokens(frame(queries=False), 0, 1))
    assert said(show_tokens(frame(), 1, 1)).strip() == ""


def test_the_page_has_the_first_types_of_each_head() -> None:
    data = xr.Dataset(coords={"layer": [0, 1], "head": [0, 1]})
    found = pack_tokens(data, frame())
    key, query = found["sides"]["key"], found["sides"]["query"]
    types = np.frombuffer(key["type"].content, "<i4").reshape(4, found["shown"])
    lifts = np.frombuffer(key["lift"].content, "<f4").reshape(4, found["shown"])
    occurrences = np.frombuffer(key["occurrences"].content, "<i4").reshape(4, found["shown"])
    assert [[found["types"][n] for n in row if n >= 0] for row in types.tolist()] == [
        [], ["␣the", readable_types([HOSTILE, "Ġ"])[0]], ["ing"], []
    ]  # fmt: skip
    assert lifts[1, :3].tolist() == [2.5, 1.5, 0]
    assert occurrences[2, 0] == 1200
    assert query is not None
    assert pack_tokens(data, frame(queries=False))["sides"]["query"] is None


def test_typical_sentences_of_a_head_stand_by_their_parts() -> None:
    data = dataset(2, 2)
    strongest = exemplars(data, k=3)
    parts = pd.concat([strongest.assign(bucket=bucket) for bucket in ("0-20", "80-100")])
    every = pd.concat([strongest, parts], ignore_index=True)
    drawn = pd.concat([strongest, parts[parts["rank"] == 1]], ignore_index=True)
    page = contents(data, every, attention(drawn), facts())
    assert page["tokens"] is None
    listed = json.loads(page["sentences"]["listed"].content)
    typical = listed["typical"]
    assert [len(one) for one in typical] == [4] * 4
    assert [bucket for bucket, _ in typical[0]] == ["80-100", "80-100", "0-20", "0-20"]
    assert [one[1] for _, one in typical[0]] == [1, 2, 1, 2]
    drawn_first = [one[-1] is not None for _, one in typical[0]]
    assert drawn_first == [True, False, True, False], "the first of each part is drawn"
    assert [len(one) for one in listed["exemplars"]] == [3] * 4
    (first, last) = [line for part in show_typical(every, 0, 1) for line in said(part).splitlines() if "%: " in line]
    assert first.startswith("80-100%: ")
    assert last.startswith("0-20%: ")
    assert show_typical(strongest, 0, 1) == []
