"""Virtual patients against the project's targets: agreement and diagnosis, repeatability, what 95 % intervals hold, or
what the patient's own tissues could calibrate.

A killed run goes on where it was; a finished one is only summed up again.
"""

# ruff: noqa: T201

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import machine
import numpy as np

from ldct_bmd.placement import PLACEMENT
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd_lab.agreement import Study, analyse, read_readings
from ldct_bmd_lab.agreement.study import precision_by_level
from ldct_bmd_lab.agreement.wording import number, with_interval
from ldct_bmd_lab.simulation import Varied, cohort_plan, repeatability_plan, simulate
from ldct_bmd_lab.simulation.conditions import Field
from ldct_bmd_lab.simulation.intervals import measured_intervals

LEAST_R2, MOST_BIAS_MG_CM3, MOST_LIMIT_MG_CM3, LEAST_AUC, MOST_RMS_SD_MG_CM3 = 0.985, 1.5, 7.0, 0.98, 1.5
MOST_INTERNAL_BIAS_MG_CM3, MOST_INTERNAL_SD_MG_CM3 = 2.0, 4.0
COVERAGE = (0.93, 0.97)  # of 95 % intervals
REPEATS, VARIED = 3, (Varied.NOISE, Varied.POSITION)


def cohort_lines(study: Study) -> Iterator[tuple[bool, str]]:
    """Yield whether each target is met, and the figures."""
    for row in study.agreement:
        if row.r2 is None or row.bias is None or row.loa_low is None or row.loa_high is None:
            yield False, f"{row.level}: too few patients"
            continue
        met = (
            row.r2.value >= LEAST_R2
            and abs(row.bias.value) < MOST_BIAS_MG_CM3
            and max(-row.loa_low.value, row.loa_high.value) <= MOST_LIMIT_MG_CM3
        )
        limits = f"{number(row.loa_low.value, 2, signed=True)} to {number(row.loa_high.value, 2, signed=True)}"
        bias = with_interval(row.bias, 2, signed=True)
        yield met, f"{row.level}: n {row.n}, R2 {number(row.r2.value, 4)}, bias {bias}, 95 % limits {limits} mg/cm3"
    for one in study.diagnoses:
        if one.auc is not None:
            auc = with_interval(one.auc.delong, 4)
            yield one.auc.delong.value >= LEAST_AUC, f"{one.group}, {one.target}: n {one.n}, AUC {auc}"
    uncertain = sum(patient.names_certain is False for patient in study.patients)
    print(f"     names uncertain: {uncertain} of {len(study.patients)} patients; missing values: {len(study.missing)}")


def precision_lines(file: Path) -> Iterator[tuple[bool, str]]:
    """Yield whether each level's target is met, and the figures."""
    for row in precision_by_level(read_readings(file)):
        cv = "-" if row.rms_cv is None else f"{number(row.rms_cv.value, 2)} %"
        told = f"RMS-SD {with_interval(row.rms_sd, 2)} mg/cm3, RMS-CV {cv}, LSC {number(row.change, 2)} mg/cm3"
        yield row.rms_sd.value < MOST_RMS_SD_MG_CM3, f"{row.level}: {row.patients} patients, {row.scans} scans, {told}"


