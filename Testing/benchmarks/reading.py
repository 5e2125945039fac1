"""How much the checks add to the time of reading 512 x 512 x 350 from DICOM, and how long reading takes besides.

All in one process and in turn: without checks, with them, and SimpleITK's reader on the same files.
"""

# ruff: noqa: T201

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import machine  # first: it finds the engine
import SimpleITK as sitk
from measure_scan import SLICES, make_phantom

from ldct_bmd.scan import dicom_series, read_scan, reader

REPEATS = 7
TARGET = 0.15
CHECKS: tuple[tuple[Any, str], ...] = (
    (reader, "check_size"),
    (reader, "check_values"),
    (reader, "check_slices"),
    (reader, "check_brightest"),
    (dicom_series, "contradiction"),
    (dicom_series, "_mixed"),
)


def _nothing(*_: object) -> None:
    pass


def read_without_checks(folder: Path) -> None:
    """Read as the engine does, and look at nothing."""
    with ExitStack() as stack:
        for module, name in CHECKS:
            stack.enter_context(mock.patch.object(module, name, _nothing))
        stack.enter_context(mock.patch.object(reader, "passed_over", return_value=()))
        read_scan(folder)


def read_with_simpleitk(folder: Path) -> None:
    """Read the series as plainly as it can be done."""
    sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))


def main() -> None:
    """Time the three in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / f"ldct-bmd-benchmark-{SLICES}")
    cache = parser.parse_args().cache
    make_phantom(cache)
    print(machine.describe())
    if machine.usual_load():
        print(machine.usual_load())
    tasks: dict[str, Callable[[Path], object]] = {
        "without checks": read_without_checks,
        "with checks": read_scan,
        "SimpleITK": read_with_simpleitk,
    }
    wall: dict[str, list[float]] = {name: [] for name in tasks}
    used: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(1 + REPEATS):
        for name, task in tasks.items():
            start, processor = time.perf_counter(), time.process_time()
            task(cache / "dicom")
            wall[name].append(time.perf_counter() - start)
            used[name].append(time.process_time() - processor)
    for name in tasks:
        print(
            f"  {name:<16} wall {statistics.median(wall[name][1:]):6.2f} s, "
            f"processor {statistics.median(used[name][1:]):6.2f} s"
        )
    plain, checked, other = (statistics.median(used[name][1:]) for name in tasks)
    share = checked / plain - 1.0
    verdict = "met" if share <= TARGET else "MISSED"
    print(f"  the checks add {100 * share:.0f} % of processor time, target {100 * TARGET:.0f} %: {verdict}")
    print(f"  reading with checks takes {checked / other:.2f} times what SimpleITK's takes")


if __name__ == "__main__":
    main()
