"""The three views in a real browser, opened from disk: every interaction, and the numbers on screen."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import save_model
from pages import HOSTILE, Desk, assert_lines, chromium, lines, needs_chromium, save
from playwright.sync_api import Browser, Locator, Page, expect

from attnmetrics import views
from attnmetrics.assets import MODELS
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.reading import Attention, attend, read
from attnmetrics.views.palette import HEADS_LIGHT

TEXT = "The river rises in the hills, and flows."
ROUNDING = 6e-6

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def demo() -> Model:
    return load_model(str(MODELS["demo"]))


@pytest.fixture(scope="module")
def found(demo: Model) -> Attention:
    return attend(demo, read(demo, TEXT))


Open = Callable[..., Page]


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a view, or a page, from disk; afterwards nothing may have been asked for, and nothing gone wrong."""
    desk = Desk(browser, tmp_path)

    def open_page(shown: views.View | str, **options: Any) -> Page:
        if isinstance(shown, str):
            return desk.open(shown, **options)
        page = desk.open(shown.html(), **options)
        page.wait_for_selector(".drawing svg")
        return page

    yield open_page
    desk.close()
    desk.check()


def token(page: Page, side: str, place: int) -> Locator:
    return page.locator(f'.token[data-side="{side}"][data-place="{place}"]')


def squares(page: Page) -> list[bool]:
    return [square.get_attribute("aria-pressed") == "true" for square in page.locator(".square").all()]


# ---- head view


def test_lines_are_as_opaque_as_weights_and_layers_change(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=2))
    assert_lines(page, found.weights[2], list(range(6)))
    page.select_option("[aria-label=Layer]", label="4")
    assert_lines(page, found.weights[4], list(range(6)))
    page.click("[aria-label='Previous layer']")
    assert_lines(page, found.weights[3], list(range(6)))


def test_squares_toggle_isolate_and_restore(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=1, heads=[1, 4]))
    assert squares(page) == [False, True, False, False, True, False]
    assert_lines(page, found.weights[1], [1, 4])
    page.locator(".square").nth(4).click()
    assert_lines(page, found.weights[1], [1])
    page.locator(".square").nth(3).dblclick()
    assert squares(page) == [False, False, False, True, False, False]
    assert_lines(page, found.weights[1], [3])
    page.locator(".square").nth(3).dblclick()
    assert squares(page) == [True] * 6
    page.locator(".square").nth(2).focus()
    page.keyboard.press("Shift+Enter")
    assert squares(page) == [False, False, True, False, False, False]
    page.keyboard.press("Enter")
    assert lines(page) == []
    expect(page.locator(".status")).to_contain_text("No head is chosen")


@pytest.mark.parametrize(("side", "place"), [("left", 6), ("right", 3)])
def test_pointing_at_a_token_keeps_its_lines_and_shows_boxes(
    show: Open, demo: Model, found: Attention, side: str, place: int
) -> None:
    page = show(views.head(demo, TEXT, layer=2, heads=[0, 3]))
    token(page, side, place).hover()
    own = "i" if side == "left" else "j"
    assert {line[own] for line in lines(page)} == {place}
    own_weights = found.weights[2][:, place] if side == "left" else found.weights[2][:, :, place]
    boxes = page.locator(".box").evaluate_all(
        "boxes => boxes.map(box => [+box.dataset.head, +box.dataset.place, +box.getAttribute('fill-opacity')])"
    )
    expected = {(h, int(n)): own_weights[h, n] for h in (0, 3) for n in np.flatnonzero(own_weights[h] >= 0.001)}
    assert {(h, n) for h, n, _ in boxes} == expected.keys()
    np.testing.assert_allclose([o for _, _, o in boxes], [0.8 * expected[h, n] for h, n, _ in boxes], atol=1e-4)
    numbers = page.locator("text[data-place]").evaluate_all(
        "all => all.map(one => [+one.dataset.place, +one.textContent])"
    )
    for other, number in numbers:
        assert number == pytest.approx(own_weights[[0, 3], other].mean(), abs=6e-4)
    page.mouse.move(2, 2)
    assert_lines(page, found.weights[2], [0, 3])
    assert page.locator(".box").count() == 0


def test_a_held_token_tells_exact_weights_of_each_head(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=2))
    token(page, "left", 7).click()
    token(page, "right", 2).hover()
    expect(page.locator(".tip b")).to_have_text("h → ver")
    shown = [float(number) for number in page.locator(".tip .number").all_inner_texts()]
    np.testing.assert_allclose(shown, found.weights[2][:, 7, 2], rtol=0, atol=ROUNDING)
    strongest = found.weights[2][:, 7].max()
    assert f"{strongest:.4f}"[:6] in page.inner_text(".status")
    token(page, "left", 7).focus()
    page.keyboard.press("Escape")
    page.mouse.move(2, 2)
    page.locator(".square").nth(0).focus()
    assert_lines(page, found.weights[2], list(range(6)))


