"""Virtual patients through the engine against the project's targets: agreement and diagnosis, or repeatability.

A killed run goes on where it was; a finished one is only summed up again.
"""

# ruff: noqa: T201

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import machine

from ldct_bmd_lab.agreement import Study, analyse, read_readings
from ldct_bmd_lab.agreement.study import precision_by_level
from ldct_bmd_lab.agreement.wording import number, with_interval
from ldct_bmd_lab.simulation import Varied, cohort_plan, repeatability_plan, simulate
from ldct_bmd_lab.simulation.conditions import Field

LEAST_R2, MOST_BIAS_MG_CM3, MOST_LIMIT_MG_CM3, LEAST_AUC, MOST_RMS_SD_MG_CM3 = 0.985, 1.5, 7.0, 0.98, 1.5
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


def main() -> None:
    """Simulate what is not there yet, and print the figures against the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("cohort", "repeatability"))
    parser.add_argument("file", type=Path, help="the CSV to write, which ldct-bmd validate takes")
    parser.add_argument("--patients", type=int, help="374 for the cohort, 20 for the repeatability")
    parser.add_argument("--field", choices=[field.value for field in Field], default=Field.CHEST.value)
    parser.add_argument("--exact-masks", action="store_true", help="leave the networks out")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(machine.describe(), machine.usual_load(), sep="\n")
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
    for met, line in lines:
        print("met " if met else "MISS", line)


if __name__ == "__main__":
    # Spawned processes import this file.
    main()
