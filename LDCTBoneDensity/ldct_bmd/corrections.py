"""A reader's corrections: pure functions from an examination to the corrected one.

Each adds an entry to the history, keeps what was automatic next to what is current, and concludes again. Undo is
going back to the examination before. ``time`` is ISO 8601, given by the caller.
"""

from dataclasses import replace
from enum import Enum
from typing import Any

import numpy as np

from .anatomy import LEVELS, order
from .calibration import Calibration
from .calibration.carry import for_scan
from .calibration.match import CalibrationChoice
from .densitometry import hu_values
from .examination import (
    AutomaticResult,
    AutomaticValues,
    BodyMask,
    Examination,
    Exclusion,
    ExclusionReason,
    HistoryEntry,
    Measurement,
    VertebraRecord,
    conclude,
    mask_sha256,
    measure_voi,
)
from .examination.conclude import conditions
from .ground.errors import CannotMeasure, UsageError
from .ground.plain import to_plain
from .labeling import cut_by_edge
from .morphometry import body_heights, check_outline
from .quality import FractureReading, LevelHeights, LevelOutline, VOIFacts
from .rules import RuleSet, rules_of
from .scan import CTScan, is_same_scan
from .voi import CylinderVOI, place_voi


class Correction(str, Enum):
    """What a history entry can say was done."""

    VOI_MOVED = "voi_moved"
    VOI_RESET = "voi_reset"
    VOI_ADDED = "voi_added"
    BODY_EDITED = "body_edited"
    LEVEL_EXCLUDED = "level_excluded"
    LEVEL_INCLUDED = "level_included"
    LEVEL_RENAMED = "level_renamed"
    NAMES_SHIFTED = "names_shifted"
    NAMES_CONFIRMED = "names_confirmed"
    VERTEBRA_ADDED = "vertebra_added"
    VERTEBRA_REMOVED = "vertebra_removed"
    FRACTURE_CONFIRMED = "fracture_confirmed"
    SUSPICION_DISMISSED = "suspicion_dismissed"
    OUTLINE_CONFIRMED = "outline_confirmed"
    CONTRAST_DENIED = "contrast_denied"
    CONTRAST_ADMITTED = "contrast_admitted"
    CALIBRATION_CHANGED = "calibration_changed"
    RULES_CHANGED = "rules_changed"


def move_voi(
    examination: Examination,
    scan: CTScan,
    level: str,
    voi: CylinderVOI,
    reader: str,
    time: str,
    body: BodyMask | None,
) -> Examination:
    """Replace the VOI of ``level`` and measure it again; CannotMeasure if it leaves the scan.

    ``body`` tells how much of the VOI leaves the trabecular bone; with None, where there is no mask, nothing does.
    """
    old = _measured(examination, level)
    corrected = _with_voi(examination, scan, level, voi, reader, body)
    return concluded(examination, corrected, Correction.VOI_MOVED, level, old.voi, voi, reader, time)


def numbers_at(examination: Examination, scan: CTScan, level: str, voi: CylinderVOI) -> Measurement:
    """Return what ``level`` would measure with ``voi``: what a reader wants to see at once while dragging it.

    Its error, and what follows from its place for findings and category, are :func:`move_voi`'s to tell.

    Raises:
        CannotMeasure: the VOI leaves the scan.
    """
    old = _measured(examination, level)
    _check_scan(examination, scan)
    held = hu_values(scan, voi)
    return replace(
        old,
        mean_hu=held.mean_hu,
        sd_hu=held.sd_hu,
        volume_mm3=held.volume_mm3,
        bmd_mg_cm3=examination.line.bmd_mg_cm3(held.mean_hu),
        voi=voi,
        bmd_error=None,
    )


