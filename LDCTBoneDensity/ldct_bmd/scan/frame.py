"""Moving a volume between the grid it is stored on and the engine's frame, by permuting and flipping axes only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .ct_scan import CTScan, Geometry

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True)
class AxisMap:
    """How the axes of one grid lie on those of another, with no resampling.

    Attributes:
        axes: for each index axis (x, y, z) of the target grid, the axis of the stored grid that runs along it.
        flipped: for each index axis of the target grid, whether it runs against that stored axis.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def view(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return ``stored`` (z, y, x of the stored grid) as a view on the target grid, (z, y, x)."""
        moved = stored.transpose(tuple(2 - self.axes[axis] for axis in (2, 1, 0)))
        return moved[tuple(slice(None, None, -1 if self.flipped[axis] else 1) for axis in (2, 1, 0))]

    def inverse(self) -> "AxisMap":
        """Return the map that leads back."""
        axes, flipped = [0, 0, 0], [False, False, False]
        for target, source in enumerate(self.axes):
            axes[source], flipped[source] = target, self.flipped[target]
        return AxisMap((axes[0], axes[1], axes[2]), (flipped[0], flipped[1], flipped[2]))

    def geometry(self, stored: Geometry) -> Geometry:
        """Return the target grid of ``stored``."""
        direction = np.asarray(stored.direction)
        corner = [0.0, 0.0, 0.0]
        for target, source in enumerate(self.axes):
            if self.flipped[target]:
                corner[source] = stored.size[source] - 1.0
        columns = [
            direction[:, source] * (-1 if flip else 1) for source, flip in zip(self.axes, self.flipped, strict=True)
        ]
        return make_geometry(
            size=[stored.size[source] for source in self.axes],
            spacing_mm=[stored.spacing_mm[source] for source in self.axes],
            origin_lps_mm=stored.to_lps_mm(np.asarray(corner)),
            direction=np.stack(columns, axis=1),
        )


def make_geometry(size: Any, spacing_mm: Any, origin_lps_mm: Any, direction: Any) -> Geometry:
    """Build a :class:`Geometry` of plain Python numbers from any sequences; ``direction`` is 3 x 3."""

    def triple(values: Any) -> tuple[float, float, float]:
        x, y, z = (float(value) + 0.0 for value in values)
        return x, y, z

    x, y, z = (int(value) for value in size)
    rows = np.asarray(direction, dtype=np.float64).reshape(3, 3)
    return Geometry(
        (x, y, z), triple(spacing_mm), triple(origin_lps_mm), (triple(rows[0]), triple(rows[1]), triple(rows[2]))
    )


def axes_to_lps(stored: Geometry) -> AxisMap:
    """Return the map from ``stored`` to the grid whose axes run most nearly left, back and up."""
    return _match(np.asarray(stored.direction))


def axes_between(stored: Geometry, target: Geometry) -> AxisMap:
    """Return the map from ``stored`` to ``target``; ValueError if the grids differ by more than axis order and sign."""
    axis_map = _match(np.asarray(target.direction).T @ np.asarray(stored.direction))
    reached = axis_map.geometry(stored)
    same = reached.size == target.size and all(
        np.allclose(a, b, atol=1e-3)
        for a, b in (
            (reached.spacing_mm, target.spacing_mm),
            (reached.origin_lps_mm, target.origin_lps_mm),
            (reached.direction, target.direction),
        )
    )
    if not same:
        raise ValueError("the two grids are not the same voxels in another order")
    return axis_map


def _match(direction: NDArray[np.float64]) -> AxisMap:
    """Pair each target axis (row) with one stored axis (column), the best aligned pair first."""
    remaining = np.abs(direction).copy()
    axes, flipped = [0, 0, 0], [False, False, False]
    for _ in range(3):
        target, source = np.unravel_index(int(np.argmax(remaining)), (3, 3))
        axes[target], flipped[target] = int(source), bool(direction[target, source] < 0)
        remaining[target, :] = -1.0
        remaining[:, source] = -1.0
    return AxisMap((axes[0], axes[1], axes[2]), (flipped[0], flipped[1], flipped[2]))


def to_source_geometry(array_on_scan_grid: NDArray[Any], scan: CTScan) -> "sitk.Image":
    """Put a volume on ``scan.geometry`` back on the grid the scan is stored on; no value changes.

    Args:
        array_on_scan_grid: (z, y, x).
        scan: whose grid it is.

    Raises:
        ValueError: the shape is not the scan's.
    """
    import SimpleITK as sitk

    if array_on_scan_grid.shape != scan.geometry.shape:
        raise ValueError(f"shape {array_on_scan_grid.shape} is not the scan's {scan.geometry.shape}")
    stored = scan.stored_geometry
    array = axes_between(stored, scan.geometry).inverse().view(array_on_scan_grid)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(stored.spacing_mm)
    image.SetOrigin(stored.origin_lps_mm)
    image.SetDirection([value for row in stored.direction for value in row])
    return image
