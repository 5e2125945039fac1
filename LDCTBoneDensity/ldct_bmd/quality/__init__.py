"""Findings about the scan and the measurement: pure functions from facts."""

from .facts import LevelHeights, QualityFacts, Unmeasured, VOIFacts
from .rules import (
    calibration_findings,
    fracture_findings,
    level_findings,
    lumbar_findings,
    name_findings,
    scan_findings,
    voi_findings,
)

__all__ = [
    "LevelHeights",
    "QualityFacts",
    "Unmeasured",
    "VOIFacts",
    "calibration_findings",
    "fracture_findings",
    "level_findings",
    "lumbar_findings",
    "name_findings",
    "scan_findings",
    "voi_findings",
]
