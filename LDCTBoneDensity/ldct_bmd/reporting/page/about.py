"""What the report says of the patient, the scan, the calibration and the software."""

from ...assessment import format_bmd
from ...calibration import Calibration
from ...calibration.described import carried_line, contrast_line, name_words, source_words
from ...examination import Examination, record_sha256
from ...rules import rules_of
from ...scan import Acquisition, Patient
from ...segmentation import RuntimeIdentity
from ...words import Catalogue
from .report import Fact
from .words import MINUS, date, number, person, time, visible

Facts = tuple[Fact, ...]

THRESHOLDS_FROM_YEARS = 50.0  # ACR-SPR-SSR practice parameter for QCT
# No tube gives more; a tag that says so holds another unit (microampere seconds, say).
MOST_MA, MOST_MAS = 3000.0, 5000.0


def patient_facts(patient: Patient, say: Catalogue) -> Facts:
    """Return name, ID, sex and age; what the scan does not say is said to be missing."""
    sex = f"sex.{patient.sex}"
    age = None if patient.age_years is None else say("patient.age_years", years=f"{patient.age_years:g}")
    values = {
        "patient.name": person(patient.name) if patient.name else None,
        "patient.id": visible(patient.patient_id) if patient.patient_id else None,
        "patient.sex": say(sex) if sex in say else patient.sex and visible(patient.sex),
        "patient.age": age,
    }
    return tuple(Fact(say(key), value or say("report.not_stated")) for key, value in values.items())


def scan_facts(examination: Examination, say: Catalogue) -> Facts:
    """Return which scan was measured and how it was made."""
    made, source = examination.scan.acquisition, examination.scan.source
    x, y, z = examination.scan.geometry.spacing_mm
    values = {
        "scan.date": date(made.acquisition_date or made.study_date) or say("report.not_stated"),
        "scan.accession": source.accession_number and visible(source.accession_number),
        "scan.series": made.series_description and visible(made.series_description),
        "scan.file": source.file_name and visible(source.file_name),
        "scan.scanner": visible(" ".join(part for part in (made.manufacturer, made.model, made.station) if part)),
        "scan.acquisition": acquisition_words(made, say) or say("report.not_stated"),
        "scan.voxels": say("scan.voxel_size", x=f"{x:.2f}", y=f"{y:.2f}", z=f"{z:.2f}"),
        "scan.measured_at": examination.measured_at and time(examination.measured_at),
    }
    return tuple(Fact(say(key), value) for key, value in values.items() if value)


def mean_line(examination: Examination, say: Catalogue) -> str:
    """Return the mean BMD with its levels and its 95 % interval; "" if there is none."""
    assessment = examination.assessment
    if assessment.mean_bmd_mg_cm3 is None:
        return ""
    title = say("bar.title", levels=say.listed(assessment.levels))
    shown = format_bmd(assessment.mean_bmd_mg_cm3, rules_of(assessment.rules))
    bmd = number(float(shown), len(shown.partition(".")[2]))
    error = assessment.mean_bmd_error
    if error is None:
        value = say("bar.value", bmd=bmd)
        return say("bar.line", title=title, value=value)
    key = "bar.uncertainty_noise" if error.total_mg_cm3 is None else "bar.uncertainty"
    value = say(key, bmd=bmd, half=number(error.half_interval_mg_cm3))
    return say("bar.line", title=title, value=value)


def age_caveat(patient: Patient, say: Catalogue) -> str:
    """Return whom the thresholds are meant for, if the patient is younger or of an unknown age; else ""."""
    years = patient.age_years
    if years is None:
        return say("method.age_unknown")
    return say("warning.young", years=f"{years:g}") if years < THRESHOLDS_FROM_YEARS else ""


