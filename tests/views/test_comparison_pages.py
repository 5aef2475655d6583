"""The page of a comparison: what it holds, and in a real browser its ways, its addresses, the numbers on screen."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparisons import CHANGED, comparison
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from pages import Desk, chromium, needs_chromium, save, visit
from playwright.sync_api import Page, expect

from attnmetrics.errors import StoreError
from attnmetrics.results.comparison import CLEAR
from attnmetrics.results.sides import Comparison
from attnmetrics.storage import locate
from attnmetrics.views.comparison import results
from attnmetrics.views.comparison.page import contents, render, write_page

LAYERS, HEADS = range(2, 6), range(3)
"""The first layer is not 0, so that a layer's name is not its place."""
UNKNOWN = (3, 2)
"""Position of the head without evidence."""
KEPT = ("null_attention", "pos_to", "dependency_alignment", "entropy", "attention_at_offset", "sentences")
NAMES = ("base", "step 1", "<b>last</b>")
POINTS = (0, 1000, 4000)
ADDRESSES = ("#/", "#/metrics", "#/metric/entropy", "#/metric/pos_to", "#/metric/pos_to/NOUN", "#/heads", "#/head/3/2",
             "#/runs")  # fmt: skip
WIDTHS = (1440, 1024, 720, 390)


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return comparison(
        NAMES, len(LAYERS), len(HEADS), axis=("step", POINTS), first_layer=LAYERS[0], nan_heads=(UNKNOWN,),
        keep=[name for base in KEPT for name in (base, f"{base}_by_layer") if base != "sentences" or name == base],
    )  # fmt: skip


# ---- what it holds


def test_the_same_comparison_gives_the_same_page(compared: Comparison, tmp_path: Path) -> None:
    page = render(compared)
    write_page(compared, locate(tmp_path / "report"))
    assert (tmp_path / "report" / "index.html").read_text(encoding="utf-8") == page == render(compared)
    assert "<b>last</b>" not in page


def test_a_folder_that_is_a_file_is_refused(compared: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"expected to write the page to .*attnmetrics compare"):
        write_page(compared, locate(tmp_path / "file" / "report"))


