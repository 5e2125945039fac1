"""Change since earlier examinations of the same patient, against the least significant change (LSC).

There are two ways. Two records are compared as they are: each VOI was placed for itself. Where the earlier scan is at
hand too, the current VOIs are also measured at the same place in it (:mod:`..followup`), which leaves out what two
placements differ by.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..calibration import BMDError
from ..calibration.budget import common
from ..calibration.described import name_words
from ..calibration.provenance import read_date
from ..calibration.size import size_change_error_mg_cm3
from ..examination import Examination, Measurement, unused_levels
from ..findings import FindingCode
from ..followup import Carried, NotCarried, Why
from ..ground.errors import UsageError
from .deidentify import OLDEST_YEARS
from .signed import is_as_signed

# A change is significant at 95 % where it exceeds 1.96 times the standard error of the difference of two measurements;
# with equal errors that is ISCD's 2.77 times the precision error.
LSC_FACTOR = 1.96
DAYS_PER_YEAR = 365.25
AGE_TOLERANCE_YEARS = 3.0  # headers tell whole years, and some still the age at an earlier visit
_SHORTEST_YEARS = 0.25  # a rate over less multiplies the noise


class Remark(str, Enum):
    """What stands against reading a change as bone gained or lost."""

    CALIBRATION = "calibration"
    SCANNER = "scanner"
    KVP = "kvp"
    CONTRAST = "contrast"
    MATERIAL = "material"
    NAMES = "names"
    UNDATED = "undated"


_BIASED = {Remark.SCANNER, Remark.KVP, Remark.CONTRAST}
_CONTRAST = (FindingCode.CONTRAST_AGENT, FindingCode.BLOOD_ENHANCED)


@dataclass(frozen=True)
class Change:
    """The change of one level, or of the mean over ``levels``, in mg/cm3.

    Attributes:
        per_year_mg_cm3: None where a scan has no date, or less than three months lie between them.
        lsc_mg_cm3: None where scanner or tube voltage differ or one scan was made with contrast agent, whose bias noise
            does not tell, or where the calibrations differ and one does not say how well it fits; the site's own LSC
            stands in any case.
        error_mg_cm3: standard error of a change at the same place, which its LSC follows from; None where that is not
            known for the same reasons.
    """

    levels: tuple[str, ...]
    is_mean: bool
    then_mg_cm3: float
    now_mg_cm3: float
    per_year_mg_cm3: float | None
    lsc_mg_cm3: float | None
    error_mg_cm3: float | None = None

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
        same_place: changes of the current VOIs at the same place in the earlier scan; None where that was not at hand.
        not_carried: levels without such a change, and why.
        then_has_category: False where something forbade the category of the earlier examination.
    """

    date: str | None
    years: float | None
    changes: tuple[Change, ...]
    remarks: tuple[Remark, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    site_lsc_mg_cm3: float | None = None
    same_place: tuple[Change, ...] | None = None
    not_carried: tuple[NotCarried, ...] = ()
    then_has_category: bool = True


@dataclass(frozen=True)
class Prior:
    """An earlier examination, and what the current VOIs found in its scan; None where that is not at hand."""

    examination: Examination
    carried: Sequence[Carried | NotCarried] | None = None


def compare(
    current: Examination,
    prior: Examination,
    site_lsc_mg_cm3: float | None = None,
    tell_date: bool = True,
    carried: Sequence[Carried | NotCarried] | None = None,
) -> Comparison:
    """Compare with an earlier examination.

    Only levels that are measured and not excluded in both count, and the mean only where it rests on the same levels. A
    level whose body looks like its neighbour's in the earlier scan has no change at all, and no part in the mean's.

    Args:
        site_lsc_mg_cm3: the LSC of the site's own precision study, in place of the one from the noise.
        tell_date: False leaves only the years between the two scans (de-identified).
        carried: what became of the current VOIs in the prior's scan; None where that is not at hand.

    Raises:
        UsageError: the prior is of another patient, or that cannot be determined; it is the same scan, or a later one;
            or it was changed after it was signed.
    """
    years = _years_between(prior, current)
    _check_same_patient(current, prior, years)
    if not is_as_signed(prior):
        raise UsageError("prior.changed")
    if years is not None and years < 0.0:
        raise UsageError("prior.later")
    remarks = [remark for remark, applies in _remarks(current, prior, years).items() if applies]
    pair = _Pair(current, prior, years, not _BIASED & set(remarks))
    not_carried = tuple(one for one in carried or () if isinstance(one, NotCarried))
    misnamed = {one.level for one in not_carried if one.why is Why.OTHER_LEVEL}
    changes: tuple[Change, ...] = ()
    same_place: tuple[Change, ...] | None = None if carried is None else ()
    if not {Remark.MATERIAL, Remark.NAMES} & set(remarks):
        levels = [level for level in comparable_levels(current, prior) if level not in misnamed]
        changes = _by_records(pair, levels, misnamed, site_lsc_mg_cm3)
        if carried is not None:
            found = {one.level: one for one in carried if isinstance(one, Carried)}
            same_place = _at_same_place(pair, {level: found[level] for level in levels if level in found})
    made = prior.scan.acquisition
    scanner = " ".join(part for part in (made.manufacturer, made.model, made.station) if part)
    facts = {
        "name": name_words(prior.calibration),
        "material": prior.calibration.material,
        "scanner": scanner,
        "kvp": "?" if made.kvp is None else f"{made.kvp:g}",
    }
    date = scan_date(prior) if tell_date else None
    has_category = prior.assessment.category is not None
    return Comparison(
        date, years, changes, tuple(remarks), facts, site_lsc_mg_cm3, same_place, not_carried, has_category
    )


def compare_all(
    current: Examination, priors: Iterable[Prior], site_lsc_mg_cm3: float | None = None, tell_date: bool = True
) -> tuple[Comparison, ...]:
    """Compare with several earlier examinations, the latest first; see :func:`compare`."""
    made = [compare(current, prior.examination, site_lsc_mg_cm3, tell_date, prior.carried) for prior in priors]
    return tuple(sorted(made, key=lambda comparison: comparison.years or 0.0))


def comparable_levels(current: Examination, prior: Examination) -> tuple[str, ...]:
    """Return the levels that are measured, used and certain of their names in both, in the order of the current ones.

    An uncertain name may be that of two vertebrae.
    """
    unused = {*unused_levels(current), *unused_levels(prior)}
    levels = []
    for now in current.measurements:
        then = prior.measurement(now.level)
        if then is None or then.excluded is not None or now.excluded is not None or now.level in unused:
            continue
        if current.quality.certain(now.level) and prior.quality.certain(now.level):
            levels.append(now.level)
    return tuple(levels)


@dataclass(frozen=True)
class _Pair:
    """Two examinations of one patient.

    ``same_device``: on one scanner at one voltage, both without contrast agent, so that no bias lies between.
    """

    current: Examination
    prior: Examination
    years: float | None
    same_device: bool

    @property
    def one_calibration(self) -> bool:
        return self.current.calibration.identifier == self.prior.calibration.identifier

    def measured(self, level: str) -> tuple[Measurement, Measurement]:
        now, then = self.current.measurement(level), self.prior.measurement(level)
        if now is None or then is None:
            raise ValueError(f"{level} is not measured in both")
        return now, then


def _by_records(
    pair: _Pair, levels: Sequence[str], misnamed: set[str], site_lsc_mg_cm3: float | None
) -> tuple[Change, ...]:
    """Return the changes between two records, each with its own VOIs."""

    def made(
        which: tuple[str, ...], is_mean: bool, then: float, now: float, errors: tuple[BMDError | None, BMDError | None]
    ) -> Change:
        lsc = site_lsc_mg_cm3
        if lsc is None and pair.same_device:
            lsc = _lsc(pair, *errors, _grown_mg_cm3(pair, which))
        return Change(which, is_mean, then, now, _rate(then, now, pair.years), lsc)

    changes = []
    then_mean, now_mean = pair.prior.assessment, pair.current.assessment
    if (
        then_mean.mean_bmd_mg_cm3 is not None
        and now_mean.mean_bmd_mg_cm3 is not None
        and then_mean.levels == now_mean.levels
        and not misnamed & set(now_mean.levels)
    ):
        errors = (now_mean.mean_bmd_error, then_mean.mean_bmd_error)
        changes.append(made(now_mean.levels, True, then_mean.mean_bmd_mg_cm3, now_mean.mean_bmd_mg_cm3, errors))
    for level in levels:
        now, then = pair.measured(level)
        changes.append(made((level,), False, then.bmd_mg_cm3, now.bmd_mg_cm3, (now.bmd_error, then.bmd_error)))
    return tuple(changes)


def _at_same_place(pair: _Pair, found: Mapping[str, Carried]) -> tuple[Change, ...]:
    """Return the changes of the current VOIs between the two scans; the mean only where it rests on carried VOIs."""
    mean = pair.current.assessment.levels
    changes = []
    if mean and set(mean) <= set(found):
        changes.append(_carried_change(pair, mean, found, is_mean=True))
    return (*changes, *(_carried_change(pair, (level,), found, is_mean=False) for level in found))


def _carried_change(pair: _Pair, levels: tuple[str, ...], found: Mapping[str, Carried], is_mean: bool) -> Change:
    count = len(levels)
    current, prior = pair.current, pair.prior
    now = [pair.measured(level)[0] for level in levels]
    there = [found[level] for level in levels]
    now_bmd = sum(one.bmd_mg_cm3 for one in now) / count
    then_bmd = sum(prior.line.bmd_mg_cm3(one.mean_hu) for one in there) / count
    there_hu = [one.mean_hu for one in there]
    errors = None
    if pair.same_device and all(one.bmd_error is not None for level in levels for one in pair.measured(level)):
        noise_hu = [current.quality.voi(level).standard_error_hu for level in levels]
        now_error = current.calibration.bmd_error([one.mean_hu for one in now], noise_hu)
        then_error = prior.calibration.bmd_error(there_hu, [one.noise_hu for one in there])
        place = prior.calibration.slope * math.hypot(*(one.place_hu for one in there)) / count
        moved_hu = (sum(one.mean_hu for one in now) - sum(there_hu)) / count
        errors = _errors_at_same_place(pair, now_error, then_error, moved_hu, (place, _grown_mg_cm3(pair, levels)))
    error, lsc = (None, None) if errors is None else errors
    return Change(levels, is_mean, then_bmd, now_bmd, _rate(then_bmd, now_bmd, pair.years), lsc, error)


def _grown_mg_cm3(pair: _Pair, levels: tuple[str, ...]) -> float:
    """Return the standard error from what the patient's size changed by; of a level, 0 where a record has no size."""
    grown = []
    for level in levels:
        now, then = (one.quality.voi(level).size for one in (pair.current, pair.prior))
        grown.append(0.0 if now is None or then is None else size_change_error_mg_cm3(now, then))
    return common(grown)


def _errors_at_same_place(
    pair: _Pair, now: BMDError, then: BMDError, moved_hu: float, further_mg_cm3: tuple[float, ...]
) -> tuple[float, float] | None:
    """Return standard error and LSC of a change at one place; None where they are not known.

    What the two scans share cancels: the patient's size as far as it is the same, where the VOI was placed, and of one
    calibration all but the slope's part in the change itself.

    Args:
        now, then: from noise, calibration and transfer alone.
        moved_hu: by how much the mean HU changed.
        further_mg_cm3: from what the registration may be off, and what the patient's size changed by.
    """
    if pair.one_calibration:
        fit = pair.current.calibration.fit
        slope = 0.0 if fit is None else fit.slope_se * moved_hu
        error = math.hypot(now.noise_mg_cm3, then.noise_mg_cm3, slope, *further_mg_cm3)
        return error, LSC_FACTOR * error
    if now.total_mg_cm3 is None or then.total_mg_cm3 is None:
        return None
    halves = (now.half_interval_mg_cm3, then.half_interval_mg_cm3, *(LSC_FACTOR * part for part in further_mg_cm3))
    return math.hypot(now.total_mg_cm3, then.total_mg_cm3, *further_mg_cm3), math.hypot(*halves)


def _check_same_patient(current: Examination, prior: Examination, years: float | None) -> None:
    patient, before = current.scan.patient, prior.scan.patient
    if not patient.patient_id or not before.patient_id:
        raise UsageError("prior.no_patient_id")
    if patient.patient_id.strip() != before.patient_id.strip():
        raise UsageError("prior.other_patient")
    if {patient.sex, before.sex} == {"F", "M"}:
        raise UsageError("prior.other_sex")
    if patient.age_years is not None and before.age_years is not None and years is not None:
        is_capped = max(patient.age_years, before.age_years) >= OLDEST_YEARS
        if not is_capped and abs(patient.age_years - before.age_years - years) > AGE_TOLERANCE_YEARS:
            raise UsageError("prior.other_age", then=before.age_years, now=patient.age_years, years=years)
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
        Remark.CONTRAST: any(one.code in _CONTRAST for one in (*current.findings, *prior.findings)),
        Remark.UNDATED: years is None,
    }


