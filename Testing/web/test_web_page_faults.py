"""Where a reader is quick or a hand slips: nothing lands on another case or after a signature."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from helpers_browser import choose, drag, idle, middle, number, until
from helpers_web import held, serving, voi_of
from ldct_bmd_web.session import Served


def moved_mm(served: Served, case: str, level: str, before: Any) -> float:
    return math.dist(voi_of(held(served.path / case), level).center_lps_mm, before.center_lps_mm)


@pytest.mark.parametrize("by", ["hand", "keys"])
def test_what_is_signed_at_once_after_a_move_holds_it_and_the_next_case_does_not(
    served_list: Callable[[int], Served], page_of: Callable[..., Any], by: str
) -> None:
    served = served_list(2)
    with serving(served) as (address, _server):
        page = page_of(address)
        choose(page, "L1")
        before = voi_of(held(served.path / "case0"), "L1")
        if by == "hand":
            drag(page, '#axial .voi[data-level="L1"]', 30, 10, let_go=False)
            page.keyboard.press("Control+Alt+s")  # the VOI is in the hand: not done
            page.mouse.up()
        else:
            page.locator("#axial svg").focus()
            page.keyboard.press("Alt+ArrowRight")
        page.keyboard.press("Control+Alt+s")
        page.keyboard.press("Control+Alt+s")  # a slip: the next one was not seen yet
        until(page, "document.querySelector('#counts').textContent.includes('Signed: 1.')", timeout=60000)
        idle(page)
        page.wait_for_timeout(1500)
        idle(page)
        assert page.locator("#undo, [data-do=undo]").first.is_disabled()
    assert held(served.path / "case0").signature is not None
    assert moved_mm(served, "case0", "L1", before) > 0.2
    assert held(served.path / "case1").signature is None
    assert moved_mm(served, "case1", "L1", before) == 0.0


def test_a_remark_stays_with_its_case(served_list: Callable[[int], Served], page_of: Callable[..., Any]) -> None:
    served = served_list(2)
    with serving(served) as (address, _server):
        page = page_of(address)
        page.locator("#comment").click()
        page.keyboard.type("of the first")
        page.keyboard.press("Control+Alt+s")
        until(page, "document.querySelector('#counts').textContent.includes('Signed: 1.')", timeout=60000)
        idle(page)
        assert page.locator("#comment").input_value() == ""
        page.keyboard.press("Control+Alt+s")
        until(page, "document.querySelector('#counts').textContent.includes('Signed: 2.')", timeout=60000)
    assert held(served.path / "case0").comment == "of the first"
    assert held(served.path / "case1").comment is None


def test_a_drag_that_was_broken_off_is_not_kept(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served) as (address, _server):
        page = page_of(address)
        choose(page, "L1")
        shown = number(page, "L1", "bmd")
        drag(page, '#axial .voi[data-level="L1"]', 60, 25, let_go=False)
        until(page, f"Number(document.querySelector('#rows tr[data-level=L1]').dataset.bmd) !== {shown!r}")
        # Where the hand is: a VOI that was let go outside of the scan would go back anyway.
        x, y = middle(page, '#axial .voi[data-level="L1"]')
        page.locator("#axial svg").dispatch_event("pointercancel", {"clientX": x, "clientY": y})
        until(page, f"Number(document.querySelector('#rows tr[data-level=L1]').dataset.bmd) === {shown!r}")
        page.mouse.up()
        idle(page)
        assert page.locator("[data-do=undo]").first.is_disabled()
        assert number(page, "L1", "bmd") == shown
