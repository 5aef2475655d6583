"""The atlas in a real browser, opened from disk: its ways, its addresses, the numbers on screen."""

import csv
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from pages import Desk, chromium, needs_chromium, page_data, visit
from pages import save as save_by
from playwright.sync_api import Browser, Locator, Page, expect
from scipy.stats import pearsonr
from synthetic import HOSTILE, attention, byte_pieces, dataset, exemplars, facts, intervals

from attnmetrics import load
from attnmetrics.results.joined import with_intervals
from attnmetrics.views.atlas.page import contents, render
from attnmetrics.views.atlas.sentence_book import STEPS
from attnmetrics.views.evidence import is_off, of_those_on
from attnmetrics.views.facts import headline
from attnmetrics.views.figures.style import norm_from_zero
from attnmetrics.views.heads import standouts
from attnmetrics.views.numbers import number, percent, times
from attnmetrics.views.page import Packed, pack
from attnmetrics.views.page import render as render_page
from attnmetrics.views.palette import SEQUENTIAL
from attnmetrics.views.tables import (
    against,
    at_labels,
    beside_chance,
    caption,
    chance,
    in_words,
    of_heads,
    ranking,
    shown,
    title,
    values,
    with_one_label,
)

TABLES = of_heads(dataset(1, 1))
"""What each metric says of itself."""
LAYERS, HEADS = range(2, 7), range(3)
"""The first layer is not 0, so that a layer's name is not its place."""
UNKNOWN = [(4, 1), *((6, head) for head in HEADS)]
"""Heads without evidence: one, and those of the last layer."""
LONG = (3, 0)
"""The head whose first sentence is long."""
ADDRESSES = ["#/", "#/metrics", "#/metric/distance", "#/metric/pos_to", "#/metric/dependency_type_to",
             "#/metric/dependency_alignment", "#/metric/pos_to/NOUN", "#/head/3/1", "#/head/4/1",
             "#/find", "#/similarity", "#/similarity?c=cluster", "#/paper", "#/paper/clark-2019", "#/relation",
             "#/coreference", "#/run"]  # fmt: skip
