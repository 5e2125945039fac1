"""Whether given bodies lie on the vertebrae of a scan, told by the cortex and endplates under their rim."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..ground.errors import CannotMeasure
from ..scan import CTScan

RIM_MM = (-1.0, 0.0, 1.0)  # along the outward normal; cortex, blurred by the scanner and by the mask's own error
OUTSIDE_MM = (4.0, 5.0)
SMOOTHING_MM = 1.0  # of the mask, for its normals
POINTS = 2000  # the mean over them has a noise of about 1 HU at 60 HU a voxel
# Lung counts as fat and metal as cortex, so that neither outweighs the rest of the rim.
HU_RANGE = (-100, 400)
# True bodies measured 140 HU and more (phantoms down to 30 mg/cm3, real scans at 1.5 and 3 mm).
MIN_RIM_HU = 25.0
STEP_MM = 2.5
NEAREST_MM = 5.0  # a mask off by less is drawn badly, not in another place
FARTHEST_MM = 27.5
# Further along the spine, in body heights, the next vertebra begins to fit as well.
FARTHEST_HEIGHTS = 0.75
MIN_SEEN = 0.8  # of the points that the scan shows at the place given
ROUNDS = 2


def refuse_misplaced(bodies: NDArray[np.uint8], scan: CTScan) -> None:
    """Raise CannotMeasure unless ``bodies`` (z, y, x) have a bright rim in ``scan`` that no shift makes brighter.

    The shifts looked at are along one axis of the grid after the other, so that an oblique one is found as well. One
    by a whole vertebra is not: the bodies then lie on bone, under the names of their neighbours.
    """
    spacing = np.asarray(scan.geometry.spacing_mm[::-1])
    points, normals, height_mm = _surface(bodies, spacing)
    rim = [points + depth * normals for depth in RIM_MM]
    outside = [points + depth * normals for depth in OUTSIDE_MM]

    def contrast(shift: NDArray[np.float64]) -> tuple[float, int]:
        return _contrast(scan.hu, spacing, rim, outside, shift)

    given, seen = contrast(np.zeros(3))
    if not seen:
        return  # slivers at the scan's edge: all are cut, and none is measured
    if given < MIN_RIM_HU:
        raise CannotMeasure("segmentation.faint_rim", hu=given)
    shift, best = np.zeros(3), given
    for _, axis in product(range(ROUNDS), range(3)):
        farthest = min(FARTHEST_MM, FARTHEST_HEIGHTS * height_mm) if axis == 0 else FARTHEST_MM
        steps = np.arange(-np.floor(farthest / STEP_MM), farthest // STEP_MM + 1) * STEP_MM
        start = shift
        for step in steps:
            candidate = start.copy()
            candidate[axis] = step
            if np.linalg.norm(candidate) < NEAREST_MM:
                continue
            value, count = contrast(candidate)
            if count >= MIN_SEEN * seen and value > best:
                shift, best = candidate, value
    if shift.any():
        raise CannotMeasure("segmentation.misplaced", distance_mm=float(np.linalg.norm(shift)))


def _surface(
    bodies: NDArray[np.uint8], spacing_zyx_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return points (n, 3) on the surfaces and their outward normals, z, y, x in mm, and the median height in mm."""
    points, normals, heights = [], [], []
    for value, box in enumerate(ndimage.find_objects(bodies), start=1):
        if box is None:
            continue
        body = bodies[box] == value
        smooth = ndimage.gaussian_filter(np.pad(body, 2).astype(np.float32), SMOOTHING_MM / spacing_zyx_mm)
        gradient = np.stack(np.gradient(smooth, *spacing_zyx_mm), axis=-1)
        where = np.argwhere(body & ~ndimage.binary_erosion(body))
        inward = gradient[tuple((where + 2).T)]
        length = np.linalg.norm(inward, axis=1)
        there = length > 1e-4
        points.append((where[there] + [s.start for s in box]) * spacing_zyx_mm)
        normals.append(-inward[there] / length[there, None])
        heights.append(body.shape[0] * spacing_zyx_mm[0])
    every, normal = np.concatenate(points), np.concatenate(normals)
    # Evenly spread over the surfaces, and the same at each run.
    some = np.linspace(0, len(every) - 1, min(POINTS, len(every))).astype(int)
    return every[some], normal[some], float(np.median(heights))


def _contrast(
    hu: NDArray[np.int16] | NDArray[np.float32],
    spacing_zyx_mm: NDArray[np.float64],
    rim: Sequence[NDArray[np.float64]],
    outside: Sequence[NDArray[np.float64]],
    shift_mm: NDArray[np.float64],
) -> tuple[float, int]:
    """Return how much brighter the shifted rim is than its surroundings in HU, and how many points lie in the scan."""
    index = np.rint((np.stack([*rim, *outside]) + shift_mm) / spacing_zyx_mm).astype(int)
    inside = ((index >= 0) & (index < hu.shape)).all(axis=(0, 2))
    if not inside.any():
        return 0.0, 0
    values = np.clip(hu[tuple(np.moveaxis(index[:, inside], -1, 0))], *HU_RANGE).mean(axis=1, dtype=np.float64)
    return float(values[: len(rim)].mean() - values[len(rim) :].mean()), int(np.count_nonzero(inside))
