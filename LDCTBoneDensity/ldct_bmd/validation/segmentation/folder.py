"""The result folder of an evaluation: written whole or not at all."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from ... import __version__
from ...examination.plain import to_plain
from ...reporting.files import check_output_folder, write_folder
from .case import CaseResult
from .page import Subject, make_page
from .summary import Summary, summarize
from .tables import write_cases, write_levels, write_summary

SCHEMA = "ldct-bmd-evaluation/1"
RECORD_FILE = "evaluation.json"
PAGE_FILE = "evaluation.html"
LEVELS_FILE, CASES_FILE, SUMMARY_FILE = "levels.csv", "cases.csv", "summary.csv"
RESULT_FILES = (RECORD_FILE, PAGE_FILE, LEVELS_FILE, CASES_FILE, SUMMARY_FILE)


def check_evaluation_folder(folder: Path, overwrite: bool) -> None:
    """Raise UsageError, with what to do, if an evaluation can't go to ``folder``."""
    if not (overwrite and _is_evaluation(folder)):
        check_output_folder(folder, overwrite)


def write_evaluation(folder: Path, subject: Subject, results: Sequence[CaseResult], overwrite: bool = False) -> Summary:
    """Write tables, page and record to ``folder`` and return the sums; UsageError if that can't be done."""
    check_evaluation_folder(folder, overwrite)
    summary = summarize(results)

    def fill(partial: Path) -> Summary:
        write_levels(results, partial / LEVELS_FILE)
        write_cases(results, partial / CASES_FILE)
        write_summary(summary.levels, partial / SUMMARY_FILE)
        (partial / PAGE_FILE).write_text(make_page(subject, results, summary), encoding="utf-8")
        record = {
            "schema": SCHEMA,
            "version": __version__,
            "subject": to_plain(subject),
            "scans": to_plain(summary.scans),
            "reliability": to_plain(summary.reliability),
        }
        (partial / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return summary

    if not _is_evaluation(folder):
        return write_folder(folder, overwrite, fill)
    folder = folder.absolute()
    aside = folder.with_name(f".{uuid4().hex}.replaced")
    folder.rename(aside)
    try:
        return write_folder(folder, False, fill)
    finally:
        if not folder.exists():
            aside.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)


def _is_evaluation(folder: Path) -> bool:
    """Whether ``folder`` holds an evaluation and nothing else."""
    if folder.is_symlink():
        return False
    try:
        names = {path.name for path in folder.iterdir()}
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return names <= set(RESULT_FILES) and isinstance(record, dict) and record.get("schema") == SCHEMA