"""Every kind of page."""
FEW = 4
"""A metric with more labels than this is profiled, not told label by label."""

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Two heads have the same null attention."""
    unknown = tuple((layer - LAYERS[0], head) for layer, head in UNKNOWN)
    made = dataset(len(LAYERS), len(HEADS), first_layer=LAYERS[0], nan_heads=unknown)
    made["null_attention"][3, 2] = made["null_attention"][0, 1]
    return made


@pytest.fixture(scope="module")
def frame(data: xr.Dataset) -> pd.DataFrame:
    """Of one head: a long sentence, a piece that looks at itself, and one that looks ahead, without rows."""
    made = exemplars(data)
    mine = (made["layer"] == LONG[0]) & (made["head"] == LONG[1])
    first, second, last = (made.index[mine & (made["rank"] == rank)][0] for rank in (1, 2, 6))
    text = " ".join(f"w{n}" for n in range(240))
    made.at[first, "text"], made.at[first, "pieces"] = text, byte_pieces(text)
    made.loc[first, ["document", "i", "j"]] = ["long.txt", 150, 20]
    made.loc[second, "j"] = made.loc[second, "i"]
    made.loc[last, ["i", "j"]] = [2, 9]
    return made


@pytest.fixture(scope="module")
def rows(frame: pd.DataFrame) -> pd.DataFrame:
    return attention(frame)


@pytest.fixture(scope="module")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(browser, tmp_path_factory.mktemp("atlas"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def opened(desk: Desk, data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame) -> Page:
    return desk.open(render(data, frame, rows, facts()), 1280, 800)


@pytest.fixture(autouse=True)
def _quiet(desk: Desk) -> Iterator[None]:
    """Afterwards nothing may have been asked for, and nothing gone wrong."""
    yield
    desk.check()


@pytest.fixture
def page(opened: Page) -> Page:
    visit(opened, "#/")
    return opened


def at(page: Page) -> str:
    return page.url.partition("#")[2]


def heading(page: Page) -> Locator:
    return page.locator(".page h1")


def flat(data: xr.Dataset, metric: str, label: str | None = None) -> NDArray[np.float64]:
    """[layers × heads] values of a metric at a label; of a by-layer table, [layers]."""
    table = with_one_label(data[metric])
    if label is not None:
        dim = table.dims[-1]
        table = table.sel({dim: int(label) if dim == "offset" else label})
    return np.asarray(table.values, float).ravel()


def written(metric: str, value: float) -> str:
    """A value of a metric as people read it, its minus as long as a plus."""
    return shown(TABLES[metric], value).replace("-", "−")


def beside(data: xr.Dataset, metric: str, label: Any, place: int) -> list[list[str]]:
    """[what the chance level of a head's value is, the level], and the value against it, as far as there are any."""
    table, level = beside_chance(data, metric)
    if level is None:
        return []
    one = {} if label is None else {table.dims[-1]: int(label) if table.dims[-1] == "offset" else label}
    at = {"layer": head_at(place)[0], "head": head_at(place)[1], **one}
    value, chance = float(at_labels(table, at)), float(at_labels(level, at))
    told = against(table, value, chance).replace("-", "−")
    found = [] if np.isnan(chance) else [[caption(level), written(metric, chance)]]
    return [*found, *([["against it", told]] if told else [])]


def in_cell(data: xr.Dataset, metric: str, label: Any, place: int) -> str:
    """The same behind a value in a table."""
    found = beside(data, metric, label, place)
    return " " + ", ".join([" ".join(found[0]), *(told for _, told in found[1:])]) if found else ""


def ranks(data: xr.Dataset, metric: str, label: str | None = None) -> NDArray[np.float64]:
    """[layers × heads] what heads are ranked by."""
    return flat(data, str(ranking(data, data[metric]).name), label)


def name(place: int) -> str:
    return "layer {} head {}".format(*head_at(place))


def head_at(place: int) -> tuple[int, int]:
    return LAYERS[place // len(HEADS)], HEADS[place % len(HEADS)]


def standing(column: NDArray[np.float64], place: int) -> str:
    """A head's rank, of equals the first."""
    if np.isnan(column[place]):
        return "no evidence"
    rank = 1 + (column > column[place]).sum() + (column[:place] == column[place]).sum()
    return f"{rank}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(rank, 'th') } of {(~np.isnan(column)).sum()}"


def ordered(column: NDArray[np.float64]) -> list[int]:
    """Places of heads with evidence, highest first."""
    return [int(place) for place in np.argsort(-column, kind="stable") if not np.isnan(column[place])]


def cells(page: Page, picture: str = "svg.head-map") -> list[dict[str, Any]]:
    """The squares of a map, row by row: their level, their colour, and where their middle is on screen."""
    found = page.locator(picture).first.evaluate(
        """svg => [...svg.querySelectorAll('path[data-level]')].flatMap(path =>
            [...path.getAttribute('d').matchAll(/M([\\d.]+) ([\\d.]+)h([\\d.]+)v([\\d.]+)/g)].map(([, ...box]) => {
                const [x, y, width, height] = box.map(Number);
                const {a, d, e, f} = svg.getScreenCTM();
                return {level: Number(path.dataset.level), colour: getComputedStyle(path).fill,
                        x: e + a * (x + width / 2), y: f + d * (y + height / 2)};
            }))"""
    )
    return sorted(found, key=lambda cell: (round(cell["y"], 1), cell["x"]))


def pointed(page: Page, cell: dict[str, Any]) -> tuple[str, list[str]]:
    """The status line and the tooltip's lines at a square."""
    page.mouse.move(cell["x"], cell["y"])
    return page.inner_text(".status-line"), page.inner_text(".tip").split("\n")


def save(page: Page, kind: str, folder: Path, part: str = "") -> Path:
    """Click a button that saves something: the first of the page, or of the part with that heading."""
    within = page.locator("section", has=page.get_by_role("heading", name=part, exact=True))
    return save_by((within.last if part else page).get_by_role("button", name=kind).first, folder)


def table(path: Path) -> list[list[str]]:
    """The rows of a file, without the last column, which says in the first row what all are of."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header[-1] == "about" and "321 sentences" in rows[0][-1] and not any(row[-1] for row in rows[1:])
    return [row[:-1] for row in (header, *rows)]


# ---- ways


def test_from_the_overview_to_the_previous_piece_head_and_a_sentence_that_shows_it(
    page: Page, data: xr.Dataset, frame: pd.DataFrame
) -> None:
    (one,) = [one for one in standouts(data) if one.role.title == "previous piece"]
    page.locator(".role-card", has_text="previous piece").click()
    expect(heading(page)).to_have_text(f"Layer {one.layer} head {one.head}")
    expect(page.locator(".role-tag", has_text="previous piece")).to_be_visible()
    best = frame[(frame["layer"] == one.layer) & (frame["head"] == one.head) & (frame["rank"] == 1)].iloc[0]
    first = page.locator(".exemplar").first
    expect(first.locator(".sentence")).to_have_text(best["text"], use_inner_text=True)
    expect(first.locator(".sentence")).to_be_in_viewport()
    assert page.evaluate("document.activeElement.className") == "page"
    page.go_back()
    expect(heading(page)).to_have_text("demo")


def test_from_a_map_to_a_head_to_a_sentence_and_back(page: Page) -> None:
    page.locator("nav.pages a", has_text="Metrics").click()
    page.locator(".map-card", has_text="Mean attention distance").click()
    expect(heading(page)).to_have_text("Mean attention distance")
    cell = cells(page)[1 * len(HEADS) + 2]
    page.mouse.click(cell["x"], cell["y"])
    expect(heading(page)).to_have_text("Layer 3 head 2")
    page.locator('[data-rank="2"] a').first.click()
    expect(page.locator('[data-rank="2"]')).to_have_class(re.compile("chosen"))
    assert at(page) == "/head/3/2/2"
    for address in ("/head/3/2", "/metric/distance", "/metrics", "/"):
        page.go_back()
        assert at(page) == address
    expect(heading(page)).to_have_text("demo")


def test_heads_have_neighbours(page: Page) -> None:
    visit(page, "#/head/3/1")
    for label, address in (("Next head", "/head/3/2"), ("Same head, layer below", "/head/4/2"),
                           ("Head before", "/head/4/1"), ("Same head, layer above", "/head/3/1")):  # fmt: skip
        page.locator(f"[aria-label='{label}']").click()
        assert at(page) == address
    visit(page, "#/head/2/0")
    assert page.locator("[aria-label='Head before'], [aria-label='Same head, layer above']").count() == 0


@pytest.mark.parametrize(
    ("address", "title", "here"),
    [
        ("", "demo", "Overview"),
        ("#/", "demo", "Overview"),
        ("#/metrics", "Every metric, every head", "Metrics"),
        ("#/metric/entropy", "Mean attention entropy", "Metrics"),
        ("#/metric/pos_from", "Attention from a part of speech", "Metrics"),
        ("#/metric/pos_to/NOUN", "Attention to NOUN", "Metrics"),
        ("#/metric/dependency_type_to/nmod%3Aposs", "Attention to nmod:poss", "Metrics"),
        ("#/metric/dependency_alignment/either", "Along dependencies", "Metrics"),
        ("#/metric/attention_at_offset/-1", "Attention to the next piece", "Metrics"),
        ("#/head/4/2", "Layer 4 head 2", "Overview"),
        ("#/head/4/2/5", "Layer 4 head 2", "Overview"),
        ("#/find?y=distance&x=pos_to&xl=DET", "Find heads", "Find heads"),
        ("#/similarity?c=cluster", "Which heads attend alike", "Similarity"),
        ("#/paper", "The paper, on this run", "The papers"),
        ("#/paper/three-heads", "The paper, on this run", "The papers"),
        ("#/run", "The run", "The run"),
    ],
)
def test_an_address_opens_its_page(opened: Page, address: str, title: str, here: str) -> None:
    start(opened, address)
    expect(heading(opened)).to_have_text(title)
    assert opened.title() == f"{'Attention heads' if title == 'demo' else title} · demo"
    assert opened.locator("nav.pages [aria-current=page]").all_inner_texts() == [here]
    if here == "The papers" and "paper" in address:
        assert opened.locator(".crumbs").inner_text().endswith(f"› {here}")
    if address.count("/") == 4 or address.endswith("three-heads"):
        expect(opened.locator(".chosen")).to_be_in_viewport()


def start(page: Page, address: str) -> None:
    """Open an address from nothing."""
    url = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{url}{address}")
    page.wait_for_selector(".page > *")


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("#/nowhere/1", "expected a page of the atlas, found nowhere/1."),
        ("#/constructor", "expected a page of the atlas, found constructor."),
        ("#/metric/beauty", "expected a metric of this run, found beauty."),
        ("#/metric/pos_to/XYZ", "expected a label of pos_to, found XYZ."),
        ("#/head/9/1", "expected a head of layers 2 to 6, heads 0 to 2, found layer 9 head 1."),
        ("#/head/0/0", "expected a head of layers 2 to 6, heads 0 to 2, found layer 0 head 0."),
        ("#/head", "expected a head of layers 2 to 6, heads 0 to 2, found layer undefined head undefined."),
        ("#/metric/pos_to/%", "expected a label of pos_to, found %."),
        ("#/find?y=beauty", "expected a metric of this run, found beauty."),
    ],
)
def test_an_unknown_address_says_what_was_expected(page: Page, address: str, fault: str) -> None:
    visit(page, address)
    expect(heading(page)).to_have_text("Not in this atlas")
    expect(page.locator(".page p").first).to_have_text(fault)
    expect(page.locator(".page")).to_contain_text("press / to search for a head or a metric")
    page.get_by_role("link", name="Back to the overview").click()
    expect(heading(page)).to_have_text("demo")


def test_the_search_finds_heads_metrics_and_sentences(page: Page) -> None:
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search")
    expect(box).to_be_focused()
    for text, address in (("4.2", "/head/4/2"), ("layer 3, head 1", "/head/3/1"), ("L5H0", "/head/5/0")):
        box.fill(text)
        box.press("Enter")
        assert at(page) == address
        expect(box).to_have_value("")
    box.fill("9.9")
    expect(page.get_by_role("listbox", name="Found")).to_contain_text("No layer 9 head 9 in this model")
    box.press("Enter")
    assert at(page) == "/head/5/0"
    box.fill("next token")
    expect(page.get_by_role("listbox", name="Found")).to_contain_text("“next token” is called “next piece” here.")
    box.fill("mean attention distance")
    page.get_by_role("option", name="Mean attention distance").first.click()
    assert at(page) == "/metric/distance"
    box.fill("noun")
    chosen = page.get_by_role("listbox", name="Found").get_by_role("option", selected=True)
    expect(chosen).to_have_count(1)
    first = chosen.text_content()
    box.press("ArrowDown")
    assert chosen.text_content() != first
    box.press("Escape")
    expect(page.get_by_role("listbox", name="Found")).to_have_count(0)


def test_keys_lead_from_head_to_head_and_are_named(page: Page) -> None:
    visit(page, "#/head/3/1")
    page.keyboard.press("ArrowRight")
    expect(heading(page)).to_have_text("Layer 3 head 2")
    assert at(page) == "/head/3/2"
    page.keyboard.press("ArrowDown")
    expect(heading(page)).to_have_text("Layer 4 head 2")
    assert at(page) == "/head/4/2"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert at(page) == "/head/4/2"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)


# ---- the overview


def test_the_heads_that_stand_out_are_those_of_the_run(page: Page, data: xr.Dataset) -> None:
    found = page.locator(".role-card").evaluate_all(
        "all => all.map(card => [...card.children].map(part => part.textContent))"
    )
    assert found == [
        [
            one.role.title,
            one.against_chance.replace("-", "−") or one.shown,
            f"layer {one.layer} head {one.head}",
            *([f"{one.shown}; {one.of_chance} {one.shown_chance}"] if one.against_chance else []),
            f"median {one.shown_median}",
        ]
        for one in standouts(data)
    ]
    assert page.locator(".missing").count() == 0
    numbers = page.locator(".numbers > div").evaluate_all("all => all.map(one => one.innerText.split('\\n'))")
    assert ["5 × 3", "heads"] in numbers and ["8,901", "word pieces"] in numbers


def counted(data: xr.Dataset, metric: str, label: str | None) -> str:
    """How many things a label's shares are of, where the table says: " (4,742 edges)"."""
    table = data[metric]
    if label is None or "counts" not in table.attrs:
        return ""
    rule, rel = label.split(", ")
    return f" ({int(data[table.attrs['counts']].sel(rule=rule, rel=rel)):,} edges)"


def test_cards_say_the_largest_value(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/metrics")
    cards = page.locator(".map-card").evaluate_all(
        "all => all.map(card => [card.getAttribute('href'), card.querySelector('.note').textContent])"
    )
    assert len(cards) >= 7
    for href, note in cards:
        _, _, metric, *names = href.split("/")
        label = unquote(names[0]) if names else None
        top = float(np.nanmax(flat(data, metric, label)))
        of = counted(data, metric, label)
        assert note == f"up to {written(metric, top)}{of}{times_chance(data, metric, label, top)}"


def times_chance(data: xr.Dataset, metric: str, label: str | None, value: float) -> str:
    """The chance level that all heads share, and how many times that a value is; nothing where they share none."""
    level = chance(data, data[metric])
    if level is None or "layer" in level.dims:
        return ""
    one = level if label is None else with_one_label(level).sel({with_one_label(level).dims[-1]: label})
    told = f"; {caption(level)} {written(metric, float(one))}, {times(value / float(one))}"
    return told if float(one) > 0 else ""


def test_missing_shards_are_announced(desk: Desk, data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    page = desk.open(render(data.assign_attrs(shards_missing=3), frame, rows, facts()))
    expect(page.get_by_role("alert")).to_contain_text("3 shards are missing")


# ---- maps


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("null_attention", None),
        ("attention_mass", None),
        ("entropy", None),
        ("pos_to", "NOUN"),
        ("dependency_alignment", "either"),
        ("attention_at_offset", "1"),
    ],
)
def test_a_map_shows_the_table(page: Page, data: xr.Dataset, metric: str, label: str | None) -> None:
    visit(page, f"#/metric/{metric}" + (f"/{label}" if label is not None else ""))
    column = flat(data, metric, label)
    found = cells(page)
    top = np.nanmax(column)
    levels = [-1 if np.isnan(value) else min(63, math.floor(64 * value / top)) for value in column]
    assert [cell["level"] for cell in found] == levels
    colours = SEQUENTIAL.colours(norm_from_zero(column)(column))
    for cell, value, colour in zip(found, column, colours, strict=True):
        if not np.isnan(value):
            assert hexed(cell["colour"]) == to_hex(colour)
    alike = [1, 11] if metric == "null_attention" else []
    for place in {4 * 3, 7, int(np.nanargmax(column)), int(np.nanargmin(column)), *alike}:
        value, rank = written(metric, column[place]), standing(ranks(data, metric, label), place)
        status, tip = pointed(page, found[place])
        lines = beside(data, metric, label, place)
        assert status == f"{name(place)}: {value} ({rank})" + "".join(f", {' '.join(line)}" for line in lines)
        assert tip == [name(place), value, rank, *(part for line in lines for part in line)]
    page.mouse.move(1, 1)
    expect(page.locator(".status-line")).to_have_text("")

    sizes = flat(data, f"{metric}_by_layer", label)
    widths = widths_of(page, ".layer-bar")
    assert_allclose(widths / widths.max(), np.nan_to_num(sizes) / np.nanmax(sizes), rtol=0, atol=1e-3)
    texts = [percent(size) if metric not in ("attention_mass", "entropy") else number(size) for size in sizes]
    expected = ["–" if np.isnan(size) else text for size, text in zip(sizes, texts, strict=True)]
    assert page.locator(".layer-value").all_text_contents() == expected
    lines = layer_chances(data, metric, label)
    assert page.locator(".head-map .baseline").count() == len(lines)
    left = float(page.locator(".layer-bar").first.get_attribute("x") or "nan")
    for n, line in enumerate(lines):
        x = float(page.locator(".head-map .baseline").nth(n).get_attribute("x1") or "nan")
        assert (x - left) / widths.max() == pytest.approx(line / np.nanmax(sizes), abs=2e-3)
    assert_cased(page, ".head-map .baseline, .head-map .beside-line")
    captions = page.locator(".head-map text[fill='var(--baseline-words)']").all_text_contents()
    assert len(captions) == bool(lines) and all(words.startswith("line") for words in captions)
    if len(lines) == 1:
        assert f"line: even attention, {percent(lines[0])}" in (page.locator(".head-map").text_content() or "")


def assert_cased(page: Page, lines: str) -> None:
    """What crosses bars has the page's colour on either side: orange on blue alone is 1.5 to 1."""
    found = page.locator(lines).evaluate_all(
        """all => all.map(line => { const {previousElementSibling: under} = line, own = node => ['x1', 'y1', 'd']
            .map(name => node.getAttribute(name)).join();
            return [under.getAttribute('stroke'), own(under) === own(line),
                    under.getAttribute('stroke-width') - line.getAttribute('stroke-width')]; })"""
    )
    assert all(one == ["var(--page)", True, pytest.approx(3)] for one in found)


def layer_chances(data: xr.Dataset, metric: str, label: Any) -> list[float]:
    """Where lines stand beside the layers' bars: one for all, or one a layer with a value."""
    name = data[f"{metric}_by_layer"].attrs.get("chance")
    if name is None:
        return []
    levels = np.atleast_1d(flat(data, name, label))
    return [float(level) for level in levels[~np.isnan(levels)]]


def widths_of(page: Page, bars: str) -> NDArray[np.float64]:
    return np.array(page.locator(bars).evaluate_all("all => all.map(bar => Number(bar.getAttribute('width')))"))


def hexed(colour: str) -> str:
    """rgb(1, 2, 3) as #010203"""
    return "#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", colour)))