def test_all_heads_between_two_tokens_are_a_map_that_leads_to_a_head(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=2, heads=[0, 3]))
    token(page, "left", 6).click()
    token(page, "right", 3).hover()
    cells = page.locator(".linked")
    expect(cells).to_have_count(36)
    expect(page.locator(".links select")).to_have_value("3")
    drawn = cells.evaluate_all("all => all.map(cell => Number(cell.dataset.weight))")
    np.testing.assert_allclose(np.reshape(drawn, (6, 6)), found.weights[:, :, 6, 3], rtol=0, atol=2e-6)
    page.locator('.linked[data-layer="4"][data-head="1"]').click()
    assert squares(page) == [False, True, False, False, False, False]
    assert_lines_of_token(page, found.weights[4], 6)
    assert page.url.endswith("#layer=4&heads=1")
    page.reload()
    page.wait_for_selector(".drawing svg")
    assert_lines(page, found.weights[4], [1])


def assert_lines_of_token(page: Page, weights: Any, place: int) -> None:
    """The held token's lines are those of head 1."""
    drawn = {(line["head"], line["i"], line["j"]) for line in lines(page)}
    expected = {(1, place, j) for j in range(weights.shape[-1]) if weights[1, place, j] >= 0.005}
    assert drawn == expected


def test_tokens_of_one_text_are_told_apart_wherever_they_are_named(show: Open, demo: Model) -> None:
    page = show(views.head(np.full((1, 1, 3, 3), 1 / 3), ["the", "cat", "the"]))
    token(page, "left", 1).click()
    token(page, "right", 2).hover()
    expect(page.locator(".tip b")).to_have_text("cat → the (2)")
    view = views.neuron(demo, "in the hills in the", layer=2, head=1, token=5)
    pieces = view.data["sides"][0]["pieces"]
    assert pieces[5] == pieces[1] == "the"
    page = show(view)
    page.locator('.plus[data-place="5"]').focus()
    page.keyboard.press("ArrowRight")
    assert "Dimension 0, the (5) → the (5)" in page.inner_text(".status")


def test_tokens_of_one_text_are_told_apart_and_the_theme_is_kept(show: Open) -> None:
    attention = np.full((1, 1, 3, 3), 1 / 3)
    page = show(views.head(attention, ["the", "cat", "the"]))
    token(page, "left", 1).hover()
    status = page.locator(".status")
    expect(status).to_contain_text("the (0) 0.333")
    expect(status).to_contain_text("the (2) 0.333")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_heads_beyond_eight_have_other_dashes(show: Open) -> None:
    page = show(views.head(np.full((1, 10, 2, 2), 0.5), ["a", "b"], heads=[0, 8]))
    dashes = page.locator("path[data-head]").evaluate_all(
        "all => all.map(one => [one.dataset.head, one.getAttribute('stroke-dasharray'), one.getAttribute('stroke')])"
    )
    assert {tuple(one) for one in dashes} == {("0", None, "var(--head-0)"), ("8", "7 3", "var(--head-0)")}


def test_pointing_at_a_line_tells_its_weight(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=0, heads=[2], show_null=False))
    last = found.weights.shape[-1] - 1
    box = page.locator(f'path[data-i="{last}"][data-j="{last}"]').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"])
    value = float(page.inner_text(".tip .number"))
    assert value == pytest.approx(found.weights[0, 2, last, last], abs=ROUNDING)


