"""Which of a store's calibrations applies to a scan, and why."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from ..words import Fact, Phrase
from .carry import as_made, carried_words, for_scan
from .drift import quality_series
from .linear import Calibration
from .match import CalibrationChoice, ScanConditions, condition_mismatches, date_mismatch
from .nominal import NOMINAL
from .provenance import read_date
from .store import StoredCalibration
from .transfer import Way

_MOST_REASONS = 3
_COMPARED_MG_CM3 = 100.0  # between the category's thresholds of 80 and 120
_SHOWN_MG_CM3 = 0.05  # less is not a difference in a BMD of one decimal


def choose_calibration(
    stored: Sequence[StoredCalibration], scan: ScanConditions, allow_later: bool = False
) -> tuple[Calibration, CalibrationChoice]:
    """Return the calibration for a scan, with the reason; the nominal one, which says so, where none fits.

    It must be of the same scanner, tube voltage, beam filter and kernel class and be valid at the scan's date. Of those
    the nearest before the scan is taken; with ``allow_later``, where there is none before it, the nearest after it.
    K2HPO4 comes before hydroxyapatite, for which no category is defined; of several of one day the one added last is
    taken. Where none fits, one that differs in tube voltage or tin filter alone is carried over.
    """
    day = scan.day()
    fitting: list[tuple[Calibration, datetime, int]] = []
    reasons: list[Phrase] = []
    for place, one in enumerate(stored):
        calibration = one.calibration
        against = _against(one, scan, allow_later)
        if against is None:
            fitting.append((calibration, _moment(one.added), place))
        else:
            named: dict[str, Fact] = {"name": calibration.name, "identifier": calibration.identifier}
            reasons.append(Phrase("calibration_choice.against", named | {"reason": against}))
    if not fitting:
        fitting = _carried(stored, scan, allow_later)
    if not fitting or day is None:
        return NOMINAL, CalibrationChoice(NOMINAL.identifier, False, False, _none_fits(len(stored), reasons))

    def preference(calibration: Calibration) -> tuple[bool, bool, tuple[bool, bool, float], int]:
        made = None if calibration.provenance is None else calibration.provenance.date
        apart = 0 if made is None else (read_date(made) - day).days
        return calibration.material != "K2HPO4", apart > 0, _carried_how_far(calibration), abs(apart)

    best = min(preference(calibration) for calibration, _, _ in fitting)
    equals = sorted((one for one in fitting if preference(one[0]) == best), key=lambda one: one[1:])
    chosen = equals[-1][0]
    _, later, _, apart = best
    active = [one.calibration for one in stored if one.retired is None]
    series = quality_series(active, as_made(chosen), None if later else day)
    others = [calibration for calibration, _, _ in equals[:-1]]
    reason = _nearest(chosen, others, len(fitting), _when(apart, later))
    missed = tuple(month for month in series.missed_months if later or month <= f"{day:%Y-%m}")
    return chosen, CalibrationChoice(
        chosen.identifier, True, later, reason, series.alarms(as_made(chosen).identifier), missed
    )


def _carried(
    stored: Sequence[StoredCalibration], scan: ScanConditions, allow_later: bool
) -> list[tuple[Calibration, datetime, int]]:
    """Return those that fit once they are carried over, with when and where they stand in the store."""
    active = [one.calibration for one in stored if one.retired is None]
    found = []
    for place, one in enumerate(stored):
        calibration = for_scan(one.calibration, scan, active)
        if (
            calibration.transfer is not None
            and _against(replace(one, calibration=calibration), scan, allow_later) is None
        ):
            found.append((calibration, _moment(one.added), place))
    return found


def _carried_how_far(calibration: Calibration) -> tuple[bool, bool, float]:
    """Return whether it is carried without phantom scans, whether to or from tin, and over how many kVp."""
    transfer = calibration.transfer
    if transfer is None:
        return False, False, 0.0
    changes_filter = as_made(calibration).with_tin is not transfer.tin
    return transfer.way is Way.TABLE, changes_filter, abs(transfer.kvp - (calibration.kvp or 0.0))


def _when(apart: int, later: bool) -> Phrase:
    """Return how many days lie between the calibration and the scan."""
    if apart == 0:
        return Phrase("calibration_choice.same_day")
    return Phrase("calibration_choice.after" if later else "calibration_choice.before", {"days": apart})


def _nearest(chosen: Calibration, others: Sequence[Calibration], fitting: int, when: Phrase) -> Phrase:
    """Return why ``chosen`` was taken; of several of one day, ``others``, also whether they contradict each other."""
    facts: dict[str, Fact] = {
        "name": chosen.name,
        "identifier": as_made(chosen).identifier,
        "kvp": chosen.kvp,
        "when": when,
        "fitting": fitting,
    }
    if chosen.transfer is not None:
        return Phrase("calibration_choice.carried", facts | carried_words(chosen))
    if not others:
        return Phrase("calibration_choice.nearest", facts)
    facts["of_day"] = len(others) + 1
    differing = [abs(difference) for difference in (_contradiction(chosen, other) for other in others) if difference]
    if not differing:
        return Phrase("calibration_choice.nearest_of_day", facts)
    differ: dict[str, Fact] = {"difference_mg_cm3": max(differing), "at_mg_cm3": _COMPARED_MG_CM3}
    return Phrase("calibration_choice.nearest_differing", facts | differ)


def _contradiction(one: Calibration, other: Calibration) -> float:
    """Return by how many mg/cm3 two differ, 0 where their standard errors (none stated: 0) explain it."""
    mean_hu = (_COMPARED_MG_CM3 - one.intercept_mg_cm3) / one.slope
    difference = other.bmd_mg_cm3(mean_hu) - _COMPARED_MG_CM3
    variance = sum(fit.variance_at(mean_hu) for fit in (one.fit, other.fit) if fit is not None)
    return difference if abs(difference) > max(math.sqrt(variance), _SHOWN_MG_CM3) else 0.0


def _moment(added: str) -> datetime:
    """Return when a calibration was added; the store's order decides where that can't be read."""
    try:
        moment = datetime.fromisoformat(added.replace("Z", "+00:00"))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)


def _against(one: StoredCalibration, scan: ScanConditions, allow_later: bool) -> Phrase | None:
    if one.retired is not None:
        return Phrase("calibration_choice.retired", {"because": one.retired_because})
    differing = condition_mismatches(one.calibration, scan)
    if differing:
        return next(iter(differing.values()))
    return date_mismatch(one.calibration, scan.day(), allow_later)


def _none_fits(count: int, reasons: Sequence[Phrase]) -> Phrase:
    if count == 0:
        return Phrase("calibration_choice.empty_store")
    last = tuple(reasons[-_MOST_REASONS:])
    if count > _MOST_REASONS:
        return Phrase("calibration_choice.none_fits_of_many", {"reasons": last, "more": count - _MOST_REASONS})
    return Phrase("calibration_choice.none_fits", {"reasons": last})