def test_the_heads_beside_a_map_are_in_order(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/metric/distance")
    column = flat(data, "distance")
    order = ordered(column)
    found = page.locator(".heads-list li").evaluate_all(
        "all => all.map(one => [...one.children].map(x => x.innerText))"
    )
    listed = [*order[:6], *order[::-1][:6]]
    assert found == [[name(place), written("distance", column[place])] for place in listed]


def test_relations_go_from_low_layers_to_deep_ones(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/metric/dependency_type_to")
    sizes = data["dependency_type_to_by_layer"].values
    depth = np.arange(len(LAYERS)) @ np.nan_to_num(sizes) / np.nansum(sizes, axis=0)
    order = np.argsort(depth, kind="stable")
    labels = page.locator(".relation-map a text").all_text_contents()
    assert labels == [in_words(rel) for rel in data["rel"].values[order].tolist()]

    ratio = (sizes / np.nanmean(sizes, axis=0))[:, order].T
    top = max(2, np.nanmax(ratio))
    found = cells(page, ".relation-map")
    scaled = np.where(ratio <= 1, ratio * 32, 32 + (ratio - 1) / (top - 1) * 32)
    levels = np.where(np.isnan(ratio), -1, np.minimum(63, np.floor(np.nan_to_num(scaled))))
    assert [cell["level"] for cell in found] == levels.ravel().tolist()
    for row, layer in ((0, 0), (3, 2), (10, 3)):
        status, tip = pointed(page, found[row * len(LAYERS) + layer])
        value = percent(sizes[layer, order[row]])
        assert status == f"{labels[row]}, layer {LAYERS[layer]}: {value}"
        assert tip == [f"{labels[row]}, layer {LAYERS[layer]}", value, f"{number(ratio[row, layer])} × its mean"]
    status, tip = pointed(page, found[4])
    assert (status, tip[1:]) == (f"{labels[0]}, layer 6: –", ["–", "no evidence"])


# ---- a head's page


@pytest.mark.parametrize("place", [1, 7, 11])
def test_a_head_has_its_values_and_ranks(page: Page, data: xr.Dataset, place: int) -> None:
    layer, head = head_at(place)
    visit(page, f"#/head/{layer}/{head}")
    page.locator("section", has_text="All its metrics").get_by_role("button", name="all ").click()
    found = page.locator("table.metrics tbody tr").evaluate_all(
        """all => all.map(row => [row.querySelector('a').getAttribute('href'),
            ...[...row.cells].slice(1, 3).map(cell => cell.textContent)])"""
    )
    expected = []
    for metric, label in told(data):
        column = flat(data, metric, label)
        href = f"#/metric/{metric}" + (f"/{label}" if label is not None else "")
        value = written(metric, column[place]) + in_cell(data, metric, label, place)
        expected.append([href, value, standing(ranks(data, metric, label), place)])
    assert sorted(found) == sorted(expected)


def test_a_heads_metrics_begin_with_those_that_tell_in_short(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/head/3/1")
    rows = page.locator("table.metrics tbody tr")
    metrics = rows.evaluate_all(
        "all => all.map(row => row.querySelector('a').getAttribute('href').split('/').slice(2).join('/'))"
    )
    assert {"null_attention", "distance", "entropy", "variability", "dependency_alignment/either"} <= set(metrics)
    own = page.locator("table.metrics tr", has=page.locator("a[href='#/metric/distance']")).locator(".strip path")
    ticks = own.evaluate_all("all => all.map(one => [+one.getAttribute('stroke-opacity'), one.getAttribute('d')])")
    assert ticks[0][0] == 0.4, "one alone can be seen, however many there are"
    assert 1 < sum(path.count("M") for _, path in ticks) <= np.isfinite(flat(data, "distance")).sum()
    every = len(list(told(dataset(len(LAYERS), len(HEADS)))))
    assert len(metrics) < 25 < every
    page.get_by_role("button", name=f"all {every}", exact=True).click()
    assert rows.count() == every
    assert page.evaluate("document.activeElement.closest('table.metrics') !== null")


def told(data: xr.Dataset) -> Iterator[tuple[str, Any]]:
    """Metrics, and their labels where they are few; of offsets the own and the previous piece."""
    for metric, table in TABLES.items():
        dim = table.dims[-1]
        if table.ndim == 2:
            yield metric, None
        elif dim == "offset":
            yield from ((metric, offset) for offset in "01")
        elif data.sizes[dim] <= FEW:
            yield from ((metric, label) for label in data[dim].values.tolist())


@pytest.mark.parametrize("metric", ["pos_to", "pos_from", "dependency_type_to"])
def test_a_profile_is_in_times_even_attention(page: Page, data: xr.Dataset, metric: str) -> None:
    visit(page, f"#/head/3/1?labels={metric}")
    place = 4
    own = data[metric].values.reshape(15, -1)[place]
    mean = np.nanmean(data[metric].values.reshape(15, -1), axis=0)
    level = data[data[metric].attrs["chance"]].values
    block = page.locator(".profiles")
    largest = np.argsort(-own, kind="stable")[:10]
    names = data[data[metric].dims[-1]].values
    assert [one["label"] for one in profile(block)] == labels_of(names, largest, own / level)
    block.get_by_role("button", name=f"all {len(own)}").click()
    found = profile(block)
    order = np.argsort(-own / level, kind="stable")
    assert [one["label"] for one in found] == labels_of(names, order, own / level)
    columns = [[percent(own[n]), times(own[n] / level[n]), percent(mean[n])] for n in order]
    assert [one["columns"] for one in found] == columns
    doublings = np.clip(np.log2(own / level), -6, 6)[order]
    unit = found[0]["width"] / doublings[0]
    assert_allclose([one["width"] for one in found], np.abs(doublings) * unit, rtol=2e-3, atol=0.15)
    assert [one["above"] for one in found] == [bool(one > 0) for one in doublings]
    assert len({tuple(one["ends"]) for one in found}) == 1, "numbers stand in columns,"
    assert max(one["bar_ends"] for one in found) < min(one["begins"] for one in found), "beside all bars"
    verb, first = metric.split("_")[-1], order[0]
    rank = standing(flat(data, metric, names[first]), place)
    assert found[0]["title"] == (
        f"Attention {verb} {in_words(names[first])}: {percent(own[first])}, {rank}; "
        f"even attention {percent(level[first])}, {times(own[first] / level[first])}; "
        f"mean of all heads {percent(mean[first])}"
    )


def labels_of(names: Any, places: Any, by: NDArray[np.float64]) -> list[str]:
    """Names at places, those with the highest of `by` first."""
    return [in_words(names[n]) for n in sorted(places, key=lambda n: -by[n])]


def profile(block: Locator) -> list[dict[str, Any]]:
    return block.locator("svg a").evaluate_all(  # type: ignore[no-any-return]
        """all => all.map(bar => {
            const [label, ...columns] = [...bar.querySelectorAll('text')].map(one => one.textContent);
            const box = bar.querySelector('.times');
            const [, ...places] = [...bar.querySelectorAll('text')].map(one => one.getBBox());
            return {label, columns, title: bar.querySelector('title').textContent, width: +box.getAttribute('width'),
                    above: box.getAttribute('fill') === 'var(--bar)', begins: places[0].x,
                    ends: places.map(({x, width}) => Math.round(x + width)),
                    bar_ends: box.getBBox().x + box.getBBox().width};
        })"""
    )


def test_attention_by_offset_is_beside_the_mean_of_all_heads(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/head/3/1")
    found = page.locator("svg.offsets rect").evaluate_all(
        "all => all.map(bar => [bar.textContent, Number(bar.getAttribute('height'))])"
    )
    kept = data["attention_at_offset"].sel(offset=range(33)).values.reshape(15, -1)
    own, mean = kept[4], np.nanmean(kept, axis=0)
    words = ["Attention to the own piece", "Attention to the previous piece"]
    words += [f"Attention {offset}{' or more' if offset == 32 else ''} pieces back" for offset in range(2, 33)]
    assert [title for title, _ in found] == [
        f"{word}: {percent(a)}; mean of all heads {percent(b)}".replace("e-", "e−")
        for word, a, b in zip(words, own, mean, strict=True)
    ]
    heights = np.array([height for _, height in found])
    assert_allclose(heights / heights.max(), own / own.max(), rtol=0, atol=2e-3)
    assert_cased(page, "svg.offsets path:not(.casing)")


def test_histograms_of_a_head(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/head/3/1")
    pictures = page.locator("svg.histogram")
    names = ("first_piece_histogram", "unit_peak_histogram")
    assert pictures.count() == len(names)
    for place, name in enumerate(names):
        bars = (
            pictures.nth(place)
            .locator("rect")
            .evaluate_all("all => all.map(bar => [bar.textContent, Number(bar.getAttribute('height'))])")
        )
        own = data[name].sel(layer=3, head=1)
        heights = np.array([height for _, height in bars])
        assert_allclose(heights / heights.max(), own / own.max(), rtol=0, atol=5e-3)
        heading = data[name].attrs["heading"].replace("{}", "0.3")
        assert bars[15][0].startswith(f"{heading}: {int(own[15]):,} sentences; mean of all heads ")


def test_a_head_without_evidence_says_so(page: Page) -> None:
    visit(page, "#/head/6/0")
    tabs = page.locator(".profiles").get_by_role("tab")
    assert tabs.count() >= 3
    for tab in tabs.all():
        tab.click()
        assert page.locator(".profiles .note").all_inner_texts() == ["no evidence"]
        assert page.locator(".profiles rect").count() == 0
    own = page.locator("svg.offsets rect").first
    assert (own.text_content() or "").startswith("Attention to the own piece: –; mean of all heads ")


# ---- tables that the page has never heard of

MADE_UP: dict[str, Any] = {
    "unit": "1", "labels": ["alive", "<b>not</b>"], "dim": "animacy", "dim_title": "Animacy",
    "family": "Words of mine", "help": "Strong colour: heads that look at what lives.",
    "formula": "Σ F[i,j]·1(animacy(j)=name) ÷ M", "source": "mine",
}  # fmt: skip


def made_up(data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame) -> tuple[str, dict[str, NDArray[np.float64]]]:
    """A page with a share by a label, its chance level, a count by many labels, a score that may be negative."""
    random = np.random.default_rng(9)
    many = [f"kind {n}" for n in range(7)]
    tables = {
        "animacy_to": random.beta(2, 5, (5, 3, 2)), "animacy_excess": random.normal(0, 0.2, (5, 3)),
        "kinds": random.integers(1, 90, (5, 3, 7)).astype(float), "spread": random.gamma(2, 3, (5, 3)),
    }  # fmt: skip
    tables["animacy_to"][1, 1] = np.nan
    described = [
        MADE_UP | {"name": "animacy_to", "title": "Attention to animacy", "kind": "share",
                   "heading": "Attention to {}", "chance": "animacy_to_uniform"},
        MADE_UP | {"name": "animacy_excess", "title": "Excess", "kind": "score", "heading": None, "labels": [],
                   "dim": None, "dim_title": None, "chance": None},
        MADE_UP | {"name": "kinds", "title": "Kinds", "kind": "count", "unit": "pieces", "heading": None,
                   "labels": many, "dim": "kind", "dim_title": None, "chance": None},
        MADE_UP | {"name": "spread", "title": "Spread", "kind": "mean", "unit": "pieces", "heading": None,
                   "labels": [], "dim": None, "dim_title": None, "chance": "distance"},
    ]  # fmt: skip
    whole = contents(data, frame, rows, facts())
    by_layer = {name: np.nanmean(table, axis=1) for name, table in tables.items()}
    by_layer["kinds"][...] = np.nan
    whole["metrics"] += [
        one | {"values": pack(tables[one["name"]]), "by_layer": pack(by_layer[one["name"]])} for one in described
    ]
    uniform = {"name": "animacy_to_uniform", "title": "Even attention", "unit": "1", "kind": "share", "dim": "animacy"}
    whole["corpus"].append(uniform | {"labels": MADE_UP["labels"][::-1], "values": pack(np.array([0.7, 0.3]))})
    return render_page(whole, "Made up", "auto"), tables


@pytest.fixture(scope="module")
def strange(desk: Desk, data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame) -> Any:
    html, tables = made_up(data, frame, rows)
    return desk.open(html, 1280, 800), tables


def test_any_table_has_its_card_under_its_family_and_its_map(strange: Any) -> None:
    page, tables = strange
    visit(page, "#/metrics")
    shelf = page.locator("section", has=page.get_by_role("heading", name="Words of mine", exact=True))
    cards = shelf.locator(".map-card b").all_inner_texts()
    assert cards[:2] == ["Excess", "Spread"]
    assert set(cards[2:4]) == set(MADE_UP["labels"]) and len(cards) == 2 + 2 + 5
    assert shelf.locator("h3").all_inner_texts() == ["Attention to animacy", "Kinds"]
    shelf.get_by_role("link", name="alive").click()
    expect(heading(page)).to_have_text("Attention to alive")
    column = tables["animacy_to"][..., 0].ravel()
    expected = [-1 if np.isnan(value) else min(63, int(64 * value / np.nanmax(column))) for value in column]
    assert [cell["level"] for cell in cells(page)] == expected
    status, tip = pointed(page, cells(page)[7])
    told = times(column[7] / 0.3)
    assert status == f"{name(7)}: {percent(column[7])} ({standing(column, 7)}), chance 30%, against it {told}"
    assert tip == [name(7), percent(column[7]), standing(column, 7), "chance", "30%", "against it", told]
    listed = page.locator(".heads-list li").first.locator("> *").all_inner_texts()
    best = int(np.nanargmax(column))
    assert listed == [name(best), percent(column[best]), f"chance 30%, {times(column[best] / 0.3)}"]
    page.select_option("[aria-label='Animacy']", label="all")
    expect(heading(page)).to_have_text("Attention to animacy")
    assert page.locator(".map-card").count() == 2
    visit(page, "#/metric/kinds/kind%203")
    expect(heading(page)).to_have_text("Kinds: kind 3")
    assert "by layer" not in str(page.text_content(".head-map")), "of what has no numbers of layers"
    assert page.locator("[aria-label='kind'] option").count() == 8


def test_a_score_that_may_be_negative_has_a_scale_with_two_sides(strange: Any) -> None:
    page, tables = strange
    visit(page, "#/metric/animacy_excess")
    column = tables["animacy_excess"].ravel()
    size = np.abs(column).max()
    levels = np.minimum(63, np.floor(32 + 32 * column / size))
    assert [cell["level"] for cell in cells(page)] == levels.tolist()
    value = number(column[0]).replace("-", "−")
    assert pointed(page, cells(page)[0])[0] == f"{name(0)}: {value} ({standing(column, 0)})"
    by_layer = tables["animacy_excess"].mean(axis=1)
    widths = widths_of(page, ".layer-bar")
    assert_allclose(widths / widths.max(), np.abs(by_layer) / np.abs(by_layer).max(), rtol=0, atol=2e-3)


def test_each_layer_has_its_own_chance_where_heads_have(strange: Any, data: xr.Dataset) -> None:
    page, tables = strange
    visit(page, "#/metric/spread")
    lines = page.locator(".head-map .baseline").evaluate_all("all => all.map(line => Number(line.getAttribute('x1')))")
    left, widths = float(page.locator(".layer-bar").first.get_attribute("x") or "nan"), widths_of(page, ".layer-bar")
    chances = data["distance_by_layer"].values[:4]
    assert np.isnan(data["distance_by_layer"].values[4])
    unit = widths[0] / tables["spread"].mean(axis=1)[0]
    assert_allclose(np.array(lines) - left, chances * unit, rtol=0, atol=0.15)


def test_a_head_has_its_values_in_any_table_beside_their_chance(strange: Any, data: xr.Dataset) -> None:
    page, tables = strange
    visit(page, "#/head/3/2")
    page.locator("section", has_text="All its metrics").get_by_role("button", name="all ").click()
    found = page.locator("table.metrics tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].slice(0, 2).map(cell => cell.textContent))"
    )
    alive, other = tables["animacy_to"][1, 2]
    spread, distance = tables["spread"][1, 2], float(data["distance"][1, 2])
    assert ["Attention to alive", f"{percent(alive)} chance 30%, {times(alive / 0.3)}"] in found
    assert ["Attention to <b>not</b>", f"{percent(other)} chance 70%, {times(other / 0.7)}"] in found
    told = f"{number(spread)} pieces chance {number(distance)} pieces, {times(spread / distance)}"
    assert ["Spread", told] in found
    assert page.locator("b", has_text="not").count() == 0


def test_the_finder_knows_any_table(strange: Any) -> None:
    page, tables = strange
    visit(page, "#/find?y=animacy_to&x=kinds")
    shelf = page.locator("[aria-label='Show'] optgroup[label='Words of mine'] option")
    assert shelf.all_inner_texts() == [
        "Attention to animacy",
        "Excess",
        "Spread",
        "Kinds",
    ]  # counts last
    label = int(np.argmax(np.nanmean(tables["animacy_to"], axis=(0, 1))))
    kind = int(np.argmax(np.nanmean(tables["kinds"], axis=(0, 1))))
    y, x = tables["animacy_to"][..., label].ravel(), tables["kinds"][..., kind].ravel()
    assert page.inner_text(".correlation") == correlation(x, y)
    assert [row[1] for row in find_rows(page)] == [name(place) for place in ordered(y)]
    assert [row[3] for row in find_rows(page)] == [f"{number(x[place])} pieces" for place in ordered(y)]


# ---- sentences


def sentence(page: Page, rank: int) -> Locator:
    return page.locator(f'.exemplar[data-rank="{rank}"]')


def pieces_of(one: Locator) -> dict[int, dict[str, Any]]:
    """The pieces that can be seen: marks, weights in percent."""
    found = one.locator(".piece").evaluate_all(
        """all => all.map(piece => ({place: +piece.dataset.place, marks: [...piece.classList].sort().join(' '),
            weight: parseFloat(piece.style.getPropertyValue('--weight'))}))"""
    )
    return {piece["place"]: piece for piece in found}


def row_of(rows: pd.DataFrame, head: tuple[int, int], rank: int, i: int, n: int) -> NDArray[np.float64]:
    """The weights of a piece's row, as they travel."""
    mine = rows[(rows["layer"] == head[0]) & (rows["head"] == head[1]) & (rows["rank"] == rank)].iloc[0]
    kept = np.zeros(n)
    kept[mine["j"][mine["i"] == i]] = mine["weight"][mine["i"] == i]
    return np.rint(kept * STEPS) / STEPS


def assert_row(one: Locator, best: Any, weights: NDArray[np.float64], i: int) -> None:
    """A sentence shows the row of piece i: colours, arcs and words."""
    found = pieces_of(one)
    assert_allclose([piece["weight"] for piece in found.values()], 100 * weights[list(found)], rtol=0, atol=0.051)
    marked = {place: set(piece["marks"].split()) - {"piece"} for place, piece in found.items()}
    assert {place for place, marks in marked.items() if "attended" in marks} == {
        place for place in found if weights[place] >= 0.005
    }
    assert [place for place, marks in marked.items() if "attending" in marks] == [i] * int(i in found)
    assert [place for place, marks in marked.items() if "strongest" in marks] == [best["j"]] * int(i == best["i"])
    arcs = one.locator(".arcs path").evaluate_all("all => all.map(arc => +arc.dataset.to)")
    assert sorted(arcs) == [place for place in sorted(found) if weights[place] >= 0.02]
    words = spelled(best)
    order = [place for place in np.argsort(-weights, kind="stable")[:4] if weights[place] >= 0.005]
    exact = [best["weight"] if (i, place) == (best["i"], best["j"]) else weights[place] for place in order]
    listed = " · ".join(f"{words[place]} {percent(value)}" for place, value in zip(order, exact, strict=True))
    expect(one.locator(".caption")).to_have_text(f"{words[i]} → {listed}")


def spelled(best: Any) -> list[str]:
    return [piece.removeprefix("Ġ") for piece in best["pieces"]]


def best_of(frame: pd.DataFrame, head: tuple[int, int], rank: int) -> Any:
    return frame[(frame["layer"] == head[0]) & (frame["head"] == head[1]) & (frame["rank"] == rank)].iloc[0]


def test_a_sentence_shows_its_strongest_pair_and_any_row(page: Page, frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    head = (3, 2)
    visit(page, "#/head/3/2")
    for rank in (1, 2, 3):
        best, one = best_of(frame, head, rank), sentence(page, rank)
        n, i = len(best["pieces"]), int(best["i"])
        own = row_of(rows, head, rank, i, n)
        assert_row(one, best, own, i)
        for other in (n - 1, 3):
            one.locator(f'.piece[data-place="{other}"]').hover()
            assert_row(one, best, row_of(rows, head, rank, other, n), other)
        page.mouse.move(1, 1)
        assert_row(one, best, own, i)
        distance = best["i"] - best["j"]
        assert one.locator(".source").inner_text() == (
            f"#{rank} {percent(best['weight'])} {distance} piece{'s'[: distance - 1]} back · "
            f"d{rank}.txt, sentence {rank}"
        )


def test_arcs_end_at_the_pieces_they_are_of(page: Page) -> None:
    visit(page, "#/head/3/2")
    ends = sentence(page, 1).evaluate(
        """item => { const middle = box => (box.left + box.right) / 2;
            const box = name => item.querySelector(name).getBoundingClientRect();
            const [svg, from] = [box('.arcs'), box('.attending')];
            return [...item.querySelectorAll('.arcs path')].map(arc => {
                const to = box(`[data-place="${arc.dataset.to}"]`);
                const numbers = arc.getAttribute('d').match(/-?[\\d.]+/g).map(Number);
                return [numbers[0] - middle(from) + svg.left, numbers.at(-2) - middle(to) + svg.left,
                        numbers[1] - from.top + svg.top, numbers.at(-1) - to.top + svg.top];
            }); }"""
    )
    assert len(ends) > 1
    for x0, x1, y0, y1 in ends:
        assert abs(x0) < 5 and abs(x1) < 5 and abs(y0 - 3) < 1 and abs(y1 - 3) < 1


def test_no_arc_strikes_through_words_where_a_sentence_has_several_lines(page: Page) -> None:
    """On a phone: a pair on two lines has a stub at either piece, and nothing between."""
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, "#/head/{}/{}".format(*LONG))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    arcs = page.locator(".exemplar .arcs path").evaluate_all(
        """all => all.map(arc => {
            const sentence = arc.closest('.sentence'), place = ({dataset}) => dataset.place;
            const top = (piece) => Math.round(piece.getBoundingClientRect().top);
            const from = sentence.querySelector('.attending');
            const to = sentence.querySelector(`[data-place="${arc.dataset.to}"]`);
            return {lines: top(from) === top(to) ? 1 : 2, parts: arc.getAttribute('d').split('M').length - 1,
                    height: arc.getBBox().height, apart: Math.abs(top(from) - top(to))};
        })"""
    )
    assert {arc["lines"] for arc in arcs} == {1, 2}
    assert all(arc["parts"] == arc["lines"] for arc in arcs)
    page.set_viewport_size(size)  # type: ignore[arg-type]


def test_words_and_numbers_of_the_first_page_explain_themselves(page: Page) -> None:
    visit(page, "#/")
    shown = page.inner_text(".page")
    assert "Null pieces are those on which" in shown and "Nats say how widely" in shown
    (told,) = [value for name, value in contents_of_page(page)["headline"] if name == "time"]
    assert f"{told}\ntime" in shown
    page.get_by_text("Words on this page").click()
    page.locator(".glossary dt").first.wait_for()
    assert {"piece", "null pieces", "nats"} <= set(page.locator(".glossary dt").all_inner_texts())
    visit(page, "#/find?y=pos_to&yl=NOUN&x=entropy")
    words = page.inner_text(".page")
    assert "Show: part of speech" in words and "by label" not in words and "Mean attention entropy" in words
    spare = page.locator(".controls select").evaluate_all(
        """all => all.map(one => { const pen = document.createElement('canvas').getContext('2d');
            pen.font = getComputedStyle(one).font;
            return one.clientWidth - pen.measureText(one.selectedOptions[0].text).width; })"""
    )
    assert len(spare) > 5 and min(spare) > 15, "each shows its choice whole, beside its arrow"


def test_the_page_of_a_paper_leads_to_its_figures(page: Page) -> None:
    """It says that these are links, and each opens a page that draws what it is of."""
    visit(page, "#/paper")
    expect(page.locator(".page > .help")).to_contain_text("links to its figures, each on the page of what it shows")
    links = page.locator(".figures a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert len(links) == 11
    for link in dict.fromkeys(links):
        visit(page, link)
        assert page.locator(".head-map, .map-card svg, .relation-map, .exemplar").count(), link


def contents_of_page(page: Page) -> Any:
    return page_data(page.content())[0]


def test_both_ends_of_a_scale_have_a_number(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/metric/pos_to/NOUN")
    numbers = page.locator(".map-host svg text").evaluate_all("all => all.map(one => one.textContent)")
    own = flat(data, "pos_to", "NOUN")[~is_off(data).ravel()]
    assert {"0", percent(np.nanmax(own))} <= set(numbers)


def test_the_page_of_a_run_and_the_terminal_tell_of_one_time(demo_run: Path) -> None:
    """The page is written before the merge's time is known: neither tells of it."""
    page = (demo_run / "report" / "index.html").read_text(encoding="utf-8")
    (told,) = [value for name, value in page_data(page)[0]["headline"] if name == "time"]
    written = json.loads((demo_run / "run.json").read_text(encoding="utf-8"))
    assert dict(headline(load(demo_run), written))["time"] == told


@pytest.mark.parametrize(
    ("share", "told"), [(0.996, "99.6%"), (0.99961, "99.9%"), (0.99999999, "100%"), (1.0, "100%"), (-0.996, "-99.6%")]
)
def test_what_is_not_all_is_not_told_as_all(share: float, told: str) -> None:
    assert percent(share) == told


def test_a_sentence_is_sent_to_the_model_as_the_corpus_has_it(
    desk: Desk, data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame, tmp_path: Path
) -> None:
    """Signs that stand for pieces on screen (white space, parts of letters) are nowhere else."""
    text = "In\t1833 ,\nשלום"
    first = frame.index[(frame["layer"] == 3) & (frame["head"] == 2) & (frame["rank"] == 1)][0]
    own = frame.copy()
    own.at[first, "text"], own.at[first, "pieces"] = text, byte_pieces(text)
    page = desk.open(render(data, own, rows[rows["rank"] != 1], facts(), served=True))
    visit(page, "#/head/3/2")
    assert sentence(page, 1).locator(".sentence").inner_text() != text
    href = sentence(page, 1).get_by_role("link", name="see all heads in it").get_attribute("href")
    assert parse_qs(str(href).partition("?")[2])["text"] == [text]
    assert table(save(page, "CSV", tmp_path, "Sentences"))[1][-1] == text


def test_pieces_of_no_word_are_called_so_and_explained(page: Page) -> None:
    visit(page, "#/metric/pos_to/_")
    expect(heading(page)).to_have_text("Attention to no word")
    page.get_by_text("Words on this page").click()
    expect(page.locator(".glossary")).to_contain_text("pieces that belong to no word of the annotation")
    for address in ("#/metrics", "#/metric/pos_to", "#/metric/pos_to/_", "#/head/3/1?labels=pos_to"):
        visit(page, address)
        assert not re.search(r"(^|\s)_(\s|$)", page.locator("body").inner_text(), re.MULTILINE), address


def test_pieces_stay_where_they_are_under_the_pointer(page: Page) -> None:
    visit(page, "#/head/3/2")
    places = "item => [...item.querySelectorAll('.piece')].map(piece => piece.getBoundingClientRect().x)"
    before = sentence(page, 1).evaluate(places)
    sentence(page, 1).locator(".piece").last.hover()
    assert_allclose(sentence(page, 1).evaluate(places), before, rtol=0, atol=0.1)


def test_arrow_keys_walk_a_sentence(page: Page, frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    head = (3, 2)
    visit(page, "#/head/3/2")
    best, one = best_of(frame, head, 2), sentence(page, 2)
    n, i = len(best["pieces"]), int(best["i"])
    one.locator(".sentence").focus()
    page.keyboard.press("ArrowLeft")
    assert_row(one, best, row_of(rows, head, 2, i - 1, n), i - 1)
    for _ in range(n):
        page.keyboard.press("ArrowRight")
    assert_row(one, best, row_of(rows, head, 2, n - 1, n), n - 1)


def test_a_long_sentence_is_cut_around_its_pair(page: Page, frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    visit(page, "#/head/3/0")
    best, one = best_of(frame, LONG, 1), sentence(page, 1)
    assert list(pieces_of(one)) == [*range(61), *range(110, 191)]
    assert_row(one, best, row_of(rows, LONG, 1, 150, 240), 150)
    one.get_by_role("button", name="Show the whole sentence").first.click()
    page.mouse.move(1, 1)
    assert list(pieces_of(one)) == list(range(240))
    assert one.get_by_role("button").count() == 0
    assert_row(one, best, row_of(rows, LONG, 1, 150, 240), 150)
    one.locator('.piece[data-place="90"]').hover()
    assert_row(one, best, row_of(rows, LONG, 1, 90, 240), 90)


def test_a_rank_that_the_page_does_not_keep_is_told(page: Page) -> None:
    visit(page, "#/head/3/2/99")
    expect(page.locator("#sentences")).to_contain_text("The page keeps 6 of them.")
    visit(page, "#/head/3/2/6")
    expect(page.locator("#sentences")).not_to_contain_text("The page keeps")


def test_a_sentence_without_rows_shows_its_pair(page: Page, frame: pd.DataFrame) -> None:
    visit(page, "#/head/3/0")
    assert page.locator(".exemplar").count() == 3
    page.get_by_role("button", name="3 more").click()
    assert [one.get_attribute("value") for one in page.locator(".exemplar").all()] == list("123456")
    best, one = best_of(frame, LONG, 6), sentence(page, 6)
    only = np.zeros(len(best["pieces"]))
    only[9] = best["weight"]
    assert_row(one, best, only, 2)
    one.locator('.piece[data-place="4"]').hover()
    assert_row(one, best, only, 2)
    assert one.locator("[tabindex]").count() == 0
    assert " 7 pieces ahead · " in one.inner_text()
    assert " to itself · " in sentence(page, 2).inner_text()


# ---- the finder


def find_rows(page: Page) -> list[list[str]]:
    return page.locator(".ranked > table tbody tr").evaluate_all(  # type: ignore[no-any-return]
        "all => all.map(row => [...row.cells].slice(0, 4).map(cell => cell.firstChild.textContent))"
    )


def found_rows(
    y: tuple[str, NDArray[np.float64]], x: tuple[str, NDArray[np.float64]], places: Sequence[int]
) -> list[list[str]]:
    return [
        [str(n + 1), name(place), written(y[0], y[1][place]), written(x[0], x[1][place])]
        for n, place in enumerate(places)
    ]


def correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    kept = ~np.isnan(x) & ~np.isnan(y)
    r, p = pearsonr(x[kept], y[kept])
    tail = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"Over {kept.sum()} heads r = {float(f'{r:.3f}'):.3g} ({tail})".replace("-", "−")


def test_the_finder_orders_and_filters_heads(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/find")
    distance, entropy, nouns = flat(data, "distance"), flat(data, "entropy"), flat(data, "pos_to", "NOUN")
    order = ordered(entropy)
    assert find_rows(page) == found_rows(("entropy", entropy), ("distance", distance), order)
    assert page.inner_text(".correlation") == correlation(distance, entropy)
    assert at(page) == "/find?y=entropy&x=distance"

    page.select_option("[aria-label='List']", "lowest")
    assert find_rows(page) == found_rows(("entropy", entropy), ("distance", distance), order[::-1])
    page.select_option("[aria-label='against']", "pos_to")
    assert page.locator("[aria-label^='against: '] option:checked").inner_text() == "NOUN"
    assert find_rows(page) == found_rows(("entropy", entropy), ("pos_to", nouns), order[::-1])
    assert page.inner_text(".correlation") == correlation(nouns, entropy)
    page.select_option("[aria-label^='against: ']", label="VERB")
    verbs = flat(data, "pos_to", "VERB")
    page.select_option("[aria-label='Layers']", label="3")
    page.select_option("[aria-label='to']", label="4")
    within = [place for place in order[::-1] if place // 3 in (1, 2)]
    assert find_rows(page) == found_rows(("entropy", entropy), ("pos_to", verbs), within)
    assert page.inner_text(".correlation") == correlation(verbs[3:9], entropy[3:9])
    assert at(page) == "/find?y=entropy&x=pos_to&xl=VERB&order=lowest&from=3&to=4"

    page.reload()
    page.wait_for_selector(".page > *")
    assert find_rows(page) == found_rows(("entropy", entropy), ("pos_to", verbs), within)
    chosen = page.locator(".controls option:checked").all_inner_texts()
    assert chosen == [
        "Mean attention entropy",
        "Attention to a part of speech",
        "VERB",
        "lowest of the first",
        "3",
        "4",
        "layer",
    ]
    page.locator(".ranked a").nth(1).click()
    expect(heading(page)).to_have_text(name(within[1]).capitalize())
    page.go_back()
    assert at(page) == "/find?y=entropy&x=pos_to&xl=VERB&order=lowest&from=3&to=4"
    assert find_rows(page) == found_rows(("entropy", entropy), ("pos_to", verbs), within)


def test_the_finders_layers_stay_in_order(page: Page) -> None:
    visit(page, "#/find?y=null_attention&x=distance&from=4&to=5")
    page.select_option("[aria-label='to']", label="2")
    assert page.locator(".controls option:checked").all_inner_texts()[-3:-1] == ["2", "2"]
    page.select_option("[aria-label='Layers']", label="6")
    assert page.locator(".controls option:checked").all_inner_texts()[-3:-1] == ["6", "6"]
    expect(page.locator(".correlation")).to_have_text("Too few heads for a correlation")
    assert [row[3] for row in find_rows(page)] == ["–"] * 3
    assert page.locator(".scatter circle[data-place]").count() == 0
    page.select_option("[aria-label='Show']", "entropy")
    expect(page.locator(".ranked")).to_have_text("No head in these layers has evidence.")


def test_a_part_of_the_plot_is_chosen_heads_are_coloured_and_seen_side_by_side(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/find?y=entropy&x=distance")
    distance, entropy = flat(data, "distance"), flat(data, "entropy")
    page.select_option("[aria-label='Colour by']", "null_attention")
    expect(page.locator(".scatter")).to_contain_text(title(TABLES["null_attention"]))
    dots = page.locator(".scatter circle[data-place]").evaluate_all(
        "all => all.map(dot => ['data-place', 'cx', 'cy'].map(key => Number(dot.getAttribute(key))))"
    )
    box = page.locator(".scatter").bounding_box()
    assert box is not None
    left, top = box["x"], box["y"]
    middle = sorted(x for _, x, _ in dots)[len(dots) // 2] + 6  # beside a dot, so that a few lie on either side
    page.mouse.move(left + 64, top + 14)
    page.mouse.down()
    page.mouse.move(left + middle, top + 380, steps=4)
    page.mouse.up()
    inside = {int(place) for place, x, y in dots if x <= middle and y <= 380}
    assert 0 < len(inside) < len(dots)
    assert [row[1] for row in find_rows(page)] == [name(place) for place in ordered(entropy) if place in inside]
    expect(page.locator(".ranked figcaption")).to_contain_text(f"{len(inside)} heads chosen")
    assert "c=null_attention" in at(page) and "in=" in at(page)
    page.get_by_role("button", name="Whole plot").click()
    for row in (0, 1):
        page.locator(".ranked input[type=checkbox]").nth(row).check()
    first, second = ordered(entropy)[:2]
    assert at(page).endswith(f"pair={first // 3 + 2}.{first % 3}%2C{second // 3 + 2}.{second % 3}")
    both = page.locator("section", has_text="Side by side")
    expect(both.locator("h2")).to_be_in_viewport()
    assert both.locator("h3").all_inner_texts() == [name(first).capitalize(), name(second).capitalize()]
    cells = both.locator("tr", has_text="Mean attention distance").locator("td")
    *values, apart = cells.all_inner_texts()
    assert apart.startswith("+" if distance[first] > distance[second] else "−") and "pieces" in apart
    for cell, place in zip(values, (first, second), strict=True):
        assert cell.startswith(written("distance", distance[place]))


def test_a_dot_is_a_head(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/find?y=dependency_alignment&yl=either&x=distance")
    x, y = flat(data, "distance"), flat(data, "dependency_alignment", "either")
    dots = page.locator(".scatter circle[data-place]").evaluate_all(
        "all => all.map(dot => ['data-place', 'cx', 'cy'].map(key => Number(dot.getAttribute(key))))"
    )
    places = [int(place) for place, _, _ in dots]
    assert sorted(places) == sorted(ordered(x))
    for drawn, side in ((x[places], 1), (-y[places], 2)):
        pixels = np.array([dot[side] for dot in dots])
        slope, start = np.polyfit(drawn, pixels, 1)
        assert slope > 0
        assert_allclose(start + slope * drawn, pixels, rtol=0, atol=0.06)
    place = int(np.nanargmax(x))
    page.locator(f'.scatter circle[data-place="{place}"]').hover()
    values = [written("distance", x[place]), written("dependency_alignment", y[place])]
    assert page.inner_text(".status-line") == f"{name(place)}: {', '.join(values)}"
    assert page.inner_text(".tip b") == name(place)
    assert page.locator(".tip .number").all_inner_texts() == values
    page.mouse.down()
    page.mouse.up()
    expect(heading(page)).to_have_text(name(place).capitalize())


# ---- heads that attend alike


def dots(page: Page) -> dict[int, tuple[float, float, str]]:
    """Pixels and colour of each head on the map."""
    found = page.locator(".scatter circle[data-place]").evaluate_all(
        "all => all.map(dot => ['data-place', 'cx', 'cy', 'fill'].map(key => dot.getAttribute(key)))"
    )
    return {int(place): (float(x), float(y), fill) for place, x, y, fill in found}


def test_heads_lie_on_the_map_as_far_apart_as_in_the_table(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/similarity")
    pairs = data["head_distance"].to_numpy().reshape(15, 15)[np.triu_indices(15, 1)]
    low, middle, high = map(number, np.nanquantile(pairs, (0.25, 0.5, 0.75)))
    words = f"at random are {middle} nats apart (median; half of all pairs {low} to {high})"
    expect(page.locator(".by-chance")).to_contain_text(words)
    expect(page.locator(".page > .help")).to_contain_text("those of layers do: point at one")
    expect(page.locator(".page")).to_contain_text("On the diagonal, which is not 0")
    points = data["head_map"].to_numpy().reshape(-1, 2)
    found = dots(page)
    assert sorted(found) == np.flatnonzero(np.isfinite(points[:, 0])).tolist()
    pixels = np.array([found[place][:2] for place in sorted(found)]) * [1, -1]
    drawn, given = (np.linalg.norm(np.diff(x, axis=0), axis=1) for x in (pixels, points[sorted(found)]))
    assert_allclose(drawn / given, np.median(drawn / given), rtol=0.02)  # a pixel is worth the same both ways
    page.locator('.scatter circle[data-place="5"]').hover()
    distance = data["head_distance"].to_numpy().reshape(15, 15)[5].copy()
    distance[5] = np.nan
    near = int(np.nanargmin(distance))
    cluster = int(flat(data, "head_cluster")[5])
    told = [["cluster", str(cluster)], ["most like", f"{name(near)} ({number(distance[near])})"]]
    assert page.inner_text(".status-line >> nth=0") == f"{name(5)}: {', '.join(' '.join(one) for one in told)}"
    assert page.locator(".tip .number").first.inner_text() == str(cluster)
    page.mouse.down()
    page.mouse.up()
    expect(heading(page)).to_have_text(name(5).capitalize())
    assert page.locator(".near li").first.inner_text().split(" nats")[0].split()[-1] == f"{distance[near]:.3f}"
    alike = page.locator("section", has_text="Heads that attend alike")
    expect(alike.locator(".help").last).to_contain_text(f"drawn at random: {middle} nats")
    both = alike.get_by_role("link", name="side by side").first
    expect(both).to_have_attribute("href", "#/find?pair={}.{},{}.{}".format(*head_at(5), *head_at(near)))


def test_the_map_is_coloured_by_layer_cluster_or_any_metric(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/similarity")
    by_layer = {fill for _, _, fill in dots(page).values()}
    assert len(by_layer) == len(LAYERS) - 1  # the last one has no evidence
    page.select_option("[aria-label='Colour by']", "cluster")
    assert at(page) == "/similarity?c=cluster"
    groups = flat(data, "head_cluster")
    found = dots(page)
    assert {place: found[place][2] for place in found} == {
        place: f"var(--head-{int(groups[place]) % 8})" for place in found
    }
    page.select_option("[aria-label='Colour by']", "pos_to")
    page.select_option("[aria-label='Label']", label="DET")
    assert at(page) == "/similarity?c=pos_to&l=DET"
    shares = flat(data, "pos_to", "DET")
    highest = max(found, key=lambda place: shares[place])
    assert dots(page)[highest][2] == "var(--share63)"
    assert page.locator(".clusters li").count() == len(set(groups[np.isfinite(groups)].tolist()))


def test_the_keyboard_walks_the_layers(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/similarity")
    table = data["layer_distance"].to_numpy()
    tab_to(page, "svg.layer-map")
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".status-line >> nth=1") == f"layers 2 and 3: {number(table[0, 1])} nats"
    page.keyboard.press("ArrowDown")
    assert page.inner_text(".status-line >> nth=1") == f"within layer 3: {number(table[1, 1])} nats"


def test_the_page_holds_no_distances_of_all_pairs() -> None:
    made = dataset(20, 20)
    found = contents(made, exemplars(made, 1), attention(exemplars(made, 1)), facts())
    assert not {"head_distance", "head_map", "head_cluster"} & {metric["name"] for metric in found["metrics"]}
    assert "layer_distance" not in {table["name"] for table in found["corpus"]}
    packed = [one.content for one in found["similarity"].values() if isinstance(one, Packed)]
    assert packed and len(b"".join(packed)) < 4 * 400 * 40  # 400 × 400 numbers would take ten times as much


# ---- keyboard


def tab_to(page: Page, picture: str) -> None:
    page.locator(".page").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(picture).evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"Tab never came to {picture}")


def test_the_keyboard_walks_a_map(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/metric/distance")
    column = flat(data, "distance")
    tab_to(page, "svg.head-map")
    said = [page.inner_text(".status-line")]
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        said.append(page.inner_text(".status-line"))
    places = [0, 3, 4, 7, 4, 1, 1, 0, 0]
    assert said == [
        f"{name(place)}: {written('distance', column[place])} ({standing(column, place)})" for place in places
    ]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Layer 3 head 0")
    assert page.evaluate("document.activeElement.className") == "page"


def test_the_keyboard_walks_dots_from_left_to_right(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/find?y=entropy&x=distance")
    order = ordered(flat(data, "distance"))[::-1]
    tab_to(page, "svg.scatter")
    for place in (order[0], order[1], order[2]):
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".status-line").startswith(f"{name(place)}: ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text(name(order[1]).capitalize())
    assert page.evaluate("document.activeElement.className") == "page"


@pytest.mark.parametrize(
    ("address", "metric", "label"),
    [("#/head/3/1", "null_attention", None), ("#/metric/dependency_alignment", "dependency_alignment", "either")],
)
def test_every_map_tells_the_keyboard_its_values(
    page: Page, data: xr.Dataset, address: str, metric: str, label: str | None
) -> None:
    visit(page, address)
    column = flat(data, metric, label)
    page.locator("svg.head-map").last.focus()
    page.keyboard.press("ArrowRight")
    place = 5 if metric == "null_attention" else 1
    status = page.locator("section, figure", has=page.locator("svg.head-map")).last.get_by_role("status")
    said = written(metric, column[place])
    lines = "".join(f", {' '.join(line)}" for line in beside(data, metric, label, place))
    expect(status).to_have_text(f"{name(place)}: {said} ({standing(ranks(data, metric, label), place)}){lines}")


def test_a_choice_by_keyboard_can_go_on(page: Page) -> None:
    visit(page, "#/find?y=entropy&x=distance")
    page.locator("[aria-label='Layers']").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.locator("[aria-label='Layers']")).to_be_focused()
    assert at(page) == "/find?y=entropy&x=distance&from=4"


# ---- what is saved


def numbers_in(cells: Sequence[str]) -> list[float]:
    """Numbers as they stand in a file, in full."""
    assert not any(cell.startswith(("'", "=", "+", "@")) for cell in cells)
    return [float(cell) for cell in cells]


def assert_same(found: Sequence[str], expected: Any) -> None:
    np.testing.assert_array_equal(numbers_in(found), np.asarray(expected, float))


def test_the_numbers_of_a_map_are_saved_in_full(page: Page, data: xr.Dataset, tmp_path: Path) -> None:
    for address, metric, label in (("distance", "distance", None), ("pos_to/NOUN", "pos_to", "NOUN")):
        visit(page, f"#/metric/{address}")
        header, *lines = table(save(page, "CSV", tmp_path))
        name = metric if label is None else f"{metric} {label}"
        assert header == ["layer", "head", name, *([f"{name}_chance"] if label else [])]
        assert [(int(line[0]), int(line[1])) for line in lines] == [head_at(place) for place in range(15)]
        assert_same([line[2] for line in lines], flat(data, metric, label))
    assert_same([line[3] for line in lines], np.full(15, data["pos_to_uniform"].sel(pos="NOUN")))


def test_all_labels_are_saved_in_full(page: Page, data: xr.Dataset, tmp_path: Path) -> None:
    for metric, part in (("attention_at_offset", "Every map"), ("dependency_type_to", "Every relation"),
                         ("dependency_alignment", "Along dependencies")):  # fmt: skip
        visit(page, f"#/metric/{metric}")
        header, *lines = table(save(page, "CSV", tmp_path, part))
        labels, level = list(map(str, data[data[metric].dims[-1]].values.tolist())), chance(data, data[metric])
        ends = [""] if level is None else ["", "_chance"]
        assert header == ["layer", "head", *(f"{label}{end}" for label in labels for end in ends)]
        assert_same([cell for line in lines for cell in line[2 :: len(ends)]], data[metric].values.ravel())
        if level is not None:
            levels = np.broadcast_to(level.values, data[metric].shape)
            assert_same([cell for line in lines for cell in line[3::2]], levels.ravel())
    visit(page, "#/metric/dependency_type_to")
    header, *lines = table(save(page, "CSV", tmp_path, "By depth"))
    by_layer = data["dependency_type_to_by_layer"].sel(rel=[line[0] for line in lines])
    columns = [f"layer {layer}{end}" for layer in LAYERS for end in ("", "_chance")]
    assert (header, len(lines)) == (["relation", *columns], data.sizes["rel"])
    assert_same([cell for line in lines for cell in line[1::2]], by_layer.values.T.ravel())


def test_a_heads_numbers_are_saved_in_full(page: Page, data: xr.Dataset, frame: pd.DataFrame, tmp_path: Path) -> None:
    visit(page, "#/head/3/1")
    parts = ("All its metrics", "Attention by offset", "What it looks at", "Sentences")
    every, offsets, tags, sentences = (table(save(page, "CSV", tmp_path, part)) for part in parts)
    assert every[0] == ["metric", "label", "value", "rank", "of", "unit", "chance"]
    expected = []
    for metric, one in TABLES.items():
        of_labels = with_one_label(data[metric])
        for label in of_labels[of_labels.dims[-1]].values.tolist() if one.ndim > 2 else [None]:
            column = flat(data, metric, None if label is None else str(label))
            by = ranks(data, metric, None if label is None else str(label))
            rank, of = re.findall(r"\d+", standing(by, 4))
            line = [metric, "" if label is None else str(label), repr(float(column[4])), rank, of, one.attrs["units"]]
            expected.append(line)
    assert [[*line[:2], repr(float(line[2])), *line[3:6]] for line in every[1:]] == expected
    levels = {(line[0], line[1]): line[6] for line in every[1:]}
    assert_same([levels["pos_to", "NOUN"]], [data["pos_to_uniform"].sel(pos="NOUN")])
    assert levels["distance", ""] == ""
    assert offsets[0] == ["offset", "layer 3 head 1", "mean of all heads"]
    table_of = data["attention_at_offset"].values.reshape(15, -1)
    assert_same([line[0] for line in offsets[1:]], data["offset"].values)
    assert_same([line[1] for line in offsets[1:]], table_of[4])
    assert_allclose(numbers_in([line[2] for line in offsets[1:]]), np.nanmean(table_of, axis=0), rtol=1e-12)
    assert [line[0] for line in tags] == ["pos", *data["pos"].values.tolist()]
    assert_same([line[1] for line in tags[1:]], data["pos_to"].values[1, 1])
    assert tags[0][2:] == ["layer 3 head 1_chance", "mean of all heads", f"times {caption(data['pos_to_uniform'])}"]
    assert_same([line[2] for line in tags[1:]], data["pos_to_uniform"].values)
    times_even = data["pos_to"].values[1, 1] / data["pos_to_uniform"].values
    assert_allclose(numbers_in([line[4] for line in tags[1:]]), times_even, rtol=1e-12)
    mine = frame[(frame["layer"] == 3) & (frame["head"] == 1)]
    assert_same([line[1] for line in sentences[1:]], mine["weight"])


def test_what_the_finder_shows_is_saved_in_full(page: Page, data: xr.Dataset, tmp_path: Path) -> None:
    visit(page, "#/find?y=null_attention&x=pos_to&xl=DET&order=lowest&from=3")
    header, *lines = table(save(page, "CSV", tmp_path))
    y, x = flat(data, "null_attention"), flat(data, "pos_to", "DET")
    order = [place for place in ordered(y)[::-1] if place >= 3]
    assert header == ["layer", "head", "null_attention", "pos_to DET", "pos_to DET_chance"]
    assert [(int(line[0]), int(line[1])) for line in lines] == [head_at(place) for place in order]
    assert_same([line[2] for line in lines], y[order])
    assert_same([line[3] for line in lines], x[order])


@pytest.mark.parametrize(
    ("address", "part", "file"),
    [
        ("#/metric/distance", "", "mean-attention-distance"),
        ("#/metric/dependency_alignment", "Along dependencies", "along-dependencies"),
        ("#/metric/dependency_type_to", "", "relations-by-layer"),
        ("#/head/3/1", "What it looks at", "layer-3-head-1-pos-to"),
        ("#/head/3/1", "Attention by offset", "layer-3-head-1-offsets"),
        ("#/find?y=entropy&x=distance", "", "entropy-distance"),
        ("#/run", "", "dependency-probability"),
    ],
)
def test_pictures_are_saved(page: Page, tmp_path: Path, address: str, part: str, file: str) -> None:
    visit(page, address)
    vector, pixels = (save(page, kind, tmp_path, part) for kind in ("SVG", "PNG"))
    assert (vector.name, pixels.name) == (f"demo-{file}.svg", f"demo-{file}.png")
    text = vector.read_text(encoding="utf-8")
    assert "demo · demo.txt · 321 sentences" in text
    assert "attnmetrics 0.1.0, 2026-11-27" in " ".join(re.findall(">([^<]+)<", text))
    if address.startswith("#/head"):
        assert "Layer 3 head 1: " in text and "Bars" in text and "÷" in text, "head, legend and definition"
    assert "var(" not in text and 'fill="#' in text and "data-screen" not in text
    assert pixels.read_bytes().startswith(b"\x89PNG") and pixels.stat().st_size > 3000


def test_the_probability_of_a_dependency_is_drawn_and_saved(page: Page, data: xr.Dataset, tmp_path: Path) -> None:
    visit(page, "#/run")
    values = data["dependency_probability"].values
    titles = page.locator(".page svg circle title").all_text_contents()
    assert titles == [
        f"distance {n}{' or more' if n == 64 else ''}: {percent(values[n]).replace('-', '−')}" for n in range(1, 65)
    ]
    header, *lines = table(save(page, "CSV", tmp_path))
    assert header == ["distance", "probability"]
    assert_same([line[1] for line in lines], values)


def test_a_probability_that_alone_has_no_interval_is_hollow(desk: Desk, data: xr.Dataset) -> None:
    sure = intervals(data, 0.1)
    sure["dependency_probability"].loc[{"pair_distance": [40, 64]}] = np.nan
    frame = exemplars(data)
    page = desk.open(render(with_intervals(data, sure), frame, attention(frame), facts()), 1280, 800)
    visit(page, "#/run")
    fills = [dot.get_attribute("fill") for dot in page.locator(".page svg circle").all()]
    assert [n for n, fill in enumerate(fills, 1) if fill == "var(--page)"] == [40, 64]
    expect(page.locator(".help", has_text="Hollow dots: too few such pairs for an interval.")).to_be_visible()


# ---- themes, widths, sizes, text


def test_a_map_has_its_colours_in_both_themes(
    desk: Desk, data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame
) -> None:
    page = desk.open(render(data, frame, rows, facts()), 1280, 800, "dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    visit(page, "#/metric/distance")
    for other, colour, levels in (("Light", "#141b23", SEQUENTIAL.dark), ("Dark", "#fdfdfe", SEQUENTIAL.light)):
        assert hexed(page.evaluate(ground)) == colour
        assert {hexed(cell["colour"]) for cell in cells(page) if cell["level"] >= 0} == {
            levels[cell["level"]] for cell in cells(page) if cell["level"] >= 0
        }
        page.get_by_role("button", name=other, exact=True).click()


def test_a_chosen_theme_is_kept(desk: Desk, data: xr.Dataset, frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    page = desk.open(render(data, frame, rows, facts()))
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Light", exact=True)).to_be_visible()


def test_1200_heads_are_drawn(desk: Desk) -> None:
    data = dataset(48, 25)
    frame = exemplars(data, 10).assign(document=lambda rows: [f"d{n}" for n in range(len(rows))])
    text = render(data, frame, attention(frame), facts())
    assert len(text.encode()) < 12_000_000
    page = desk.open(text, 1280, 800)
    for address, drawn, least in (
        ("#/", ".board-map", 1),
        ("#/metric/distance", ".layer-bar", 48),
        ("#/metric/pos_to", ".map-card svg", 12),
        ("#/head/47/24", ".exemplar", 3),
        ("#/find", ".scatter circle[data-place]", 1200),
        ("#/paper", ".exemplar", 3),
    ):
        visit(page, address)
        assert page.locator(drawn).count() >= least, address
    visit(page, "#/metric/distance")
    assert len(cells(page)) == 1200
    box = page.locator("svg.head-map").bounding_box()
    assert box is not None and box["height"] <= 0.7 * 800 + 120, "a map of 48 layers fits in a window"
    page.set_viewport_size({"width": 1280, "height": 300})  # which the map does not fit in
    page.locator("svg.head-map").focus()
    for _ in range(47):
        page.keyboard.press("ArrowDown")
    expect(page.locator("svg.head-map rect[visibility=visible]").last).to_be_in_viewport(ratio=0.9)
    expect(page.locator(".tip").first).to_be_in_viewport()
    expect(page.locator(".tip b").first).to_have_text("layer 47 head 0")
    page.set_viewport_size({"width": 1280, "height": 800})
    visit(page, "#/find?y=entropy&x=distance")
    off = is_off(data).ravel()
    distance, entropy = flat(data, "distance"), np.where(off, np.nan, flat(data, "entropy"))
    whole, without = page.inner_text(".correlation").split("\n")
    assert whole == correlation(distance, flat(data, "entropy"))
    assert without == f"Without hollow ones: over {correlation(distance, entropy).removeprefix('Over ')}."
    assert page.locator(".scatter .hollow").count() == off.sum() > 0
    assert len(find_rows(page)) == 20
    page.get_by_role("button", name=f"all {(~off).sum()}").click()
    order = ordered(entropy)
    assert [row[1] for row in find_rows(page)] == [f"layer {place // 25} head {place % 25}" for place in order]


def test_hostile_text_stays_text(desk: Desk, tmp_path: Path) -> None:
    pos, rel = (
        (HOSTILE, '</script><img src="x" onerror="alert(1)">', "=1+1", "_"),
        ("]]><b>", "'\"><img src=x>", "a/b?c#d%"),
    )
    data = dataset(2, 2, pos=pos, rel=rel)
    frame = exemplars(data, hostile=True).assign(document="</p><img src=x onerror=alert(2)>")
    bad = {HOSTILE: HOSTILE, "model": {"name": "</title><script>alert(1)</script>"}, "configuration": {},
           "left_out": {HOSTILE: 3}, "corpus": {"paths": ["<img src=x>"]}}  # fmt: skip
    page = desk.open(render(data, frame, attention(frame), facts() | bad))
    elements = page.locator("script").count()
    expect(heading(page)).to_have_text("</title><script>alert(1)</script>")
    labels = [f"#/metric/pos_to/{quote(label, safe='')}" for label in pos[1:]]
    labels += [f"#/metric/dependency_type_to/{quote(label, safe='')}" for label in rel]
    pages = ["#/", "#/metrics", "#/metric/pos_to", "#/metric/dependency_type_to", "#/head/1/1", "#/paper", "#/run"]
    for address in (*pages, *labels, "#/find?y=pos_to&x=dependency_type_to", "#/<img src=x onerror=alert(3)>"):
        visit(page, address)
        assert (page.locator("img").count(), page.locator("script").count()) == (0, elements), address
        if address in labels:
            expect(heading(page)).not_to_have_text("Not in this atlas")
    visit(page, "#/head/1/1")
    expect(page.locator(".sentence").first).to_contain_text("<script>alert('x')</script>", use_inner_text=True)
    page.locator(".piece").nth(2).hover()
    expect(page.locator(".source").first).to_contain_text("</p><img src=x onerror=alert(2)>")
    lines = table(save(page, "CSV", tmp_path, "All its metrics"))
    assert "'=1+1" in [line[1] for line in lines]
    visit(page, "#/metric/dependency_type_to")
    for cell in cells(page, ".relation-map"):
        pointed(page, cell)
    assert page.locator("img").count() == 0


def test_a_run_without_evidence_has_all_its_pages(desk: Desk) -> None:
    one = dataset(1, 1)
    nothing = one.assign({name: values * np.nan for name, values in one.data_vars.items()})
    page = desk.open(render(nothing, exemplars(one).iloc[:0], attention(exemplars(one).iloc[:0]), {}))
    for address in ADDRESSES:
        visit(page, address.replace("3/1", "0/0").replace("4/1", "0/0"))
        page.evaluate("() => new Promise(requestAnimationFrame)")
        assert "NaN" not in page.inner_text("main")


# ---- heads that are nearly switched off


def test_heads_switched_off_are_told_and_can_be_chosen(desk: Desk, data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["null_attention"][...] = 0.5
    changed["null_attention"][1, 0], changed["null_attention"][2, 2] = 0.996, 0.97
    changed["distance"][1, 0] = 99.0
    nothing = exemplars(changed).head(0)
    page = desk.open(render(changed, nothing, attention(nothing), facts()), 1280, 800)
    visit(page, "#/")
    note = page.locator(".evidence").first
    assert note.locator("a").all_inner_texts() == ["3.0", "4.2"]
    assert not {"layer 3 head 0", "layer 4 head 2"} & set(page.locator(".role-card .where").all_inner_texts())
    visit(page, "#/metric/distance")
    assert page.locator(".off-stripes").first.get_attribute("d").count("M") == 2 * 3  # type: ignore[union-attr]
    top = float(np.nanmax(values(of_those_on(changed, changed["distance"]))))
    assert number(top) in page.locator(".head-map text").all_text_contents()
    status, _ = pointed(page, cells(page)[3])
    assert status == "layer 3 head 0: 99 pieces (no rank), nearly switched off from 0.4% of its attention"
    page.mouse.move(1, 1)
    page.select_option(".evidence select", "0")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    assert page.locator(".off-stripes").count() == 0
    assert page.locator(".heads-list li a").first.inner_text() == "layer 3 head 0"
    visit(page, "#/?evidence=0")
    expect(page.locator(".role-card", has_text="most distant").locator(".where")).to_have_text("layer 3 head 0")
    page.select_option(".evidence select", "0.05")
    visit(page, "#/head/3/0")
    expect(page.locator(".missing")).to_contain_text("Nearly switched off on this text: what follows is from 0.4%")
    row = page.locator("table.metrics tr", has_text="Mean attention distance")
    assert row.locator("td").nth(0).text_content() == "99 pieces from 0.4% of its attention"
    assert row.locator("td").nth(1).inner_text() == "no rank"
    visit(page, "#/find?y=entropy&x=distance")
    assert page.locator(".scatter .hollow").count() == 2
    visit(page, "#/paper")
    assert "without heads that are nearly switched off r = " in page.locator(".page").inner_text()
