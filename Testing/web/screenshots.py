"""Pictures of the review in a browser, 1366 x 768: one VOI moved, with 3D; with --all as it opens, and Chinese, dark.

    python Testing/web/screenshots.py OUT [--all] [--result RESULT --scan SCAN]

Without a result, the demo's synthetic torso is made and measured. Pictures of patients stay outside the project.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--result", type=Path)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    folder = given.out.absolute()
    if given.result is not None and folder.resolve().is_relative_to(ROOT):
        parser.error("pictures of patients stay outside the project: name another folder")
    sys.path[:0] = [str(ROOT / name) for name in ("Testing/helpers", "LDCTBoneDensity", "Lab", "Web")]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        result, scan = Path(scratch) / "result", given.scan
        if given.result is None:
            scan = _demo(Path(scratch), result)
        else:
            shutil.copytree(given.result, result)
        _pictures(folder, result, scan, given.all)


def _demo(scratch: Path, result: Path) -> Path:
    from helpers_cli import CALIBRATION, run

    for words in (("phantom", "-o", scratch / "phantom"), ("measure", scratch / "phantom/dicom", "-o", result)):
        done = run(*words, *(CALIBRATION if words[0] == "measure" else ()))
        if done.exit_code:
            sys.exit(done.output)
    return scratch / "phantom" / "dicom"


def _pictures(folder: Path, result: Path, scan: Path, is_all: bool) -> None:
    from playwright.sync_api import sync_playwright

    from helpers_browser import LAPTOP, choose, drag, idle, until
    from helpers_web import serving
    from ldct_bmd_web.session import Served

    with serving(Served(result, scan)) as (address, _server), sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport=LAPTOP, color_scheme="light")
        page.goto(address)
        page.wait_for_selector("#sagittal svg[data-index]")
        idle(page)
        if is_all:
            page.screenshot(path=folder / "review-opened.png")
        choose(page, "L1")
        drag(page, '#axial .voi[data-level="L1"]', 10, -4)
        page.locator("#solid-button").click()
        until(page, "document.querySelector('#solid canvas').dataset.drawn")
        idle(page)
        page.screenshot(path=folder / "review.png")
        if is_all:
            page.locator("#oblique").click()
            page.select_option("#language", "zh")
            page.emulate_media(color_scheme="dark")
            idle(page)
            page.screenshot(path=folder / "review-zh-dark.png")
        chromium.close()


if __name__ == "__main__":
    main()
