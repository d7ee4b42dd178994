"""The pages in a real browser: what they say, three widths, light and dark, with one target and with 3,000.

`make browser` runs it. BASELOAD_SHOTS names a folder for screenshots, to look at.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from controller import ROOT, Controller, schedules_for
from playwright.sync_api import sync_playwright

WIDTHS = (390, 820, 1440)
SCHEMES = ("light", "dark")

# The ratio of WCAG 2.2 AA between each text and what is behind it, for solid colours; one line for each that fails.
LOW_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3) return colour;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const node of document.querySelectorAll('main *:not(svg *), header *, footer *')) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    if (node.closest('.sign, .unseen')) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.add(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${node.textContent.trim().slice(0, 40)}`);
  }
  return [...found];
}"""


class Pages(unittest.TestCase):
    """One browser for all tests; each page that is opened must be silent and fit."""

    @classmethod
    def setUpClass(cls):
        chromium = subprocess.run([ROOT / "tests/browser/chromium.sh"], check=True, stdout=subprocess.PIPE, text=True)
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        # Chromium's own sandbox cannot be had for root, nor in most containers; it sees only our pages on loopback.
        cls.browser = cls.playwright.chromium.launch(executable_path=chromium.stdout.strip(), args=["--no-sandbox"])
        cls.addClassCleanup(cls.browser.close)
        shots = os.environ.get("BASELOAD_SHOTS")
        cls.shots = pathlib.Path(shots) if shots else None

    def controller(self, targets):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.schedules = pathlib.Path(folder)
        schedules_for(targets, self.schedules)
        return self.enterContext(Controller(folder))

    def open(self, url, width=1440, scheme="light"):
        """Opens a page, and holds it to what holds for every page."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.addCleanup(context.close)
        page = context.new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        response = page.goto(url)
        self.assertEqual(said, [], url)
        self.assertEqual([other for other in asked if other != url and not other.startswith("data:")], [], url)
        self.assertEqual(page.evaluate("document.querySelectorAll('script').length"), 0)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertEqual(wide, 0, f"{url} scrolls sideways at {width}")
        for role in ("banner", "main", "contentinfo"):
            self.assertEqual(page.get_by_role(role).count(), 1, role)
        self.assertEqual(page.get_by_role("heading", level=1).count(), 1)
        return page, response

    def shoot(self, page, name):
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.shots / f"{name}.png")

    def every_look(self, url, name):
        for scheme in SCHEMES:
            for width in WIDTHS:
                page, _ = self.open(url, width, scheme)
                self.shoot(page, f"{name}-{scheme}-{width}")
                yield page

    def test_one_target_at_every_width_in_light_and_dark(self):
        controller = self.controller(1)
        for page in self.every_look(controller.url + "/", "one"):
            self.assertEqual(page.get_by_role("rowheader").count(), 1)
            self.assertTrue(page.get_by_role("link", name="shop/service-0000").is_visible())
            self.assertTrue(page.locator("td.week").get_by_role("img", name="a floor from 1 to 6").is_visible())
            self.assertEqual(page.evaluate(LOW_CONTRAST), [])
        for page in self.every_look(controller.url + "/targets/shop/service-0000", "target"):
            self.assertEqual(page.get_by_role("rowheader").all_inner_texts()[0], "Synced")
            self.assertTrue(page.get_by_role("img", name="Timetable of shop/service-0000").is_visible())
            self.assertIn("of schedule schedule-0.", page.locator(".lead").first.inner_text())
            self.assertEqual(page.evaluate(LOW_CONTRAST), [])

    def test_three_thousand_targets_at_every_width(self):
        controller = self.controller(3000)
        for page in self.every_look(controller.url + "/", "many"):
            self.assertEqual(page.locator("tbody th[scope=row]").count(), 3000)
            box = page.locator("tbody tr").first.bounding_box()
            self.assertGreater(box["height"], 30)
        _, response = self.open(controller.url + "/")
        self.assertEqual(response.headers["content-encoding"], "gzip")
        self.assertLess(response.request.sizes()["responseBodySize"], 1 << 20)

    def test_a_search_is_typed_and_a_state_is_chosen(self):
        controller = self.controller(120)
        page, _ = self.open(controller.url + "/", 390)
        page.get_by_role("searchbox").fill("0042")
        page.get_by_role("button", name="Show").click()
        self.assertEqual(page.get_by_role("rowheader").count(), 1)
        page.get_by_role("navigation", name="By state").get_by_role("link").first.click()
        self.assertIn("q=0042", page.url)
        page.get_by_role("rowheader").get_by_role("link").click()
        self.assertIn("service-0042", page.get_by_role("heading", level=1).inner_text())
        page.get_by_role("link", name="All targets").click()
        self.assertEqual(page.locator("tbody tr").count(), 120)

    def test_a_revision_that_is_refused_shows_its_error_in_full(self):
        controller = self.controller(1)
        (self.schedules / "000.yaml").write_text("apiVersion: <b>nonsense</b>\n")
        for _ in range(100):
            page, _ = self.open(controller.url + "/", 390)
            if page.get_by_role("alert").count():
                break
            page.wait_for_timeout(200)
        told = page.get_by_role("alert").inner_text()
        self.assertIn("The newest revision is refused", told)
        self.assertIn("<b>nonsense</b>", told)
        self.assertEqual(page.get_by_role("rowheader").count(), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
