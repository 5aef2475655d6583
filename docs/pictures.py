"""Makes the pictures of README.md and docs/ in docs/pictures/: `make pictures`, or `python docs/pictures.py RUN MODEL`.

RUN is a finished run of MODEL over the demo corpus, MODEL the folder `smollm2` of tests/real/fetch.py. Needs Chromium.
"""

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from matplotlib import pyplot
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

import attnmetrics
from attnmetrics import plot, views

FOLDER = Path(__file__).with_name("pictures")
COLOURS = 128
"""Of a picture: it has few, and is smaller for it."""
HEAD = (10, 1)
"""The head of the tour, which finds objects."""
TEXT = "The crew took four boats and left the harbour."
ATTENDING = 4
"""boats"""


def main(run: str, model: str) -> None:
    """Make all of them."""
    FOLDER.mkdir(exist_ok=True)
    draw_figure(run)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        atlas = (Path(run).absolute() / "report" / "index.html").as_uri()
        take_overview(browser, atlas)
        take_sentences(browser, atlas)
        take_head(browser, atlas)
        take_view(browser, model)
        browser.close()


def draw_figure(run: str) -> None:
    """Which heads find objects, as the tour prints it."""
    matplotlib.use("agg")
    plot.heads(attnmetrics.load(run), "relation_accuracy", rule="row", rel="obj")
    made = BytesIO()
    pyplot.savefig(made, dpi=110, bbox_inches="tight")
    keep(made.getvalue(), "objects")


def take_overview(browser: Browser, atlas: str) -> None:
    """The map of all heads and the card of one."""
    page = open_page(browser, f"{atlas}#/?head={HEAD[0]}.{HEAD[1]}", 1180, 760)
    keep(shot(page, page.locator("section").first), "atlas")


def take_sentences(browser: Browser, atlas: str) -> None:
    """Where the head that finds objects is right, and where not."""
    page = open_page(browser, f"{atlas}#/relation/obj", 1100, 900)
    heading = page.get_by_role("heading", name="In sentences")
    keep(shot(page, page.locator("section", has=heading)), "sentences")


def take_head(browser: Browser, atlas: str) -> None:
    """The top of a head's page."""
    page = open_page(browser, f"{atlas}#/head/{HEAD[0]}/{HEAD[1]}", 1280, 860)
    keep(page.screenshot(), "head")


def take_view(browser: Browser, model: str) -> None:
    """What one word of a sentence attends to."""
    view = views.head(model, TEXT, layer=HEAD[0], heads=[HEAD[1]], show_null=False, theme="light")
    with TemporaryDirectory() as folder:
        page = open_page(browser, view.save(Path(folder) / "view.html").as_uri(), 800, 460)
        page.locator(f'.token[data-side="left"][data-place="{ATTENDING}"]').hover()
        keep(page.screenshot(), "head_view")


def open_page(browser: Browser, address: str, width: int, height: int) -> Page:
    """A page in a window of so many pixels, three of a picture for two of them."""
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
    page.goto(address)
    page.wait_for_timeout(500)
    return page


def shot(page: Page, part: Locator) -> bytes:
    """A part of a page, with some room around it."""
    box = part.bounding_box()
    assert box, "a part that is drawn"
    clip = {"x": 0, "y": box["y"] - 8, "width": page.viewport_size["width"], "height": box["height"] + 16}
    return page.screenshot(full_page=True, clip=clip)


def keep(picture: bytes, name: str) -> None:
    """Write a picture of few colours."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