def test_a_page_has_room_for_so_much_and_says_what_it_leaves_out(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = compared.data
    assert not contents(compared)["cut"]
    of_one = len(LAYERS) * len(HEADS) * (3 * 8 + 2 * 12)
    monkeypatch.setattr(results, "MOST_BYTES", 16 * of_one)
    shown = {one.name: one for one in results.choose(data)}
    assert sum(len(one.labels) for one in shown.values()) <= 16
    assert len(shown["entropy"].labels) == 1 and len(shown["dependency_alignment"].labels) == 3
    clear = (data["pos_to_q"].to_numpy()[1:] < CLEAR).sum((0, 1, 2))
    kept = shown["pos_to"].labels
    assert 1 < len(kept) < len(clear) and clear[kept].min() >= np.delete(clear, kept).max()
    said = contents(compared)["cut"]
    assert (
        f"Attention to a part of speech: {len(kept)} of {len(clear)} labels, those at which most heads changed" in said
    )


def test_of_many_runs_some_have_their_sentences() -> None:
    names = [f"r{n}" for n in range(9)]
    content = contents(comparison(names, 2, 3, keep=["entropy"]))
    assert [place for place, packed in enumerate(content["sentences"]) if packed] == [0, 3, 5, 8]
    assert content["cut"] == ["sentences of 5 of 9 runs: r1, r2, r4, r6, r7"]


def test_a_run_without_sentences_or_roles_has_a_page() -> None:
    made = comparison(("base", "tuned"), 2, 3, keep=["entropy"])
    bare = replace(made.sides[1], exemplars=None, attention=None, roles=None)
    content = contents(replace(made, sides=(made.sides[0], bare)))
    assert [one is None for one in content["sentences"]] == [False, True]
    assert [one is None for one in content["roles"]["of_runs"]] == [False, True]


# ---- in a browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with chromium() as browser:
        made = Desk(browser, tmp_path_factory.mktemp("comparison"))
        yield made
        made.close()


@pytest.fixture(scope="module")
def opened(desk: Desk, compared: Comparison) -> Page:
    return desk.open(render(compared), 1280, 800)


@pytest.fixture
def page(desk: Desk, opened: Page) -> Iterator[Page]:
    """Afterwards nothing may have been asked for, and nothing gone wrong."""
    yield opened
    desk.check()


def told(compared: Comparison, part: str, run: int = 2) -> NDArray[np.float64]:
    """[layers × heads] of a run."""
    return np.asarray(compared.data[part].to_numpy()[run], float).ravel()


def rows(page: Page, table: str) -> list[list[str]]:
    found = page.locator(f"table.{table} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return [list(row) for row in found]


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def name(place: int) -> str:
    return f"layer {LAYERS[place // len(HEADS)]} head {HEADS[place % len(HEADS)]}"


@needs_chromium
def test_the_first_page_says_what_changed(page: Page, compared: Comparison) -> None:
    visit(page, "#/?run=step 1")
    assert page.inner_text("h1") == "step 1 against base"
    changed = {name(a * len(HEADS) + b) for a, b in CHANGED}
    assert set(page.locator(".changed-heads b a.head-link").all_inner_texts()) == changed
    expect(page.locator(".changed-heads .said").first).to_have_text("base Looks at the piece before.")
    roles = page.locator("table.role-changes tbody tr")
    assert roles.locator("td").all_inner_texts()[0] == ""
    assert roles.locator("td a").all_inner_texts() == ["2.1", "3.2?"]
    clear = int((compared.data["entropy_q"].to_numpy()[1] < CLEAR).sum())
    (entropy,) = [row for row in rows(page, "results-table") if row[0] == "Mean attention entropy"]
    assert entropy[1] == f"{clear} of 11"
    assert number(entropy[5]) == pytest.approx(float(compared.data["entropy_correlation"][1]), abs=5e-4)


@needs_chromium
def test_the_difference_is_hatched_where_it_is_not_clear(page: Page, compared: Comparison) -> None:
    visit(page, "#/metric/entropy?run=<b>last</b>")
    q = told(compared, "entropy_q")
    striped = page.locator("svg.head-map").nth(2).evaluate(
        """svg => {
            const corners = /M([\\d.]+) ([\\d.]+)h/g;
            const boxes = path => [...path.getAttribute('d').matchAll(corners)].map(([, x, y]) => [+x, +y]);
            const all = [...svg.querySelectorAll('path[data-level]')].flatMap(boxes);
            return [all, boxes(svg.querySelector('.off-veil'))];
        }"""
    )  # fmt: skip
    cells, veiled = ([tuple(one) for one in part] for part in striped)
    grid = sorted(cells, key=lambda cell: (cell[1], cell[0]))
    known = ~np.isnan(q)
    assert {grid.index(cell) for cell in veiled} == set(np.flatnonzero(known & ~(q < CLEAR)).tolist())
    hollow = page.locator("svg.scatter circle.hollow").evaluate_all("dots => dots.map(dot => +dot.dataset.place)")
    assert set(hollow) == set(np.flatnonzero(known & ~(q < CLEAR)).tolist())
    ends = page.locator("svg.head-map").nth(2).locator("text").all_text_contents()
    largest = f"{np.nanmax(np.abs(told(compared, 'entropy_difference'))):.3g}"
    assert f"+{largest}" in ends and f"−{largest}" in ends and "not clear" in ends
    assert page.locator("svg.scatter .crosses line").count() == 2 * int(known.sum())
    assert page.locator("svg.scatter line.diagonal").count() == 1


@needs_chromium
def test_values_differences_and_intervals_are_those_of_the_comparison(
    page: Page, compared: Comparison, tmp_path: Path
) -> None:
    visit(page, "#/metric/pos_to/NOUN?run=<b>last</b>")
    section = page.locator("section", has=page.get_by_role("heading", name="All heads", exact=True))
    with save(section.get_by_role("button", name="CSV"), tmp_path).open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    first, *others = [line.pop("about") for line in lines]
    assert first.split(" · ")[1] == "<b>last</b> against base" and not any(others)
    noun = compared.data["pos"].values.tolist().index("NOUN")
    parts = [("pos_to", 0), ("pos_to_low", 0), ("pos_to_high", 0), ("pos_to", 2), ("pos_to_low", 2), ("pos_to_high", 2)]
    parts += [(f"pos_to_{part}", 2) for part in ("difference", "difference_low", "difference_high", "q")]
    wanted = np.stack([compared.data[part].to_numpy()[run, ..., noun].ravel() for part, run in parts], -1)
    found = np.array([[float(cell) for cell in list(line.values())[2:]] for line in lines])
    assert_allclose(found, wanted, rtol=1e-3, atol=1e-6)
    assert_allclose(found[:, [0, 3, 6, 9]], wanted[:, [0, 3, 6, 9]], rtol=1e-6, atol=1e-9)
    first = rows(page, "differences")[0]
    most = int(np.nanargmax(np.where(wanted[:, 9] < CLEAR, np.abs(wanted[:, 6]), np.nan)))
    assert first[0] == name(most)
    assert number(first[3].split()[0]) == pytest.approx(100 * wanted[most, 6], rel=0.02)


@needs_chromium
def test_a_saved_picture_names_what_it_shows_and_the_runs(page: Page, tmp_path: Path) -> None:
    visit(page, "#/metric/entropy?run=step 1")
    section = page.locator("section", has=page.get_by_role("heading", name="One against the other"))
    drawn = save(section.get_by_role("button", name="SVG"), tmp_path).read_text(encoding="utf-8")
    assert re.search(r">Mean attention entropy</text>.*>step 1 against base</text>", drawn)
    assert "var(" not in drawn


@needs_chromium
def test_a_head_has_its_values_profiles_and_sentences_in_both_runs(page: Page, compared: Comparison) -> None:
    a, b = CHANGED[0]
    visit(page, f"#/head/{LAYERS[a]}/{b}?run=<b>last</b>")
    assert page.locator(".role-tag").all_inner_texts() == ["lost: previous"]
    table = {row[0]: row for row in rows(page, "differences")}
    listed = [row for title, row in table.items() if title == "Attention to null pieces"]
    if listed:
        value = float(compared.data["null_attention"][2, a, b])
        assert number(listed[0][2].split("%")[0]) == pytest.approx(100 * value, abs=0.6)
    assert page.locator("svg.pair-profile").count() == 2
    for side, column in zip((0, 2), page.locator(".side-by-side > div").all(), strict=True):
        frame = compared.sides[side].exemplars()  # type: ignore[misc]
        best = frame[(frame["layer"] == LAYERS[a]) & (frame["head"] == b) & (frame["rank"] == 1)].iloc[0]
        expect(column.locator(".sentence").first).to_have_text(best["text"], use_inner_text=True)
        assert f"{100 * best['weight']:.0f}%" in column.locator(".source").first.inner_text()
    drawn = page.locator("svg.trend-lines").first.locator("circle")
    assert drawn.count() == len(NAMES)


@needs_chromium
def test_the_run_that_is_compared_is_chosen_and_stays(page: Page) -> None:
    visit(page, "#/heads?run=step 1")
    page.get_by_label("Next compared with base").click()
    expect(page.locator("select").first).to_have_value("<b>last</b>")
    page.locator("nav.pages a", has_text="Overview").click()
    expect(page.locator("h1")).to_have_text("<b>last</b> against base")
    visit(page, "#/heads?run=nobody")
    expect(page.locator(".page p").first).to_have_text("expected a run that is compared with base, found nobody.")


@needs_chromium
@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("#/metric/beauty", "expected a result of this comparison, found beauty."),
        ("#/metric/pos_to/XYZ", "expected a label of pos_to, found XYZ."),
        ("#/head/9/1", "expected a head of layers 2 to 5, heads 0 to 2, found layer 9 head 1."),
        ("#/nowhere", "expected a page of the comparison, found nowhere."),
    ],
)
def test_an_unknown_address_says_what_was_expected(page: Page, address: str, fault: str) -> None:
    visit(page, address)
    expect(page.locator("h1")).to_have_text("Not in this comparison")
    expect(page.locator(".page p").first).to_have_text(fault)


@needs_chromium
def test_lines_over_the_axis_stand_at_their_points(page: Page, compared: Comparison) -> None:
    visit(page, "#/metric/entropy?run=step 1")
    dots: list[list[Any]] = page.locator("svg.trend-lines").first.evaluate(
        """svg => [...svg.querySelector('a').querySelectorAll('circle')].map(
            dot => [+dot.getAttribute('cx'), dot.textContent])"""
    )
    across = np.array([x for x, _ in dots])
    assert_allclose((across - across[0]) / (across[-1] - across[0]), np.array(POINTS) / POINTS[-1], atol=1e-3)
    values = compared.data["entropy"].to_numpy().reshape(len(NAMES), -1)
    most = int(np.nanargmax(np.ptp(values, 0)))
    written = [number(words.split(": ")[1].split()[0]) for _, words in dots]
    assert_allclose(written, values[:, most], rtol=0.02)
    assert page.locator("svg.head-grid g[data-place]").count() == len(LAYERS) * len(HEADS)


@needs_chromium
def test_no_page_is_wider_than_the_screen(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for address in ADDRESSES:
            visit(page, f"{address}?run=step 1")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{address} is {wide} pixels wide at {width}"
    page.set_viewport_size({"width": 1280, "height": 800})
