"""The record as CSV: one row per level, one row per patient.

The column names are a public contract: they are added to, never renamed.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from ..examination import Examination, Measurement, missing_signature, record_sha256, unused_levels
from ..findings import FindingCode
from ..rules import rules_of
from .deidentify import is_deidentified_copy
from .page.words import visible

Value = str | float | int | bool | None
END = "\r\n"  # of a line: RFC 4180
# What a spreadsheet takes for the start of a formula, in both widths.
_FORMULA_STARTS = "=+-@＝＋－＠|%"
# Where lists are written with commas, a spreadsheet splits rows at ";": what follows one begins a cell, quoted or not.
_FORMULA_AFTER_SEMICOLON = re.compile(rf'(;[\s"]*)(?=[{re.escape(_FORMULA_STARTS)}])')

LEVEL_COLUMNS = (
    "patient_id",
    "scan_date",
    "accession_number",
    "level",
    "names_certain",
    "bmd_mg_cm3",
    "bmd_noise_se_mg_cm3",
    "bmd_total_se_mg_cm3",
    "mean_hu",
    "sd_hu",
    "voi_volume_mm3",
    "in_mean",
    "excluded_reason",
    "excluded_by",
    "automatic_bmd_mg_cm3",
    "automatic_mean_hu",
    "findings",
    "bmd_material",
    "record_sha256",
    "not_used_because",
    "anterior_height_mm",
    "middle_height_mm",
    "posterior_height_mm",
    "largest_height_loss",
    "largest_height_loss_se",
    "largest_height_loss_of",
    "bmd_placement_se_mg_cm3",
    "bmd_half_interval_mg_cm3",
    "water_equivalent_mm",
)
PATIENT_COLUMNS = (
    "patient_id",
    "patient_name",
    "patient_sex",
    "patient_age_years",
    "scan_date",
    "accession_number",
    "study_uid",
    "series_uid",
    "mean_bmd_mg_cm3",
    "mean_bmd_noise_se_mg_cm3",
    "mean_bmd_total_se_mg_cm3",
    "levels_used",
    "category",
    "category_limited_by",
    "statement",
    "state",
    "signed_by",
    "signed_at",
    "findings",
    "calibration_name",
    "calibration_identifier",
    "calibration_slope_mg_cm3_per_hu",
    "calibration_intercept_mg_cm3",
    "calibration_kvp",
    "calibration_nominal",
    "bmd_material",
    "scan_kvp",
    "scanner_manufacturer",
    "scanner_model",
    "kernel",
    "slice_thickness_mm",
    "software_version",
    "segmentation_model",
    "record_sha256",
    "comment",
    "fractures_confirmed",
    "fractures_to_check",
    "rules",
    "calibration_carried_by",
    "mean_bmd_transfer_se_mg_cm3",
    "contrast_shift_hu",
    "mean_bmd_contrast_se_mg_cm3",
    "mean_bmd_placement_se_mg_cm3",
    "mean_bmd_size_se_mg_cm3",
    "mean_bmd_half_interval_mg_cm3",
)


def levels_csv(examination: Examination) -> str:
    """Return a row for each measured level, top to bottom."""
    return csv_text(LEVEL_COLUMNS, [_level_row(examination, m) for m in examination.measurements])


def patient_csv(examination: Examination) -> str:
    """Return one row for the examination."""
    return csv_text(PATIENT_COLUMNS, [patient_row(examination)])


def harmless(value: Value) -> str:
    """Return a cell's text: numbers whole, and nothing that a spreadsheet would run as a formula.

    That holds for one that separates cells by ";", too.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = _FORMULA_AFTER_SEMICOLON.sub(r"\1'", visible(value, 4000))
    return f"'{text}" if text.lstrip()[:1] in tuple(_FORMULA_STARTS) else text


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Value]]) -> str:
    """Return rows as CSV: texts in quotes, so that nobody takes a ";" in one for the separator; numbers without."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator=END).writerow(columns)
    writer = csv.DictWriter(stream, columns, lineterminator=END, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows({name: _cell(row[name]) for name in columns} for row in rows)
    return stream.getvalue()


def _cell(value: Value) -> str | float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else harmless(value)


def _shared(examination: Examination) -> dict[str, Value]:
    scan, made = examination.scan, examination.scan.acquisition
    return {
        "patient_id": scan.patient.patient_id,
        "scan_date": made.acquisition_date or made.study_date,
        "accession_number": scan.source.accession_number,
        "bmd_material": examination.calibration.material,
        "record_sha256": record_sha256(examination),
    }


def _level_row(examination: Examination, measurement: Measurement) -> dict[str, Value]:
    error, automatic, excluded = measurement.bmd_error, measurement.automatic, measurement.excluded
    unused = unused_levels(examination).get(measurement.level)
    size = examination.quality.voi(measurement.level).size
    return _shared(examination) | {
        "level": measurement.level,
        "names_certain": examination.quality.certain(measurement.level),
        "bmd_mg_cm3": measurement.bmd_mg_cm3,
        "bmd_noise_se_mg_cm3": None if error is None else error.noise_mg_cm3,
        "bmd_total_se_mg_cm3": None if error is None else error.total_mg_cm3,
        "mean_hu": measurement.mean_hu,
        "sd_hu": measurement.sd_hu,
        "voi_volume_mm3": measurement.volume_mm3,
        "in_mean": measurement.level in examination.assessment.levels,
        "excluded_reason": None if excluded is None else excluded.text,
        "excluded_by": None if excluded is None else excluded.reader,
        "automatic_bmd_mg_cm3": None if automatic is None else automatic.bmd_mg_cm3,
        "automatic_mean_hu": None if automatic is None else automatic.mean_hu,
        "findings": " ".join(f.code.value for f in examination.findings if f.level == measurement.level),
        "not_used_because": None if unused is None else unused.words,
        **_heights(examination, measurement.level),
        "bmd_placement_se_mg_cm3": None if error is None else error.placement_mg_cm3,
        "bmd_half_interval_mg_cm3": None if error is None else error.half_interval_mg_cm3,
        "water_equivalent_mm": None if size is None else size.water_equivalent_mm,
    }


def _heights(examination: Examination, level: str) -> dict[str, Value]:
    heights = next((one.heights for one in examination.quality.heights if one.level == level), None)
    loss = next((one for one in examination.height_losses if one.level == level), None)
    return {
        "anterior_height_mm": None if heights is None else heights.anterior_mm,
        "middle_height_mm": None if heights is None else heights.middle_mm,
        "posterior_height_mm": None if heights is None else heights.posterior_mm,
        "largest_height_loss": None if loss is None else loss.loss,
        "largest_height_loss_se": None if loss is None else loss.uncertainty,
        "largest_height_loss_of": None if loss is None else loss.height,
    }


def _levels_of(code: FindingCode, examination: Examination) -> str:
    return " ".join(f.level for f in examination.findings if f.code is code and f.level is not None)


def _state(examination: Examination) -> str:
    if examination.signature is not None:
        return "signed"
    if missing_signature(examination) is not None and not is_deidentified_copy(examination):
        return "signature missing"
    return "corrected" if examination.history else "automatic"


def patient_row(examination: Examination) -> dict[str, Value]:
    """Return the values of one examination, by the names of PATIENT_COLUMNS."""
    scan, assessment, calibration = examination.scan, examination.assessment, examination.calibration
    made = scan.acquisition
    signature, error = examination.signature, assessment.mean_bmd_error
    return _shared(examination) | {
        "patient_name": scan.patient.name,
        "patient_sex": scan.patient.sex,
        "patient_age_years": scan.patient.age_years,
        "study_uid": scan.source.study_uid,
        "series_uid": scan.source.series_uid,
        "mean_bmd_mg_cm3": assessment.mean_bmd_mg_cm3,
        "mean_bmd_noise_se_mg_cm3": None if error is None else error.noise_mg_cm3,
        "mean_bmd_total_se_mg_cm3": None if error is None else error.total_mg_cm3,
        "levels_used": " ".join(assessment.levels),
        "category": assessment.category,
        "category_limited_by": " ".join(assessment.limited),
        "statement": assessment.statement,
        "rules": rules_of(assessment.rules).name,
        "state": _state(examination),
        "signed_by": None if signature is None else signature.reader,
        "signed_at": None if signature is None else signature.time,
        "findings": " ".join(dict.fromkeys(f.code.value for f in examination.findings)),
        "calibration_name": calibration.name,
        "calibration_identifier": calibration.identifier,
        "calibration_slope_mg_cm3_per_hu": calibration.slope,
        "calibration_intercept_mg_cm3": calibration.intercept_mg_cm3,
        "calibration_kvp": calibration.kvp,
        "calibration_nominal": calibration.nominal,
        "calibration_carried_by": None if calibration.transfer is None else calibration.transfer.way.value,
        "mean_bmd_transfer_se_mg_cm3": None if error is None else error.transfer_mg_cm3,
        "contrast_shift_hu": None if examination.contrast is None else examination.contrast.shift_hu,
        "mean_bmd_contrast_se_mg_cm3": None if error is None else error.contrast_mg_cm3,
        "mean_bmd_placement_se_mg_cm3": None if error is None else error.placement_mg_cm3,
        "mean_bmd_size_se_mg_cm3": None if error is None else error.size_mg_cm3,
        "mean_bmd_half_interval_mg_cm3": None if error is None else error.half_interval_mg_cm3,
        "scan_kvp": made.kvp,
        "scanner_manufacturer": made.manufacturer,
        "scanner_model": made.model,
        "kernel": made.kernel,
        "slice_thickness_mm": made.slice_thickness_mm,
        "software_version": examination.software.version,
        "segmentation_model": examination.software.model_name,
        "comment": examination.comment,
        "fractures_confirmed": _levels_of(FindingCode.FRACTURE, examination),
        "fractures_to_check": _levels_of(FindingCode.SUSPECTED_FRACTURE, examination),
    }
