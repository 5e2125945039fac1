"""From what was measured to findings and assessment: the one place where that is done."""

from dataclasses import fields, replace

from ..assessment import NotUsed, assess, assessed_levels
from ..calibration import BMDError, KvpFit, Scanner
from ..calibration.contrast import ContrastShift, contrast_shift
from ..calibration.match import CalibrationChoice, ScanConditions
from ..calibration.material import k2hpo4_parts
from ..calibration.provenance import is_tin
from ..calibration.size import size_error_mg_cm3
from ..calibration.tissue import TissueHU
from ..calibration.transfers import setting_name
from ..findings import Finding, FindingCode, Severity
from ..morphometry import HeightLoss, height_losses
from ..quality import (
    bmd_findings,
    calibration_findings,
    choice_findings,
    confirmed_fractures,
    contrast_findings,
    doubtful_outlines,
    file_findings,
    fracture_findings,
    hu_findings,
    level_findings,
    lumbar_findings,
    material_findings,
    name_findings,
    origin_findings,
    outline_findings,
    population_findings,
    scan_findings,
    shows_contrast,
    size_findings,
    tissue_findings,
    transfer_findings,
    voi_findings,
)
from ..rules import rules_of
from ..scan import Acquisition
from ..words import Fact
from .record import Evidence, Examination, Measurement

_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def conclude(evidence: Evidence) -> Examination:
    """Return the examination with findings and assessment that follow from ``evidence``, itself an examination or not.

    The pipeline calls it on what it measured, every correction on a corrected record; it needs no pixels.
    """
    evidence = replace(evidence, measurements=_with_errors(evidence), calibration_choice=_choice(evidence))
    losses = height_losses([(one.level, one.heights) for one in evidence.quality.heights])
    findings = _findings(evidence, losses)
    assessment = assess(
        {m.level: m.bmd_mg_cm3 for m in evidence.measurements},
        findings,
        evidence.calibration.material,
        {m.level: m.excluded.phrase for m in evidence.measurements if m.excluded is not None},
        unused_levels(evidence),
        evidence.rules,
        None if evidence.calibration.material == "K2HPO4" else k2hpo4_parts(evidence.calibration),
    )
    assessment = replace(assessment, mean_bmd_error=_error(evidence, assessment.levels))
    known = {one.name: getattr(evidence, one.name) for one in fields(Evidence)}
    return Examination(**known, assessment=assessment, findings=findings, height_losses=losses)


def unused_levels(evidence: Evidence) -> dict[str, NotUsed]:
    """Return the measured levels that are not used though no reader excluded them, each with the reason."""
    fractured = dict.fromkeys(_confirmed(evidence), NotUsed.FRACTURED)
    doubtful = dict.fromkeys(_doubts(evidence), NotUsed.DOUBTFUL_OUTLINE)
    excluded = {m.level for m in evidence.measurements if m.excluded is not None}
    measured = {m.level for m in evidence.measurements}
    return {level: why for level, why in (doubtful | fractured).items() if level in measured - excluded}


def _confirmed(evidence: Evidence) -> tuple[str, ...]:
    """Return the levels that a reader has called fractured."""
    reasons = {m.level: m.excluded.reason for m in evidence.measurements if m.excluded is not None}
    return confirmed_fractures(evidence.quality.fracture_readings, reasons)


def _doubts(evidence: Evidence) -> dict[str, dict[str, Fact]]:
    """Return why the outlines of measured levels are doubtful."""
    quality = evidence.quality
    by_hand = [facts.level for facts in quality.vois if facts.placed_by is not None]
    return doubtful_outlines(quality.outlines, {m.level: m.sd_hu for m in evidence.measurements}, by_hand)


def _with_errors(evidence: Evidence) -> tuple[Measurement, ...]:
    return tuple(replace(m, bmd_error=_error(evidence, (m.level,))) for m in evidence.measurements)


def _error(evidence: Evidence, levels: tuple[str, ...]) -> BMDError | None:
    """Return the uncertainty budget of the mean BMD of ``levels``.

    None too where the calibration was made at another tube voltage: how far it is off then is in none of its numbers.
    """
    if not levels or evidence.calibration.kvp_fit(evidence.scan.acquisition.kvp) is KvpFit.MISMATCH:
        return None
    measured = [m for m in evidence.measurements if m.level in levels]
    facts = [evidence.quality.voi(m.level) for m in measured]
    placement = [one.placement_hu for one in facts if one.placement_hu is not None]
    size = [size_error_mg_cm3(one.size) for one in facts if one.size is not None]
    contrast = evidence.contrast
    return evidence.calibration.bmd_error(
        [m.mean_hu - _shift_hu(evidence) for m in measured],
        [one.standard_error_hu for one in facts],
        placement if len(placement) == len(facts) else None,
        size if len(size) == len(facts) else None,
        None if contrast is None else evidence.calibration.slope * contrast.sd_hu,
    )


