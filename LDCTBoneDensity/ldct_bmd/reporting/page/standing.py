"""Where the patient stands among people of the same age and sex, in words."""

from ...examination import Examination
from ...reference import ReferenceCurve, Standing, Unfit, standing
from ...words import Catalogue
from .words import number, signed, visible


def stands(examination: Examination, curve: ReferenceCurve) -> Standing | Unfit:
    """Return where the mean BMD of a record stands; what forbids its category forbids this too."""
    assessment, patient = examination.assessment, examination.scan.patient
    material, has_category = examination.calibration.material, assessment.category is not None
    mean, levels = assessment.mean_bmd_mg_cm3, assessment.levels
    return standing(curve, mean, levels, material, patient.sex, patient.age_years, has_category)


def standing_line(found: Standing | Unfit, curve: ReferenceCurve, say: Catalogue) -> str:
    """Return Z-score and percentile, or why there is none."""
    if isinstance(found, Unfit):
        levels = say.listed(curve.levels)
        reason = say(f"reference.unfit.{found.value}", material=curve.material, levels=levels)
        return say("reference.none", reason=reason)
    return say(
        "reference.line",
        z=signed(found.z_score),
        title=visible(curve.title),
        percentile=_percentile(found.percentile, say),
        mean=number(found.mean_mg_cm3),
        sd=number(found.sd_mg_cm3),
    )


def _percentile(percentile: float, say: Catalogue) -> str:
    if percentile < 1.0:
        return say("reference.percentile.below")
    return say("reference.percentile.above") if percentile > 99.0 else number(percentile, 0)
