"""Whether a calibration belongs to a scan: same scanner, tube voltage, beam filter and kernel class, and valid then."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from ..ground.errors import UsageError
from ..words import Phrase
from .linear import Calibration, KvpFit
from .provenance import KERNEL_CLASSES, Scanner, is_tin, kernel_class, read_date


class Condition(str, Enum):
    """What a calibration and a scan must share."""

    SCANNER = "scanner"
    TUBE_VOLTAGE = "tube voltage"
    BEAM_FILTER = "beam filter"
    KERNEL = "kernel class"


@dataclass(frozen=True)
class ScanConditions:
    """What a calibration must agree with; None: the scan does not say.

    ``scan_date`` is DICOM's YYYYMMDD or YYYY-MM-DD. ``tin_by_name``: the filter's material or words say tin.
    """

    scanner: Scanner
    kvp: float | None
    filter_type: str | None
    kernel: str | None
    scan_date: str | None
    tin_by_name: bool = False

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
        matched: whether it was made for this scanner and acquisition, or carried to it; False: none was found, and this
            is nominal.
        later: whether it was made after the scan.
        reason: why it was taken.
        drift: what its quality series shows, one phrase per alarm.
        missed_months: months without a calibration between the first one and the scan, YYYY-MM.
    """

    identifier: str
    matched: bool
    later: bool
    reason: Phrase
    drift: tuple[Phrase, ...] = ()
    missed_months: tuple[str, ...] = ()


def scanner_mismatch(made_on: Scanner, scanner: Scanner) -> Phrase | None:
    """Return why ``scanner`` is not the one a calibration was ``made_on``, or may not be; None if it is."""
    for what, ours, theirs in (
        ("manufacturer", made_on.manufacturer, scanner.manufacturer),
        ("model", made_on.model, scanner.model),
    ):
        if not _same(ours, theirs):
            return _differing(what, ours, theirs, "unknown")
    # A scanner keeps its serial number for life; stations are renamed.
    for what, ours, theirs in (
        ("serial", made_on.serial, scanner.serial),
        ("station", made_on.station, scanner.station),
    ):
        if ours and theirs:
            return None if _same(ours, theirs) else _differing(what, ours, theirs, "unknown")
    return Phrase("mismatch.unidentified")


def condition_mismatches(calibration: Calibration, scan: ScanConditions) -> dict[Condition, Phrase]:
    """Return why the calibration does not belong to scans like ``scan``, whatever its date; empty if it does."""
    provenance = calibration.provenance
    if provenance is None or provenance.scanner is None:
        return {Condition.SCANNER: Phrase("mismatch.no_scanner")}
    found = {}
    other = scanner_mismatch(provenance.scanner, scan.scanner)
    if other is not None:
        found[Condition.SCANNER] = other
    fit = calibration.kvp_fit(scan.kvp)
    if fit is KvpFit.UNKNOWN:
        unknown = "scan" if scan.kvp is None else "calibration"
        found[Condition.TUBE_VOLTAGE] = Phrase(f"mismatch.kvp_unknown_{unknown}")
    elif fit is KvpFit.MISMATCH:
        found[Condition.TUBE_VOLTAGE] = Phrase("mismatch.kvp", {"ours": calibration.kvp, "theirs": scan.kvp})
    # One that was carried holds for the scan's filter, if that is tin or not as said.
    was_carried = calibration.transfer is not None and calibration.with_tin is is_tin(scan.filter_type)
    if not was_carried and not _same(provenance.filter_type, scan.filter_type):
        found[Condition.BEAM_FILTER] = _differing("beam_filter", provenance.filter_type, scan.filter_type, "not_named")
    sharpness = kernel_class(scan.kernel)
    if not _same(provenance.kernel_class, sharpness):
        ours, theirs = (_kernel_word(kind) for kind in (provenance.kernel_class, sharpness))
        found[Condition.KERNEL] = _differing("kernel", ours, theirs, "not_known")
    return found


def date_mismatch(calibration: Calibration, day: date | None, allow_later: bool) -> Phrase | None:
    """Return why the calibration is not valid on ``day``; None if it is."""
    provenance = calibration.provenance
    if provenance is None or provenance.date is None:
        return Phrase("mismatch.no_date")
    if day is None:
        return Phrase("mismatch.scan_without_date")
    if read_date(provenance.date) > day and not allow_later:
        return Phrase("mismatch.later", {"made": provenance.date, "scanned": day.isoformat()})
    if provenance.valid_until is not None and read_date(provenance.valid_until) < day:
        return Phrase("mismatch.expired", {"until": provenance.valid_until, "scanned": day.isoformat()})
    return None


def _differing(what: str, ours: str | Phrase | None, theirs: str | Phrase | None, missing: str) -> Phrase:
    """Say in what the calibration (``ours``) and the scan differ; ``missing``: the word for one that is not there."""
    none = Phrase(f"mismatch.{missing}")
    return Phrase(f"mismatch.{what}", {"ours": ours or none, "theirs": theirs or none})


def _kernel_word(kind: str | None) -> str | Phrase | None:
    return Phrase(f"kernel.{kind}") if kind in KERNEL_CLASSES else kind


def _same(one: str | None, other: str | None) -> bool:
    return (one or "").strip().casefold() == (other or "").strip().casefold()
