"""A reader's corrections of the column: names, and vertebrae that are added or taken out. Pure functions, as others."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

from .anatomy import LEVELS, order
from .corrections import Correction, concluded, place_of, settled, with_body
from .examination import BodyMask, Examination, UnnamedVertebra, VertebraRecord
from .ground.errors import UsageError
from .scan import CTScan
from .words import Phrase

_SHIFTED = tuple(level for level in LEVELS if level != "T13")
_READERS_CONFIDENCE = 1.0
Named = TypeVar("Named", bound=Any)


def rename_level(examination: Examination, level: str, new_level: str, reader: str, time: str) -> Examination:
    """Give one vertebra another name; the names must stay in order."""
    place_of(examination, level)
    if new_level not in LEVELS:
        raise UsageError("correction.no_level", level=new_level)
    if new_level == level:
        raise UsageError("correction.same_name", level=new_level)
    if examination.measurement(new_level) is not None:
        raise UsageError("correction.name_taken", level=new_level)
    corrected = _renamed(examination, {level: new_level}.get)
    return concluded(examination, corrected, Correction.LEVEL_RENAMED, new_level, level, new_level, reader, time)


def shift_names(examination: Examination, steps: int, reader: str, time: str) -> Examination:
    """Shift all names: 1 makes T12 of T11, -1 makes T11 of T12. The reader vouches for the new names.

    A vertebra that runs off the list has no name, and is not measured, until it is shifted back. T13 is passed over; a
    column that holds it is renamed one by one. A level that thereby becomes a target has no VOI until
    :func:`.corrections.edit_body` or :func:`.corrections.add_voi` gives it one.
    """
    old = [vertebra.level for vertebra in examination.vertebrae]
    if steps == 0:
        raise UsageError("correction.shift_by_nothing")
    if "T13" in old:
        raise UsageError("correction.shift_with_t13")
    places = {level: _SHIFTED.index(level) + steps for level in {*old, *(m.level for m in examination.measurements)}}
    off = [level for level, place in places.items() if not 0 <= place < len(_SHIFTED)]
    if not set(old) - set(off) or set(off) - set(old):
        raise UsageError("correction.shift_too_far")
    returning, staying = [], []
    for one in examination.unnamed:
        place = one.beyond + (steps if one.beyond < 0 else len(_SHIFTED) - 1 + steps)
        if 0 <= place < len(_SHIFTED):
            returning.append((_SHIFTED[place], one))
        else:
            staying.append(replace(one, beyond=_beyond(place)))
    staying += [_unnamed(examination, level, _beyond(places[level])) for level in off]
    corrected = _without(examination, off)
    corrected = _renamed(corrected, {level: _SHIFTED[places[level]] for level in places if level not in off}.get)
    for level, one in returning:
        corrected = _named_again(corrected, level, one)
    corrected = replace(corrected, unnamed=tuple(sorted(staying, key=lambda one: one.beyond)))
    corrected = _vouched_for(corrected, reader)
    new = [vertebra.level for vertebra in corrected.vertebrae]
    return concluded(examination, corrected, Correction.NAMES_SHIFTED, None, old, new, reader, time)


def confirm_names(examination: Examination, reader: str, time: str) -> Examination:
    """Take the reader's word that the names are right, so that a category may be given."""
    names = [vertebra.level for vertebra in examination.vertebrae]
    return concluded(
        examination, _vouched_for(examination, reader), Correction.NAMES_CONFIRMED, None, names, names, reader, time
    )


def names_confirmed(examination: Examination) -> bool:
    """Tell whether a reader has vouched for the names."""
    return examination.quality.names_remark.code == "names.confirmed"


def add_vertebra(
    examination: Examination, scan: CTScan, level: str, body: BodyMask, reader: str, time: str
) -> Examination:
    """Take in a vertebra that was missed, as a reader drew its body; it is measured if its level was to be.

    Raises:
        UsageError: there is one of that name, the mask is empty, or the body lies not between its neighbours.
        CannotMeasure: as of :func:`.corrections.edit_body`.
    """
    if level not in LEVELS:
        raise UsageError("correction.no_level", level=level)
    if any(vertebra.level == level for vertebra in examination.vertebrae):
        raise UsageError("correction.vertebra_there", level=level)
    blank = VertebraRecord(level, (0.0, 0.0, 0.0), 0.0, _READERS_CONFIDENCE, complete=False)
    corrected, new = with_body(examination, scan, blank, body, reader)
    for above, below in pairwise(corrected.vertebrae):
        if level in (above.level, below.level) and above.centroid_lps_mm[2] <= below.centroid_lps_mm[2]:
            raise UsageError("correction.body_out_of_order", level=level, above=above.level, below=below.level)
    return concluded(examination, corrected, Correction.VERTEBRA_ADDED, level, None, new, reader, time)


