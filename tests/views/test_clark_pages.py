"""The second paper, relations and coreference in a real browser: what is drawn, and where it leads."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from clark_tables import with_coreference, with_relations
from pages import Desk, chromium, needs_chromium, visit
from playwright.sync_api import Browser, Page
from synthetic import attention, dataset, exemplars, facts

from attnmetrics.views.atlas.page import contents, render
from attnmetrics.views.numbers import percent
from attnmetrics.views.papers.clark_2019 import CLARK
from attnmetrics.views.relations import Relations, relations

pytestmark = needs_chromium
LAYERS, HEADS = 12, 3
SHOWN = (3, 1)
"""The head whose sentences answer a claim."""


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return with_coreference(with_relations(dataset(LAYERS, HEADS, causal=False)))


@pytest.fixture(scope="module")
def frame(data: xr.Dataset) -> pd.DataFrame:
    made = exemplars(data, k=3)
    answers = exemplars(data, k=2, seed=1).assign(claim="pos_to:PUNCT")
    for rank, claim in ((2, "relation:obj:hit"), (3, "relation:obj:miss")):
        made.loc[(made["layer"] == SHOWN[0]) & (made["head"] == SHOWN[1]) & (made["rank"] == rank), "claim"] = claim
    return pd.concat([with_right_words(made), answers], ignore_index=True)


def with_right_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Of wrong answers the third and fourth piece are right."""
    is_wrong = frame["claim"].str.endswith(":miss")
    return frame.assign(right=pd.Series([[2, 3] if wrong else None for wrong in is_wrong], dtype=object))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(browser, tmp_path_factory.mktemp("clark"))
    yield made
    made.check()
    made.close()


@pytest.fixture(scope="module")
def page(desk: Desk, data: xr.Dataset, frame: pd.DataFrame) -> Page:
    return desk.open(render(data, frame, attention(frame), facts()), 1280, 900)


def section(page: Page, title: str) -> str:
    return f"section:has(> h2:text-matches('^{title}'))"


