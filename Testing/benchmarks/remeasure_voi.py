"""Time of measuring one VOI again, as while a reader drags it."""

# ruff: noqa: T201

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import machine  # first: it finds the engine
import numpy as np

from ldct_bmd.calibration import NOMINAL
from ldct_bmd.corrections import move_voi
from ldct_bmd.densitometry import hu_statistics
from ldct_bmd.examination import BodyMask
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.pipeline import measure
from ldct_bmd.scan import CTScan
from ldct_bmd.segmentation import ModelIdentity, NamedBodies
from ldct_bmd.voi import voi_weights
from ldct_bmd_lab.phantom import PhantomSpec, build_phantom

TARGET_MS = 20.0
REPEATS = 50
LEVEL = "L1"
SPEC = PhantomSpec(matrix=(192, 192), position_mm=(0.0, -20.0, 0.0), top_level="T11", bottom_level="L3", table=False)


class ExactMask:
    """Gives the phantom's own bodies."""

    identity = ModelIdentity("exact mask", None)

    def __init__(self, bodies: np.ndarray) -> None:
        self._bodies = bodies

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NamedBodies:
        """Return them."""
        return NamedBodies(self._bodies)


@dataclass(frozen=True)
class Times:
    """How long the repetitions of a task took; processor time leaves out what other work took of the machine."""

    wall_ms: float  # median
    slow_wall_ms: float  # 95th percentile
    processor_ms: float  # median


def times(task: Callable[[int], object]) -> Times:
    """Time the repetitions of a task, after one that warms up."""
    task(0)
    wall, processor = [], []
    for k in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        task(k)
        processor.append(1000 * (time.process_time() - used))
        wall.append(1000 * (time.perf_counter() - start))
    return Times(statistics.median(wall), float(np.percentile(wall, 95)), statistics.median(processor))


def main() -> None:
    """Measure a phantom once, then move one VOI again and again."""
    phantom = build_phantom(SPEC)
    measured = measure(phantom.scan, ExactMask(phantom.bodies), NOMINAL)
    examination = measured.examination
    found = examination.measurement(LEVEL)
    if found is None:
        raise SystemExit(f"{LEVEL} was not measured: {examination.findings}")
    x, y, z = found.voi.center_lps_mm
    # A drag never comes back to the same place, so that nothing is remembered from one to the next.
    moved = [replace(found.voi, center_lps_mm=(x + 0.01 * k, y, z - 0.005 * k)) for k in range(REPEATS)]
    turn = np.radians(10.0)
    tilted_axes = ((1.0, 0.0, 0.0), (0.0, np.cos(turn), np.sin(turn)), (0.0, -np.sin(turn), np.cos(turn)))
    tilted = [replace(voi, axes_lps=tilted_axes) for voi in moved]
    body = BodyMask(*measured.column.mask(LEVEL))
    box, _ = voi_weights(found.voi, phantom.scan.geometry)
    hu = phantom.scan.hu

    print(machine.describe())
    if machine.usual_load():
        print(machine.usual_load())
    baseline = times(lambda k: float(hu[box].mean(dtype=np.float64)))
    print(f"{'':<38}{'wall':>10}{'95th':>10}{'processor':>11}{'ratio':>8}")
    _print_row("numpy mean over the same box", baseline, baseline)
    tasks: dict[str, Callable[[int], object]] = {
        "HU statistics of a VOI": lambda k: hu_statistics(phantom.scan, moved[k]),
        "a VOI moved in the record": lambda k: move_voi(
            examination, phantom.scan, LEVEL, moved[k], "bench", "2024-01-01T00:00:00Z", body
        ),
        "a tilted VOI moved in the record": lambda k: move_voi(
            examination, phantom.scan, LEVEL, tilted[k], "bench", "2024-01-01T00:00:00Z", body
        ),
    }
    for name, task in tasks.items():
        taken = times(task)
        _print_row(name, taken, baseline)
        verdict = "met" if taken.wall_ms < TARGET_MS else "MISSED"
        print(f"  target {TARGET_MS:.0f} ms of wall time: {verdict}", flush=True)


def _print_row(name: str, taken: Times, baseline: Times) -> None:
    ratio = taken.processor_ms / baseline.processor_ms
    print(f"{name:<38}{taken.wall_ms:>8.2f}ms{taken.slow_wall_ms:>8.2f}ms{taken.processor_ms:>9.2f}ms{ratio:>8.0f}")


if __name__ == "__main__":
    main()
