"""The result folder of an evaluation: written whole or not at all."""

import json
from collections.abc import Sequence
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.reporting.files import ResultKind, check_output_folder, write_folder

from .case import CaseResult
from .conditions import compare_conditions
from .names import name_confidence
from .page import Subject, make_page
from .summary import Summary, summarize
from .tables import write_cases, write_levels, write_summary

SCHEMA = "ldct-bmd-evaluation/1"
RECORD_FILE = "evaluation.json"
PAGE_FILE = "evaluation.html"
LEVELS_FILE, CASES_FILE, SUMMARY_FILE = "levels.csv", "cases.csv", "summary.csv"
EVALUATION = ResultKind(RECORD_FILE, SCHEMA, frozenset({RECORD_FILE, PAGE_FILE, LEVELS_FILE, CASES_FILE, SUMMARY_FILE}))


def check_evaluation_folder(folder: Path, overwrite: bool) -> None:
    """Raise UsageError, with what to do, if an evaluation can't go to ``folder``."""
    check_output_folder(folder, overwrite, EVALUATION)


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
            "names": to_plain(name_confidence(results)),
            "conditions": to_plain(compare_conditions(results)),
        }
        (partial / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return summary

    return write_folder(folder, overwrite, fill, EVALUATION)
