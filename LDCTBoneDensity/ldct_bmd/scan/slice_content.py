"""Slices whose pixels do not belong where they lie: empty, repeated, foreign, or on another scale than the next.

Each file of such a series is sound by itself, and so is its header. What is natural was measured on 16 real scans (1 to
5 mm; chest, abdomen, neck), training and test scans alike, so that their passing says nothing of other scans: see the
constants.
"""

import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..words import Phrase

EVERY = 4  # of the rows and columns; four pixels of each cell are averaged
SOFT_TISSUE_HU = (-70.0, 130.0)
FEWEST_CELLS = 50  # of tissue in two slices
# The median of soft tissue differs by at most 10.5 HU from slice to slice.
LARGEST_STEP_HU = 15.0
# A slice differs from a neighbour by at most 0.84 of what its neighbours differ from each other; in noise alone by 1.
MOST_OF_TISSUE = 0.85
LARGEST_RATIO, LEAST_DIFFERENCE_HU = 1.4, 4.0
# Below this, neighbouring cells differ by no noise, as in drawn phantoms, whose slices may well be equal.
LEAST_NOISE_HU = 1.0
TISSUE_ABOVE_HU = -300.0
_NAMED_AT_MOST = 3

Cells = NDArray[np.float32]  # of one slice
Mask = NDArray[np.bool_]


def check_slices(planes: NDArray[Any], name: Callable[[int], str | Phrase]) -> None:
    """Refuse a volume in which slices hold what cannot be theirs.

    Args:
        planes: (n, rows, columns) in HU, in the order in which they lie in the patient.
        name: gives the name of a slice, by its place, for the sentence.

    Raises:
        CannotMeasure: it names the slices.
    """
    if len(planes) < 3:
        return
    filled = _filled(planes)
    if len(filled) < 3:
        return
    first, last = filled[0], filled[-1]
    between = sorted(set(range(first, last)) - set(filled))
    if between:
        raise CannotMeasure("scan.empty_slices", slices=_named(between, name))
    # What is empty at the ends was padded by resampling.
    held = planes[first : last + 1]
    cells = _cells(held)

    def own_name(place: int) -> str | Phrase:
        return name(first + place)

    if _has_noise(cells):
        if found := _repeated(held, cells):
            raise CannotMeasure("scan.repeated_slices", slices=_named(found, own_name))
        if found := _foreign(cells):
            raise CannotMeasure("scan.foreign_slices", slices=_named(found, own_name))
    if found := _steps(cells):
        raise CannotMeasure("scan.slices_on_other_scale", slices=_named(found, own_name))


def _named(places: Sequence[int], name: Callable[[int], str | Phrase]) -> Phrase:
    names = tuple(name(place) for place in places[:_NAMED_AT_MOST])
    if len(names) == len(places):
        return Phrase("unfit.slices", {"names": names})
    return Phrase("unfit.slices_and_more", {"names": names, "more": len(places) - len(names)})


def _cells(planes: NDArray[Any]) -> NDArray[np.float32]:
    """Return means of four pixels from each cell of 4 x 4: (n, rows // 4, columns // 4)."""
    rows, columns = planes.shape[1] // EVERY, planes.shape[2] // EVERY
    cells = np.empty((len(planes), rows, columns), dtype=np.float32)
    for plane, mean in zip(planes, cells, strict=True):  # one at a time stays in the processor's cache
        pixels = plane[: rows * EVERY : EVERY // 2, : columns * EVERY : EVERY // 2].astype(np.float32)
        np.add(pixels[::2, ::2], pixels[::2, 1::2], out=mean)
        mean += pixels[1::2, ::2]
        mean += pixels[1::2, 1::2]
    cells /= 4.0
    return cells


def _filled(planes: NDArray[Any]) -> list[int]:
    """Return the slices that hold more than one value."""
    return [place for place, plane in enumerate(planes) if _varies(plane[len(plane) // 2]) or _varies(plane)]


def _varies(values: NDArray[Any]) -> bool:
    return bool(values.min() != values.max())


def _has_noise(cells: NDArray[np.float32]) -> bool:
    """Return whether neighbouring cells of tissue differ as those of a scan do."""
    middle = cells[len(cells) // 2]
    differences = np.abs(np.diff(middle, axis=1))[middle[:, 1:] > TISSUE_ABOVE_HU]
    return differences.size > 0 and float(np.median(differences)) >= LEAST_NOISE_HU


def _repeated(planes: NDArray[Any], cells: NDArray[np.float32]) -> list[int]:
    """Return the slices whose pixels are those of an earlier one."""
    seen: dict[int, int] = {}
    found = []
    for place, plane in enumerate(planes):
        first = seen.setdefault(zlib.crc32(cells[place].data), place)
        if first != place and np.array_equal(plane, planes[first]):
            found.append(place)
    return found


def _foreign(cells: NDArray[np.float32]) -> list[int]:
    """Return the slices that resemble neither neighbour, though the neighbours resemble each other."""
    tissue = cells > TISSUE_ABOVE_HU
    to_next = [_unlike_hu(*pair, *both) for pair, both in zip(pairwise(cells), pairwise(tissue), strict=True)]
    found = []
    for place in range(1, len(cells) - 1):
        nearer = min(to_next[place - 1], to_next[place])
        if nearer > LEAST_DIFFERENCE_HU and _is_alike(
            cells[place - 1], cells[place + 1], tissue[place - 1] | tissue[place + 1], nearer / LARGEST_RATIO
        ):
            found.append(place)
    return found


def _unlike_hu(one: Cells, other: Cells, tissue: Mask, of_other: Mask) -> float:
    """Return what most of the tissue of two slices differs by: small structures may begin and end in one slice."""
    differences = np.abs(one - other)[tissue | of_other]
    if differences.size < FEWEST_CELLS:
        return 0.0
    place = _most_of(differences.size)
    return float(np.partition(differences, place)[place])


def _is_alike(one: Cells, other: Cells, tissue: Mask, hu: float) -> bool:
    """Return whether :func:`_unlike_hu` of two slices is below a limit, which takes no sorting."""
    count = int(np.count_nonzero(tissue))
    below = np.count_nonzero((np.abs(one - other) < hu) & tissue)
    return bool(count < FEWEST_CELLS or below > _most_of(count))


def _most_of(count: int) -> int:
    return int(MOST_OF_TISSUE * (count - 1))


def _steps(cells: NDArray[np.float32]) -> list[int]:
    """Return the slices at which soft tissue changes its HU."""
    found = []
    soft = (cells > SOFT_TISSUE_HU[0]) & (cells < SOFT_TISSUE_HU[1])
    for place in range(1, len(cells)):
        both = soft[place - 1] & soft[place]
        count = np.count_nonzero(both)
        if count < FEWEST_CELLS:
            continue
        step_hu = cells[place] - cells[place - 1]
        large = np.count_nonzero((np.abs(step_hu) > LARGEST_STEP_HU) & both)
        # Unless half of the steps are large, their median is not.
        if 2 * large >= count and abs(float(np.median(step_hu[both]))) > LARGEST_STEP_HU:
            found.append(place)
    return found