def _shift_hu(evidence: Evidence) -> float:
    """Return what contrast agent adds to the HU of bone."""
    return 0.0 if evidence.contrast is None else evidence.contrast.shift_hu


def _mean_bmd(evidence: Evidence, levels: tuple[str, ...]) -> float | None:
    """Return the mean BMD of ``levels``; None without any."""
    measured = [m.bmd_mg_cm3 for m in evidence.measurements if m.level in levels]
    return sum(measured) / len(measured) if measured else None


def _mean_hu(evidence: Evidence, levels: tuple[str, ...]) -> float | None:
    """Return the mean HU of ``levels``, of all that are measured where there is none; None where nothing is.

    What contrast agent adds is taken off.
    """
    measured = [m.mean_hu - _shift_hu(evidence) for m in evidence.measurements if m.level in levels or not levels]
    return sum(measured) / len(measured) if measured else None


def _choice(evidence: Evidence) -> CalibrationChoice | None:
    """Return why the calibration was taken; None where a reader has put another in its place since."""
    choice = evidence.calibration_choice
    return choice if choice is not None and choice.identifier == evidence.calibration.identifier else None


def _findings(evidence: Evidence, losses: tuple[HeightLoss, ...]) -> tuple[Finding, ...]:
    scan, made, quality = evidence.scan, evidence.scan.acquisition, evidence.quality
    rules, patient = rules_of(evidence.rules), evidence.scan.patient
    is_denied = quality.contrast_denied_by is not None
    measured = {m.level for m in evidence.measurements}
    unused = {m.level for m in evidence.measurements if m.excluded is not None} | set(unused_levels(evidence))
    completeness = {v.level: v.complete for v in evidence.vertebrae}
    found = [
        *scan_findings(
            made.slice_thickness_mm,
            scan.geometry.spacing_mm[2],
            len(scan.source.other_series),
            scan.source.modified,
            sum(other.continues is True for other in scan.source.other_series),
        ),
        *file_findings(made.lossy_compression, made.values_cut_at_hu, scan.source.passed_over),
        *calibration_findings(evidence.calibration, made.kvp),
        *material_findings(evidence.calibration, _mean_bmd(evidence, assessed_levels(measured, unused)), rules),
        *transfer_findings(evidence.calibration, _mean_hu(evidence, assessed_levels(measured, unused))),
        *origin_findings(evidence.calibration, conditions(made)),
        *choice_findings(evidence.calibration_choice),
        *contrast_findings(
            made.contrast_agent, quality.tissue, evidence.contrast, evidence.calibration.slope, is_denied
        ),
        *tissue_findings(quality.tissue, shows_contrast(made.contrast_agent, quality.tissue) and not is_denied),
        *name_findings(quality, measured, completeness),
        *level_findings(
            quality.requested_levels,
            completeness,
            measured,
            {unmeasured.level: unmeasured.reason for unmeasured in quality.unmeasured},
            quality.cut_by_field,
        ),
        *_size_findings(evidence),
        *fracture_findings(losses, _confirmed(evidence), quality.fracture_readings),
        *outline_findings(_doubts(evidence)),
        *lumbar_findings(assessed_levels(measured, unused), rules),
        *population_findings(rules, patient.sex, patient.age_years),
        *hu_findings(
            rules, {m.level: m.mean_hu - _shift_hu(evidence) for m in evidence.measurements if m.level not in unused}
        ),
    ]
    for one in evidence.measurements:
        found += voi_findings(one.voi, one.mean_hu, one.sd_hu, quality.voi(one.level))
    unlike_bone = {finding.level for finding in found if finding.code is FindingCode.HU_PATTERN}
    for one in evidence.measurements:
        found += bmd_findings(one.level, one.bmd_mg_cm3, one.level in unlike_bone and not measured <= unlike_bone)
    order = list(FindingCode)
    return tuple(sorted(found, key=lambda f: (_SEVERITIES.index(f.severity), order.index(f.code))))


def _size_findings(evidence: Evidence) -> list[Finding]:
    """Where the field cuts bodies, what is left of others tells nothing of the voxel size."""
    if evidence.quality.cut_by_field:
        return []
    return size_findings({v.level: v.volume_ml for v in evidence.vertebrae if v.complete}, evidence.quality.heights)


def conditions(acquisition: Acquisition) -> ScanConditions:
    """Return what a calibration of a scan must agree with."""
    made = acquisition
    scanner = Scanner(made.manufacturer, made.model, made.station, made.device_serial)
    day = made.acquisition_date or made.study_date
    return ScanConditions(scanner, made.kvp, made.filter_type, made.kernel, day, made.tin_by_name)


def contrast_of(acquisition: Acquisition, tissue: TissueHU | None) -> ContrastShift | None:
    """Return what contrast agent adds to the HU of bone in a scan; None if there is none, or no aorta was found."""
    setting = setting_name(acquisition.kvp, is_tin(acquisition.filter_type))
    return contrast_shift(tissue, acquisition.contrast_agent is not None, setting)
