"""Findings about the scan and the measurement: pure functions from facts."""

from .calibration_rules import choice_findings, origin_findings, tissue_findings
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
    "choice_findings",
    "fracture_findings",
    "level_findings",
    "lumbar_findings",
    "name_findings",
    "origin_findings",
    "scan_findings",
    "tissue_findings",
    "voi_findings",
]
