"""Change since earlier examinations of the same patient, against the least significant change (LSC)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..calibration import BMDError
from ..calibration.described import name_words
from ..calibration.provenance import read_date
from ..examination import Examination, unused_levels
from ..ground.errors import UsageError
from .signed import is_as_signed

# A change is significant at 95 % where it exceeds 1.96 times the standard error of the difference of two measurements;
# with equal errors that is ISCD's 2.77 times the precision error.
LSC_FACTOR = 1.96
DAYS_PER_YEAR = 365.25
_SHORTEST_YEARS = 0.25  # a rate over less multiplies the noise


class Remark(str, Enum):
    """What stands against reading a change as bone gained or lost."""

    CALIBRATION = "calibration"
    SCANNER = "scanner"
    KVP = "kvp"
    MATERIAL = "material"
    NAMES = "names"
    UNDATED = "undated"


@dataclass(frozen=True)
class Change:
    """The change of one level, or of the mean over ``levels``, in mg/cm3.

    Attributes:
        per_year_mg_cm3: None where a scan has no date, or less than three months lie between them.
        lsc_mg_cm3: None where scanner or tube voltage differ, whose bias noise does not tell, or where the calibrations
            differ and one does not say how well it fits; the site's own LSC stands in any case.
    """

    levels: tuple[str, ...]
    is_mean: bool
    then_mg_cm3: float
    now_mg_cm3: float
    per_year_mg_cm3: float | None
    lsc_mg_cm3: float | None

    @property
    def change_mg_cm3(self) -> float:
        """Now less then."""
        return self.now_mg_cm3 - self.then_mg_cm3

    @property
    def percent(self) -> float | None:
        """Change in percent of then; None where that was not positive."""
        return 100.0 * self.change_mg_cm3 / self.then_mg_cm3 if self.then_mg_cm3 > 0.0 else None

    @property
    def exceeds_lsc(self) -> bool:
        """Whether the change is more than the LSC; False where that is not known."""
        return self.lsc_mg_cm3 is not None and abs(self.change_mg_cm3) > self.lsc_mg_cm3


@dataclass(frozen=True)
class Comparison:
    """One earlier examination next to the current one.

    Attributes:
        date: of the earlier scan as its header writes it; None where it has none or may not be told.
        years: from the earlier scan to the current one.
        facts: texts for the remarks.
        site_lsc_mg_cm3: the site's own LSC, where it gave one.
    """

    date: str | None
    years: float | None
    changes: tuple[Change, ...]
    remarks: tuple[Remark, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    site_lsc_mg_cm3: float | None = None


def compare(
    current: Examination, prior: Examination, site_lsc_mg_cm3: float | None = None, tell_date: bool = True
) -> Comparison:
    """Compare with an earlier examination.

    Only levels that are measured and not excluded in both count, and the mean only where it rests on the same levels.

    Args:
        site_lsc_mg_cm3: the LSC of the site's own precision study, in place of the one from the noise.
        tell_date: False leaves only the years between the two scans (de-identified).

    Raises:
        UsageError: the prior is of another patient, or that cannot be determined; it is the same scan, or a later one;
            or it was changed after it was signed.
    """
    _check_same_patient(current, prior)
    if not is_as_signed(prior):
        raise UsageError("prior.changed")
    years = _years_between(prior, current)
    if years is not None and years < 0.0:
        raise UsageError("prior.later")
    remarks = [remark for remark, applies in _remarks(current, prior, years).items() if applies]
    is_same_device = not {Remark.SCANNER, Remark.KVP} & set(remarks)
    changes = []
    if not {Remark.MATERIAL, Remark.NAMES} & set(remarks):
        then_mean, now_mean = prior.assessment, current.assessment
        if (
            then_mean.mean_bmd_mg_cm3 is not None
            and now_mean.mean_bmd_mg_cm3 is not None
            and then_mean.levels == now_mean.levels
        ):
            lsc = site_lsc_mg_cm3
            if lsc is None and is_same_device:
                lsc = _lsc(current, prior, now_mean.mean_bmd_error, then_mean.mean_bmd_error)
            rate = _rate(then_mean.mean_bmd_mg_cm3, now_mean.mean_bmd_mg_cm3, years)
            changes.append(
                Change(now_mean.levels, True, then_mean.mean_bmd_mg_cm3, now_mean.mean_bmd_mg_cm3, rate, lsc)
            )
        unused = {*unused_levels(current), *unused_levels(prior)}
        for now in current.measurements:
            then = prior.measurement(now.level)
            if then is None or then.excluded is not None or now.excluded is not None or now.level in unused:
                continue
            if not (current.quality.certain(now.level) and prior.quality.certain(now.level)):
                continue  # perhaps two vertebrae
            lsc = site_lsc_mg_cm3
            if lsc is None and is_same_device:
                lsc = _lsc(current, prior, now.bmd_error, then.bmd_error)
            rate = _rate(then.bmd_mg_cm3, now.bmd_mg_cm3, years)
            changes.append(Change((now.level,), False, then.bmd_mg_cm3, now.bmd_mg_cm3, rate, lsc))
    made = prior.scan.acquisition
    scanner = " ".join(part for part in (made.manufacturer, made.model, made.station) if part)
    facts = {
        "name": name_words(prior.calibration),
        "material": prior.calibration.material,
        "scanner": scanner,
        "kvp": "?" if made.kvp is None else f"{made.kvp:g}",
    }
    date = _scan_date(prior) if tell_date else None
    return Comparison(date, years, tuple(changes), tuple(remarks), facts, site_lsc_mg_cm3)


def compare_all(
    current: Examination,
    priors: Iterable[Examination],
    site_lsc_mg_cm3: float | None = None,
    tell_date: bool = True,
) -> tuple[Comparison, ...]:
    """Compare with several earlier examinations, the latest first; see :func:`compare`."""
    made = [compare(current, prior, site_lsc_mg_cm3, tell_date) for prior in priors]
    return tuple(sorted(made, key=lambda comparison: comparison.years or 0.0))


def _check_same_patient(current: Examination, prior: Examination) -> None:
    patient, before = current.scan.patient.patient_id, prior.scan.patient.patient_id
    if not patient or not before:
        raise UsageError("prior.no_patient_id")
    if patient.strip() != before.strip():
        raise UsageError("prior.other_patient")
    now, then = current.scan.source, prior.scan.source
    same_images = now.sop_instance_uids and now.sop_instance_uids == then.sop_instance_uids
    same_file = now.file_sha256 and now.file_sha256 == then.file_sha256
    if same_images or same_file:
        raise UsageError("prior.same_scan")


def _remarks(current: Examination, prior: Examination, years: float | None) -> dict[Remark, bool]:
    now, then = current.scan.acquisition, prior.scan.acquisition
    is_other_scanner = (now.manufacturer, now.model, now.station, now.device_serial) != (
        then.manufacturer,
        then.model,
        then.station,
        then.device_serial,
    )
    return {
        Remark.NAMES: not (current.quality.names_certain and prior.quality.names_certain),
        Remark.MATERIAL: current.calibration.material != prior.calibration.material,
        Remark.CALIBRATION: current.calibration.identifier != prior.calibration.identifier,
        Remark.SCANNER: is_other_scanner,
        Remark.KVP: now.kvp != then.kvp,
        Remark.UNDATED: years is None,
    }


def _lsc(current: Examination, prior: Examination, now: BMDError | None, then: BMDError | None) -> float | None:
    """Return the LSC that follows from the records' own standard errors: a lower limit, positioning is not in them."""
    if now is None or then is None:
        return None
    if current.calibration.identifier == prior.calibration.identifier:
        # One calibration: its error is common to both and cancels but for the slope's part over the change itself; so
        # does what a patient's size adds, but for what the size has changed by.
        grown = (now.size_mg_cm3 or 0.0) - (then.size_mg_cm3 or now.size_mg_cm3 or 0.0)
        contrast = (now.contrast_mg_cm3 or 0.0, then.contrast_mg_cm3 or 0.0)
        return LSC_FACTOR * math.hypot(now.repeated_mg_cm3, then.repeated_mg_cm3, grown, *contrast)
    if now.total_mg_cm3 is None or then.total_mg_cm3 is None:
        return None
    return LSC_FACTOR * math.hypot(now.total_mg_cm3, then.total_mg_cm3)


def _rate(then: float, now: float, years: float | None) -> float | None:
    return None if years is None or abs(years) < _SHORTEST_YEARS else (now - then) / years


def _scan_date(examination: Examination) -> str | None:
    made = examination.scan.acquisition
    return made.acquisition_date or made.study_date


def _years_between(prior: Examination, current: Examination) -> float | None:
    dates = []
    for examination in (prior, current):
        text = _scan_date(examination)
        try:
            dates.append(None if text is None else read_date(text))
        except UsageError:
            dates.append(None)
    then, now = dates
    return None if then is None or now is None else (now - then).days / DAYS_PER_YEAR