def test_figure_2_has_a_dot_a_head_and_what_was_published(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/paper/clark-2019")
    charts = page.locator(f"{section(page, 'Figure 2')} svg.layer-chart")
    assert charts.count() == 3
    special = charts.nth(0)
    assert special.locator("circle").count() == 3 * LAYERS * HEADS
    assert special.locator("path.published").count() == special.locator("path.even").count() == 3
    assert charts.nth(2).locator("path.published").count() == 0, "of neighbours no line of layers was published"
    value = float(data["special_attention"].sel(special="separator", layer=5, head=2))
    of_separators = LAYERS * HEADS
    dot = special.locator("circle").nth(of_separators + 5 * HEADS + 2)
    dot.dispatch_event("pointerover")
    assert dot.text_content() == f"layer 5 head 2: separators {percent(value)}"
    assert dot.locator("..").get_attribute("href") == "#/head/5/2"
    assert (
        section(page, "Figure 3")
        and "attnmetrics importance RUN" in page.locator(section(page, "Figure 3")).inner_text()
    )


def test_figure_1_has_the_head_of_each_behaviour(page: Page, data: xr.Dataset) -> None:
    table = data["neighbour_attention"].sel(neighbour="next")
    layer, head = np.unravel_index(table.values.argmax(), table.shape)
    block = page.locator(f"{section(page, 'Figure 1')} .panels > div").nth(1)
    assert block.locator("a").first.get_attribute("href") == f"#/head/{layer}/{head}"
    assert block.locator("svg.sentence-lines line").count() > 5


def test_every_number_stands_under_its_figure(page: Page) -> None:
    visit(page, "#/paper/clark-2019")
    lists = page.locator("details.published-numbers")
    places = list(dict.fromkeys(claim.where for claim in CLARK.claims))
    summaries = lists.locator("summary").all_text_contents()
    assert sorted(summaries) == sorted(f"{where}: published, and in this run" for where in places)
    assert lists.locator("tbody tr").count() == len(CLARK.claims)
    for where in places:
        if where.startswith(("Figure", "Table")):
            within = page.locator(section(page, where)).locator("summary").all_text_contents()
            assert f"{where}: published, and in this run" in within
    assert page.get_by_text("Published for: BERT-base").is_visible()


def test_figures_5_and_6_are_drawn(page: Page) -> None:
    visit(page, "#/paper/clark-2019")
    shown = page.locator(f"{section(page, 'Figure 5')} h3")
    assert shown.all_inner_texts() == ["obj", "det", "nmod:poss", "coreference"]
    maps = page.locator(f"{section(page, 'Figure 6')} svg")
    assert maps.count() == 2
    assert [one.locator("circle[data-place]").count() for one in maps.all()] == [LAYERS * HEADS] * 2


def test_table_1_leads_to_a_relation_with_its_rules_maps_and_sentences(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/paper/clark-2019")
    rows = page.locator(f"{section(page, 'Table 1')} table.results tbody tr")
    best = relations(data)
    assert rows.count() == len(best)
    assert rows.nth(0).locator("td").all_inner_texts()[:4] == [
        best[0].rel, f"{best[0].edges:,}", "from dependent", f"layer {best[0].layer} head {best[0].head}"
    ]  # fmt: skip
    visit(page, "#/relation/obj")
    assert page.locator("h1").inner_text() == "Which heads find obj"
    assert "obj is an object of a verb: “The crew took" in page.locator(".page").inner_text()
    of_row = Relations(data).find("row", "obj")
    cells = page.locator("table.results tbody tr").nth(0).locator("td").all_inner_texts()
    assert of_row is not None and cells[2:4] == [f"layer {of_row.layer} head {of_row.head}", percent(of_row.accuracy)]
    assert page.locator("svg.head-map").count() == 3
    sides = page.locator(".side-by-side > div")
    assert [side.locator(".exemplar").count() for side in sides.all()] == [1, 1]
    assert sides.nth(0).locator(".exemplar a").first.get_attribute("href") == "#/head/3/1"
    assert "the word that is right by those labels is underlined twice" in page.locator(".labels-from").inner_text()
    assert sides.nth(0).locator(".right-word, .piece.right").count() == 0
    right = sides.nth(1).locator(".piece.right").all_inner_texts()
    assert len(right) == 2
    assert sides.nth(1).locator(".right-word").inner_text() == f"right by the labels: {''.join(right)}"
    visit(page, "#/head/0/0?claim=relation%3Aobj%3Ahit")
    unanswered = page.locator(".unanswered")
    assert "no sentence of this head for: Finds obj. Of what heads find or miss" in unanswered.inner_text()
    assert unanswered.get_by_role("link").get_attribute("href") == "#/head/3/1?claim=relation%3Aobj%3Ahit"
    visit(page, "#/metric/relation_accuracy/row%2C%20obj")
    note = page.locator("p.held-out")
    assert f"scored on the other half (held out): {percent(of_row.held_out)}; best word offset" in note.inner_text()
    assert note.get_by_role("link").get_attribute("href") == "#/relation/obj"
    visit(page, "#/metric/relation_accuracy")
    assert page.locator("p.held-out a").get_attribute("href") == "#/relation"
    visit(page, "#/relation/nothing")
    assert "Expected a relation with edges that attention can hit, found nothing" in page.locator(".page").inner_text()


def test_a_narrow_page_shows_that_a_table_goes_on_and_whole_names_of_axes(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    visit(page, "#/paper/clark-2019")
    found = page.locator(f"{section(page, 'Table 1')} .scroll").first
    assert found.evaluate("one => one.scrollWidth > one.clientWidth")
    assert "gradient" in found.evaluate("one => getComputedStyle(one).backgroundImage")
    assert found.locator("td").first.evaluate("one => getComputedStyle(one).position") == "sticky"
    visit(page, "#/find?y=dependency_excess&yl=either&x=dependency_expected&xl=either")
    names = page.locator("svg.scatter > text:has(title)").evaluate_all("all => all.map(one => one.firstChild.data)")
    assert len(names) == 4 and names[-1].endswith("dependencies") and not any("…" in name for name in names)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_coreference_has_a_row_and_a_map_for_each_class(page: Page, data: xr.Dataset) -> None:
    visit(page, "#/coreference")
    assert page.locator("table.results tbody tr").count() == page.locator("svg.head-map").count() == 8
    assert "This run keeps no sentence for it." in page.locator(".page").inner_text()


def test_runs_that_cannot_speak_to_the_second_paper_have_the_first_alone(frame: pd.DataFrame) -> None:
    data = dataset(2, 2, causal=True)
    kept = data[["pos_to", "distance", "null_attention", "attention_at_offset"]]
    found = contents(kept, frame.iloc[:0], attention(frame).iloc[:0], facts())
    assert [paper["key"] for paper in found["papers"]] == ["vig-belinkov-2019"]
    assert found["relations"] == found["coreference"] == [] and found["layer_values"] == {}


def test_every_page_has_its_link(page: Page) -> None:
    visit(page, "#/paper")
    links = ["Overview", "Metrics", "Find heads", "Similarity", "The papers", "The run"]
    assert page.locator("nav.pages a").all_inner_texts() == links
    assert page.locator("nav.pages a[aria-current]").all_inner_texts() == ["The papers"]


def test_a_card_leads_to_the_sentences_that_answer_it(page: Page, frame: pd.DataFrame, data: xr.Dataset) -> None:
    visit(page, "#/")
    page.locator(".role-card", has_text="to punctuation").click()
    page.wait_for_selector("#sentences")
    best = data["pos_to"].sel(pos="PUNCT")
    layer, head = np.unravel_index(best.values.argmax(), best.shape)
    assert page.evaluate("location.hash") == f"#/head/{layer}/{head}?claim=pos_to%3APUNCT"
    assert page.locator("[role=tab][aria-selected=true]").first.inner_text().endswith("PUNCT")
    rows = frame[(frame["claim"] == "pos_to:PUNCT") & (frame["layer"] == layer) & (frame["head"] == head)]
    shares = page.locator("section").first.locator(".exemplar .source b").all_inner_texts()
    assert shares == [percent(weight) for weight in rows["weight"]]


def test_a_list_and_a_map_lead_to_the_sentences_that_answer_them(page: Page, data: xr.Dataset) -> None:
    best = data["pos_to"].sel(pos="PUNCT")
    layer, head = np.unravel_index(best.values.argmax(), best.shape)
    answered = f"#/head/{layer}/{head}?claim=pos_to%3APUNCT"
    visit(page, "#/metric/pos_to/PUNCT")
    assert page.locator(".heads-list a").first.get_attribute("href") == answered
    page.locator("svg.head-map").focus()
    for key in ("ArrowDown",) * int(layer) + ("ArrowRight",) * int(head) + ("Enter",):
        page.keyboard.press(key)
    page.wait_for_selector("#sentences")
    assert page.evaluate("location.hash") == answered
