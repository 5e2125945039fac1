"""A column of simple vertebral bodies on the networks' grid, as a foreground map."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SPACING_ZYX_MM = (1.0, 2.0, 2.0)


def column(
    heights_mm: Sequence[float],
    disc_mm: float = 5.0,
    slices: int | None = None,
    tilt: float = 0.0,
    bridge: tuple[int, ...] = (),
    start_mm: float = 10.0,
    waist: float = 0.12,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return foreground (z, y, x) and the true numbers, both with body 1 on top.

    Args:
        heights_mm: from the top down.
        disc_mm: height of the gaps.
        tilt: shift in y per mm of z of the whole column, so that endplates tilt against the axial plane.
        waist: how much narrower a body is in its middle.
        bridge: numbers (from 1) of bodies joined to the next lower one by an osteophyte.
    """
    total = start_mm + sum(heights_mm) + disc_mm * len(heights_mm) + 10
    shape = (slices or round(total), 60, 40)
    z, y, x = np.meshgrid(*(np.arange(n) * d for n, d in zip(shape, SPACING_ZYX_MM, strict=True)), indexing="ij")
    centre_y = 60 + tilt * (z - total / 2)
    along = z + tilt * (y - centre_y)  # endplates stand on the axis
    numbers = np.zeros(shape, dtype=np.uint8)
    low = start_mm
    bounds = {}
    for number in range(len(heights_mm), 0, -1):
        height = heights_mm[number - 1]
        middle = low + height / 2
        narrow = 1 - waist * np.clip(1 - ((along - middle) / (height / 2)) ** 2, 0, 1)
        inside = ((y - centre_y) / (15 * narrow)) ** 2 + ((x - 40) / (20 * narrow)) ** 2 < 1
        numbers[(along >= low) & (along < low + height) & inside] = number
        bounds[number] = (low, low + height)
        low += height + disc_mm
    foreground = (numbers > 0).astype(np.float32)
    for number in bridge:
        top, bottom = bounds[number + 1][1], bounds[number][0]
        spur = (np.abs(y - centre_y + 12) < 5) & (np.abs(x - 40) < 8)
        foreground[(along >= top - 1) & (along <= bottom + 1) & spur] = 1.0
    return foreground, numbers


def fill_disc(foreground: NDArray[np.float32], numbers: NDArray[np.uint8], below: int, seen: float) -> None:
    """Give the disc below body ``below`` this foreground, in place: more, the less it is seen."""
    top, bottom = (int(f(np.argwhere(numbers == n)[:, 0])) for n, f in ((below + 1, np.max), (below, np.min)))
    foreground[top + 1 : bottom] = np.maximum(foreground[top + 1 : bottom], seen * foreground[top])
