"""Makes docs/atlas.png, the README's picture of the atlas, from a finished demo: `python docs/atlas.py runs/demo`.

Needs Chromium.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

report = Path(sys.argv[1]).absolute() / "report" / "index.html"

with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page(viewport={"width": 1060, "height": 640}, device_scale_factor=1.5)
    page.goto(f"{report.as_uri()}#/metric/pos_to/DET")
    page.locator(".head-map").hover(position={"x": 70, "y": 185})
    page.screenshot(path=Path(__file__).with_name("atlas.png"))
    browser.close()