def test_the_keyboard_reaches_every_token(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=2, heads=[1]))
    token(page, "left", 0).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(token(page, "right", 2)).to_be_focused()
    assert {line["j"] for line in lines(page)} == {2}
    page.keyboard.press("Enter")
    expect(token(page, "right", 2)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("End")
    assert {line["j"] for line in lines(page)} == {2}
    assert token(page, "right", 2).get_attribute("aria-label") == "to ver"
    assert token(page, "right", 0).get_attribute("aria-label") == "to The, null"


def test_null_attention_can_be_hidden_and_words_shown(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.head(demo, TEXT, layer=2, heads=[0]))
    kept = found.weights[2].copy()
    kept[:, :, 0] = 0
    page.get_by_role("button", name="Null attention").click()
    assert_lines(page, kept, [0])
    page.get_by_role("button", name="Words").click()
    groups = [[0], [1, 2], [3, 4], [5], [6], [7, 8], [9], [10], [11, 12], [13]]
    assert [token(page, "left", n).get_attribute("aria-label") for n in (1, 2, 5)] == [
        "from river",
        "from rises",
        "from hills",
    ]
    words = np.array([[[kept[0][np.ix_(i, j)].sum(1).mean() for j in groups] for i in groups]])
    assert_lines(page, words, [0])


def test_a_pair_is_filtered_by_sentence(show: Open, tmp_path: Path) -> None:
    bert = load_model(str(save_model(tmp_path / "bert", "bert", sharp=True)))
    pair = ("Nobody knew.", "Stop!")
    reading = read(bert, pair)
    expected = attend(bert, reading).weights[1]
    assert reading.second is not None
    first, second = slice(0, reading.second), slice(reading.second, None)
    page = show(views.head(bert, pair, layer=1))
    assert_lines(page, expected, [0, 1, 2, 3])
    for name, rows, columns in (
        ("A → A", first, first),
        ("A → B", first, second),
        ("B → A", second, first),
        ("B → B", second, second),
    ):
        page.select_option("[aria-label=Sentences]", label=name)
        assert_lines(page, expected[:, rows, columns], [0, 1, 2, 3])


def test_encoder_decoder_and_cross_attention(show: Open) -> None:
    random = np.random.default_rng(0)
    attention = [random.dirichlet(np.ones(m), (2, 3, n)) for n, m in ((4, 4), (2, 2), (2, 4))]
    page = show(views.head(
        encoder_attention=attention[0], decoder_attention=attention[1], cross_attention=attention[2],
        encoder_tokens=["a", "b", "c", "d"], decoder_tokens=["x", "y"],
    ))  # fmt: skip
    for name, weights in zip(("Encoder", "Decoder", "Cross"), attention, strict=True):
        page.select_option("[aria-label=Attention]", label=name)
        assert_lines(page, weights[0], [0, 1, 2])
    assert page.locator(".token[data-side=left]").count() == 2
    assert page.locator(".token[data-side=right]").count() == 4


def test_generated_pieces_are_marked(show: Open, demo: Model) -> None:
    page = show(views.head(demo, "The river", generate=3))
    marked = page.locator("text[font-style=italic]").count()
    assert marked == 6
    assert (token(page, "left", 5).get_attribute("aria-label") or "").endswith(", generated")


# ---- model view


def test_the_grid_holds_all_heads_and_enlarges_one(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.model(demo, TEXT, include_layers=[1, 3], include_heads=[0, 2, 5]))
    assert page.locator(".cell").count() == 6
    opacities = page.locator(".cell").first.locator("path").count()
    assert opacities > 1
    page.click("[aria-label='Layer 3, head 2']")
    expect(page.locator("dialog h2")).to_have_text("Layer 3, head 2")
    assert_lines(page, found.weights[3], [2])
    page.locator("dialog").locator('.token[data-side="left"][data-place="6"]').hover()
    assert {line["i"] for line in lines(page)} == {6}
    page.click("[aria-label='Layer above']")
    expect(page.locator("dialog h2")).to_have_text("Layer 1, head 2")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("[aria-label='Layer 1, head 2']")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[aria-label='Layer 1, head 5']")).to_be_focused()


def test_thumbnails_that_were_never_seen_are_printed(show: Open, demo: Model) -> None:
    page = show(views.model(demo, TEXT * 4), width=1000, height=120)
    page.locator("button.cell svg").first.wait_for()
    assert page.locator("button.cell:empty").count()
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    assert page.locator("button.cell:empty").count(), "on paper there is more than the window shows"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("button.cell svg")).to_have_count(36)
    expect(page.locator("button.cell:empty")).to_have_count(0)
    assert not page.locator(".controls, .tools").locator("visible=true").count()


def test_a_thumbnail_draws_the_strong_weights(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.model(demo, TEXT, include_layers=[0], include_heads=[1]))
    drawn = "".join(page.locator(".cell path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))"))
    assert drawn.count("M") == (found.weights[0, 1] >= 0.02).sum()
    page.get_by_role("button", name="Null attention").click()
    page.wait_for_selector(".cell path")
    drawn = "".join(page.locator(".cell path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))"))
    assert drawn.count("M") == (found.weights[0, 1][:, 1:] >= 0.02).sum()


# ---- neuron view


