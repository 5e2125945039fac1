"""Times of the panel in the stand-in: opening it, a VOI handle to new numbers in the table, and what a run adds."""

# ruff: noqa: T201

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine  # first: it finds the engine
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
OPEN_S, HANDLE_MS, CATEGORY_MS, ADDED_S = 1.0, 16.0, 50.0, 3.0
MOVES, STEP_MM = 40, 0.27  # a pixel of a slice view that shows 110 mm


def main() -> None:
    """Print each time beside its target."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(ROOT / "Standin"), str(ROOT / "Testing" / "panel")]
    import slicer_standin
    from slicer_standin.application.modules import load_scripted_module
    from slicer_standin.pythonqt.dialogs import answer_automatically

    slicer_standin.start()
    answer_automatically()
    import slicer

    print(machine.describe())
    if machine.usual_load():
        print(machine.usual_load())
    wall, used = time.perf_counter(), time.process_time()
    load_scripted_module(ROOT / "LDCTBoneDensity" / "LDCTBoneDensity.py")
    slicer.util.selectModule("LDCTBoneDensity")
    _tell("opening the module", time.perf_counter() - wall, time.process_time() - used, OPEN_S, "s")
    slicer.util.mainWindow().resize(1100, 800)
    slicer.util.mainWindow().show()
    with tempfile.TemporaryDirectory() as scratch:
        _times_on_a_phantom(Path(scratch))


def _times_on_a_phantom(scratch: Path) -> None:
    import slicer
    from helpers_segments import true_bodies
    from panel_fixtures import SPEC, Database, Hands, PhantomFiles, load_dicom

    from ldct_bmd_lab.phantom import build_phantom, write_dicom, write_label_map

    phantom = build_phantom(SPEC)
    dicom = tuple(write_dicom(phantom, scratch / "dicom"))
    files = PhantomFiles(dicom, write_label_map(phantom, scratch / "bodies.nii.gz"), phantom.bodies)
    database = Database()
    slicer.dicomDatabase = database
    volume = load_dicom(dicom, database, "CT")
    hands = Hands()
    hands.choose(volume, true_bodies(volume, files))
    engine_s = _engine_alone(files, scratch)
    wall = time.perf_counter()
    hands.panel.measure()
    hands.finish_run()
    panel_s = time.perf_counter() - wall
    print(f"ldct-bmd measure {engine_s:.2f} s, the same from the panel {panel_s:.2f} s")
    _tell("added by the panel", panel_s - engine_s, None, ADDED_S, "s")
    _moves(hands)


def _engine_alone(files: Any, scratch: Path) -> float:
    """Wall time of the command line on the same scan, its start and its files included."""
    command = [sys.executable, "-m", "ldct_bmd", "measure", str(files.dicom[0].parent), "-o", str(scratch / "out")]
    command += ["--segmentation", str(files.label_file), "--segmentation-values", "verse"]
    command += ["--segmentation-parts", "body"]
    wall = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT / "LDCTBoneDensity")}
    )
    return time.perf_counter() - wall


def _moves(hands: Any) -> None:
    """Move an ROI as a handle does; stop the clock when the table has its numbers, then when the category follows."""
    hands.table.select("L1")
    roi = hands.review.markups.roi("L1")
    x, y, z = roi.GetCenterWorld()
    table, category = [], []
    shown = set()
    for k in range(MOVES):
        start = _now_ms()
        roi.SetCenterWorld(x + STEP_MM * (k - MOVES // 2), y, z)
        table.append(_now_ms() - start)
        shown.add(tuple(hands.table.cells("L1")[2:4]))
        start = _now_ms()
        hands.review.preview()
        category.append(_now_ms() - start)
    if len(shown) < MOVES // 2:
        print("the table did not follow")
    _tell("a VOI handle to the table", *np.median(table[1:], axis=0), HANDLE_MS, "ms")
    _tell("then, to the category", *np.median(category[1:], axis=0), CATEGORY_MS, "ms")


def _now_ms() -> Any:
    """Return the clock and the processor time."""
    return 1000 * np.asarray([time.perf_counter(), time.process_time()])


def _tell(what: str, wall: float, processor: float | None, target: float, unit: str) -> None:
    extra = "" if processor is None else f", processor {processor:.2f} {unit}"
    verdict = "met" if wall < target else "MISSED"
    print(f"{what:<30}{wall:8.2f} {unit}{extra}; target {target:g} {unit}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
