"""Makes docs/head_view.png, the picture of the head view in the README; needs Chromium."""

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from attnmetrics import views

HERE = Path(__file__).parent
TEXT = "The river rises in the hills north of the city, and flows into the sea."

with TemporaryDirectory() as folder, sync_playwright() as driver:
    view = views.head("demo", TEXT, layer=3, words=True, show_null=False, theme="light")
    browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page(viewport={"width": 800, "height": 555}, device_scale_factor=1.5)
    page.goto(view.save(Path(folder) / "view.html").as_uri())
    page.locator('.token[data-side="left"][data-place="12"]').hover()
    page.screenshot(path=HERE / "head_view.png")
    browser.close()
