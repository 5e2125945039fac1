"""From what was measured to findings and assessment: the one place where that is done."""

from dataclasses import replace

from ..assessment import NotUsed, assess, assessed_levels
from ..calibration import BMDError, Scanner
from ..calibration.match import CalibrationChoice, ScanConditions
from ..findings import Finding, FindingCode, Severity
from ..morphometry import height_losses
from ..quality import (
    calibration_findings,
    choice_findings,
    confirmed_fractures,
    doubtful_outlines,
    fracture_findings,
    level_findings,
    lumbar_findings,
    name_findings,
    origin_findings,
    outline_findings,
    scan_findings,
    tissue_findings,
    voi_findings,
)
from ..words import Fact
from .record import Examination, Measurement, ScanIdentity

_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def conclude(examination: Examination) -> Examination:
    """Return ``examination`` with findings and assessment that follow from all the rest of it.

    The pipeline calls it on a fresh record, every correction on a corrected one; it needs no pixels.
    """
    examination = replace(
        examination,
        measurements=_with_errors(examination),
        calibration_choice=_choice(examination),
        height_losses=height_losses([(one.level, one.heights) for one in examination.quality.heights]),
    )
    findings = _findings(examination)
    assessment = assess(
        {m.level: m.bmd_mg_cm3 for m in examination.measurements},
        findings,
        examination.calibration.material,
        {m.level: m.excluded.reason for m in examination.measurements if m.excluded is not None},
        unused_levels(examination),
    )
    assessment = replace(assessment, mean_bmd_error=_error(examination, assessment.levels))
    return replace(examination, findings=findings, assessment=assessment)


def unused_levels(examination: Examination) -> dict[str, NotUsed]:
    """Return the measured levels that are not used though no reader excluded them, each with the reason."""
    fractured = dict.fromkeys(_confirmed(examination), NotUsed.FRACTURED)
    doubtful = dict.fromkeys(_doubts(examination), NotUsed.DOUBTFUL_OUTLINE)
    excluded = {m.level for m in examination.measurements if m.excluded is not None}
    measured = {m.level for m in examination.measurements}
    return {level: why for level, why in (doubtful | fractured).items() if level in measured - excluded}


def _confirmed(examination: Examination) -> tuple[str, ...]:
    """Return the levels that a reader has called fractured."""
    reasons = {m.level: m.excluded.reason for m in examination.measurements if m.excluded is not None}
    return confirmed_fractures(examination.quality.fracture_readings, reasons)


def _doubts(examination: Examination) -> dict[str, dict[str, Fact]]:
    """Return why the outlines of measured levels are doubtful."""
    quality = examination.quality
    by_hand = [facts.level for facts in quality.vois if facts.placed_by is not None]
    return doubtful_outlines(quality.outlines, {m.level: m.sd_hu for m in examination.measurements}, by_hand)


def _with_errors(examination: Examination) -> tuple[Measurement, ...]:
    return tuple(replace(m, bmd_error=_error(examination, (m.level,))) for m in examination.measurements)


def _error(examination: Examination, levels: tuple[str, ...]) -> BMDError | None:
    """Return the standard error of the mean BMD of ``levels``."""
    if not levels:
        return None
    measured = [m for m in examination.measurements if m.level in levels]
    noise = [examination.quality.voi(m.level).standard_error_hu for m in measured]
    return examination.calibration.bmd_error([m.mean_hu for m in measured], noise)


def _choice(examination: Examination) -> CalibrationChoice | None:
    """Return why the calibration was taken; None where a reader has put another in its place since."""
    choice = examination.calibration_choice
    return choice if choice is not None and choice.identifier == examination.calibration.identifier else None


def _findings(examination: Examination) -> tuple[Finding, ...]:
    scan, quality = examination.scan, examination.quality
    measured = {m.level for m in examination.measurements}
    unused = {m.level for m in examination.measurements if m.excluded is not None} | set(unused_levels(examination))
    completeness = {v.level: v.complete for v in examination.vertebrae}
    found = [
        *scan_findings(
            scan.contrast_agent,
            scan.slice_thickness_mm,
            scan.spacing_mm[2],
            len(scan.other_series),
            scan.modified,
        ),
        *calibration_findings(examination.calibration, scan.kvp),
        *origin_findings(examination.calibration, conditions(scan)),
        *choice_findings(examination.calibration_choice),
        *tissue_findings(quality.tissue, scan.contrast_agent),
        *name_findings(quality, measured, completeness),
        *level_findings(
            quality.requested_levels,
            completeness,
            measured,
            {unmeasured.level: unmeasured.reason for unmeasured in quality.unmeasured},
        ),
        *fracture_findings(examination.height_losses, _confirmed(examination), quality.fracture_readings),
        *outline_findings(_doubts(examination)),
        *lumbar_findings(assessed_levels(dict.fromkeys(measured, 0.0), unused)),
    ]
    for measurement in examination.measurements:
        found += voi_findings(measurement.voi, measurement.mean_hu, measurement.sd_hu, quality.voi(measurement.level))
    order = list(FindingCode)
    return tuple(sorted(found, key=lambda f: (_SEVERITIES.index(f.severity), order.index(f.code))))


def conditions(scan: ScanIdentity) -> ScanConditions:
    """Return what a calibration of ``scan`` must agree with."""
    scanner = Scanner(scan.manufacturer, scan.model, scan.station, scan.device_serial)
    return ScanConditions(scanner, scan.kvp, scan.filter_type, scan.kernel, scan.acquisition_date or scan.study_date)