def test_a_token_expands_into_query_key_product_score_and_softmax(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.neuron(demo, TEXT, layer=2, head=1))
    expect(page.locator(".hint")).to_contain_text("Expand a token")
    assert page.locator(".plus").count() == found.weights.shape[-1]
    assert_lines(page, found.weights[2], [1])
    page.click('.plus[data-place="6"]')
    shares = [float(share) for share in page.locator(".share").all_text_contents()]
    np.testing.assert_allclose(shares, found.weights[2, 1, 6, :7], rtol=0, atol=ROUNDING)
    scores = [float(score.replace("−", "-")) for score in page.locator(".score").all_text_contents()]
    query, key = found.query[2, 1], found.key[2, 1]
    np.testing.assert_allclose(scores, key[:7] @ query[6] * found.scaling[2], rtol=0, atol=6e-4)
    page.click('.plus[data-place="6"]')
    assert page.locator(".share").count() == 0
    assert_lines(page, found.weights[2], [1])
    page.click("[aria-label='Next head']")
    page.click("[aria-label='Previous layer']")
    page.reload()
    page.wait_for_selector(".drawing svg")
    assert_lines(page, found.weights[1], [2])


def test_the_expanded_token_follows_the_pointer(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.neuron(demo, TEXT, layer=3, head=5, token=6))
    page.locator('.scrub[data-place="4"]').hover()
    shares = [float(share) for share in page.locator(".share").all_text_contents()]
    np.testing.assert_allclose(shares, found.weights[3, 5, 4, :5], rtol=0, atol=6e-6)
    expect(page.locator("[aria-label=Token]")).to_have_value("4")


def test_a_pair_is_filtered_in_the_neuron_view(show: Open, tmp_path: Path) -> None:
    bert = load_model(str(save_model(tmp_path / "bert", "bert", sharp=True)))
    pair = ("Nobody knew.", "Stop!")
    weights = attend(bert, read(bert, pair)).weights
    view = views.neuron(bert, pair, layer=1, head=2)
    second, count = view.data["sides"][0]["second"], len(view.data["sides"][0]["pieces"])
    page = show(view)
    page.select_option("[aria-label=Sentences]", "AB")
    expect(page.locator('.token[data-side="left"]')).to_have_count(second)
    expect(page.locator('.token[data-side="right"]')).to_have_count(count - second)
    page.locator('.plus[data-place="1"]').click()
    shares = [float(share) for share in page.locator(".share").all_text_contents()]
    np.testing.assert_allclose(shares, weights[1, 2, 1, second:], rtol=0, atol=6e-6)


def test_the_keyboard_walks_tokens_and_dimensions(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.neuron(demo, TEXT, layer=3, head=2, token=4))
    page.locator('.plus[data-place="4"]').focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".share").count() == 6
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    query, key = found.query[3, 2, 5, 2], found.key[3, 2, 5, 2]
    status = page.inner_text(".status").replace("−", "-")
    assert "Dimension 2," in status
    assert f"query {query:.3f}, key {key:.3f}, product {float(query) * float(key):.3f}" in status
    page.keyboard.press("Escape")
    assert page.locator(".share").count() == 0


def test_cells_show_signs_and_tell_their_numbers(show: Open, demo: Model, found: Attention) -> None:
    page = show(views.neuron(demo, TEXT, layer=2, head=1, token=6))
    colours = page.locator("svg.neurons g path[fill]").evaluate_all(
        "paths => [...new Set(paths.map(path => path.getAttribute('fill')))]"
    )
    assert set(colours) == {"var(--positive)", "var(--negative)"}
    place = page.locator("svg.neurons g[shape-rendering]").nth(1).locator("rect").nth(3).bounding_box()
    assert place is not None
    dims = found.key.shape[-1]
    page.mouse.move(place["x"] + place["width"] * 10.5 / dims, place["y"] + 5)
    shown = [float(number.replace("−", "-")) for number in page.locator(".tip .number").all_inner_texts()]
    query, key = found.query[2, 1, 6, 10], found.key[2, 1, 3, 10]
    np.testing.assert_allclose(shown, [query, key, query * key], rtol=0, atol=6e-4)


def test_bidirectional_models_show_all_tokens(show: Open, tmp_path: Path) -> None:
    bert = load_model(str(save_model(tmp_path / "bert", "bert", sharp=True)))
    expected = attend(bert, read(bert, "Nobody knew.")).weights
    page = show(views.neuron(bert, "Nobody knew.", layer=1, head=3, token=2))
    shares = [float(share) for share in page.locator(".share").all_text_contents()]
    np.testing.assert_allclose(shares, expected[1, 3, 2], rtol=0, atol=ROUNDING)


# ---- all of them


