"""This engine's networks next to the nnU-Net of TotalSegmentator's vertebrae, and to themselves in other runtimes.

    python Testing/benchmarks/side_by_side.py [--rounds 3] [--minutes 4] [--threads N] [--output FOLDER]

The nnU-Net is built from its published plan with random weights: what is compared is time, not accuracy. All run in
turn on this machine, each runtime in a process of its own that waits while another has its turn; a ratio is the median
of the ratios of the rounds. The matrix product right before a network, in the runtime that does it fastest, is the
roof: a network's share of it says how far from the processor's limit it runs.
"""

# ruff: noqa: T201

import argparse
import csv
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
from opened import Graph, Task, Worker, installed, precisions, task

SCAN_MM = (350.0, 350.0, 350.0)  # (z, y, x): a chest
SPINE_MM = (120.0, 100.0)  # (y, x): what a chest's vertebrae with their processes take, for the crop
ROOF, NNUNET = 0, "nnU-Net of TotalSegmentator's vertebrae, random weights"
FINE, COARSE_WHOLE, COARSE_SPINE = "fine", "coarse, whole field", "coarse, spine"
ROOF_SIZE = 2048
Key = tuple[int, str, str]  # task, runtime, precision


@dataclass(frozen=True)
class Agreement:
    """How far the output is from that of the first runtime in float32.

    Attributes:
        logits: greatest difference.
        classes: share of the voxels whose class differs.
    """

    logits: float
    classes: float


@dataclass(frozen=True)
class Measured:
    """Seconds by network, runtime and precision, one for each round.

    Attributes:
        roof: of the matrix product in the same runtime and precision, right before.
    """

    tasks: list[Task]
    seconds: dict[Key, list[float]]
    roof: dict[Key, list[float]]
    agreement: dict[Key, Agreement]

    def peaks(self, index: int, precision: str) -> list[float]:
        """Return for each round the GFLOP/s of the runtime that did the matrix product fastest before a network."""
        before = [times for (i, _, p), times in self.roof.items() if (i, p) == (index, precision)]
        return [self.tasks[ROOF].gflop / min(times) for times in zip(*before, strict=True)]


@dataclass(frozen=True)
class Row:
    """A network in a runtime and precision: medians of the rounds."""

    network: str
    runtime: str
    precision: str
    seconds: float
    least_s: float
    most_s: float
    gflop_per_s: float
    share_of_peak: float
    agreement: Agreement
    rounds_s: list[float]


def our_patches() -> tuple[list[Task], dict[str, int]]:
    """Return the engine's networks, and how often each runs on a scan; the first look is taken at the whole field."""
    import torch

    from ldct_bmd.segmentation.network_segmenter import COARSE_MM, CORRIDOR, WINDOW
    from ldct_bmd.segmentation.patches import FINE_MM, PATCH_SLICES, STRIDE, slab_starts
    from ldct_bmd.segmentation.runtime.on_torch import build
    from ldct_bmd.segmentation.weights import COARSE_FINE, read_weights

    stored = read_weights(None, COARSE_FINE)
    whole = [_padded(mm / step, STRIDE) for mm, step in zip(SCAN_MM, COARSE_MM[::-1], strict=True)]
    spine = [whole[0], *(_padded(n, STRIDE) for n in WINDOW)]
    shapes = {
        FINE: ("fine", [PATCH_SLICES, CORRIDOR, CORRIDOR]),
        COARSE_WHOLE: ("coarse", whole),
        COARSE_SPINE: ("coarse", spine),
    }
    tasks = []
    for name, (network, shape) in shapes.items():
        module = build(stored, network).eval().to(memory_format=torch.channels_last_3d)
        graph = Graph(stored.graph or b"", stored.shapes, network)
        tasks.append(task(name, module, tuple(shape), repeats=3, graph=graph))
    return tasks, {FINE: len(slab_starts(round(SCAN_MM[0] / FINE_MM[2]))), COARSE_WHOLE: 1, COARSE_SPINE: 1}


