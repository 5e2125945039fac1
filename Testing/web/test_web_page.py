"""The page in a real browser: what a reader does by mouse and keys, and what the engine then says."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from helpers_browser import LAPTOP, box, choose, drag, idle, number, until
from helpers_web import READER, held, serving, voi_of
from ldct_bmd.corrections import numbers_at
from ldct_bmd.examination import is_intact
from ldct_bmd.reporting.opened import open_result
from ldct_bmd_web.door import Door
from ldct_bmd_web.session import Served


def test_a_voi_is_dragged_and_the_number_follows_and_is_the_engines(
    served: Served, page_of: Callable[..., Any]
) -> None:
    assert served.scan is not None
    before = open_result(served.path, served.scan)
    with serving(served) as (address, server):
        page = page_of(address)
        choose(page, "L1")
        shown = number(page, "L1", "bmd")
        drag(page, '#axial .voi[data-level="L1"]', 60, 25, let_go=False)
        until(page, f"Number(document.querySelector('#rows tr[data-level=L1]').dataset.bmd) !== {shown!r}")
        # What follows from it is said before the hand lets go.
        until(page, "document.querySelector('#rows tr[data-level=L1] .state').textContent === 'corrected'")
        assert "Corrections by the reader: 1" in page.locator("#lines").inner_text()
        page.mouse.up()
        idle(page)
        assert server.session.case is not None
        now = server.session.case.examination
        # The other views went along.
        assert page.locator('#sagittal .voi[data-level="L1"]').count() == 1
        moved = voi_of(now, "L1")
        old = voi_of(before.examination, "L1")
        shift = [a - b for a, b in zip(moved.center_lps_mm, old.center_lps_mm, strict=True)]
        pixel = float(page.locator("#axial svg").evaluate("svg => svg.style.getPropertyValue('--pixel')"))
        assert shift == pytest.approx([60 * pixel, 25 * pixel, 0.0], abs=0.1)
        wanted = numbers_at(before.examination, before.scan, "L1", moved)
        assert number(page, "L1", "bmd") == wanted.bmd_mg_cm3
        assert number(page, "L1", "hu") == wanted.mean_hu
        assert "corrected" in page.locator('#rows tr[data-level="L1"] .state').inner_text()
        page.locator('[data-do="undo"]').click()
        idle(page)
        assert number(page, "L1", "bmd") == shown


@pytest.mark.parametrize(("view", "size"), [("axial", "long"), ("axial", "short"), ("coronal", "height")])
def test_a_handle_makes_the_voi_smaller_about_its_middle(
    served: Served, page_of: Callable[..., Any], view: str, size: str
) -> None:
    with serving(served) as (address, server):
        page = page_of(address)
        choose(page, "L2")
        old = voi_of(held(served.path), "L2")
        inwards = {"long": (-20, 0), "short": (0, -12), "height": (0, 8)}[size]
        page.locator(f'#{view} .handle[data-size="{size}"]').last.scroll_into_view_if_needed()
        drag(page, f'#{view} .handle[data-size="{size}"]', *inwards, nth=1)
        assert server.session.case is not None
        new = voi_of(server.session.case.examination, "L2")
        sizes = {"long": new.semi_axes_mm[0], "short": new.semi_axes_mm[1], "height": new.height_mm}
        before = {"long": old.semi_axes_mm[0], "short": old.semi_axes_mm[1], "height": old.height_mm}
        assert 0.3 * before[size] < sizes[size] < 0.99 * before[size]
        assert {name for name in sizes if sizes[name] != before[name]} == {size}
        assert new.center_lps_mm == old.center_lps_mm


def test_a_case_is_read_from_exclusion_to_signature(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served, Door()) as (address, _server):
        page = page_of(address)
        page.locator('#rows tr[data-level="L2"]').click()
        page.select_option("#exclude", "cyst")
        assert "name" in page.locator("#refused").inner_text()
        page.locator("#reader").fill(READER)
        page.locator("#reader").blur()
        idle(page)
        page.select_option("#exclude", "cyst")
        idle(page)
        assert "L2" in page.locator("#statement").inner_text()
        assert "unused" in page.locator('#rows tr[data-level="L2"]').get_attribute("class")
        page.locator("#comment").fill("Seen <i>twice</i>")
        page.locator("#comment").blur()
        idle(page)
        page.locator("#preview").click()
        page.wait_for_selector("#report[open]", timeout=120000)
        page.frame_locator("#report-frame").get_by_text("P-17").first.wait_for(timeout=60000)
        page.keyboard.press("Escape")
        page.locator("#sign").click()
        until(page, f"document.querySelector('#signature').textContent.includes('{READER}')", timeout=60000)
        idle(page)
        assert page.locator("#exclude").is_disabled()
    record = held(served.path)
    assert is_intact(record)
    assert (record.comment, record.signature is not None) == ("Seen <i>twice</i>", True)
    measurement = record.measurement("L2")
    assert measurement is not None
    assert measurement.excluded is not None


def test_cases_are_signed_one_after_the_other_by_keys_alone(
    served_list: Callable[[int], Served], page_of: Callable[..., Any]
) -> None:
    served = served_list(3)
    with serving(served) as (address, _server):
        page = page_of(address)
        for case in range(3):
            page.locator("#axial svg").focus()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Alt+ArrowRight")
            page.keyboard.press("Alt+ArrowRight")
            until(page, "!document.querySelector('[data-do=undo]').disabled", timeout=20000)
            idle(page)
            page.keyboard.press("Control+Alt+s")
            until(page, f"document.querySelector('#counts').textContent.includes('Signed: {case + 1}.')", timeout=60000)
            idle(page)
        page.locator("#worklist-button").click()
        page.locator("#shown").select_option("signed")
        page.wait_for_selector("#worklist-rows tr")
        assert [line.split("\t")[-1].strip() for line in page.locator("#worklist-rows tr").all_inner_texts()] == [
            "signed"
        ] * 3
    for case in range(3):
        record = held(served.path / f"case{case}")
        assert is_intact(record)
        old, new = record.history[0].old, record.history[0].new
        assert math.dist(old["center_lps_mm"], new["center_lps_mm"]) == pytest.approx(1.0)


def test_who_works_by_keys_begins_the_next_case_in_its_table(
    served_list: Callable[[int], Served], page_of: Callable[..., Any]
) -> None:
    with serving(served_list(2)) as (address, _server):
        page = page_of(address)
        assert page.evaluate("document.activeElement.tagName") == "TR"
        page.locator("#reader").focus()
        page.keyboard.press("Control+Alt+s")
        until(page, "document.querySelector('#counts').textContent.includes('Signed: 1.')", timeout=60000)
        idle(page)
        assert page.evaluate("document.activeElement.tagName") == "TR"


def test_keys_walk_through_table_and_slices(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served) as (address, _server):
        page = page_of(address)
        page.locator("#rows tr[aria-selected=true]").focus()
        page.keyboard.press("ArrowDown")
        idle(page)
        chosen = page.locator("#rows tr[aria-selected=true]")
        assert chosen.get_attribute("data-level") == "L1"
        middle = int(page.locator("#axial svg").get_attribute("data-index"))
        page.locator("#axial svg").focus()
        page.keyboard.press("PageDown")
        until(page, f"document.querySelector('#axial svg').dataset.index === '{middle - 5}'")
        left, top, _width, _height = box(page, "#sagittal svg")
        page.mouse.move(left + 50, top + 50)
        at = int(page.locator("#sagittal svg").get_attribute("data-index"))
        page.mouse.wheel(0, 100)
        until(page, f"document.querySelector('#sagittal svg').dataset.index === '{at + 1}'")


def test_everything_fits_a_laptop_in_both_languages_light_and_dark(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served) as (address, _server):
        page = page_of(address, color_scheme="dark")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.select_option("#language", "zh")
        until(page, "document.documentElement.lang === 'zh-Hans'")
        idle(page)
        assert re.search("[\u4e00-\u9fff]", page.locator("#statement").inner_text())
        for selector in ("main", "aside", "#views", "#rows"):
            assert page.locator(selector).evaluate("one => one.scrollWidth <= one.clientWidth + 1"), selector
        for selector in ("header", "#axial", "#coronal", "#sagittal"):
            _left, top, _width, height = box(page, selector)
            assert top + height <= LAPTOP["height"] + 1
            assert height > 20
        page.emulate_media(color_scheme="light")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_a_tablet_shows_whose_scan_it_is_and_all_of_the_table_and_a_finger_takes_the_voi(
    served: Served, page_of: Callable[..., Any]
) -> None:
    with serving(served) as (address, _server):
        page = page_of(address, has_touch=True, is_mobile=True)
        for width, height in ((1024, 768), (820, 1180)):
            page.set_viewport_size({"width": width, "height": height})
            idle(page)
            for name in ("#patient", "aside", "table"):
                cut = page.evaluate(f"(one => one.scrollWidth - one.clientWidth)(document.querySelector('{name}'))")
                assert cut <= 0, (name, width)
            for view in ("axial", "sagittal", "coronal"):
                cross = page.locator(f"#{view} .cross").bounding_box()
                middle = [cross["x"] + cross["width"] / 2, cross["y"] + cross["height"] / 2]
                taken = page.evaluate("([x, y]) => document.elementFromPoint(x, y).getAttribute('class')", middle)
                assert taken.startswith("voi"), (view, width)


def test_what_is_said_is_in_sight_however_far_down_the_reader_is(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served, Door(reader="")) as (address, _server):
        page = page_of(address)
        page.set_viewport_size({"width": 1366, "height": 560})
        page.evaluate("document.querySelector('aside').scrollTop = 10000")
        page.keyboard.press("Control+Alt+s")
        page.wait_for_selector("#refused:not([hidden])")
        box = page.locator("#refused").bounding_box()
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        assert page.evaluate("([x, y]) => document.elementFromPoint(x, y)?.id", middle) == "refused"


def test_a_script_in_a_name_is_shown_and_does_nothing(hostile: Served, page_of: Callable[..., Any]) -> None:
    with serving(hostile) as (address, _server):
        page = page_of(address)
        assert "<script>" in page.locator("#patient").inner_text()
        assert page.locator("aside img, aside script, header img").count() == 0
        page.locator("details").first.click()
        assert "<script>" in page.locator("#facts").inner_text()
        # And the policy stops what would come in elsewhere.
        blocked = page.evaluate(
            """() => new Promise(done => {
                document.addEventListener('securitypolicyviolation', event => done(event.violatedDirective));
                const one = document.createElement('script');
                one.textContent = 'window.hit = 1';
                document.body.append(one);
            })"""
        )
        assert blocked.startswith("script-src")
        assert page.evaluate("window.hit") is None


def test_a_lost_connection_is_said_and_ends_when_the_server_is_back(
    served: Served, page_of: Callable[..., Any]
) -> None:
    with serving(served) as (address, _server):
        page = page_of(address)
        page.context.set_offline(True)
        page.select_option("#exclude", "cyst")
        page.wait_for_selector("#lost:not([hidden])")
        page.context.set_offline(False)
        page.select_option("#exclude", "cyst")
        idle(page)
        assert page.locator("#lost").is_hidden()
        assert "unused" in page.locator("#rows tr[aria-selected=true]").get_attribute("class")


def test_a_second_tab_is_told_that_it_shows_an_older_state(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served) as (address, _server):
        page = page_of(address)
        second = page.context.new_page()
        second.goto(address.partition("?")[0])
        second.wait_for_selector("#sagittal svg[data-index]")
        page.select_option("#exclude", "cyst")
        idle(page)
        second.select_option("#exclude", "tumour")
        second.wait_for_selector("#refused:not([hidden])")
        assert "another window" in second.locator("#refused").inner_text()
        assert "unused" in second.locator("#rows tr[aria-selected=true]").get_attribute("class")


def test_the_address_bar_never_shows_more_than_the_place(served: Served, page_of: Callable[..., Any]) -> None:
    with serving(served) as (address, _server):
        page = page_of(address)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.locator('#rows tr[data-level="L1"]').click()
        page.select_option("#exclude", "cyst")
        idle(page)
        assert page.url == address.partition("?")[0]
        assert asked
        assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+/(api|page)/[\w.]+", url) for url in asked), asked
