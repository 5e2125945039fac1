"""Whether runtimes and precisions measure alike: names, VOI HU and outlines of all real scans, against the first one's.

    python Testing/benchmarks/precision.py make FOLDER        (goes on where it was broken off)
    python Testing/benchmarks/precision.py compare FOLDER

A runtime or precision may be used where it keeps every name, every VOI's mean HU within 0.5 and the Dice of every
reference body within 0.002.
"""

# ruff: noqa: T201

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from outlines import reference_masks
from records import DATA, scans

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import silent
from ldct_bmd.pipeline import measure
from ldct_bmd.scan import CTScan, read_scan
from ldct_bmd.segmentation import ModelIdentity
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd.segmentation.runtime import Runtime, find_runtime
from ldct_bmd.segmentation.weights import COARSE_FINE, Model, read_weights

HU, DICE = 0.5, 0.002
REFERENCES = {"abdomen_ct_3mm": "vertebral_bodies.nii.gz"}  # the others are called bodies.nii.gz


def runtimes() -> Iterator[tuple[str, Runtime]]:
    """Return what is compared; the first one is what the others are held against."""
    from ldct_bmd.segmentation.runtime.on_openvino import OpenVINORuntime

    yield "OpenVINO float32", OpenVINORuntime()
    yield "OpenVINO bfloat16", OpenVINORuntime(precision="bfloat16")
    yield "ONNX Runtime float32", find_runtime("cpu", only="onnxruntime")
    yield "PyTorch float32", find_runtime("cpu", only="torch")


def segmenter_of(runtime: Runtime) -> NetworkSegmenter:
    """Return the networks that ship, on a runtime."""
    stored = read_weights(None, COARSE_FINE)
    networks = runtime.load(stored, COARSE_FINE)
    segmenter = NetworkSegmenter.__new__(NetworkSegmenter)
    segmenter._model = Model(**networks, identity=ModelIdentity(stored.name, stored.sha256, runtime.identity))
    return segmenter


def make(folder: Path, data: Path, only: list[str]) -> None:
    """Measure every scan with each runtime; what is in ``folder`` already is left."""
    folder.mkdir(parents=True, exist_ok=True)
    segmenters = [(name, segmenter_of(runtime)) for name, runtime in runtimes() if not only or name in only]
    for name, (path, *series) in scans(data):
        left = [(runtime, one) for runtime, one in segmenters if not (folder / (name + _end(runtime))).exists()]
        if not left:
            continue
        scan = read_scan(Path(path), series[1] if series else None, silent)
        reference = Path(path).with_name(REFERENCES.get(name, "bodies.nii.gz"))
        masks = reference_masks(reference, scan) if reference.is_file() else None
        for runtime, segmenter in left:
            start = time.process_time()
            values, bodies = measured(scan, segmenter, masks)
            place = folder / (name + _end(runtime))
            np.savez_compressed(place.with_suffix(".npz"), bodies=bodies)
            place.write_text(json.dumps(values, indent=1), encoding="utf-8")
            print(f"{name}, {runtime}: {time.process_time() - start:.1f} s of processor time", flush=True)


def measured(scan: CTScan, segmenter: NetworkSegmenter, masks: Any) -> tuple[dict[str, Any], Any]:
    """Return names, certainty, VOI mean HU, category and Dice to the reference, by level; and the bodies."""
    try:
        done = measure(scan, segmenter)
    except CannotMeasure as refusal:
        return {"refused": refusal.code}, np.zeros(scan.hu.shape, np.uint8)
    column, examination = done.column, done.examination
    return {
        "levels": [vertebra.level for vertebra in column.vertebrae],
        "certain": column.names_certain,
        "findings": sorted({finding.code.value for finding in examination.findings}),
        "category": str(examination.assessment.category),
        "hu": {one.level: one.mean_hu for one in examination.measurements},
        "dice": {} if masks is None else dict(_dice(masks, column.bodies)),
    }, column.bodies


def _dice(masks: Any, bodies: Any) -> Iterator[tuple[str, float]]:
    for value in np.unique(masks):
        level = LEVEL_OF_VERSE_VALUE.get(int(value))
        if level is not None:
            true, found = masks == value, bodies == VERSE_VALUE[level]
            if found.any():
                yield level, float(2 * (true & found).sum() / (true.sum() + found.sum()))


def compare(folder: Path) -> int:
    """Print what each runtime measures otherwise; return how many names, VOIs and bodies by more than is allowed."""
    first, *others = [name for name, _ in runtimes()]
    print(f"against {first}: scans; those with other names, with other findings; VOIs, greatest and mean difference")
    print("in HU; bodies with a reference, greatest and mean difference of Dice; voxels of bodies that differ")
    return sum(_compare_one(folder, first, other) for other in others)


def _compare_one(folder: Path, first: str, other: str) -> int:
    ends = [_end(first), _end(other)]
    names = sorted(place.name.removesuffix(ends[0]) for place in folder.glob(f"*{ends[0]}"))
    names = [name for name in names if (folder / (name + ends[1])).exists()]
    if not names:
        return 0
    told: list[str] = []
    named = said = wrong = 0
    differences: dict[str, list[float]] = {"hu": [], "dice": []}
    changed, voxels = 0, 0
    for name in names:
        a, b = (json.loads((folder / (name + end)).read_text(encoding="utf-8")) for end in ends)
        one, two = (np.load((folder / (name + end)).with_suffix(".npz"))["bodies"] for end in ends)
        changed, voxels = changed + np.count_nonzero(one != two), voxels + np.count_nonzero(one)
        named += any(a.get(key) != b.get(key) for key in ("levels", "refused"))
        said += any(a.get(key) != b.get(key) for key in ("certain", "findings", "category"))
        told += [
            f"    {name} {key}: {a.get(key)} -> {b.get(key)}"
            for key in ("levels", "refused", "certain", "findings", "category")
            if a.get(key) != b.get(key)
        ]
        for key, most in (("hu", HU), ("dice", DICE)):
            by_level = {x: b[key][x] - a[key][x] for x in a.get(key, {}) if x in b.get(key, {})}
            differences[key] += by_level.values()
            far = {x: round(difference, 4) for x, difference in by_level.items() if abs(difference) > most}
            wrong += len(far)
            told += [f"    {name} {key}: {far}"] if far else []
    share = f"{changed / voxels:.3%}" if voxels else "none"
    print(
        f"{other:<21} {len(names)}; {named}, {said}; {_spread(differences['hu'], '.2f', '+.3f')}; "
        f"{_spread(differences['dice'], '.4f', '+.5f')}; {share}"
    )
    print("\n".join(told))
    return named + wrong


def _spread(differences: list[float], greatest: str, mean: str) -> str:
    """Return how many there are, the greatest and the mean; no scan may have had a VOI, or a body with a reference."""
    if not differences:
        return "0, -, -"
    values = np.array(differences)
    return f"{len(values)}, {np.abs(values).max():{greatest}}, {values.mean():{mean}}"


def _end(runtime: str) -> str:
    return f"-{runtime.replace(' ', '_')}.json"


def main() -> int:
    """Make or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", action="append", default=[], metavar="RUNTIME", help='"OpenVINO bfloat16", ...')
    options = parser.parse_args()
    if options.command == "make":
        make(options.folder, options.data, options.only)
        return 0
    return 1 if compare(options.folder) else 0


if __name__ == "__main__":
    sys.exit(main())
