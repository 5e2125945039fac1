"""Chromium on a laptop's screen, and a reader's hands on the review's page in it."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

LAPTOP = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, headless."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright to drive a browser with: pip install playwright"
    )
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page_of(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address; nothing may go wrong in the page's scripts."""
    contexts, errors = [], []

    def open_page(address: str, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport=LAPTOP, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
        page.goto(address)
        page.wait_for_selector("#sagittal svg[data-index]")
        idle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def until(page: Any, what: str | Callable[[], bool], timeout: float = 100000) -> None:
    """Wait until a JavaScript expression, or a look at what is served, is true.

    Playwright's own way of waiting is against the page's policy.
    """
    deadline = time.monotonic() + timeout / 1000
    while not (page.evaluate(what) if isinstance(what, str) else what()):
        assert time.monotonic() < deadline, f"{what}; the page says {page.locator('#refused').inner_text()!r}"
        time.sleep(0.02)


def idle(page: Any) -> None:
    """Wait until nothing is being asked."""
    shown = "[...document.querySelectorAll('.view svg')].every(one => one.dataset.wanted === one.dataset.index)"
    until(page, f"document.body.ariaBusy === 'false' && document.body.dataset.asking === '0' && {shown}", 60000)


def choose(page: Any, level: str) -> None:
    """Click the row of a level, which may be folded away."""
    row = page.locator(f'#rows tr[data-level="{level}"]')
    if not row.count():
        page.locator("#rows .fold").click()
    row.click()
    idle(page)


def number(page: Any, level: str, name: str) -> float:
    """The number in a row, unrounded: "hu" or "bmd"."""
    return float(page.locator(f'#rows tr[data-level="{level}"]').get_attribute(f"data-{name}"))


def box(page: Any, selector: str, nth: int = 0) -> tuple[float, float, float, float]:
    """Return left, top, width and height of an element, found and measured at once: a new picture may replace it.

    ``selector`` is one of CSS alone; ``nth`` counts, from 0, what it finds.
    """
    look = """([selector, nth]) => {
        const box = document.querySelectorAll(selector)[nth].getBoundingClientRect();
        return [box.x, box.y, box.width, box.height];
    }"""
    left, top, width, height = page.evaluate(look, [selector, nth])
    return left, top, width, height


def middle(page: Any, selector: str, nth: int = 0) -> tuple[float, float]:
    """Return where the middle of an element is."""
    left, top, width, height = box(page, selector, nth)
    return left + width / 2, top + height / 2


def drag(page: Any, selector: str, right: int, down: int, let_go: bool = True, nth: int = 0) -> None:
    """Pull what ``selector`` finds by pixels, from its middle."""
    x, y = middle(page, selector, nth)
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.3, 0.6, 1.0):
        page.mouse.move(x + part * right, y + part * down)
    if let_go:
        page.mouse.up()
        idle(page)
