"""How sure numbers are, in views: packed for pages, superlatives that intervals bear, published numbers within them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from pages import Desk, chromium, needs_chromium, visit
from playwright.sync_api import Page, expect
from rich.console import Console
from synthetic import attention, dataset, exemplars, facts, intervals

from attnmetrics.exporting.as_json import results as exported
from attnmetrics.exporting.tidy import single_numbers, tidy
from attnmetrics.results.joined import with_halves, with_intervals
from attnmetrics.views.atlas.page import contents, render
from attnmetrics.views.certainty import bear, certainty
from attnmetrics.views.heads import held_out_told, standouts
from attnmetrics.views.packed_intervals import SMALLEST, STEPS, UNKNOWN
from attnmetrics.views.page import Packed
from attnmetrics.views.papers.claims import Field, Row, compare, summed_up
from attnmetrics.views.papers.comparison import show_paper
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV
from attnmetrics.views.tables import shown, values

LAYERS, HEADS = 4, 3
WHY = "no intervals: they come from differences between shards"


@pytest.fixture(scope="module")
def plain() -> xr.Dataset:
    return dataset(LAYERS, HEADS)


@pytest.fixture(scope="module")
def data(plain: xr.Dataset) -> xr.Dataset:
    return with_intervals(plain, intervals(plain, 0.01))


# ---- in pages


def unpacked(packed: Packed, kind: str) -> NDArray[Any]:
    return np.frombuffer(packed.content, kind)


def apart(codes: NDArray[np.int16]) -> NDArray[np.float64]:
    """Distances that codes stand for."""
    size = np.exp2((np.abs(codes.astype(float)) - 1) / STEPS - SMALLEST)
    return np.where(codes == UNKNOWN, np.nan, np.where(codes == 0, 0, np.sign(codes) * size))


def test_bounds_in_a_page_are_those_of_the_run(data: xr.Dataset) -> None:
    """Of every table and by-layer twin, to a thousandth of their distance from the value."""
    page = contents(data, exemplars(data), attention(exemplars(data)), facts())
    codes, place = unpacked(page["intervals"]["codes"], "<i2"), 0
    described = [*page["metrics"], *page["corpus"]]
    assert len(page["intervals"]["has"]) == len(described)
    seen = 0
    for one, (own, layers, _) in zip(described, page["intervals"]["has"], strict=True):
        assert own == (one["kind"] != "count")
        for name in [one["name"]] * own + [f"{one['name']}_by_layer"] * layers:
            known = certainty(data, name)
            assert known is not None
            middle = values(known.table).ravel()
            for bound in (known.low, known.high):
                found = middle + apart(codes[place : place + middle.size])
                exact = values(bound).ravel()
                assert_array_equal(np.isnan(found), np.isnan(exact))
                assert (np.abs(found - exact) <= 1e-3 * np.abs(exact - middle) + 1e-9)[~np.isnan(exact)].all()
                place += middle.size
            seen += 1
    assert place == codes.size
    assert seen > 80


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with chromium() as browser:
        made = Desk(browser, tmp_path_factory.mktemp("sureness"))
        yield made
        made.check()
        made.close()


def opened(desk: Desk, data: xr.Dataset) -> Page:
    frame = exemplars(data)
    return desk.open(render(data, frame, attention(frame), facts()), 1280, 800)


@needs_chromium
def test_pages_say_how_sure_each_number_is(desk: Desk, data: xr.Dataset) -> None:
    page = opened(desk, data)
    table = data["entropy"]
    order = np.argsort(-values(table).ravel(), kind="stable")
    best, worst = (divmod(int(place), HEADS) for place in (order[0], order[-1]))

    def told(place: tuple[int, int]) -> tuple[str, str]:
        known = certainty(data, "entropy")
        assert known is not None
        at = {"layer": place[0], "head": place[1]}
        text, interval = bear(table, float(table.sel(at)), *known.bounds(at))
        return text, f"[{interval}]"

    visit(page, "#/metric/entropy")
    listed = page.locator(".heads-list .number").all_inner_texts()
    assert listed[0] == " ".join(told(best))
    assert " ".join(told(worst)) in listed
    assert page.locator("svg.head-map line.error").count() == LAYERS
    assert page.locator(".ranked .note").first.inner_text().startswith("In order before rounding")
    expect(page.locator("svg.head-map")).to_contain_text("by layer: its heads together")
    page.locator("svg.head-map").focus()
    page.keyboard.press("ArrowRight")
    status = page.locator(".status-line").first.inner_text()
    assert status.startswith(f"layer 0 head 1: {' '.join(told((0, 1)))} (")

    visit(page, "#/find?y=entropy&x=distance")
    row = page.locator(".ranked tbody tr").first.locator("td.value").first.inner_text().split("\n")
    assert tuple(row[:2]) == told(best)
    assert page.locator("svg.scatter .crosses line.error").count() == 2 * LAYERS * HEADS

    visit(page, f"#/head/{best[0]}/{best[1]}")
    cell = page.locator("table.metrics tr", has=page.locator("a[href='#/metric/entropy']")).locator("td.value")
    assert cell.inner_text().startswith(" ".join(told(best)))
    assert page.locator("svg.profile line.error").count() == 10
    for address in ("#/", "#/metrics", "#/metric/entropy", "#/find", "#/similarity", "#/paper", "#/run", "#/relation"):
        visit(page, address)
        assert page.locator(".sure").count() == 1, address
        page.locator(".sure summary").click()
        expect(page.locator("details.sure")).to_contain_text("but those of a relation in its table, best word offset")
    visit(page, "#/paper")
    expect(page.locator("section", has_text="Correlations over heads").locator(".help")).to_contain_text(
        "p is over heads: how often values that have nothing to do with one another would give an r as far from 0; the "
        "interval is over documents"
    )


@needs_chromium
def test_a_run_without_intervals_says_why_once_a_page(desk: Desk, plain: xr.Dataset) -> None:
    page = opened(desk, plain.assign_attrs(no_intervals=WHY))
    for address in ("#/", "#/metric/entropy", "#/find", "#/head/1/1", "#/paper"):
        visit(page, address)
        assert page.locator(".page").inner_text().count("they come from differences between shards") == 1
        assert page.locator(".interval, line.error").count() == 0


# ---- superlatives


@pytest.mark.parametrize(("width", "title", "stands"), [
    (0.001, "most diffuse", "1st of 12"), (0.05, "among the most diffuse", "1st to 2nd of 12"),
])  # fmt: skip
def test_most_of_all_is_said_where_the_interval_allows_it(
    plain: xr.Dataset, width: float, title: str, stands: str
) -> None:
    entropy = np.linspace(1, 2, LAYERS * HEADS).reshape(LAYERS, HEADS)
    entropy[-1, -1], entropy[-1, -2] = 3, 2.9
    changed = plain.assign(entropy=plain["entropy"].copy(data=entropy), null_attention=0 * plain["null_attention"])
    for name in changed.data_vars:
        changed[name].attrs = plain[name].attrs
    sure = with_intervals(changed, intervals(changed, width))
    (one,) = [one for one in standouts(sure) if one.role.title == "most diffuse"]
    assert (one.layer, one.head) == (LAYERS - 1, HEADS - 1)
    assert (one.title, one.stands) == (title, stands)
    page = contents(sure, exemplars(sure), attention(exemplars(sure)), facts())
    (card,) = [one for one in page["standouts"] if one["metric"] == "entropy" and "diffuse" in one["title"]]
    assert (card["title"], card["place"]) == (title, stands)
    among = replace(one, leaves_out_sinks=True).stands_told
    assert among == f"{stands} that do not rest on one piece of a sentence"
    (sharpest,) = [one for one in standouts(sure) if one.role.metric == "entropy" and one.role.lowest]
    assert sharpest.stands_told == f"{sharpest.stands} from the lowest"
    (plainly,) = [one for one in standouts(changed) if one.role.title == "most diffuse"]
    assert (plainly.title, plainly.stands, plainly.stands_told) == ("most diffuse", "", "")


def test_a_head_that_is_not_the_best_on_the_other_half_has_its_place_there(plain: xr.Dataset) -> None:
    changed = plain.assign(null_attention=0 * plain["null_attention"])
    even, odd = (np.linspace(1, 2, LAYERS * HEADS).reshape(LAYERS, HEADS) for _ in range(2))
    even[1, 1], odd[1, 1] = 3, 1.95
    halves = xr.Dataset({"entropy": (("shards", "layer", "head"), np.stack([even, odd]))})
    data = with_halves(changed, halves)
    (one,) = [one for one in standouts(data) if one.role.title == "most diffuse"]
    held = one.held_out
    assert held is not None
    assert (held.layer, held.head, held.value, held.place.rank) == (1, 1, 1.95, 2)
    other = "" if (one.layer, one.head) == (1, 1) else "layer 1 head 1, "
    assert held_out_told(one) == f"held out: {other}{shown(data['entropy'], 1.95)}, 2nd of 12 there"
    first = replace(one, held_out=replace(held, place=replace(held.place, rank=1)))
    assert held_out_told(first) == f"held out: {other}{shown(data['entropy'], 1.95)}"


# ---- published numbers


def test_published_numbers_within_an_interval_are_marked(plain: xr.Dataset) -> None:
    """0.61 and −0.73 are published for the correlations, 3.6 for the deviation; a mean over heads has no interval."""
    sure = intervals(plain, 0.01)
    planted = {"distance_entropy_r": (0.55, 0.65), "distance_alignment_r": (-0.7, -0.5), "distance_sd": (3.6, 3.7)}
    for name, bounds in planted.items():
        sure[name][...] = np.array(bounds)
    rows = {row.claim.name: row for row in compare(VIG_BELINKOV, with_intervals(plain, sure))}
    assert [rows[name].verdict for name in planted if name in rows] == ["within", "outside", "within"]
    assert rows["distance_entropy_r"].intervals == "0.55 to 0.65"
    assert rows["distance_alignment_r"].intervals == "−0.70 to −0.50"
    r, mean = rows["distance_entropy_r"], rows["null_mean"]
    value = f"{float(plain['distance_entropy_r']):.2f}".replace("-", "−")
    assert r.told == f"{value} [0.55 to 0.65]" and mean.told == mean.text, "behind its value"
    assert "[−0.70 to −0.50]" in rows["distance_alignment_r"].told
    assert [rows[name].verdict for name in ("null_mean", "specialised_to", "propn_layers")] == [
        "no interval", "no interval", "",
    ]  # fmt: skip
    within = [one for row in rows.values() for one in row.within]
    assert summed_up(list(rows.values())) == (
        f"This run answers {len(within) - within.count(None)} of the published numbers; {within.count(True)} of them "
        f"lie within the interval of the run's own value; {within.count(None)} more have no interval here."
    )


def test_two_published_numbers_are_counted() -> None:
    claim = next(one for one in VIG_BELINKOV.claims if one.name == "alignment_layer_0")
    row = Row(claim, (0.05, 0.2), (Field("5%"), " and ", Field("20%")), given=True, bounds=((0.03, 0.06), (0.19, 0.21)))
    assert row.text == "5% and 20%"
    assert row.told == "0.050 [0.030 to 0.060] and 0.200 [0.190 to 0.210]", "to the digits of the intervals"
    assert replace(row, bounds=()).told == replace(row, is_alike=False).told == "5% and 20%"
    assert row.verdict == "1 of 2 within"
    assert replace(row, bounds=((0.03, 0.06), (np.nan, np.nan))).verdict == "1 of 1 within, 1 without interval"
    assert replace(row, given=False).verdict == ""
    assert replace(row, is_alike=False).verdict == ""


def test_a_paper_in_the_terminal(data: xr.Dataset, plain: xr.Dataset) -> None:
    def printed(of: xr.Dataset, key: str | None = None) -> str:
        console = Console(width=200)
        with console.capture() as caught:
            console.print(show_paper(of, key))
        return caught.get()

    found = printed(data)
    assert summed_up(compare(VIG_BELINKOV, data)) in " ".join(found.split())
    assert "95% interval" in found
    assert WHY in printed(plain.assign_attrs(no_intervals=WHY))
    assert "Clark et al. 2019: --label clark-2019" in found
    lines = [line.strip() for line in printed(data, "clark-2019").splitlines()]
    assert [lines.count(where) for where in ("Figure 1", "Figure 2", "Table 2")] == [1, 1, 0], "it has no coreference"


# ---- exports


def test_exports_have_bounds(plain: xr.Dataset) -> None:
    sure = intervals(plain, 0.01)
    rows = tidy(plain, "distance", sure)
    assert rows.columns.tolist() == ["head_name", "layer", "head", "value", "low", "high"]
    for row in rows.itertuples():
        assert [row.low, row.high] == sure["distance"][row.layer, row.head].values.tolist()
    assert "low" not in tidy(plain, "entropy_rows", sure).columns
    single = single_numbers(plain, sure).set_index("result")
    assert single.loc["distance_sd", ["low", "high"]].tolist() == sure["distance_sd"].values.tolist()
    assert np.isnan(single.loc["sentences", "low"])
    told = exported(plain, {}, sure)["results"]
    assert np.array(told["pos_to"]["high"], float).tolist() == sure["pos_to"].isel(bound=1).values.tolist()
    assert "low" not in told["entropy_rows"]
