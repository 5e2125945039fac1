"""Views along the endplates, and the vertebrae in 3D, in a real browser."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers_browser import box, choose, drag, idle, number, until
from helpers_dicom import as_image, datasets, save
from helpers_record import SITE
from helpers_report import HEADER
from helpers_spine import ReadySegmenter, spine_bodies, spine_scan
from helpers_web import serving, voi_of
from ldct_bmd.corrections import numbers_at
from ldct_bmd.morphometry import body_axes_lps
from ldct_bmd.pipeline import measure
from ldct_bmd.reporting.opened import open_result
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import Pixels, write_outputs
from ldct_bmd.scan import read_scan
from ldct_bmd_web.session import Served

HEIGHT_MM = 27.0  # of a body, in voxels of 1 mm
SLOPE = 0.25  # of the endplates, to the back: 14 degrees
COLORS = {"T12": "#aa50ff", "L1": "#ffff00", "L2": "#ff9020"}
# The middle of the pixels that have a level's colour, lit, and how many there are.
MIDDLE = """([r, g, b]) => {
    const canvas = document.querySelector("#solid canvas"), {width, height} = canvas;
    const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
    let count = 0, x = 0, y = 0;
    for (let at = 0; at < width * height; at++) {
        const [red, green, blue] = data.subarray(4 * at), light = (red + green + blue) / (r + g + b);
        const off = Math.max(Math.abs(red - light * r), Math.abs(green - light * g), Math.abs(blue - light * b));
        if (light > 0.3 && off < 3) { count++; x += at % width; y += Math.floor(at / width); }
    }
    return [x / count, y / count, count];
}"""


def sheared(array: np.ndarray) -> np.ndarray:
    """The bodies slope down to the back."""
    middle = array.shape[1] // 2
    rows = [np.roll(array[:, y], -round(SLOPE * (y - middle)), axis=0) for y in range(array.shape[1])]
    return np.stack(rows, axis=1)


@pytest.fixture
def tilted(tmp_path: Path) -> Served:
    """A result whose vertebrae are tilted."""
    scan = spine_scan()
    save(
        datasets(as_image(sheared(scan.hu), scan.geometry.spacing_mm, scan.geometry.origin_lps_mm), **HEADER),
        tmp_path / "scan",
    )
    read = read_scan(tmp_path / "scan")
    measured = measure(read, ReadySegmenter(sheared(spine_bodies())), SITE)
    pixels = Pixels(read, measured.column, None)
    write_outputs(tmp_path / "result", measured.examination, pixels, (), frozenset({Output.RECORD}))
    return Served(tmp_path / "result", tmp_path / "scan")


def middle_of(page: Any, level: str) -> tuple[float, float, int]:
    """Where a level is in the 3D view, and in how many pixels."""
    rgb = [int(COLORS[level][at : at + 2], 16) for at in (1, 3, 5)]
    x, y, count = page.evaluate(MIDDLE, rgb)
    return x, y, count


def test_along_the_endplates_a_voi_moves_with_the_hand_and_its_numbers_are_the_engines(
    tilted: Served, page_of: Callable[..., Any]
) -> None:
    assert tilted.scan is not None
    before = open_result(tilted.path, tilted.scan)
    with serving(tilted) as (address, server):
        page = page_of(address)
        choose(page, "L1")
        straight = page.locator('#sagittal .body[data-level="L1"]').get_attribute("d")
        page.locator("#oblique").click()
        idle(page)
        assert "along the endplates of L1" in page.locator("#sagittal h2").inner_text()
        case = server.session.case
        assert case is not None
        body = case.review.state.bodies["L1"]
        axes = body_axes_lps(body.inside, body.box, case.scan.geometry)
        assert axes is not None
        assert axes[2, 1] / axes[2, 2] == pytest.approx(SLOPE, abs=0.03)
        outline = page.locator('#sagittal .body[data-level="L1"]').get_attribute("d")
        assert heights(outline) == pytest.approx(HEIGHT_MM / np.sqrt(1 + SLOPE**2), abs=1.5)
        assert heights(straight) > HEIGHT_MM + 0.8 * SLOPE * 33.0 / 2
        old = voi_of(case.examination, "L1")
        drag(page, '#sagittal .voi[data-level="L1"]', 12, -7)
        moved = voi_of(case.examination, "L1")
        shift = axes @ (np.array(moved.center_lps_mm) - np.array(old.center_lps_mm))
        pixel = float(page.locator("#sagittal svg").evaluate("svg => svg.style.getPropertyValue('--pixel')"))
        assert shift == pytest.approx([0.0, 12 * pixel, 7 * pixel], abs=0.1)
        wanted = numbers_at(before.examination, before.scan, "L1", moved)
        assert number(page, "L1", "hu") == wanted.mean_hu
        # By keys too, and the next level's views lie along its own endplates.
        page.locator("#axial svg").focus()
        page.keyboard.press("Alt+ArrowDown")
        until(page, lambda: len(case.examination.history) == 2)  # the keys rest
        idle(page)
        shift = axes @ (np.array(voi_of(case.examination, "L1").center_lps_mm) - np.array(moved.center_lps_mm))
        assert shift == pytest.approx([0.0, 0.5, 0.0], abs=1e-9)
        choose(page, "L2")
        assert "along the endplates of L2" in page.locator("#axial h2").inner_text()
        page.keyboard.press("Control+Alt+e")
        idle(page)
        assert "endplates" not in page.locator("#axial h2").inner_text()
        choose(page, "L1")
        assert page.locator('#sagittal .body[data-level="L1"]').get_attribute("d") == straight


def heights(path: str) -> float:
    """How high an outline is in its middle half."""
    points = np.array([[float(one) for one in pair.split(",")] for pair in path.strip("MZ").split("L")])
    near = np.abs(points[:, 0] - points[:, 0].mean()) < np.ptp(points[:, 0]) / 4
    return float(np.ptp(points[near, 1]))


def test_the_vertebrae_in_3d_are_turned_and_a_click_selects_one(tilted: Served, page_of: Callable[..., Any]) -> None:
    with serving(tilted) as (address, _server):
        page = page_of(address)
        page.keyboard.press("Control+Alt+d")
        until(page, "document.querySelector('#solid canvas').dataset.drawn")
        idle(page)
        heights_on_screen = [middle_of(page, level)[1] for level in COLORS]
        assert heights_on_screen == sorted(heights_on_screen), "the head is up"
        left, top, _width, _height = box(page, "#solid canvas")
        x, y, count = middle_of(page, "L2")
        assert count > 300
        page.mouse.click(left + x, top + y)
        idle(page)
        assert page.locator("#rows tr[aria-selected=true]").get_attribute("data-level") == "L2"
        before = page.locator("#solid canvas").evaluate("one => one.toDataURL()")
        drag(page, "#solid canvas", 60, 10)
        until(page, f"document.querySelector('#solid canvas').toDataURL() !== {json.dumps(before)}")
        assert page.locator("#rows tr[aria-selected=true]").get_attribute("data-level") == "L2", "turned, not clicked"
        turned = page.locator("#solid canvas").evaluate("one => one.toDataURL()")
        page.locator("#solid canvas").focus()
        page.keyboard.press("ArrowLeft")
        until(page, f"document.querySelector('#solid canvas').toDataURL() !== {json.dumps(turned)}")
        # What a reader takes out is not shown any more.
        page.locator("[data-do=remove]").click()
        idle(page)
        until(page, f"({MIDDLE})({[255, 144, 32]})[2] === 0")
        page.locator("[data-do=undo]").click()
        idle(page)
        until(page, f"({MIDDLE})({[255, 144, 32]})[2] > 300")


def test_another_case_is_drawn_from_its_own_bodies(
    served_list: Callable[[int], Served], page_of: Callable[..., Any]
) -> None:
    served = served_list(2)
    with serving(replace(served)) as (address, _server):
        page = page_of(address)
        page.locator("#oblique").click()
        page.locator("#solid-button").click()
        idle(page)
        asked: list[Any] = []
        page.on("request", lambda request: asked.append((request.url.rpartition("/")[2], request.post_data)))
        page.locator("#next").click()
        idle(page)
        known = [json.loads(body)["known"] for what, body in asked if what == "surfaces"]
        assert known == [[]]
        assert "along the endplates of T12" in page.locator("#axial h2").inner_text()
