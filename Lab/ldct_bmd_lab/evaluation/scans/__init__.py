"""Evaluation on real scans of which levels, and perhaps bodies, are known: names, certainty, outlines, fractures."""

from .evaluate import evaluate_scan
from .layout import ScanFolder, find_scans
from .result import LevelRow, ScanResult
from .summary import ScansSummary, summarize_scans

__all__ = [
    "LevelRow",
    "ScanFolder",
    "ScanResult",
    "ScansSummary",
    "evaluate_scan",
    "find_scans",
    "summarize_scans",
]
