"""What a table leaves out where there is no room, and that it says so."""

import pytest
from rich.console import Console

from attnmetrics.views.terminal.light_table import LightTable

HEADERS = ("metric", "", "95% interval", "rank", "median", "chance", "against it", "chance is")


ROW = ("dependency_alignment", "36.5%", "36.1 to 36.9%", "1 of 270", "10%", "35.0%", "+1.5%", "its distances")


def lines(width: int, headers: tuple[str, ...] = HEADERS, row: tuple[str, ...] = ROW) -> list[str]:
    table = LightTable(*headers)
    table.add_row(*row)
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(105, []), (100, ["chance is"]), (80, ["chance is", "median"]), (70, ["chance is", "median", "rank"])],
)
def test_the_least_needed_columns_go_first(width: int, left_out: list[str]) -> None:
    found = lines(width)
    assert max(map(len, found)) <= width
    kept = [header for header in HEADERS if header and header not in left_out]
    assert found[0].split("  ")[0] == "metric"
    assert all(header in found[0] for header in kept)
    assert found[2].startswith("dependency_alignment ")
    assert not any(header in found[0] for header in left_out)
    assert " ".join(found[3:]) == (f"a wider terminal shows also: {', '.join(left_out)}" if left_out else "")


def test_the_interval_goes_last() -> None:
    found = lines(50)
    assert " ".join(found[4:]) == "a wider terminal shows also: chance is, median, rank, 95% interval"
    assert "36.5%" in found[3]
    assert "35.0%" in found[3]


def test_headers_take_a_line_a_word_before_an_interval_goes() -> None:
    headers = ("attention to", "head", "", "95% interval", "mean of heads", "even attention", "against it")
    row = ("proper nouns", "layer 23 head 4", "29%", "24 to 34%", "5%", "7.1%", "4.1×")
    found = lines(72, headers, row)
    assert found[0].split() == ["95%", "even", "against"]
    assert found[1].split() == ["attention", "to", "head", "interval", "attention", "it"]
    assert found[3].split("   ")[0] == "proper nouns" and "24 to 34%" in found[3]
    assert found[4] == "a wider terminal shows also: mean of heads"


def test_an_interval_goes_with_the_column_before_it() -> None:
    interval = "95% interval"
    row = ("row", "87%", "82 to 92%", "86%", "81 to 91%", "47%", "41 to 54%")
    found = lines(60, ("rule", "found", interval, "held out", interval, "offset", interval), row)
    assert found[2].split() == ["row", "87%", "82", "to", "92%", "47%", "41", "to", "54%"]
    assert found[3] == "a wider terminal shows also: held out, 95% interval"
