"""Whether a calibration belongs to a scan: same scanner, tube voltage, beam filter and kernel class, and valid then."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from ..ground.errors import UsageError
from .linear import Calibration, KvpFit
from .provenance import Scanner, kernel_class, read_date


class Condition(str, Enum):
    """What a calibration and a scan must share."""

    SCANNER = "scanner"
    TUBE_VOLTAGE = "tube voltage"
    BEAM_FILTER = "beam filter"
    KERNEL = "kernel class"


@dataclass(frozen=True)
class ScanConditions:
    """What a calibration must agree with; None: the scan does not say.

    ``scan_date`` is DICOM's YYYYMMDD or YYYY-MM-DD.
    """

    scanner: Scanner
    kvp: float | None
    filter_type: str | None
    kernel: str | None
    scan_date: str | None

    def day(self) -> date | None:
        """Return the date of the scan; None where it is missing or is none."""
        try:
            return None if self.scan_date is None else read_date(self.scan_date)
        except UsageError:
            return None


@dataclass(frozen=True)
class CalibrationChoice:
    """Why a calibration was taken for a scan.

    Attributes:
        identifier: of the calibration that was taken; the choice says nothing about any other.
        matched: whether it was made for this scanner and acquisition; False: none was found, and this is nominal.
        later: whether it was made after the scan.
        reason: one sentence.
        drift: what its quality series shows, a sentence each.
        missed_months: months without a calibration between the first one and the scan, YYYY-MM.
    """

    identifier: str
    matched: bool
    later: bool
    reason: str
    drift: tuple[str, ...] = ()
    missed_months: tuple[str, ...] = ()


def scanner_mismatch(made_on: Scanner, scanner: Scanner) -> str | None:
    """Return why ``scanner`` is not, or can't be told to be, the one a calibration was ``made_on``; None if it is."""
    for what, ours, theirs in (
        ("manufacturer", made_on.manufacturer, scanner.manufacturer),
        ("model", made_on.model, scanner.model),
    ):
        if not _same(ours, theirs):
            return f"it was made on {what} {ours or 'unknown'}, the scan on {theirs or 'unknown'}"
    # A scanner keeps its serial number for life; stations are renamed.
    for what, ours, theirs in (
        ("serial number", made_on.serial, scanner.serial),
        ("station", made_on.station, scanner.station),
    ):
        if ours and theirs:
            return None if _same(ours, theirs) else f"it was made on {what} {ours}, the scan on {theirs}"
    return "neither serial number nor station tells whether it is the same scanner"


def condition_mismatches(calibration: Calibration, scan: ScanConditions) -> dict[Condition, str]:
    """Return why the calibration does not belong to scans like ``scan``, whatever its date; empty if it does."""
    provenance = calibration.provenance
    if provenance is None or provenance.scanner is None:
        return {Condition.SCANNER: "it does not say on which scanner it was made"}
    found = {}
    other = scanner_mismatch(provenance.scanner, scan.scanner)
    if other is not None:
        found[Condition.SCANNER] = other
    fit = calibration.kvp_fit(scan.kvp)
    if fit is KvpFit.UNKNOWN:
        unknown = "the scan" if scan.kvp is None else "the calibration"
        found[Condition.TUBE_VOLTAGE] = f"the tube voltage of {unknown} is not known"
    elif fit is KvpFit.MISMATCH:
        found[Condition.TUBE_VOLTAGE] = f"it was made at {calibration.kvp:g} kVp, the scan at {scan.kvp:g} kVp"
    if not _same(provenance.filter_type, scan.filter_type):
        ours, theirs = provenance.filter_type or "not named", scan.filter_type or "not named"
        found[Condition.BEAM_FILTER] = f"its beam filter is {ours}, that of the scan is {theirs}"
    sharpness = kernel_class(scan.kernel)
    if not _same(provenance.kernel_class, sharpness):
        ours, theirs = provenance.kernel_class or "not known", sharpness or "not known"
        found[Condition.KERNEL] = f"its kernel class is {ours}, that of the scan is {theirs}"
    return found


def date_mismatch(calibration: Calibration, day: date | None, allow_later: bool) -> str | None:
    """Return why the calibration is not valid on ``day``; None if it is."""
    provenance = calibration.provenance
    if provenance is None or provenance.date is None:
        return "it has no date"
    if day is None:
        return "the scan has no date"
    if read_date(provenance.date) > day and not allow_later:
        return f"it was made on {provenance.date}, after the scan of {day.isoformat()}"
    if provenance.valid_until is not None and read_date(provenance.valid_until) < day:
        return f"it was valid until {provenance.valid_until}, the scan is of {day.isoformat()}"
    return None


def _same(one: str | None, other: str | None) -> bool:
    return (one or "").strip().casefold() == (other or "").strip().casefold()
