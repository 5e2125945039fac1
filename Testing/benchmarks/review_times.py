"""Times and memory of the review in a browser: first picture, wheel step, drag to number, save.

    python Testing/benchmarks/review_times.py RESULT SCAN

RESULT is copied first. The server is a process of its own, Chromium is headless; times are as the page sees them.
"""
# ruff: noqa: T201

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
TURNS = 40
READER = "Benchmark"


def main() -> None:
    """Measure and print."""
    print(machine.describe(), machine.usual_load(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "result"
        shutil.copytree(sys.argv[1], result)
        _measure(result, Path(sys.argv[2]), Path(scratch) / "log")


def _measure(result: Path, scan: Path, log: Path) -> None:
    path = os.pathsep.join(str(ROOT / name) for name in ("LDCTBoneDensity", "Lab", "Web"))
    command = [sys.executable, "-m", "ldct_bmd_web", str(result), "--input", str(scan), "--no-browser"]
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1366, "height": 768})
        begin = time.perf_counter()
        with log.open("w") as out:
            server = subprocess.Popen(
                [*command, "--reader", READER], env={**os.environ, "PYTHONPATH": path}, stdout=out
            )
        try:
            while not (found := re.search(r"http://\S+", log.read_text())):
                if server.poll() is not None:
                    sys.exit("the server ended")
                time.sleep(0.01)
            listening = time.perf_counter() - begin
            page.goto(found[0])
            page.wait_for_selector("#sagittal svg[data-index]", timeout=120000)
            seen, busy = time.perf_counter() - begin, sum(psutil.Process(server.pid).cpu_times()[:2])
            print(f"listening after {listening:.2f} s, first picture after {seen:.2f} s; {busy:.2f} s of the processor")
            page.wait_for_load_state("networkidle")
            _tell("wheel step to picture", _wheel(page))
            _tell("drag to number", _drag(page))
            print(f"memory: {_megabytes(server.pid):.0f} MB now, {_most_megabytes(server.pid):.0f} MB at most")
            begin = time.perf_counter()
            page.locator("#save").click()
            page.wait_for_selector("#save:disabled", timeout=120000)
            print(f"save: {time.perf_counter() - begin:.1f} s")
        finally:
            server.terminate()
            server.wait()
        chromium.close()


_WATCH = """({selector, event, of, attribute, name}) => {
    window[name] = [];
    let at = 0;
    document.querySelector(selector).addEventListener(event, () => { at ||= performance.now(); }, {capture: true});
    const drawn = () => { if (at) { window[name].push(performance.now() - at); at = 0; } };
    new MutationObserver(() => requestAnimationFrame(drawn))
        .observe(document.querySelector(of), {attributes: true, subtree: true, attributeFilter: [attribute]});
}"""


def _wheel(page: Any) -> list[float]:
    """Return milliseconds from a turn of the wheel to the slice in the page."""
    box = page.locator("#axial svg").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    watched = {"selector": "#axial svg", "event": "wheel", "of": "#axial svg", "attribute": "data-index"}
    page.evaluate(_WATCH, {**watched, "name": "steps"})
    for turn in range(TURNS):
        page.mouse.wheel(0, 100 if turn < TURNS // 2 else -100)
        _until(page, f"window.steps.length === {turn + 1}")
    return list(page.evaluate("window.steps"))


def _drag(page: Any) -> list[float]:
    """Return milliseconds from a move of the hand to the number in the page."""
    page.locator('#rows tr[data-level="L1"]').click()
    page.wait_for_load_state("networkidle")
    box = page.locator('#axial .voi[data-level="L1"]').bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    watched = {"selector": "#axial svg", "event": "pointermove", "of": "#rows", "attribute": "data-bmd"}
    page.evaluate(_WATCH, {**watched, "name": "drags"})
    page.mouse.down()
    for turn in range(TURNS):
        page.mouse.move(x + 10 + turn, y + turn % 7)
        _until(page, f"window.drags.length >= {turn + 1}")
    page.mouse.up()
    page.wait_for_load_state("networkidle")
    return list(page.evaluate("window.drags"))[:TURNS]


def _until(page: Any, what: str) -> None:
    """Wait for an expression; Playwright's own way of waiting is against the page's policy."""
    while not page.evaluate(what):
        time.sleep(0.005)


def _tell(what: str, found: list[float]) -> None:
    ordered = sorted(found)
    high = ordered[int(0.95 * len(ordered))]
    print(f"{what}: median {statistics.median(found):.0f} ms, 95 % within {high:.0f} ms, {len(found)} turns")


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def _most_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return float(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e3


if __name__ == "__main__":
    main()