def _lsc(pair: _Pair, now: BMDError | None, then: BMDError | None, grown_mg_cm3: float) -> float | None:
    """Return the LSC that follows from the records' own standard errors: a lower limit, positioning is not in them."""
    if now is None or then is None:
        return None
    if pair.one_calibration:
        # Its error is common to both and cancels but for the slope's part over the change itself; so does what a
        # patient's size adds, but for what the size has changed by.
        return LSC_FACTOR * math.hypot(now.repeated_mg_cm3, then.repeated_mg_cm3, grown_mg_cm3)
    if now.total_mg_cm3 is None or then.total_mg_cm3 is None:
        return None
    return math.hypot(now.half_interval_mg_cm3, then.half_interval_mg_cm3)


def _rate(then: float, now: float, years: float | None) -> float | None:
    return None if years is None or abs(years) < _SHORTEST_YEARS else (now - then) / years


def scan_date(examination: Examination) -> str | None:
    """Return when a scan was made, as its header writes it (DICOM DA)."""
    made = examination.scan.acquisition
    return made.acquisition_date or made.study_date


def _years_between(prior: Examination, current: Examination) -> float | None:
    dates = []
    for examination in (prior, current):
        text = scan_date(examination)
        try:
            dates.append(None if text is None else read_date(text))
        except UsageError:
            dates.append(None)
    then, now = dates
    return None if then is None or now is None else (now - then).days / DAYS_PER_YEAR
