"""Changes between two scans of one virtual patient: VOIs placed in each scan, against one VOI carried into the other.

    python Testing/benchmarks/same_place.py FILE --patients 20                       (exact masks, the spine alone)
    python Testing/benchmarks/same_place.py FILE --patients 8 --networks             (the whole engine, a trunk)
    python Testing/benchmarks/same_place.py FILE --patients 20 --vary thickness kernel dose

Each patient is scanned twice, turned and moved, and lost bone in between. The true change at each VOI is known, and so
is the true move. A killed run goes on where it was.
"""

# ruff: noqa: T201

import argparse
import csv
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import machine
import numpy as np

from ldct_bmd.anatomy import TARGET_LEVELS
from ldct_bmd.calibration import entered_calibration
from ldct_bmd.followup import Carried, Seen, carry_all
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.segmentation import Segmenter
from ldct_bmd.voi import CylinderVOI
from ldct_bmd_lab.phantom import PHANTOM_INTERCEPT_MG_CM3, PHANTOM_SLOPE, Phantom, build_phantom
from ldct_bmd_lab.simulation import Varied
from ldct_bmd_lab.simulation.conditions import Field, draw_conditions, phantom_spec
from ldct_bmd_lab.simulation.one_scan import ExactMask
from ldct_bmd_lab.simulation.patients import draw_patient

LOSS = 0.07  # of the bone between the two scans: about 8 mg/cm3
CALIBRATION = entered_calibration(PHANTOM_SLOPE, PHANTOM_INTERCEPT_MG_CM3, "K2HPO4", 120.0)
COLUMNS = ("patient", "level", "placed", "carried", "se_placed", "se_carried", "place_mm", "similarity", "overlap")
COLUMNS = (*COLUMNS, "residual_mm", "why", "seconds")


def exactly_moved(voi: CylinderVOI, now: Phantom, then: Phantom) -> CylinderVOI:
    """Return the VOI where the patient's bone lay in the earlier scan."""
    center = then.pose.to_lps(now.pose.to_torso(np.asarray(voi.center_lps_mm)))
    axes = np.asarray(voi.axes_lps) @ (then.pose.rotation @ now.pose.rotation.T).T
    return replace(voi, center_lps_mm=tuple(center.tolist()), axes_lps=tuple(map(tuple, axes.tolist())))


def rows(number: int, field: Field, varied: Iterable[Varied], segmenter: Segmenter | None) -> Iterator[list[object]]:
    """Yield a row for each level that both scans have: the errors of the two changes, in mg/cm3."""
    patient = draw_patient(11, number)
    younger = replace(patient, bmd_mg_cm3={k: v / (1.0 - LOSS) for k, v in patient.bmd_mg_cm3.items()})
    now = build_phantom(phantom_spec(patient, draw_conditions(11, number, 0, tuple(varied)), field))
    then = build_phantom(phantom_spec(younger, draw_conditions(11, number, 1, tuple(varied)), field))
    here, there = (measure(one.scan, segmenter or ExactMask(one.bodies), CALIBRATION) for one in (now, then))
    vois = {one.level: one.voi for one in here.examination.measurements if one.level in TARGET_LEVELS}
    start = time.perf_counter()
    found = carry_all(vois, Seen(now.scan, here.column.bodies), Seen(then.scan, there.column.bodies))
    seconds = (time.perf_counter() - start) / max(len(found), 1)
    for one in found:
        yield [patient.name, one.level, *_errors(one, (now, then), (here, there)), f"{seconds:.2f}"]


def _errors(one: object, phantoms: tuple[Phantom, Phantom], measured: tuple[MeasuredScan, MeasuredScan]) -> list[str]:
    (now, then), (here, there) = phantoms, measured
    mine, old = (one_scan.examination.measurement(one.level) for one_scan in (here, there))  # type: ignore[attr-defined]
    exact = exactly_moved(mine.voi, now, then)
    truth = now.mean_bmd_truth(mine.voi) - then.mean_bmd_truth(exact)
    placed, se_placed = math.nan, math.nan
    if old is not None:
        placed = mine.bmd_mg_cm3 - old.bmd_mg_cm3 - truth
        se_placed = math.hypot(mine.bmd_error.noise_mg_cm3, old.bmd_error.noise_mg_cm3)
    if not isinstance(one, Carried):
        return [*map(str, (placed, "", se_placed, "", "", "", "", "")), one.why.value]  # type: ignore[attr-defined]
    carried = mine.bmd_mg_cm3 - CALIBRATION.bmd_mg_cm3(one.mean_hu) - truth
    se = math.hypot(mine.bmd_error.noise_mg_cm3, CALIBRATION.slope * math.hypot(one.noise_hu, one.place_hu))
    place = float(np.linalg.norm(np.subtract(one.voi.center_lps_mm, exact.center_lps_mm)))
    found = one.registration
    values = (placed, carried, se_placed, se, place, found.similarity, found.overlap, found.residual_mm)
    return [*(f"{value:.4f}" for value in values), ""]


def tell(file: Path) -> None:
    """Print how far the two ways are off."""
    with file.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    both = [row for row in table if row["carried"] and row["placed"] not in ("", "nan")]
    print(f"{len(table)} levels of {len({row['patient'] for row in table})} patients; carried {len(both)}")
    for why in sorted({row["why"] for row in table} - {""}):
        print(f"  not carried, {why}: {sum(row['why'] == why for row in table)}")
    for way in ("placed", "carried"):
        error = np.array([float(row[way]) for row in both])
        said = np.array([float(row[f"se_{way}"]) for row in both])
        inside = float((np.abs(error) <= 1.96 * said).mean())
        print(
            f"  {way:8s} error of the change: mean {error.mean():+.2f}, SD {error.std(ddof=1):.2f}, largest "
            f"{np.abs(error).max():.2f} mg/cm3; said SE {np.sqrt((said**2).mean()):.2f}, 95 % hold {inside:.1%}"
        )
    place = np.array([float(row["place_mm"]) for row in both])
    print(f"  place off by: RMS {np.sqrt((place**2).mean()):.2f}, largest {place.max():.2f} mm")
    for name in ("similarity", "overlap", "residual_mm", "seconds"):
        values = np.array([float(row[name]) for row in both])
        print(f"  {name}: {values.min():.3f} to {values.max():.3f}, median {np.median(values):.3f}")


def main() -> None:
    """Simulate what is not there yet, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the CSV to write")
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the number of the first patient")
    parser.add_argument("--networks", action="store_true", help="the whole engine in place of exact masks")
    parser.add_argument("--vary", nargs="*", choices=[v.value for v in Varied], default=[])
    options = parser.parse_args()
    print(machine.describe(), machine.usual_load(), sep="\n")
    varied = {Varied.NOISE, Varied.POSITION, *map(Varied, options.vary)}
    field, segmenter = Field.SPINE, None
    if options.networks:
        from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter

        field, segmenter = Field.TRUNK, NetworkSegmenter(device="cpu")
    done = set()
    if options.file.exists():
        with options.file.open(encoding="utf-8", newline="") as stream:
            done = {row["patient"] for row in csv.DictReader(stream)}
    with options.file.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        if not done:
            writer.writerow(COLUMNS)
        for number in range(options.first, options.first + options.patients):
            if draw_patient(11, number).name not in done:
                writer.writerows(list(rows(number, field, varied, segmenter)))
                stream.flush()
    tell(options.file)


if __name__ == "__main__":
    main()
