"""A head's page: the types of its pieces, and typical sentences behind a button or an address."""

from pathlib import Path

import pandas as pd
from pages import Desk, chromium, needs_chromium
from playwright.sync_api import expect
from synthetic import attention, dataset, exemplars, facts

from attnmetrics.views.atlas.page import render

TOKENS = pd.DataFrame(
    [
        (0, 1, "key", 1, "Ġthe", 30, 5.0, 1200, 2.5),
        (0, 1, "key", 2, "Ġa", 31, 5.0, 1200, 0.5),
        (0, 1, "query", 1, "<b>", 4, 6.0, 8, 0.75),
    ],
    columns=["layer", "head", "side", "rank", "piece", "piece_id", "attention", "occurrences", "lift"],
)


@needs_chromium
def test_pieces_and_typical_sentences_of_a_head(tmp_path: Path) -> None:
    data = dataset(2, 2)
    strongest = exemplars(data, k=3)
    parts = [strongest.assign(bucket=bucket) for bucket in ("0-20", "80-100")]
    frame = pd.concat([strongest, *parts], ignore_index=True)
    page_text = render(data, frame, attention(strongest), facts(), tokens=TOKENS)
    with chromium() as browser:
        desk = Desk(browser, tmp_path)
        page = desk.open(page_text)
        page.evaluate("location.hash = '#/head/0/1'")
        sides = page.locator(".piece-types")
        expect(sides).to_have_count(2)
        titles = page.locator("div", has=page.locator(":scope > .piece-types")).locator("h3")
        expect(titles).to_have_text(["It looks most at", "It looks most from"])
        expect(page.get_by_text("Types under 1×, which get less than even attention gives")).to_be_visible()
        assert [" ".join(one.inner_text().split()) for one in sides.all()] == [
            "␣the 2.5× 1,200 times",
            "<b> 75% 8 times, few",
        ]
        sentences = page.locator("#sentences")
        expect(sentences.get_by_role("tab", name="Strongest")).to_have_attribute("aria-selected", "true")
        sentences.get_by_role("tab", name="Typical").click()
        assert page.evaluate("location.hash") == "#/head/0/1?sentences=typical"
        expect(sentences.locator("h4")).to_have_text(["Strongest fifth", "Weakest fifth"])
        expect(sentences.locator(".exemplar")).to_have_count(4)
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("[location.hash, document.activeElement.textContent]") == ["#/head/0/1", "Strongest"]
        expect(sentences.locator("h4")).to_have_count(0)
        panel = sentences.get_by_role("tabpanel", name="Strongest")
        expect(panel.locator(".exemplar")).to_have_count(3)
        page.evaluate("location.hash = '#/head/0/1/99'")
        expect(sentences).to_contain_text("The page keeps 3 of them.")
        page.evaluate("location.hash = '#/head/0/1?claim=pos_to%3ANOUN'")
        expect(sentences).to_contain_text("The page keeps no sentence of this head for: Attention to NOUN.")
        page.evaluate("location.hash = '#/head/1/0?sentences=typical'")
        expect(page.get_by_role("heading", name="Layer 1 head 0")).to_be_visible()
        expect(page.locator("#sentences h4")).to_have_count(2)
        expect(page.locator(".piece-types")).to_have_count(0)
        desk.check()
