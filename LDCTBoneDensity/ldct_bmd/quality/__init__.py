"""Findings about the scan and the measurement: pure functions from facts."""

from .body_rules import (
    confirmed_fractures,
    doubtful_outlines,
    fracture_findings,
    outline_findings,
)
from .calibration_rules import choice_findings, material_findings, origin_findings, tissue_findings, transfer_findings
from .contrast_rules import contrast_findings, shows_contrast
from .facts import FractureReading, LevelHeights, LevelOutline, QualityFacts, Unmeasured, VOIFacts
from .rule_set_rules import hu_findings, population_findings
from .rules import (
    bmd_findings,
    calibration_findings,
    file_findings,
    level_findings,
    lumbar_findings,
    name_findings,
    scan_findings,
    voi_findings,
)
from .size_rules import size_findings

__all__ = [
    "FractureReading",
    "LevelHeights",
    "LevelOutline",
    "QualityFacts",
    "Unmeasured",
    "VOIFacts",
    "bmd_findings",
    "calibration_findings",
    "choice_findings",
    "confirmed_fractures",
    "contrast_findings",
    "doubtful_outlines",
    "file_findings",
    "fracture_findings",
    "hu_findings",
    "level_findings",
    "lumbar_findings",
    "material_findings",
    "name_findings",
    "origin_findings",
    "outline_findings",
    "population_findings",
    "scan_findings",
    "shows_contrast",
    "size_findings",
    "tissue_findings",
    "transfer_findings",
    "voi_findings",
]
