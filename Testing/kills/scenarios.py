"""Commands that are killed: what is there before, what runs, and what it writes whole or not at all.

What has nothing to do with the file system is done once and remembered, so that thousands of kills are affordable.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from helpers_cli import CALIBRATION, ready
from helpers_qa import site_calibration
from helpers_report import Case, make_case
from helpers_spine import spine_bodies, write_volume
from ldct_bmd.calibration.files import calibration_to_dict
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd.cli.app import app
from ldct_bmd.ground import atomic
from ldct_bmd.ground.atomic import settle
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs import measuring
from ldct_bmd.jobs.folder import BODIES, RECORD_FILE, VOXELS, lay
from ldct_bmd.jobs.runner import run as run_job
from ldct_bmd.jobs.spec import Destination, ExportSpec
from ldct_bmd.reporting import opened, outputs, overview
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.page.html import to_html
from ldct_bmd_lab.simulation import cohort_plan, simulate
from ldct_bmd_lab.simulation import run as simulation_run
from ldct_bmd_lab.simulation.conditions import Field

DONE, REFUSED = 0, 2
REPORTS = (
    "out/report.html",
    "out/report.pdf",
    "out/report.csv",
    "out/report_patient.csv",
    "out/dicom",
    "out/dicom.sha256",
)


@dataclass(frozen=True)
class Sources:
    """Inputs that no command writes to."""

    volume: Path
    labels: Path
    case: Case

    @classmethod
    def made(cls, folder: Path) -> "Sources":
        from helpers_spine import spine_scan

        volume = write_volume(spine_scan().hu, folder / "ct.nii.gz")
        return cls(volume, write_volume(spine_bodies(), folder / "bodies.nii.gz"), make_case(folder / "scan"))


@dataclass(frozen=True)
class Scenario:
    """One command on a folder.

    Attributes:
        before: lays what is there before; nothing if None.
        run: the command; returns its exit code.
        whole: what it writes, each a file or a folder that is old or new, never in between.
        once_done: the exit code of the same command once it has been done.
        two_renames: folders change places in two renames, so that a reader has to put the old one back.
    """

    run: Callable[[Path, Sources], int]
    whole: tuple[str, ...]
    before: Callable[[Path, Sources], object] | None = None
    once_done: int = DONE
    two_renames: bool = False

    def states(self, home: Path) -> dict[str, Any]:
        """What a reader finds."""
        if self.two_renames:
            settle(home / "out")
        return {name: content(home / name) for name in self.whole}


def content(path: Path) -> Any:
    """What can be compared of a file, a folder or a store; None if nothing is there."""
    if path.is_dir():
        return {one.relative_to(path).as_posix(): content(one) for one in sorted(path.rglob("*"))}
    if not path.is_file():
        return None
    if path.suffix == ".calibrations":
        # Made and not yet filled, a store is no store to whoever reads it.
        return [repr(one) for one in CalibrationStore(path).all()] if path.stat().st_size else None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ldct_bmd(*arguments: object) -> int:
    code = app([str(argument) for argument in arguments], standalone_mode=False)
    return code if isinstance(code, int) else DONE


def measure(home: Path, sources: Sources, *options: object) -> int:
    return ldct_bmd("measure", sources.volume, "-o", home / "out", *ready(sources.labels), *CALIBRATION, *options)


def measure_with_report(home: Path, sources: Sources, *options: object) -> int:
    options = (*ready(sources.labels), *CALIBRATION, "--report", *options)
    return ldct_bmd("measure", sources.case.folder, "-o", home / "out", *options)


def measured(home: Path, sources: Sources) -> None:
    assert measure(home, sources, "--levels", "L1,L2") == DONE


def reported(home: Path, sources: Sources) -> None:
    assert measure_with_report(home, sources, "--levels", "L1,L2") == DONE


def sign(home: Path, _: Sources) -> int:
    return ldct_bmd("sign", home / "out", "--reader", "Dr. Reader")


def signed(home: Path, sources: Sources) -> None:
    reported(home, sources)
    assert sign(home, sources) == DONE


def report(home: Path, sources: Sources, *options: object) -> int:
    return ldct_bmd("report", home / "out", "--input", sources.case.folder, *options)


def store(home: Path, _: Sources) -> None:
    calibrations = [site_calibration(f"2024-0{month}-05", slope=0.74 + 0.001 * month) for month in (1, 2)]
    CalibrationStore(home / "site.calibrations").add(calibrations, "2024-09-01T00:00:00+00:00", "A. Physicist")


def calibration_file(home: Path, _: Sources) -> None:
    (home / "may.json").write_text(json.dumps(calibration_to_dict(site_calibration())))


def add(home: Path, _: Sources) -> int:
    return ldct_bmd(
        *("calibrate", "add", home / "may.json", "--store", home / "site.calibrations", "--operator", "A. Physicist")
    )


def retire(home: Path, _: Sources) -> int:
    identifier = site_calibration("2024-01-05", slope=0.741).identifier
    options = ("--store", home / "site.calibrations", "--because", "moved", "--operator", "A. Physicist")
    return ldct_bmd("calibrate", "retire", identifier, *options)


def export_calibrations(home: Path, _: Sources) -> int:
    options = ("--store", home / "site.calibrations", "--overwrite")
    return ldct_bmd("calibrate", "export", home / "all.json", *options)


def stored_and_exported(home: Path, sources: Sources) -> None:
    store(home, sources)
    (home / "all.json").write_text("an older export")


def simulate_two(home: Path, _: Sources) -> int:
    try:
        simulate(cohort_plan(2, 0), home / "cohort.csv", Field.SPINE, exact_masks=True, overwrite=True)
    except typer.Exit as ended:
        return ended.exit_code
    return DONE


def cohort(home: Path, _: Sources) -> None:
    (home / "cohort.csv").write_text("an older cohort")


def export(home: Path, sources: Sources) -> int:
    """What the panel's export to a folder does, in a job's folder."""
    case, job = sources.case, home / "job"
    shutil.rmtree(job, ignore_errors=True)
    job.mkdir()
    files = tuple(str(path) for path in sorted(case.folder.iterdir()))
    spec = ExportSpec(case.scan.stored_geometry, tuple(Output), Destination.FOLDER, files, folder=str(home / "out"))
    lay(job, spec, {VOXELS: case.scan.hu, BODIES: case.column.bodies})
    (job / RECORD_FILE).write_text(case.examination.to_json(), encoding="utf-8")
    run_job(job, silent)
    shutil.rmtree(job)
    return DONE


def exported(home: Path, sources: Sources) -> None:
    export(home, sources)
    for name in ("report.html", "dicom/seg.dcm"):
        (home / "out" / name).write_bytes(b"older")


def in_two_renames(run: Callable[[Path, Sources], int]) -> Callable[[Path, Sources], int]:
    """Run as where system or drive cannot exchange two folders in one call."""

    def patched(home: Path, sources: Sources) -> int:
        exchange = atomic._exchange
        atomic._exchange = lambda *_: False
        try:
            return run(home, sources)
        finally:
            atomic._exchange = exchange

    return patched


def measure_again(home: Path, sources: Sources) -> int:
    return measure(home, sources, "--overwrite")


SCENARIOS: dict[str, Scenario] = {
    "measure": Scenario(measure, ("out",), once_done=REFUSED),
    "measure --overwrite": Scenario(measure_again, ("out",), measured),
    "measure --overwrite, in two renames": Scenario(
        in_two_renames(measure_again), ("out",), measured, two_renames=True
    ),
    "measure --overwrite --report": Scenario(
        lambda home, sources: measure_with_report(home, sources, "--overwrite"), ("out",), reported
    ),
    "report": Scenario(report, REPORTS, signed),
    "report, in two renames": Scenario(in_two_renames(report), REPORTS, signed, two_renames=True),
    "report --deidentify": Scenario(
        lambda home, sources: report(home, sources, "--deidentify"), ("out/deidentified",), reported
    ),
    "report -o": Scenario(
        lambda home, sources: report(home, sources, "-o", home / "other"), ("other",), reported, REFUSED
    ),
    "sign": Scenario(sign, ("out/measurement.json",), measured, REFUSED),
    "unsign": Scenario(
        lambda home, _: ldct_bmd("unsign", home / "out", "--reader", "Dr. Reader"),
        ("out/measurement.json",),
        lambda home, sources: (measured(home, sources), sign(home, sources)),
        REFUSED,
    ),
    "calibrate add": Scenario(add, ("site.calibrations",), calibration_file),
    "calibrate retire": Scenario(retire, ("site.calibrations",), store, REFUSED),
    "calibrate export": Scenario(export_calibrations, ("all.json",), stored_and_exported),
    "simulate": Scenario(simulate_two, ("cohort.csv",), cohort),
    "export": Scenario(export, ("out",), exported),
}


def _remember(module: Any, name: str, key: Callable[..., object]) -> None:
    """Let a function of a module be called once for each ``key`` of its arguments."""
    work, results = getattr(module, name), {}

    def remembered(*arguments: Any, **named: Any) -> Any:
        which = key(*arguments, **named)
        if which not in results:
            results[which] = work(*arguments, **named)
        return results[which]

    setattr(module, name, remembered)


def _place(path: Path, series: object = None, *_: object, **__: object) -> object:
    return str(path), str(series)


_remember(simulation_run, "_measure", lambda scan, _: scan.sha256)
_remember(measuring, "read_scan", _place)
_remember(measuring, "measure", lambda scan, _, calibration, levels, *__, **___: (id(scan), calibration, levels))
_remember(opened, "read_scan", _place)
_remember(opened, "list_series", _place)
_remember(outputs, "read_source", lambda path, _: str(path))
for _module in (overview, outputs):
    _remember(_module, "overview_png", lambda _, __, examination: examination.to_json())
_remember(outputs, "draw_pictures", lambda _, __, examination: examination.to_json())
_remember(outputs, "to_pdf", to_html)
_remember(
    outputs,
    "make_objects",
    lambda context, *_, **wanted: (repr(context.predecessor), context.examination.to_json(), repr(wanted)),
)
