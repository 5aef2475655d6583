"""Pages in real Chromium: nothing runs out of the window, is cut, or lies over something else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import made_pages
import pytest
from boxes import HEIGHT, THEMES, WIDTHS, faults, set_theme, small_targets
from made_pages import SIZES
from pages import Desk, chromium, needs_chromium, visit
from playwright.sync_api import Browser, Page

from attnmetrics import views
from attnmetrics.assets import MODELS

pytestmark = needs_chromium
KINDS: dict[str, tuple[Callable[[int, int], str], Callable[[int, int], tuple[str, ...]]]] = {
    "atlas": (made_pages.atlas, made_pages.pages_of_atlas),
    "by a field": (made_pages.split, made_pages.pages_of_split),
    "comparison": (made_pages.compared, made_pages.pages_of_comparison),
}
PAPER = 690
"""Pixels of an A4 page between its margins."""
_ARCS = """() => [...document.querySelectorAll('.arcs path')].filter((one) => one.checkVisibility()).map(one => {
    const piece = one.closest('.sentence').querySelector(`.piece[data-place="${one.dataset.to}"]`);
    const box = piece.getBoundingClientRect();
    const end = one.getPointAtLength(one.getTotalLength()).matrixTransform(one.getScreenCTM());
    return [end.x, box.x + box.width / 2];
})"""
"""Where each arc that is printed ends, and the middle of the piece that it leads to."""
TEXT = "The river rises in the hills , שלום , and flows towards a sea that nobody has ever seen ."


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(browser, tmp_path)
    yield made
    made.check()
    made.close()


def resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHT})


def found(page: Page, addresses: tuple[str, ...]) -> list[str]:
    """The faults of all pages at an address, each after where it is."""
    told = []
    for address in addresses:
        visit(page, address)
        told += [f"{address}: {fault}" for fault in faults(page)]
    return told


def test_pages_of_a_small_model_have_nothing_cut_or_over_something_else(desk: Desk) -> None:
    layers, heads = SIZES[0]
    page = desk.open(made_pages.atlas(layers, heads), WIDTHS[0], HEIGHT)
    for width in (WIDTHS[0], WIDTHS[-1]):
        resize(page, width)
        assert found(page, made_pages.pages_of_atlas(layers, heads)) == [], width


def test_pages_by_a_field_have_nothing_cut_or_over_something_else(desk: Desk) -> None:
    layers, heads = SIZES[0]
    page = desk.open(made_pages.split(layers, heads), WIDTHS[0], HEIGHT)
    for width in (WIDTHS[0], WIDTHS[-1]):
        resize(page, width)
        assert found(page, made_pages.pages_of_split(layers, heads)) == [], width


def test_wide_maps_side_by_side_fit_their_places(desk: Desk) -> None:
    """Of 25 heads: a map alone on a row is wider than one beside another."""
    page = desk.open(made_pages.atlas(3, 25), 1100, HEIGHT)
    assert found(page, ("#/head/2/1", "#/metric/dependency_alignment")) == []
    tops = page.locator(".maps-grid .map-host").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert tops[0] == tops[1], "two stand side by side"


def test_a_head_is_seen_on_one_screen(desk: Desk) -> None:
    layers, heads = SIZES[0]
    page = desk.open(made_pages.atlas(layers, heads), 1440, HEIGHT)
    visit(page, f"#/head/{layers - 2}/{heads - 1}")
    for part in (".does", ".where-map", ".exemplar .arcs path", "svg.profile", "svg.offsets"):
        box = page.locator(part).first.bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= HEIGHT, part


def test_a_page_is_printed_in_light_colours_without_what_is_for_a_screen(desk: Desk) -> None:
    layers, heads = SIZES[0]
    page = desk.open(made_pages.atlas(layers, heads), 700, HEIGHT, "dark")
    page.emulate_media(media="print")
    visit(page, "#/metrics")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".map-card svg:empty").count() == 0 < page.locator(".map-card svg").count()
    visit(page, f"#/head/{layers - 2}/{heads - 1}")
    for part in (".bar", ".tools", "[aria-selected=false]"):
        assert not any(one.is_visible() for one in page.locator(part).all()), part
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    arcs = page.evaluate(_ARCS)
    assert arcs and max(abs(end - middle) for end, middle in arcs) < 6
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    told = page.evaluate("getComputedStyle(document.querySelector('.page'), '::before').content")
    assert "321 sentences" in told
    assert faults(page) == []


def test_what_is_touched_is_large_or_apart(desk: Desk) -> None:
    layers, heads = SIZES[0]
    page = desk.open(made_pages.atlas(layers, heads), WIDTHS[-1], HEIGHT)
    for address in made_pages.pages_of_atlas(layers, heads):
        visit(page, address)
        assert small_targets(page) == [], address


def test_small_targets_are_found(desk: Desk) -> None:
    link = '<a href="#" style="position:absolute;left:{}px;top:{}px">{}</a>'
    places = [(10, 10, "near"), (10, 26, "near too"), (10, 90, "apart")]
    words = '<p style="margin-top:140px">words and <a href="#">a link</a><br>and <a href="#">another</a></p>'
    page = desk.open("<!doctype html><body>" + "".join(link.format(*one) for one in places) + words, 390, HEIGHT)
    assert [found.partition(":")[0] for found in small_targets(page)] == ["a near", "a near too"]


def test_faults_are_found(desk: Desk) -> None:
    html = """<!doctype html><body style="margin:0"><div class="page"><p>fine</p></div>
        <p style="position:absolute;left:10px;top:100px">one over the other</p>
        <p style="position:absolute;left:30px;top:102px">another</p>
        <p style="position:absolute;left:-20px;top:200px">before the window</p>
        <div style="overflow:hidden;height:20px">seen<p style="margin-top:80px">hidden</p></div>
        <svg width="20" height="20" style="position:absolute;top:300px"><text y="12">cut off by its edge</text></svg>"""
    found = faults(desk.open(html, 390, HEIGHT))
    assert sorted(fault.partition(":")[0] for fault in found) == ["cut by its picture", "outside", "overlap"]


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "heads"), SIZES)
def test_every_page_at_every_width_in_both_themes(desk: Desk, kind: str, layers: int, heads: int) -> None:
    made, addresses = KINDS[kind]
    page = desk.open(made(layers, heads), WIDTHS[0], HEIGHT)
    told = []
    for width in WIDTHS:
        resize(page, width)
        for theme in THEMES:
            set_theme(page, theme)
            told += [f"{width} {theme} {fault}" for fault in found(page, addresses(layers, heads))]
    assert told == []


@pytest.mark.soak
@pytest.mark.timeout(3600)  # 1,200 heads take minutes
@pytest.mark.parametrize(("layers", "heads"), SIZES)
def test_every_head_on_the_screen_of_a_desk(desk: Desk, layers: int, heads: int) -> None:
    """All pages at 1440 pixels: every head, every metric at the label that it starts with, every relation."""
    page = desk.open(made_pages.atlas(layers, heads), WIDTHS[0], HEIGHT)
    visit(page, "#/metrics")
    metrics = page.locator("a[href^='#/metric/']").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    visit(page, "#/relation")
    relations = page.locator("a[href^='#/relation/']").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    every = [f"#/head/{layer}/{head}" for layer in range(layers) for head in range(heads)]
    assert len(metrics) > 30
    assert found(page, (*dict.fromkeys(metrics), *dict.fromkeys(relations), *every)) == []


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "heads"), SIZES)
def test_every_page_on_paper(desk: Desk, kind: str, layers: int, heads: int) -> None:
    made, addresses = KINDS[kind]
    page = desk.open(made(layers, heads), PAPER, HEIGHT, "dark")
    page.emulate_media(media="print")
    assert found(page, addresses(layers, heads)) == []


@pytest.mark.soak
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_three_views(desk: Desk, width: int, theme: str) -> None:
    model = str(MODELS["demo"])
    shown = [views.head(model, TEXT), views.head(model, TEXT, words=True), views.model(model, TEXT),
             views.neuron(model, TEXT)]  # fmt: skip
    for view in shown:
        page = desk.open(view.html(), width, HEIGHT, theme)
        page.wait_for_selector(".drawing svg")
        assert faults(page) == []


@pytest.mark.soak
@pytest.mark.parametrize("width", WIDTHS)
def test_what_lies_over_a_page_does_so_on_purpose(desk: Desk, width: int) -> None:
    """The list of what a search finds, and the dialog of keys, each within the window and in themselves."""
    page = desk.open(made_pages.atlas(*SIZES[1]), width, HEIGHT)
    page.wait_for_selector(".page > *")
    page.keyboard.press("/")
    page.keyboard.type("attention")
    page.wait_for_selector(".hits a")
    box = page.locator(".hits").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    box = page.locator("dialog.keys").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= HEIGHT
