"""Time and peak memory of ``ldct-bmd measure`` on a DICOM series of 512 x 512 x 350 at 1 mm."""

# ruff: noqa: T201

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import machine

TARGET_RATIO, TARGET_RESIDENT_MIB = 4.0, 800  # times SimpleITK's reading; MiB
SLICES = 350


@dataclass(frozen=True)
class Child:
    """What one process took; ``timing_s`` is by stage."""

    wall_s: float
    processor_s: float
    peak_mib: float
    timing_s: dict[str, float]


def make_phantom(folder: Path) -> None:
    """Write the DICOM series and the bodies' label map, unless they are there."""
    from ldct_bmd_lab.phantom import PhantomSpec, build_phantom, write_dicom, write_label_map

    if (folder / "bodies.nii.gz").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    start = time.perf_counter()
    phantom = build_phantom(PhantomSpec(slices=SLICES))
    write_dicom(phantom, folder / "dicom")
    write_label_map(phantom, folder / "bodies.nii.gz")
    print(f"phantom {phantom.scan.hu.shape[::-1]} made in {time.perf_counter() - start:.0f} s, kept in {folder}")


def measure(folder: Path, exact_mask: bool) -> None:
    """Measure the phantom as the command does (in a process of its own)."""
    from ldct_bmd.cli.measuring import Request, measure_scan

    written: dict[str, float] = {}

    def progress(stage: str, fraction: float) -> None:
        if stage == "write":
            written.setdefault("start", time.perf_counter())

    mask = folder / "bodies.nii.gz"
    with tempfile.TemporaryDirectory() as out:
        request = Request(
            input_path=folder / "dicom",
            folder=Path(out) / "result",
            segmentation_file=mask if exact_mask else None,
            segmentation_values="verse" if exact_mask else None,
            segmentation_parts="body" if exact_mask else None,
            device="cpu",
        )
        timing = dict(measure_scan(request, progress).timing_s)
        timing["write"] = time.perf_counter() - written["start"]
    _tell(timing)


def read_with_simpleitk(folder: Path) -> None:
    """Read the series as plainly as it can be done (in a process of its own)."""
    import numpy as np
    import SimpleITK as sitk

    start = time.perf_counter()
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder / "dicom")))
    total = float(np.asarray(sitk.GetArrayViewFromImage(image)).sum())
    _tell({"read": time.perf_counter() - start, "sum of HU": total})


def _tell(timing_s: dict[str, float]) -> None:
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    # Kilobytes on Linux, bytes on macOS.
    peak_mib = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(json.dumps(asdict(Child(0.0, usage.ru_utime + usage.ru_stime, peak_mib, timing_s))))


def run_child(*arguments: str) -> Child:
    """Run this script again for one task."""
    start = time.perf_counter()
    command = [sys.executable, __file__, *arguments]
    # pip compiles what it installs; so must a checkout, or each run compiles the engine anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    wall_s = time.perf_counter() - start
    child = json.loads(output.splitlines()[-1])
    return Child(**{**child, "wall_s": wall_s})


def main() -> None:
    """Make the phantom, measure it, read it plainly, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / f"ldct-bmd-benchmark-{SLICES}")
    parser.add_argument("--exact-mask", action="store_true", help="the phantom's own bodies in place of the networks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=("measure", "read", "make"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "make":
        make_phantom(options.cache)
    elif options.child == "measure":
        measure(options.cache, options.exact_mask)
    elif options.child == "read":
        read_with_simpleitk(options.cache)
    else:
        compare(options.cache, options.exact_mask, options.rounds)


def compare(cache: Path, exact_mask: bool, count: int) -> None:
    """Print ``count`` measurements, each beside a reading of its own."""
    shared = ["--cache", str(cache)]
    of_measure = ["--child", "measure", *(["--exact-mask"] if exact_mask else [])]
    subprocess.run([sys.executable, __file__, *shared, "--child", "make"], check=True)
    print(machine.describe())
    if machine.usual_load():
        print(machine.usual_load())
    # Reading first brings the files into the system's cache for both.
    rounds = [(run_child(*shared, "--child", "read"), run_child(*shared, *of_measure)) for _ in range(count)]
    slices = sum(1 for _ in (cache / "dicom").iterdir())
    print(f"{slices} slices, DICOM to files, {'exact mask' if exact_mask else 'networks'}; medians of {count} rounds")
    unit_s = [baseline.timing_s["read"] for baseline, _ in rounds]
    measured = [child for _, child in rounds]
    for stage in measured[0].timing_s:
        _print_stage(stage, [child.timing_s[stage] for child in measured], unit_s)
    _print_stage("start", [child.wall_s - sum(child.timing_s.values()) for child in measured], unit_s)
    _print_row("whole command", measured)
    _print_row("SimpleITK reads", [baseline for baseline, _ in rounds])
    ratio = median(child.wall_s / unit for child, unit in zip(measured, unit_s, strict=True))
    processor = median(child.processor_s / baseline.processor_s for baseline, child in rounds)
    print(f"  processor time over that of SimpleITK's process: {processor:.1f}")
    for name, value, target in (
        ("whole command, times reading with SimpleITK", ratio, TARGET_RATIO),
        ("peak resident, MiB", median(child.peak_mib for child in measured), TARGET_RESIDENT_MIB),
    ):
        print(f"  {name}: {value:.1f} of {target:.0f}: {'met' if value <= target else 'MISSED'}")


def _print_stage(name: str, seconds: Sequence[float], unit_s: Sequence[float]) -> None:
    ratio = median(value / unit for value, unit in zip(seconds, unit_s, strict=True))
    print(f"  {name:<10} {median(seconds):7.2f} s  {ratio:6.2f} x reading with SimpleITK")


def _print_row(name: str, children: Sequence[Child]) -> None:
    wall_s, processor_s, peak_mib = (
        median(getattr(child, field) for child in children) for field in ("wall_s", "processor_s", "peak_mib")
    )
    print(f"  {name:<16} wall {wall_s:6.1f} s, processor {processor_s:6.1f} s, peak {peak_mib:6.0f} MiB")


if __name__ == "__main__":
    main()