@pytest.mark.parametrize("make", [views.head, views.model])
def test_hostile_tokens_stay_text(show: Open, make: Callable[..., views.View]) -> None:
    attention = np.full((1, 2, 4, 4), 0.25)
    page = show(make(attention, HOSTILE))
    if make is views.model:
        page.locator(".cell").first.click()
    labels = page.locator(".token[data-side=left]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert labels == [f"from {text}" for text in (*HOSTILE[:3], "\ufffdright␀")]
    assert page.locator("img, b:not(.tip b)").count() == 0
    token(page, "left", 0).last.hover()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("make", [views.head, views.model, views.neuron])
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_pictures_are_saved(
    show: Open, demo: Model, make: Callable[..., views.View], kind: str, tmp_path: Path
) -> None:
    page = show(make(demo, TEXT))
    path = save(page.get_by_role("button", name=kind.upper()), tmp_path)
    assert path.name.endswith(f"-view.{kind}")
    content = path.read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG") and len(content) > 5000
    else:
        assert b"var(" not in content and b"<path" in content and b"#1f6f9c" in content
        titles = re.findall(r'<text x="6"[^>]*>([^<]+)', content.decode())
        where = {views.head: "layer 0, heads 0, 1, 2, 3, 4, 5", views.neuron: "layer 0, head 0"}.get(make)
        assert titles[0] == f"{make.__name__.capitalize()} view: demo"
        assert " ".join(titles[1:]).startswith(where or "attnmetrics")


def test_a_saved_picture_says_whose_lines_are_which(show: Open, tmp_path: Path) -> None:
    """By colour, and of a second head of that colour by its dashes; here two stand in a row."""
    page = show(views.head(np.full((1, 10, 2, 2), 0.5), ["a", "b"], heads=[0, 2, 8]), width=150)
    text = save(page.get_by_role("button", name="SVG"), tmp_path).read_text(encoding="utf-8")
    found = re.findall(r'<path d="M([\d.]+) ([\d.]+)h18"[^>]* stroke="(#\w+)"([^>]*)/><text[^>]*>(\d+)<', text)
    assert [(dashes.count("stroke-dasharray"), head) for *_, dashes, head in found] == [(0, "0"), (0, "2"), (1, "8")]
    first, second, third = ((float(x), float(y), colour) for x, y, colour, *_ in found)
    assert first[1] == second[1] < third[1] and first[0] == third[0] < second[0]
    assert (first[2], second[2], third[2]) == tuple(HEADS_LIGHT[n] for n in (0, 2, 0))
    bottom = sum(float(n) for n in re.findall(r'viewBox="([^"]*)"', text)[0].split()[1::2])
    assert bottom > third[1] + 5, "it is within the picture"


@pytest.mark.parametrize("make", [views.head, views.model, views.neuron])
def test_themes_and_widths(show: Open, demo: Model, make: Callable[..., views.View]) -> None:
    page = show(make(demo, TEXT), width=375, height=740, scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 27, 35)"
    page.get_by_role("button", name="Light", exact=True).click()
    assert page.evaluate(ground) == "rgb(253, 253, 254)"
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.set_viewport_size({"width": 1000, "height": 700})
    page.wait_for_function("document.querySelector('.drawing').getBoundingClientRect().width > 60")
    assert page.evaluate("document.documentElement.scrollWidth") == 1000


def test_several_views_on_a_page_do_not_meet(show: Open, demo: Model, found: Attention) -> None:
    made = [views.head(demo, TEXT, layer=2), views.head(demo, TEXT, layer=4), views.neuron(demo, TEXT)]
    page = show("<!doctype html>" + "".join(view._repr_html_() for view in made), height=2400)
    frames = [page.frame_locator("iframe").nth(place) for place in range(3)]
    for frame in frames:
        frame.locator(".drawing svg").wait_for()
    frames[0].locator(".square").nth(1).dblclick()
    expect(frames[0].locator(".square[aria-pressed=true]")).to_have_count(1)
    expect(frames[1].locator(".square[aria-pressed=true]")).to_have_count(6)
    drawn = frames[1].locator("path[data-i]").count()
    assert drawn == (found.weights[4] >= 0.005).sum()


def test_long_texts_draw_the_strongest_lines_and_say_so(show: Open) -> None:
    random = np.random.default_rng(0)
    attention = random.dirichlet(np.full(300, 0.02), (1, 4, 300))
    page = show(views.head(attention, [f"token{place}" for place in range(300)]))
    drawn = lines(page)
    assert len(drawn) == 2000
    assert min(line["opacity"] for line in drawn) >= np.sort(attention.ravel())[-2001] - 1e-4
    expect(page.locator(".status")).to_contain_text("The strongest 2,000 of 360,000 lines")
    token(page, "left", 5).hover()
    assert len(lines(page)) == (attention[0, :, 5] >= 0.005).sum()