def add_voi(
    examination: Examination,
    scan: CTScan,
    level: str,
    voi: CylinderVOI,
    reader: str,
    time: str,
    body: BodyMask | None,
) -> Examination:
    """Measure a level that has no measurement yet; CannotMeasure if the VOI leaves the scan."""
    if level not in LEVELS:
        raise UsageError("correction.no_level", level=level)
    if examination.measurement(level) is not None:
        raise UsageError("correction.voi_there", level=level)
    corrected = _with_voi(examination, scan, level, voi, reader, body)
    return concluded(examination, corrected, Correction.VOI_ADDED, level, None, voi, reader, time)


def edit_body(
    examination: Examination, scan: CTScan, level: str, body: BodyMask, reader: str, time: str
) -> Examination:
    """Take an edited mask of a vertebral body: its volume, centre and heights follow.

    Where the level is measured or was to be, its VOI is placed again and measured. The mask files that the record names
    are the caller's to write again.

    Raises:
        UsageError: the mask is empty.
        CannotMeasure: the scan's edge cuts the body, or the paper's VOI can't be placed in it.
    """
    old = examination.vertebrae[place_of(examination, level)]
    corrected, new = with_body(examination, scan, old, body, reader)
    return concluded(examination, corrected, Correction.BODY_EDITED, level, old, new, reader, time)


def with_body(
    examination: Examination, scan: CTScan, vertebra: VertebraRecord, body: BodyMask, reader: str
) -> tuple[Examination, VertebraRecord]:
    """Return the evidence with ``body`` as that of ``vertebra``, in the record or not yet; what raises: as above."""
    level, geometry = vertebra.level, scan.geometry
    _check_scan(examination, scan)
    if not body.inside.any():
        raise UsageError("correction.empty_mask", level=level)
    index_zyx = np.argwhere(body.inside) + [axis.start for axis in body.box]
    x, y, z = geometry.to_lps_mm(index_zyx.mean(axis=0)[::-1]).tolist()
    complete = not cut_by_edge(index_zyx, geometry)
    new = replace(
        vertebra,
        centroid_lps_mm=(x, y, z),
        volume_ml=len(index_zyx) * geometry.voxel_volume_mm3 / 1000.0,
        complete=complete,
        mask_sha256=mask_sha256(body),
    )
    heights = body_heights(body.inside, body.box, geometry, scan.hu) if complete else None
    others = [one for one in examination.quality.heights if one.level != level]
    if heights is not None:
        others.append(LevelHeights(level, heights))
    outlines = tuple(one for one in examination.quality.outlines if one.level != level)
    # What a reader dismissed was the loss of the old mask; a fracture that one confirmed stays.
    readings = tuple(one for one in examination.quality.fracture_readings if one.level != level or one.fractured)
    vertebrae = (*(one for one in examination.vertebrae if one.level != level), new)
    corrected = replace(
        examination,
        vertebrae=tuple(sorted(vertebrae, key=lambda one: order(one.level))),
        quality=replace(
            examination.quality,
            heights=tuple(sorted(others, key=lambda one: order(one.level))),
            outlines=(
                *outlines,
                LevelOutline(level, check_outline(body.inside, body.box, geometry, scan.hu), confirmed_by=reader),
            ),
            fracture_readings=readings,
        ),
    )
    if examination.measurement(level) is not None or level in examination.quality.requested_levels:
        if not complete:
            raise CannotMeasure("correction.body_cut", level=level)
        voi = place_voi(body.inside, body.box, geometry)
        corrected = _with_voi(corrected, scan, level, voi, reader, body)
    return corrected, new


def reset_voi(examination: Examination, level: str, reader: str, time: str) -> Examination:
    """Go back to the automatic VOI of ``level`` and what it measured, with the current calibration."""
    old = _measured(examination, level)
    facts = examination.quality.voi(level)
    if facts.placed_by is None:
        raise UsageError("correction.voi_is_automatic", level=level)
    if old.automatic is None or facts.automatic is None:
        raise UsageError("correction.no_automatic_voi", level=level)
    measurement = replace(
        old,
        mean_hu=old.automatic.mean_hu,
        sd_hu=old.automatic.sd_hu,
        volume_mm3=old.automatic.volume_mm3,
        bmd_mg_cm3=examination.line.bmd_mg_cm3(old.automatic.mean_hu),
        voi=old.automatic.voi,
    )
    corrected = _replaced(examination, measurement, replace(facts.automatic, level=level))
    return concluded(examination, corrected, Correction.VOI_RESET, level, old.voi, measurement.voi, reader, time)