def remove_vertebra(examination: Examination, level: str, reader: str, time: str) -> Examination:
    """Take out what is no vertebra, and all that was measured of it; the other names stay as they are."""
    old = examination.vertebrae[place_of(examination, level)]
    if len(examination.vertebrae) == 1:
        raise UsageError("correction.last_vertebra", level=level)
    corrected = _without(examination, [level])
    return concluded(examination, corrected, Correction.VERTEBRA_REMOVED, level, old, None, reader, time)


def _beyond(place: int) -> int:
    return place if place < 0 else place - len(_SHIFTED) + 1


def _unnamed(examination: Examination, level: str, beyond: int) -> UnnamedVertebra:
    quality = examination.quality
    return UnnamedVertebra(
        beyond,
        _of(level, examination.vertebrae),
        _of(level, examination.measurements),
        _of(level, quality.vois),
        _of(level, quality.unmeasured),
        _of(level, quality.heights),
        _of(level, quality.outlines),
        _of(level, quality.fracture_readings),
    )


def _named_again(examination: Examination, level: str, one: UnnamedVertebra) -> Examination:
    """Put back what was taken off the list, under its new name."""
    quality, measurement = examination.quality, one.measurement
    if measurement is not None and one.facts is not None:
        # The line from HU to BMD may be another since.
        bmd = examination.line.bmd_mg_cm3(measurement.mean_hu)
        renamed = replace(measurement, level=level, bmd_mg_cm3=bmd)
        measurement = replace(renamed, automatic=settled(measurement, renamed, one.facts))
    return replace(
        examination,
        vertebrae=_with(examination.vertebrae, one.vertebra, level),
        measurements=_with(examination.measurements, measurement, level),
        quality=replace(
            quality,
            vois=_with(quality.vois, one.facts, level),
            unmeasured=_with(quality.unmeasured, one.unmeasured, level),
            heights=_with(quality.heights, one.heights, level),
            outlines=_with(quality.outlines, one.outline, level),
            fracture_readings=_with(quality.fracture_readings, one.reading, level),
        ),
    )


def _without(examination: Examination, levels: list[str]) -> Examination:
    """Return the record without all that is known of ``levels``."""

    def others(items: tuple[Named, ...]) -> tuple[Named, ...]:
        return tuple(item for item in items if item.level not in levels)

    quality = examination.quality
    return replace(
        examination,
        vertebrae=others(examination.vertebrae),
        measurements=others(examination.measurements),
        quality=replace(
            quality,
            heights=others(quality.heights),
            uncertain_levels=tuple(level for level in quality.uncertain_levels if level not in levels),
            vois=others(quality.vois),
            unmeasured=others(quality.unmeasured),
            outlines=others(quality.outlines),
            fracture_readings=others(quality.fracture_readings),
        ),
    )


def _of(level: str, items: tuple[Named, ...]) -> Any:
    return next((item for item in items if item.level == level), None)


def _with(items: tuple[Named, ...], item: Named | None, level: str) -> tuple[Named, ...]:
    """Return ``items`` with another one of ``level``, top to bottom."""
    if item is None:
        return items
    return tuple(sorted((*items, replace(item, level=level)), key=lambda one: order(one.level)))


def _renamed(examination: Examination, new_name: Callable[[str], str | None]) -> Examination:
    def name(level: str) -> str:
        return new_name(level) or level

    vertebrae = tuple(replace(vertebra, level=name(vertebra.level)) for vertebra in examination.vertebrae)
    places = [order(vertebra.level) for vertebra in vertebrae]
    if any(above >= below for above, below in pairwise(places)):
        raise UsageError("correction.names_out_of_order")
    quality = examination.quality
    measurements = []
    for old in examination.measurements:
        new = replace(old, level=name(old.level))
        measurements.append(replace(new, automatic=settled(old, new, quality.voi(old.level))))
    return replace(
        examination,
        vertebrae=vertebrae,
        measurements=tuple(sorted(measurements, key=lambda m: order(m.level))),
        quality=replace(
            quality,
            heights=tuple(replace(one, level=name(one.level)) for one in quality.heights),
            uncertain_levels=tuple(name(level) for level in quality.uncertain_levels),
            vois=tuple(replace(one, level=name(one.level)) for one in quality.vois),
            unmeasured=tuple(replace(one, level=name(one.level)) for one in quality.unmeasured),
            outlines=tuple(replace(one, level=name(one.level)) for one in quality.outlines),
            fracture_readings=tuple(replace(one, level=name(one.level)) for one in quality.fracture_readings),
        ),
    )


def _vouched_for(examination: Examination, reader: str) -> Examination:
    remark = Phrase("names.confirmed", {"reader": reader})
    quality = replace(examination.quality, names_certain=True, names_remark=remark, uncertain_levels=())
    return replace(examination, quality=quality)
