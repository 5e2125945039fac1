"""Carrying a site's calibration to the tube voltage and beam filter of a scan."""

import math
from collections.abc import Sequence
from dataclasses import replace

from ..words import Fact, Phrase
from .linear import Calibration, KvpFit
from .match import ScanConditions, scanner_mismatch
from .provenance import Method, is_tin, read_date
from .transfer import Transfer, Way
from .transfers import Pair, setting_name, shipped_table

# Simulated scanners, with 5 to 14 mm of aluminium and 0.4 to 0.7 mm of tin, stay within; beyond it a phantom scan is
# wrong.
_LARGEST_RATIO_OFF = 0.15
_SAME_TIME_DAYS = 7  # a scanner does not drift within a week: SD of 0.5 to 0.9 mg/cm3 (Wang 2017, Sci Rep 7:6284)


def for_scan(calibration: Calibration, scan: ScanConditions, others: Sequence[Calibration] = ()) -> Calibration:
    """Return the calibration as it holds for a scan: carried where voltage or filter differ and that is possible.

    It is possible for one of the same scanner, at a voltage in the table, with the same filter but for tin. One that
    cannot be carried comes back as it was made, and findings say in what it differs.

    Args:
        others: calibrations among which the site's phantom scans at both settings are looked for.
    """
    made = as_made(calibration)
    if not _differs(made, scan) or not _may_be_carried(made, scan):
        return made
    if not _differs(calibration, scan):
        return calibration  # was carried for such scans
    scanned = setting_name(scan.kvp, is_tin(scan.filter_type))
    pair = shipped_table()[0].pair(scanned, setting_name(made.kvp, made.with_tin))
    if pair is None:
        return made
    ratio = _measured_ratio(made, scan, others)
    is_likely = ratio is not None and abs(ratio[0] / pair.phantom_ratio - 1.0) <= _LARGEST_RATIO_OFF
    return _carried(made, scan, pair, ratio if is_likely else None)


def as_made(calibration: Calibration) -> Calibration:
    """Return the calibration as it was made, if it was carried; its identifier is that of the store."""
    transfer = calibration.transfer
    if transfer is None:
        return calibration
    return replace(
        calibration,
        slope=transfer.made_slope,
        intercept_mg_cm3=transfer.made_intercept_mg_cm3,
        fit=transfer.made_fit,
        transfer=None,
    )


def carried_words(calibration: Calibration) -> dict[str, Fact]:
    """Return from which setting to which, and how, a calibration was carried; {} if it was not."""
    transfer = calibration.transfer
    if transfer is None:
        return {}
    return {
        "made": setting_name(calibration.kvp, as_made(calibration).with_tin),
        "scanned": setting_name(transfer.kvp, transfer.tin),
        "way": Phrase(f"transfer.way.{transfer.way.value}"),
    }


def _differs(one: Calibration, scan: ScanConditions) -> bool:
    return one.kvp_fit(scan.kvp) is KvpFit.MISMATCH or one.with_tin is not is_tin(scan.filter_type)


def _may_be_carried(made: Calibration, scan: ScanConditions) -> bool:
    """Tell whether it is known what both beams are: of one scanner, and not by words alone."""
    provenance = made.provenance
    if made.nominal or provenance is None or provenance.scanner is None or made.kvp is None or scan.kvp is None:
        return False
    if scanner_mismatch(provenance.scanner, scan.scanner) is not None:
        return False
    ours, theirs = provenance.filter_type, scan.filter_type
    if is_tin(ours) is is_tin(theirs):
        # Another shape of the filter is another beam, which no table knows.
        same = (ours or "").strip().casefold() == (theirs or "").strip().casefold()
        return same and (is_tin(theirs) or not scan.tin_by_name)
    return is_tin(theirs) or not scan.tin_by_name


def _carried(made: Calibration, scan: ScanConditions, pair: Pair, ratio: tuple[float, float] | None) -> Calibration:
    table = shipped_table()[1]
    gain, offset_hu, sd_hu, sd_per_hu, share = pair.gain, pair.offset_hu, pair.sd_hu, pair.sd_per_hu, 0.0
    if ratio is not None:
        measured, share = ratio
        per_ratio, offset_hu, sd_hu, sd_per_hu = pair.by_phantom
        gain = per_ratio * measured
    transfer = Transfer(
        way=Way.TABLE if ratio is None else Way.PHANTOM_SCANS,
        kvp=float(scan.kvp or 0.0),
        tin=is_tin(scan.filter_type),
        gain=gain,
        offset_hu=offset_hu,
        sd_hu=sd_hu,
        sd_per_hu=sd_per_hu,
        phantom_share=share,
        table=table,
        made_slope=made.slope,
        made_intercept_mg_cm3=made.intercept_mg_cm3,
        made_fit=made.fit,
    )
    return replace(
        made,
        slope=made.slope * gain,
        intercept_mg_cm3=made.intercept_mg_cm3 + made.slope * offset_hu,
        fit=transfer.carried_fit(),
        transfer=transfer,
    )


def _measured_ratio(
    made: Calibration, scan: ScanConditions, others: Sequence[Calibration]
) -> tuple[float, float] | None:
    """Return slope at the scan's setting over slope at the calibration's, of one phantom, with its relative error.

    Both scans of the phantom are of one week; of several pairs the newest is taken.
    """
    phantoms = [one for one in (made, *others) if _is_phantom_scan(one) and _is_same_phantom(one, made)]
    pairs = [
        (there, here)
        for there in phantoms
        if _fits_beam(there, scan.kvp, is_tin(scan.filter_type))
        for here in phantoms
        if _fits_beam(here, made.kvp, made.with_tin) and _days_apart(here, there) <= _SAME_TIME_DAYS
    ]
    if not pairs:
        return None
    there, here = max(pairs, key=lambda pair: (_day(pair[0]), pair[0].identifier, pair[1].identifier))
    shares = [0.0 if one.fit is None else one.fit.slope_se / one.slope for one in (there, here)]
    return there.slope / here.slope, math.hypot(*shares)


def _is_phantom_scan(one: Calibration) -> bool:
    provenance = one.provenance
    return (
        provenance is not None
        and provenance.method is Method.PHANTOM
        and provenance.date is not None
        and provenance.scanner is not None
        and one.fit is not None
        and not one.nominal
    )


def _fits_beam(one: Calibration, kvp: float | None, tin: bool) -> bool:
    return one.kvp_fit(kvp) is KvpFit.FITS and one.with_tin is tin


def _is_same_phantom(one: Calibration, other: Calibration) -> bool:
    ours, theirs = one.provenance, other.provenance
    if ours is None or theirs is None or ours.scanner is None or theirs.scanner is None:
        return False
    return (
        one.material == other.material == "K2HPO4"
        and ours.phantom == theirs.phantom
        and ours.kernel_class == theirs.kernel_class
        and scanner_mismatch(ours.scanner, theirs.scanner) is None
    )


def _day(one: Calibration) -> str:
    return "" if one.provenance is None else one.provenance.date or ""


def _days_apart(one: Calibration, other: Calibration) -> int:
    return abs((read_date(_day(one)) - read_date(_day(other))).days)