def exclude_level(
    examination: Examination, level: str, reason: str, reader: str, time: str, words: str | None = None
) -> Examination:
    """Leave a measured level out of the assessment.

    Args:
        reason: a value of :class:`ExclusionReason`.
        words: the reader's own, for the reason ``OTHER`` and no other.
    """
    known = [one.value for one in ExclusionReason]
    if reason not in known:
        raise UsageError("correction.no_exclusion_reason", reason=reason, reasons=known)
    words = (words or "").strip() or None
    if (reason == ExclusionReason.OTHER) is (words is None):
        raise UsageError("correction.reason_in_words")
    old = _measured(examination, level)
    exclusion = Exclusion(ExclusionReason(reason), reader, time, words)
    corrected = _replaced(examination, replace(old, excluded=exclusion))
    if exclusion.reason is ExclusionReason.FRACTURE:
        # As a verdict of its own it outlives the exclusion's being given another reason.
        others = tuple(one for one in corrected.quality.fracture_readings if one.level != level)
        reading = FractureReading(level, True, reader, time)
        corrected = replace(corrected, quality=replace(corrected.quality, fracture_readings=(*others, reading)))
    return concluded(examination, corrected, Correction.LEVEL_EXCLUDED, level, old.excluded, exclusion, reader, time)


def include_level(examination: Examination, level: str, reader: str, time: str) -> Examination:
    """Take an excluded level back into the assessment; one that was called fractured is to be judged again."""
    old = _measured(examination, level)
    if old.excluded is None:
        raise UsageError("correction.not_excluded", level=level)
    readings = tuple(one for one in examination.quality.fracture_readings if one.level != level or not one.fractured)
    corrected = _replaced(examination, replace(old, excluded=None))
    corrected = replace(corrected, quality=replace(corrected.quality, fracture_readings=readings))
    return concluded(examination, corrected, Correction.LEVEL_INCLUDED, level, old.excluded, None, reader, time)


def change_calibration(
    examination: Examination,
    calibration: Calibration,
    reader: str,
    time: str,
    choice: CalibrationChoice | None = None,
) -> Examination:
    """Use another calibration, carried to the scan's voltage and filter if it can be: every BMD is computed again.

    ``choice``: why a store's was taken, see :func:`.calibration.choose.choose_calibration`; None where it was given.
    """
    calibration = for_scan(calibration, conditions(examination.scan.acquisition))
    corrected = with_bmd_anew(replace(examination, calibration=calibration, calibration_choice=choice))
    return concluded(
        examination,
        corrected,
        Correction.CALIBRATION_CHANGED,
        None,
        examination.calibration,
        calibration,
        reader,
        time,
    )


def change_rules(examination: Examination, rules: RuleSet, reader: str, time: str) -> Examination:
    """Use another rule set: the category is given anew."""
    old = rules_of(examination.rules)
    corrected = replace(examination, rules=rules)
    return concluded(examination, corrected, Correction.RULES_CHANGED, None, old, rules, reader, time)


def with_bmd_anew(examination: Examination) -> Examination:
    """Return the record with each BMD computed from its HU by the line as it is now."""
    for measurement in examination.measurements:
        bmd = examination.line.bmd_mg_cm3(measurement.mean_hu)
        examination = _replaced(examination, replace(measurement, bmd_mg_cm3=bmd))
    return examination