def _padded(voxels: float, stride: int) -> int:
    return -(-round(voxels) // stride) * stride


def all_tasks() -> tuple[list[Task], dict[str, int]]:
    """Return all that is timed, the roof first, and how often each of the engine's networks runs on a scan."""
    import nnunet
    import torch

    ours, counts = our_patches()
    roof = task("matrix product", torch.nn.Linear(ROOF_SIZE, ROOF_SIZE, bias=False), (ROOF_SIZE,) * 2, repeats=3)
    return [roof, *ours, task(NNUNET, nnunet.random_network(), (nnunet.PATCH,) * 3)], counts


def measure(tasks: list[Task], options: argparse.Namespace) -> Measured:
    """Run all in turn, the roof before each network; a round before the first one warms up."""
    workers = {runtime: Worker(runtime, tasks, options.threads) for runtime in installed()}
    turns = [(runtime, precision) for runtime in workers for precision in precisions(runtime)]
    found = Measured(tasks, {}, {}, {})
    reference: dict[int, Any] = {}
    latest = time.perf_counter() + 60 * options.minutes
    try:
        for number in range(options.rounds + 1):
            if number > 1 and time.perf_counter() > latest:
                break
            for index, runtime, precision in ((i, *turn) for i in range(1, len(tasks)) for turn in turns):
                told = f"round {number} of {options.rounds}: {tasks[index].name}, {runtime} {precision}"
                print(f"\r{told:<110}", end="", file=sys.stderr, flush=True)
                worker, key = workers[runtime], (index, runtime, precision)
                if number:
                    found.roof.setdefault(key, []).append(worker.seconds(ROOF, precision))
                    found.seconds.setdefault(key, []).append(worker.seconds(index, precision))
                else:
                    worker.seconds(ROOF, precision)
                    output = worker.output(index, precision)
                    found.agreement[key] = _agreement(reference.setdefault(index, output), output)
    finally:
        print("", file=sys.stderr)
        for worker in workers.values():
            worker.close()
    return found


def _agreement(reference: Any, output: Any) -> Agreement:
    return Agreement(
        float(np.abs(output[0] - reference[0]).max()),
        float(np.count_nonzero(output[1] != reference[1]) / output[1].size),
    )


def rows_of(found: Measured) -> list[Row]:
    """Return one row for each network, runtime and precision."""
    rows = []
    for (index, runtime, precision), times in found.seconds.items():
        one = found.tasks[index]
        shares = [one.gflop / s / peak for s, peak in zip(times, found.peaks(index, precision), strict=True)]
        median = statistics.median(times)
        timed = (median, min(times), max(times), one.gflop / median, statistics.median(shares))
        rows.append(Row(one.name, runtime, precision, *timed, found.agreement[index, runtime, precision], times))
    return rows


def per_scan(found: Measured, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return what a scan takes in each runtime: our patches, and those that the nnU-Net's windows need."""
    import nnunet

    index_of = {one.name: index for index, one in enumerate(found.tasks) if index != ROOF}
    scans = []
    for runtime, precision in dict.fromkeys((runtime, precision) for _, runtime, precision in found.seconds):
        times = {name: found.seconds[index, runtime, precision] for name, index in index_of.items()}
        ours = [sum(n * times[name][i] for name, n in counts.items()) for i in range(len(times[FINE]))]
        windows = []
        for window in nnunet.windows(SCAN_MM, SPINE_MM):
            theirs = [window.patches * t for t in times[NNUNET]]
            ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
            told = {"window": window.name, "patches": window.patches, "seconds": statistics.median(theirs)}
            windows.append({**told, "ratio": statistics.median(ratios), "ratios": ratios})
        scans.append({"runtime": runtime, "precision": precision, "ours_s": statistics.median(ours), "nnunet": windows})
    return scans


def peaks_of(found: Measured) -> dict[str, float]:
    """Return the greatest GFLOP/s of the matrix product in each precision."""
    keys = dict.fromkeys((index, precision) for index, _, precision in found.roof)
    peaks: dict[str, float] = {}
    for index, precision in keys:
        peaks[precision] = max(peaks.get(precision, 0.0), *found.peaks(index, precision))
    return peaks


def print_tables(found: Measured, counts: dict[str, int], rows: list[Row], scans: list[dict[str, Any]]) -> None:
    """Print networks, runtimes and scans."""
    print("\nnetworks, one patch")
    for one in found.tasks[1:]:
        shape = " x ".join(map(str, one.shape))
        print(f"  {one.name:<56} {one.parameters / 1e6:6.2f} M parameters  {shape:<16} {one.gflop:8.1f} GFLOP")
    told = ", ".join(f"{speed:.0f} GFLOP/s in {precision}" for precision, speed in peaks_of(found).items())
    print(f"\nfastest matrix product ({ROOF_SIZE} x {ROOF_SIZE}): {told}")
    print("\none patch in each runtime: median s (least to most), GFLOP/s, share of the matrix product right before,")
    print("greatest difference of the logits and share of voxels of another class, both from the first line's")
    for network in dict.fromkeys(row.network for row in rows):
        print(f"  {network}")
        for row in (row for row in rows if row.network == network):
            told = f"  {row.agreement.logits:8.4f}  {100 * row.agreement.classes:7.4f} %"
            print(
                f"    {row.runtime:<13}{row.precision:<9} {row.seconds:8.3f} ({row.least_s:.3f} to {row.most_s:.3f})"
                f"  {row.gflop_per_s:7.0f}  {100 * row.share_of_peak:4.0f} %{told}"
            )
    print(f"\na chest of {SCAN_MM[0]:.0f} mm: our {' + '.join(f'{n} {name}' for name, n in counts.items())}")
    for one in scans:
        print(f"  {one['runtime']:<13}{one['precision']:<9} ours {one['ours_s']:6.2f} s")
        for other in one["nnunet"]:
            name = f"nnU-Net, {other['window']}: {other['patches']} patches"
            print(f"    {name:<66} {other['seconds']:7.1f} s  {other['ratio']:6.1f} x")


def write(folder: Path, report: dict[str, Any], rows: list[Row]) -> None:
    """Write side_by_side.json, all of it, and side_by_side.csv, one line for each network, runtime and precision."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "side_by_side.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    with (folder / "side_by_side.csv").open("w", encoding="utf-8", newline="") as file:
        lines = [_flat(row) for row in rows]
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    print(f"\nwritten: {folder / 'side_by_side.json'} and .csv")


def _flat(row: Row) -> dict[str, Any]:
    values = dict(vars(row))
    agreed, rounds = values.pop("agreement"), values.pop("rounds_s")
    return {**values, "logits_differ_by": agreed.logits, "classes_differ": agreed.classes, "rounds_s": rounds}


def main() -> None:
    """Time all, print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=4.0, help="after which no further round begins")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=Path("build/side_by_side"))
    options = parser.parse_args()
    start = time.perf_counter()
    place = f"{machine.describe()}; {options.threads} threads"
    runtimes = installed()
    print(place)
    print(", ".join(f"{name} {version}" for name, version in runtimes.items()))
    if machine.usual_load():
        print("The machine is busy with other work: look at the ratios, not at the seconds.")
    tasks, counts = all_tasks()
    found = measure(tasks, options)
    rows, scans = rows_of(found), per_scan(found, counts)
    print_tables(found, counts, rows, scans)
    report = {
        "machine": place,
        "runtimes": runtimes,
        "scan_mm": SCAN_MM,
        "spine_mm": SPINE_MM,
        "networks": [
            {"name": one.name, "shape": one.shape, "parameters": one.parameters, "gflop": one.gflop} for one in tasks
        ],
        "our_patches": counts,
        "peak_gflop_per_s": peaks_of(found),
        "patches": [_flat(row) for row in rows],
        "scans": scans,
    }
    write(options.output, report, rows)
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
