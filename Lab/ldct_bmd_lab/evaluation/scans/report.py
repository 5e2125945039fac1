"""The result folder of an evaluation on real scans: written whole or not at all."""

import json
from collections.abc import Sequence
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.reporting.files import ResultKind, check_output_folder, write_folder

from .page import ScansSubject, make_scans_page
from .result import ScanResult
from .summary import ScansSummary, summarize_scans
from .tables import write_level_rows, write_scans

SCHEMA = "ldct-bmd-scans/1"
RECORD_FILE, PAGE_FILE, SCANS_FILE, LEVELS_FILE = "scans.json", "scans.html", "scans.csv", "levels.csv"
SCANS = ResultKind(RECORD_FILE, SCHEMA, frozenset({RECORD_FILE, PAGE_FILE, SCANS_FILE, LEVELS_FILE}))


def check_scans_folder(folder: Path, overwrite: bool) -> None:
    """Raise UsageError, with what to do, if a report can't go to ``folder``."""
    check_output_folder(folder, overwrite, SCANS)


def write_scans_report(
    folder: Path, subject: ScansSubject, results: Sequence[ScanResult], overwrite: bool = False
) -> ScansSummary:
    """Write tables, page and record to ``folder`` and return the sums; UsageError if that can't be done."""
    check_scans_folder(folder, overwrite)
    summary = summarize_scans(results)

    def fill(partial: Path) -> ScansSummary:
        write_scans(results, partial / SCANS_FILE)
        write_level_rows(results, partial / LEVELS_FILE)
        (partial / PAGE_FILE).write_text(make_scans_page(subject, results, summary), encoding="utf-8")
        record = {
            "schema": SCHEMA,
            "version": __version__,
            "subject": to_plain(subject),
            "summary": to_plain(summary),
        }
        (partial / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return summary

    return write_folder(folder, overwrite, fill, SCANS)