def acquisition_words(made: Acquisition, say: Catalogue) -> str:
    """Return tube voltage, current, exposure and kernel as the scan states them; "" if it states none."""
    parts = []
    if made.kvp is not None:
        parts.append(say("scan.kvp", kvp=f"{made.kvp:g}"))
    for value, key, most in (
        (made.tube_current_ma, "ma", MOST_MA),
        (made.exposure_mas, "mas", MOST_MAS),
    ):
        if value is not None:
            words = say(f"scan.{key}", **{key: f"{value:g}"})
            parts.append(words if 0.0 < value <= most else say("scan.as_tagged", value=words))
    if made.kernel:
        parts.append(say("scan.kernel", kernel=visible(made.kernel)))
    if made.slice_thickness_mm is not None:
        parts.append(say("scan.thickness", mm=f"{made.slice_thickness_mm:g}"))
    if made.contrast_agent:
        parts.append(say("scan.contrast", agent=visible(made.contrast_agent)))
    return say("comma").join(parts)


def calibration_line(calibration: Calibration, say: Catalogue) -> str:
    """Return the calibration's equation."""
    intercept = calibration.intercept_mg_cm3
    sign = MINUS if intercept < 0 else "+"
    return say("calibration.line", slope=f"{calibration.slope:g}", intercept=f"{sign} {abs(intercept):g}")


def calibration_facts(examination: Examination, say: Catalogue) -> Facts:
    """Return the equation, what it is equivalent to, and where it comes from."""
    calibration = examination.calibration
    carried, contrast = carried_line(calibration), contrast_line(examination.contrast)
    provenance, fit, choice = calibration.provenance, calibration.fit, examination.calibration_choice
    values: dict[str, str | None] = {
        "calibration.name": visible(name_words(calibration)),
        "calibration.equation": calibration_line(examination.line, say),
        "calibration.material": calibration.material,
        "calibration.kvp": _kvp(calibration, say),
        "calibration.carried": None if carried is None else visible(str(carried)),
        "calibration.contrast": None if contrast is None else visible(str(contrast)),
    }
    if provenance is not None:
        values |= {
            "calibration.method": say(f"calibration.method.{provenance.method.value}"),
            "calibration.phantom": provenance.phantom and visible(provenance.phantom),
            "calibration.scanner": None if provenance.scanner is None else visible(str(provenance.scanner)),
            "calibration.date": date(provenance.date),
            "calibration.valid_until": date(provenance.valid_until),
            "calibration.operator": provenance.operator and visible(provenance.operator),
        }
    if fit is not None:
        values["calibration.fit"] = say(
            "calibration.fit_line",
            points=fit.points,
            residual=number(fit.residual_sd_mg_cm3),
            r2=f"{fit.r_squared:.4f}",
        )
    values["calibration.choice"] = visible(str(choice.reason), 1000) if choice is not None else None
    values["calibration.source"] = visible(source_words(calibration), 1000)
    values["calibration.identifier"] = calibration.identifier
    return tuple(Fact(say(key), value) for key, value in values.items() if value)


def _kvp(calibration: Calibration, say: Catalogue) -> str:
    return say("report.not_stated") if calibration.kvp is None else say("scan.kvp", kvp=f"{calibration.kvp:g}")


def _runtime(runtime: RuntimeIdentity | None) -> str | None:
    return None if runtime is None else f"{runtime.name} {runtime.version}, {runtime.device}, {runtime.precision}"


def software_facts(examination: Examination, say: Catalogue) -> Facts:
    """Return what made the record, with checksums."""
    software, signature = examination.software, examination.signature
    values = {
        "software.version": visible(software.version),
        "software.model": visible(software.model_name),
        "software.model_sha256": software.model_sha256 or say("report.not_stated"),
        "software.runtime": _runtime(software.runtime),
        "software.schema": examination.schema,
        "software.voxels_sha256": examination.voxels_sha256 or say("software.no_voxels_sha256"),
        "software.record_sha256": record_sha256(examination),
        "software.key": None
        if signature is None or signature.key is None
        else f"{signature.key.algorithm} {signature.key.public_key}",
    }
    return tuple(Fact(say(key), value) for key, value in values.items() if value)
