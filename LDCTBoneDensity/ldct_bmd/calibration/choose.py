"""Which of a store's calibrations applies to a scan, and why."""

import math
from collections.abc import Sequence
from datetime import datetime, timezone

from .drift import quality_series
from .linear import Calibration
from .match import CalibrationChoice, ScanConditions, condition_mismatches, date_mismatch
from .nominal import NOMINAL
from .provenance import read_date
from .store import StoredCalibration

_MOST_REASONS = 3
_COMPARED_MG_CM3 = 100.0  # between the category's thresholds of 80 and 120
_SHOWN_MG_CM3 = 0.05  # less is no difference in a BMD of one decimal


def choose_calibration(
    stored: Sequence[StoredCalibration], scan: ScanConditions, allow_later: bool = False
) -> tuple[Calibration, CalibrationChoice]:
    """Return the calibration for a scan, with the reason; the nominal one, which says so, where none fits.

    It must be of the same scanner, tube voltage, beam filter and kernel class and be valid at the scan's date. Of those
    the nearest before the scan is taken; with ``allow_later``, where there is none before it, the nearest after it.
    K2HPO4 comes before hydroxyapatite, for which no category is defined; of several of one day the one added last is
    taken.
    """
    day = scan.day()
    fitting: list[tuple[Calibration, datetime, int]] = []
    reasons: list[str] = []
    for place, one in enumerate(stored):
        calibration = one.calibration
        against = _against(one, scan, allow_later)
        if against is None:
            fitting.append((calibration, _moment(one.added), place))
        else:
            reasons.append(f"{calibration.name} ({calibration.identifier}): {against}")
    if not fitting or day is None:
        return NOMINAL, CalibrationChoice(NOMINAL.identifier, False, False, _none_fits(len(stored), reasons))

    def preference(calibration: Calibration) -> tuple[bool, bool, int]:
        made = None if calibration.provenance is None else calibration.provenance.date
        apart = 0 if made is None else (read_date(made) - day).days
        return calibration.material != "K2HPO4", apart > 0, abs(apart)

    best = min(preference(calibration) for calibration, _, _ in fitting)
    equals = sorted((one for one in fitting if preference(one[0]) == best), key=lambda one: one[1:])
    chosen = equals[-1][0]
    _, later, apart = best
    active = [one.calibration for one in stored if one.retired is None]
    series = quality_series(active, chosen, None if later else day)
    before = "after" if later else "before"
    when = "on the scan's day" if apart == 0 else f"{apart} {'day' if apart == 1 else 'days'} {before} the scan"
    reason = (
        f"{chosen.name} ({chosen.identifier}) was made on the same scanner at {chosen.kvp:g} kVp with the same beam "
        f"filter and kernel class, {when}; it is the nearest of {len(fitting)} that fit"
        f"{_of_one_day(chosen, [calibration for calibration, _, _ in equals[:-1]])}."
    )
    missed = tuple(month for month in series.missed_months if later or month <= f"{day:%Y-%m}")
    return chosen, CalibrationChoice(chosen.identifier, True, later, reason, series.alarms(chosen.identifier), missed)


def _of_one_day(chosen: Calibration, others: Sequence[Calibration]) -> str:
    """Return which of several of one day was taken, and whether they contradict each other."""
    if not others:
        return ""
    words = f", and the one that was added last of {len(others) + 1} of that day"
    differing = [abs(difference) for difference in (_contradiction(chosen, other) for other in others) if difference]
    if differing:
        words += (
            f", which differ by up to {max(differing):.1f} mg/cm3 at {_COMPARED_MG_CM3:g} mg/cm3, "
            "more than their stated errors"
        )
    return words


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


def _against(one: StoredCalibration, scan: ScanConditions, allow_later: bool) -> str | None:
    if one.retired is not None:
        return f"retired: {one.retired_because}"
    differing = condition_mismatches(one.calibration, scan)
    if differing:
        return next(iter(differing.values()))
    return date_mismatch(one.calibration, scan.day(), allow_later)


def _none_fits(count: int, reasons: Sequence[str]) -> str:
    if count == 0:
        return "The calibration store is empty, so the nominal calibration was used."
    told = "; ".join(reasons[-_MOST_REASONS:])
    more = f"; and {count - _MOST_REASONS} more" if count > _MOST_REASONS else ""
    return f"No calibration in the store fits the scan, so the nominal one was used ({told}{more})."