def coverage_lines(bodies: int, scans: int, field: Field, exact: bool, seed: int) -> Iterator[tuple[bool, str]]:
    """Yield how many intervals hold the truth: bodies drawn at the VOI, then virtual patients through the engine."""
    from ldct_bmd_lab.physics.coverage import DRAWS, LEVELS, coverage, simulate_bodies

    drawn = simulate_bodies(-(-bodies // (DRAWS * len(LEVELS))))
    print(f"{len(drawn.hu)} patients, {len(LEVELS)} levels, {DRAWS} draws each")
    for doubted in (True, False):
        print(f"\n{'the simulation is doubted as the engine doubts it' if doubted else 'the simulation is the world'}")
        for one in coverage(drawn, doubted):
            what = "mean" if one.is_mean else "levels"
            bias, sd = float(one.error_mg_cm3.mean()), float(one.error_mg_cm3.std(ddof=1))
            told = f"{one.setting.name} kVp, {what}: n {len(one.error_mg_cm3)}, {one.share:.1%} hold the truth"
            between = "{:.1%} to {:.1%}".format(*one.share_between)
            half = f"half interval {float(np.median(one.half_mg_cm3)):.1f}"
            yield _is_met(one.share), f"{told} ({between}); error {bias:+.1f} +- {sd:.1f}, {half} mg/cm3"
    if scans:
        yield from engine_lines(scans, field, exact, seed)


def engine_lines(scans: int, field: Field, exact: bool, seed: int) -> Iterator[tuple[bool, str]]:
    """Yield how many intervals of virtual patients hold the truth, and how far the VOIs lie from the ideal ones."""
    segmenter = None if exact else NetworkSegmenter(device="cpu", threads=1)
    misplaced = PLACEMENT if exact else None
    found = [one for scan in cohort_plan(scans, seed) for one in measured_intervals(scan, field, segmenter, misplaced)]
    masks = "exact masks, VOIs misplaced as real outlines place them" if exact else "networks"
    print(f"\nthrough the engine: {scans} scans, {field.value}, {masks}; with and without the part of size")
    for level in ("T12", "L1", "L2", "mean"):
        of_level = [one for one in found if one.level == level]
        shares = [float(np.mean([one.holds(with_size) for one in of_level])) for with_size in (True, False)]
        errors = np.array([one.error_mg_cm3 for one in of_level])
        parts = [{**one.budget.parts, "half": one.budget.half_interval_mg_cm3} for one in of_level]
        told = ", ".join(f"{getattr(k, 'value', k)} {np.median([p[k] for p in parts]):.2f}" for k in parts[0])
        shown = f"{shares[0]:.1%}, {shares[1]:.1%}; error {errors.mean():+.2f} +- {errors.std(ddof=1):.2f}; {told}"
        yield _is_met(shares[1]), f"{level}: n {len(of_level)}, {shown} mg/cm3"
    moved = np.array([one.moved_mm for one in found if one.moved_mm is not None])
    ratios = np.array([one.size_ratio for one in found if one.size_ratio is not None])
    for what, values in (("VOI less the ideal one, x, y, z in mm:", moved), ("semi-axes over the ideal ones:", ratios)):
        print(what, np.round(values.mean(axis=0), 3), "+-", np.round(values.std(axis=0), 3))


def internal_lines(patients: int) -> Iterator[tuple[bool, str]]:
    """Yield what the patient's own tissues make of a BMD; print what other lines make, and how often there is alarm."""
    from ldct_bmd_lab.physics.internal import AS_PUBLISHED, DRIFTS, NARROWEST, SHIFTS, SITES, simulate_sites
    from ldct_bmd_lab.physics.internal_check import PRE_CALIBRATED, SCANS, check_alarms, check_alone, check_internal

    shown = simulate_sites(patients)
    print(f"{patients} patients on {len(SITES)} scanners; error of the mean of L1 and L2, bias +- SD, mg/cm3")
    for told, tissues in (("tissues as published", AS_PUBLISHED), ("the narrowest published", NARROWEST)):
        alarms = check_alarms(shown, tissues)
        errors = check_internal(shown, tissues) + check_alone(shown, tissues)
        print(f"\n{told}; scanner drifted by: {', '.join(drift.name for drift in DRIFTS)}")
        for way in dict.fromkeys(one.way for one in errors):
            of_way = [one for one in errors if one.way == way]
            line = f"{way}: {', '.join(f'{one.bias_mg_cm3:+.1f} +- {one.sd_mg_cm3:.1f}' for one in of_way)}"
            if way.startswith("pre-calibrated"):
                stable = of_way[0]
                is_met = abs(stable.bias_mg_cm3) <= MOST_INTERNAL_BIAS_MG_CM3
                yield is_met and stable.sd_mg_cm3 <= MOST_INTERNAL_SD_MG_CM3, line
            else:
                print("    ", line)
        print(f"alarms, drifted by: {', '.join(drift.name for drift in (*DRIFTS, *SHIFTS))}")
        for way in dict.fromkeys(one.way for one in alarms):
            print(f"     {way}: {', '.join(f'{one.share:.1%}' for one in alarms if one.way == way)}")
    print("\ntissues that differ by a share of what is published")
    way = f"pre-calibrated by {max(SCANS)}: {list(PRE_CALIBRATED)[1]}"
    for share in (0.75, 0.5, 0.25):
        of_share = [one for one in check_internal(shown, AS_PUBLISHED.scaled(share), DRIFTS[:1]) if one.way == way]
        print(f"     {share:.0%}: {of_share[0].bias_mg_cm3:+.1f} +- {of_share[0].sd_mg_cm3:.1f}")


def _is_met(share: float) -> bool:
    return COVERAGE[0] <= share <= COVERAGE[1]


def main() -> None:
    """Simulate what is not there yet, and print the figures against the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("cohort", "repeatability", "coverage", "internal"))
    parser.add_argument("file", type=Path, nargs="?", help="the CSV to write, which ldct-bmd validate takes")
    parser.add_argument(
        "--patients", type=int, help="374 for the cohort, 20 for the repeatability, 0 for the coverage, 100 for tissues"
    )
    parser.add_argument(
        "--bodies",
        type=int,
        default=1080,
        help="for the coverage: levels drawn at the VOI, of a ninth as many patients",
    )
    parser.add_argument("--field", choices=[field.value for field in Field], default=Field.CHEST.value)
    parser.add_argument("--exact-masks", action="store_true", help="leave the networks out")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(machine.describe(), machine.usual_load(), sep="\n")
    if options.what == "coverage":
        field, exact = Field(options.field), options.exact_masks
        _print(coverage_lines(options.bodies, options.patients or 0, field, exact, options.seed))
        return
    if options.what == "internal":
        _print(internal_lines(options.patients or 100))
        return
    if options.file is None:
        parser.error("name the CSV to write")
    if options.what == "cohort":
        plan = cohort_plan(options.patients or 374, options.seed)
    else:
        plan = repeatability_plan(options.patients or 20, REPEATS, VARIED, options.seed)
    if not options.file.exists():
        start = time.perf_counter()
        simulate(plan, options.file, Field(options.field), options.exact_masks, options.processes)
        print(f"{len(plan)} scans, as far as they were not there, in {time.perf_counter() - start:.0f} s")
    is_cohort = options.what == "cohort"
    lines = cohort_lines(analyse(read_readings(options.file))) if is_cohort else precision_lines(options.file)
    _print(lines)


def _print(lines: Iterator[tuple[bool, str]]) -> None:
    for met, line in lines:
        print("met " if met else "MISS", line, flush=True)


if __name__ == "__main__":
    # Spawned processes import this file.
    main()
