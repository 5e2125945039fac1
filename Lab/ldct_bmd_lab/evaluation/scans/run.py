"""Evaluating many real scans, one after the other, so that a killed run resumes."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.segmentation import Segmenter

from ...ground.journal import Journal
from .evaluate import evaluate_scan
from .layout import ScanFolder, files_of
from .page import ScansSubject
from .report import write_scans_report
from .result import ScanResult
from .summary import ScansSummary

STAGE = "Evaluating"
SEGMENTING = 0.5  # of the time that a scan takes


def evaluate_scans(
    folder: Path,
    scans: Sequence[ScanFolder],
    segmenter: Segmenter,
    subject: ScansSubject,
    shapes_only: Collection[str] = (),
    overwrite: bool = False,
    progress: Progress = silent,
) -> tuple[ScansSummary, list[ScanResult]]:
    """Evaluate every scan, resume where a killed run stopped, and write the folder.

    Args:
        shapes_only: names of scans whose list tells places but not names.
    """
    arguments = {"scans": True, "version": __version__, "model": segmenter.identity.sha256}
    inputs = {scan.name: [scan.patient, scan.name in shapes_only, files_of(scan)] for scan in scans}
    journal = Journal(folder, ScanResult, arguments, "evaluation", inputs)
    for number, scan in enumerate(scans):
        progress(STAGE, number / len(scans))
        if scan.name not in journal.results:
            within_scan = partial(within, progress, number, len(scans))
            journal.add(evaluate_scan(scan, segmenter, within_scan, scan.name not in shapes_only))
    results = [journal.results[scan.name] for scan in scans]
    summary = write_scans_report(folder, subject, results, overwrite)
    journal.remove()
    progress(STAGE, 1.0)
    return summary, results


def within(progress: Progress, number: int, count: int, stage: str, fraction: float) -> None:
    """Report how far a scan is as a part of how far all scans are."""
    done = SEGMENTING * fraction if stage == "segment" else SEGMENTING
    progress(STAGE, (number + done) / count)
