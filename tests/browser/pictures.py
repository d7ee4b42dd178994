"""Draws the pictures of the documentation: the page over the example schedules, and a week of them."""

import subprocess

from controller import BINARY, ROOT, Controller
from playwright.sync_api import sync_playwright

PICTURES = ROOT / "docs" / "pictures"
WEEK = ["preview", "schedules/webshop.yaml", "--from", "2026-11-22T23:00:00Z", "--to", "2026-11-29T23:00:00Z", "-o", "svg"]


def main():
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "week.svg").write_bytes(subprocess.run([BINARY, *WEEK], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    chromium = subprocess.run([ROOT / "tests/browser/chromium.sh"], check=True, stdout=subprocess.PIPE, text=True)
    with Controller("./schedules") as controller, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.stdout.strip(), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
            page.goto(controller.url)
            page.locator("h1", has_text="hold").wait_for(timeout=180_000)  # the page renews itself
            page.screenshot(path=PICTURES / f"page-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
