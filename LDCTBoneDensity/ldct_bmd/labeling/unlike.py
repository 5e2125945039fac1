"""Why a row of bodies is like no spine: the same scan is looked at as it would be if its header were wrong.

Only where the scan as it is was refused, so that nothing is measured on a scan that was turned or stretched here.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..scan import CTScan
from ..segmentation import NetworkBodies, Segmentation
from ..words import Phrase
from .column import VertebralColumn
from .field import reaches_field
from .lying import lies_on_side

LEAST_BODIES = 4  # whole ones, in order: fewer are found by chance in what is no spine
# A thickness taken for a distance, a halved matrix: what is wrong by less is recognised as it is.
FACTORS = (1.5, 0.7)


_TOO_LITTLE = {"labeling.no_vertebra", "labeling.one_body", "labeling.like_no_level"}


class _Guess(NamedTuple):
    """The scan as it would be, and what is told if its bodies are recognised then."""

    told: CannotMeasure
    scan: CTScan


def explained(
    refusal: CannotMeasure, scan: CTScan, segmentation: Segmentation, look: Callable[[CTScan], VertebralColumn]
) -> CannotMeasure:
    """Return a refusal that names the cause, or ``refusal`` if none is found or it is of another kind.

    Args:
        segmentation: what was refused.
        look: finds and names the bodies of a scan; CannotMeasure if it cannot.
    """
    if refusal.code in _TOO_LITTLE and any(other.continues for other in scan.source.other_series):
        return CannotMeasure("labeling.split_scan")
    if refusal.code != "labeling.like_no_level":
        return refusal
    if isinstance(segmentation, NetworkBodies) and reaches_field(segmentation, scan):
        return CannotMeasure("labeling.cut_by_field")
    for guess in _guesses(scan):
        try:
            column = look(guess.scan)
        except CannotMeasure:
            continue
        is_upright = not lies_on_side(column, guess.scan)  # bodies are recognised in a trunk on its side as well
        if is_upright and sum(v.complete for v in column.vertebrae) >= LEAST_BODIES:
            return guess.told
    return refusal


def _guesses(scan: CTScan) -> Iterator[_Guess]:
    for how, hu in (
        ("turned.front_and_back", scan.hu[:, ::-1]),
        ("turned.head_and_feet", scan.hu[::-1]),
        ("turned.both", scan.hu[::-1, ::-1]),
    ):
        yield _Guess(CannotMeasure("labeling.turned", how=Phrase(how)), _with(scan, hu))
    on_its_side = CannotMeasure("labeling.turned", how=Phrase("turned.side"))
    for quarter in (1, -1):
        yield _Guess(on_its_side, _with(scan, np.rot90(scan.hu, quarter, (1, 2)), (1, 0, 2)))
    x, y, z = scan.geometry.spacing_mm
    for factor in FACTORS:
        for how, spacing_mm in (("size.high", (x, y, z * factor)), ("size.wide", (x * factor, y * factor, z))):
            told = CannotMeasure("labeling.voxel_size", how=Phrase(how, {"factor": factor}))
            yield _Guess(told, replace(scan, geometry=replace(scan.geometry, spacing_mm=spacing_mm)))


def _with(scan: CTScan, hu: NDArray[np.generic], order: tuple[int, int, int] = (0, 1, 2)) -> CTScan:
    """Return the scan with other voxels; ``order``: which of its axes (x, y, z) the new ones are."""
    old = scan.geometry
    i, j, k = order
    size = old.size[i], old.size[j], old.size[k]
    spacing_mm = old.spacing_mm[i], old.spacing_mm[j], old.spacing_mm[k]
    geometry = replace(old, size=size, spacing_mm=spacing_mm)
    return replace(scan, hu=np.ascontiguousarray(hu), geometry=geometry)
