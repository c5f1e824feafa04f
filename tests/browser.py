"""Pages opened from the disk in a headless Chromium, Debian's, that Playwright drives.

Without either the tests skip. WebGL is computed in software, so that canvases can be read.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# CI runs as root; WebGL without a graphics card.
OPTIONS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
OF_THE_DRIVER = "GL Driver Message"  # what software WebGL says of its own speed
DESK, PHONE = 1400, 390  # pixels
PATIENCE = 120  # seconds: of a busy machine that draws WebGL without a graphics card
# What a reader could not scroll to: text cut off by an element that hides what overflows it.
CUT_OFF = """() => [...document.querySelectorAll('main *')].filter((one) => {
  const style = getComputedStyle(one);
  return one.clientWidth && one.scrollWidth > one.clientWidth + 1 && style.overflowX === 'hidden'
    && !one.closest('svg, [data-part=molecule], [data-part=profile], .js-plotly-plot');
}).map((one) => one.outerHTML.slice(0, 200))"""
# Whether all charts are as wide as their place, and no frame is left to be drawn.
SETTLED = """() => new Promise((told) => requestAnimationFrame(() => told(
  [...document.querySelectorAll('.js-plotly-plot')].every((plot) =>
    Math.abs(plot._fullLayout.width - plot.clientWidth) < 2))))"""


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@dataclass
class Opened:
    """A page, and what it said and asked for since it was opened."""

    page: object
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        """Whether it neither complained nor asked the network for anything."""
        return not self.console and not self.requests

    def sideways(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    def cut_off(self) -> list[str]:
        """Elements whose content is cut off without a scroll bar."""
        return self.page.evaluate(CUT_OFF)

    def canvas(self, selector: str) -> str:
        """The pixels of a canvas, as the URI of a PNG; a picture of the page takes far longer."""
        return self.page.evaluate(f"document.querySelector({selector!r}).toDataURL()")

    def resize(self, width: int) -> None:
        """Make the window as wide as another device's."""
        self.page.set_viewport_size({"width": width, "height": 900})
        assert until(lambda: self.page.evaluate(SETTLED))

    def shade(self, scheme: str) -> None:
        """Let the reader prefer `light` or `dark` colours."""
        self.page.emulate_media(color_scheme=scheme)
        assert until(lambda: self.page.evaluate(SETTLED))

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.1, A and AA."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe())
        found = self.page.evaluate(
            "() => axe.run({preload: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
        )["violations"]
        return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


def axe() -> str:
    """Return axe-core's script, or skip."""
    files = [os.environ.get("AXE_CORE", ""), ROOT / "node_modules" / "axe-core" / "axe.min.js"]
    for file in map(Path, files):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    pytest.skip("axe-core is not installed")


@pytest.fixture(scope="session")
def browser():
    """A function that opens a page of the disk: `with browser(file, width=390) as opened`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=program,
            args=list(OPTIONS),
            timeout=1000 * PATIENCE,
            ignore_default_args=["--hide-scrollbars"],  # a box that scrolls is to show its bar
        )

        @contextmanager
        def opened(
            file, *, width: int = DESK, scheme: str = "light", wait="body", script: str = "", **more
        ):
            size = {"width": width, "height": 900}
            inside = chromium.new_context(viewport=size, color_scheme=scheme, **more)
            inside.add_init_script(script)
            try:
                found = Opened(inside.new_page())
                found.page.set_default_timeout(1000 * PATIENCE)
                found.page.on("console", lambda message: _hear(message.text, found.console))
                found.page.on("pageerror", lambda error: found.console.append(str(error)))
                found.page.on("request", lambda request: _note(request.url, found.requests))
                found.page.goto(Path(file).resolve().as_uri())
                found.page.wait_for_selector(wait)
                yield found
            finally:
                inside.close()

        yield opened
        chromium.close()


def _hear(text: str, console: list[str]) -> None:
    if OF_THE_DRIVER not in text:
        console.append(text)


def _note(url: str, requests: list[str]) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        requests.append(url)