def concluded(
    before: Examination,
    after: Examination,
    what: Correction,
    level: str | None,
    old: Any,
    new: Any,
    reader: str,
    time: str,
) -> Examination:
    """Return ``after`` with an entry in its history, what was automatic kept, and findings and assessment drawn again.

    Raises:
        UsageError: the reader has no name, or ``before`` is signed.
    """
    if not reader.strip():
        raise UsageError("correction.no_reader")
    if before.signature is not None:
        raise UsageError("correction.signed", reader=before.signature.reader)
    automatic = before.automatic
    if automatic is None:
        automatic = AutomaticResult(
            before.assessment,
            before.calibration,
            tuple(vertebra.level for vertebra in before.vertebrae),
            before.quality.names_certain,
            before.quality.names_remark,
            before.quality.heights,
        )
    entry = HistoryEntry(what.value, level, to_plain(old), to_plain(new), reader, time)
    return conclude(replace(after, automatic=automatic, history=(*before.history, entry)))


def _with_voi(
    examination: Examination, scan: CTScan, level: str, voi: CylinderVOI, reader: str, body: BodyMask | None
) -> Examination:
    _check_scan(examination, scan)
    measurement, facts = measure_voi(scan, level, voi, examination.line, body, placed_by=reader)
    old = examination.measurement(level)
    if old is not None:
        old_facts = examination.quality.voi(level)
        automatic = old_facts if old_facts.placed_by is None else old_facts.automatic
        measurement = replace(
            old,
            mean_hu=measurement.mean_hu,
            sd_hu=measurement.sd_hu,
            volume_mm3=measurement.volume_mm3,
            bmd_mg_cm3=measurement.bmd_mg_cm3,
            voi=voi,
        )
        facts = replace(facts, automatic=automatic)
        return _replaced(examination, measurement, facts)
    quality = examination.quality
    return replace(
        examination,
        measurements=tuple(sorted((*examination.measurements, measurement), key=lambda m: order(m.level))),
        quality=replace(
            quality,
            vois=tuple(sorted((*quality.vois, facts), key=lambda one: order(one.level))),
            unmeasured=tuple(one for one in quality.unmeasured if one.level != level),
        ),
    )


def _check_scan(examination: Examination, scan: CTScan) -> None:
    if not is_same_scan(scan.description, examination.scan):
        raise UsageError("correction.other_scan")


def _replaced(examination: Examination, new: Measurement, facts: VOIFacts | None = None) -> Examination:
    """Put ``new`` in the place of the measurement of its level, and settle what was automatic."""
    old = _measured(examination, new.level)
    quality = examination.quality
    settled_new = replace(new, automatic=settled(old, new, quality.voi(new.level)))
    if facts is not None:
        vois = tuple(facts if one.level == facts.level else one for one in quality.vois)
        quality = replace(quality, vois=vois)
    return replace(
        examination,
        measurements=tuple(settled_new if m.level == new.level else m for m in examination.measurements),
        quality=quality,
    )


def settled(old: Measurement, new: Measurement, old_facts: VOIFacts) -> AutomaticValues | None:
    """Return the automatic values, or None where the new values are those again, or a reader added the VOI."""
    was_added = old_facts.placed_by is not None and old_facts.automatic is None
    automatic = old.automatic or _values(old)
    return None if was_added or automatic == _values(new) else automatic


def _values(measurement: Measurement) -> AutomaticValues:
    return AutomaticValues(
        measurement.level,
        measurement.mean_hu,
        measurement.sd_hu,
        measurement.volume_mm3,
        measurement.bmd_mg_cm3,
        measurement.voi,
    )


def _measured(examination: Examination, level: str) -> Measurement:
    measurement = examination.measurement(level)
    if measurement is None:
        raise UsageError("correction.not_measured", level=level)
    return measurement


def place_of(examination: Examination, level: str) -> int:
    """Return the place of the vertebra of ``level`` in the record; UsageError if there is none."""
    for place, vertebra in enumerate(examination.vertebrae):
        if vertebra.level == level:
            return place
    raise UsageError("correction.no_vertebra", level=level)
