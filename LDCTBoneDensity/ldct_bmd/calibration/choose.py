"""Which of a store's calibrations applies to a scan, and why."""

from collections.abc import Sequence

from .drift import quality_series
from .linear import Calibration
from .match import CalibrationChoice, ScanConditions, condition_mismatches, date_mismatch
from .nominal import NOMINAL
from .provenance import read_date
from .store import StoredCalibration

_MOST_REASONS = 3


def choose_calibration(
    stored: Sequence[StoredCalibration], scan: ScanConditions, allow_later: bool = False
) -> tuple[Calibration, CalibrationChoice]:
    """Return the calibration for a scan, with the reason; the nominal one, which says so, where none fits.

    It must be of the same scanner, tube voltage, beam filter and kernel class and be valid at the scan's date. Of those
    the nearest before the scan is taken; with ``allow_later``, where there is none before it, the nearest after it.
    K2HPO4 comes before hydroxyapatite, for which no category is defined.
    """
    day = scan.day()
    fitting: list[Calibration] = []
    reasons: list[str] = []
    for one in stored:
        calibration = one.calibration
        against = _against(one, scan, allow_later)
        if against is None:
            fitting.append(calibration)
        else:
            reasons.append(f"{calibration.name} ({calibration.identifier}): {against}")
    if not fitting or day is None:
        return NOMINAL, CalibrationChoice(NOMINAL.identifier, False, False, _none_fits(len(stored), reasons))

    def preference(calibration: Calibration) -> tuple[bool, bool, int, str]:
        made = None if calibration.provenance is None else calibration.provenance.date
        apart = 0 if made is None else (read_date(made) - day).days
        return calibration.material != "K2HPO4", apart > 0, abs(apart), calibration.identifier

    chosen = min(fitting, key=preference)
    _, later, apart, _ = preference(chosen)
    active = [one.calibration for one in stored if one.retired is None]
    series = quality_series(active, chosen, None if later else day)
    before = "after" if later else "before"
    when = "on the scan's day" if apart == 0 else f"{apart} {'day' if apart == 1 else 'days'} {before} the scan"
    reason = (
        f"{chosen.name} ({chosen.identifier}) was made on the same scanner at {chosen.kvp:g} kVp with the same beam "
        f"filter and kernel class, {when}; it is the nearest of {len(fitting)} that fit."
    )
    missed = tuple(month for month in series.missed_months if later or month <= f"{day:%Y-%m}")
    return chosen, CalibrationChoice(chosen.identifier, True, later, reason, series.alarms(chosen.identifier), missed)


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
