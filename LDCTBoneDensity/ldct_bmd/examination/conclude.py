"""From what was measured to findings and assessment: the one place where that is done."""

from dataclasses import replace

from ..assessment import assess, assessed_levels
from ..findings import Finding, FindingCode, Severity
from ..quality import (
    calibration_findings,
    fracture_findings,
    level_findings,
    lumbar_findings,
    name_findings,
    scan_findings,
    voi_findings,
)
from .record import Examination

_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def conclude(examination: Examination) -> Examination:
    """Return ``examination`` with findings and assessment that follow from all the rest of it.

    The pipeline calls it on a fresh record, every correction on a corrected one; it needs no pixels.
    """
    findings = _findings(examination)
    assessment = assess(
        {m.level: m.bmd_mg_cm3 for m in examination.measurements},
        findings,
        examination.calibration.material,
        {m.level: m.excluded.reason for m in examination.measurements if m.excluded is not None},
    )
    return replace(examination, findings=findings, assessment=assessment)


def _findings(examination: Examination) -> tuple[Finding, ...]:
    scan, quality = examination.scan, examination.quality
    measured = {m.level for m in examination.measurements}
    excluded = {m.level for m in examination.measurements if m.excluded is not None}
    completeness = {v.level: v.complete for v in examination.vertebrae}
    found = [
        *scan_findings(scan.contrast_agent, scan.slice_thickness_mm, scan.spacing_mm[2], len(scan.other_series)),
        *calibration_findings(examination.calibration, scan.kvp),
        *name_findings(quality.names_certain, quality.names_remark),
        *level_findings(
            quality.requested_levels,
            completeness,
            measured,
            {unmeasured.level: unmeasured.reason for unmeasured in quality.unmeasured},
        ),
        *fracture_findings(quality.heights),
        *lumbar_findings(assessed_levels(dict.fromkeys(measured, 0.0), excluded)),
    ]
    for measurement in examination.measurements:
        found += voi_findings(measurement.voi, measurement.mean_hu, measurement.sd_hu, quality.voi(measurement.level))
    order = list(FindingCode)
    return tuple(sorted(found, key=lambda f: (_SEVERITIES.index(f.severity), order.index(f.code))))
