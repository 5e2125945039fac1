"""A voxel grid on which shapes are painted in HU with partial volume."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .shapes import TORSO, Coordinates, FloatArray, Frame, Strut, coverage, grid_coordinates

Box = tuple[slice, slice, slice]
Vector = Sequence[float] | NDArray[np.float64]
COARSE_STEP_MM = 3.0


@dataclass(frozen=True)
class Canvas:
    """HU on a grid whose continuous (x, y, z) indices map to the torso's frame by ``matrix @ index + offset``.

    Attributes:
        hu: float32, shape (z, y, x), painted in place.
        edge_mm: width of a painted edge: the voxel's own extent in the torso's millimetres.
    """

    hu: FloatArray
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    edge_mm: float

    def coordinates(self, box: Box, frame: Frame = TORSO) -> Coordinates:
        """Return the local coordinates of the voxel centres in ``box``; each broadcasts to the box's shape."""
        z, y, x = (np.arange(s.start, s.stop, dtype=np.float64) for s in box)
        return self._coordinates_at(x, y, z, frame)

    def _coordinates_at(
        self, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64], frame: Frame
    ) -> Coordinates:
        return grid_coordinates(x, y, z, frame.axes @ self.matrix, frame.axes @ (self.offset - frame.origin))

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.matrix))

    def box_around(self, low: Vector, high: Vector, frame: Frame = TORSO) -> Box | None:
        """Return the part of the grid that holds the local box from ``low`` to ``high``; None if it lies outside."""
        to_index = self._inverse @ frame.axes.T
        bounds = np.array([low, high], dtype=np.float64)
        center = self._inverse @ (frame.to_torso(bounds.mean(0)) - self.offset)
        reach = np.abs(to_index) @ (bounds[1] - bounds[0]) / 2
        start = np.maximum(np.floor(center - reach).astype(int), 0)
        stop = np.minimum(np.ceil(center + reach).astype(int) + 1, self.hu.shape[::-1])
        if (stop <= start).any():
            return None
        return slice(start[2], stop[2]), slice(start[1], stop[1]), slice(start[0], stop[0])

    def blend(self, box: Box, weight: FloatArray, value: float | FloatArray) -> None:
        """Mix ``value`` into the box by ``weight`` (0 to 1)."""
        view = self.hu[box]
        view += weight * (value - view)

    def paint_struts(self, struts: Sequence[Strut], hu: float, frame: Frame = TORSO) -> None:
        """Paint bars of one HU."""
        for strut in struts:
            box = self.box_around(*strut.box(1.0), frame=frame)
            if box is not None:
                distance = strut.distance(self.coordinates(box, frame))
                self.blend(box, coverage(distance, self.edge_mm), hu)

    def paint_smooth(
        self,
        shape: Callable[[Coordinates], FloatArray | tuple[FloatArray, ...]],
        low: Vector,
        high: Vector,
        hu: float | Sequence[float],
        combine: Callable[..., FloatArray] | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Paint a large smooth shape: its distance is computed every few millimetres and interpolated.

        Args:
            shape: distance, or several fields that ``combine`` turns into a distance at full resolution; then the
                first field must be positive wherever there is nothing to paint.
            hu: one value, or one a field: then each field is a distance, painted in order (layers within each other).
        """
        box = self.box_around(low, high)
        if box is None:
            return
        values = hu if isinstance(hu, Sequence) else (hu,)
        for part, fields in self._planes(box, shape, layers=combine is None):
            view = self.hu[part]
            distances = [combine(*fields)] if combine else fields
            for distance, value in zip(distances, values, strict=True):
                weight = coverage(distance, self.edge_mm)
                if opacity != 1.0:
                    weight *= np.float32(opacity)
                view += weight * (np.float32(value) - view)

    def add_smooth(self, field: Callable[[Coordinates], FloatArray], low_hu: float, high_hu: float) -> None:
        """Add a smooth texture wherever the HU lie between the two given."""
        nz, ny, nx = self.hu.shape
        whole = (slice(0, nz), slice(0, ny), slice(0, nx))

        def everywhere(p: Coordinates) -> tuple[FloatArray, FloatArray]:
            value = field(p)
            return np.full_like(value, -1.0), value

        for part, (_, value) in self._planes(whole, everywhere, layers=False):
            view = self.hu[part]
            view += value * ((view > low_hu) & (view < high_hu))

    def _planes(
        self, box: Box, shape: Callable[[Coordinates], FloatArray | tuple[FloatArray, ...]], layers: bool
    ) -> Iterator[tuple[tuple[int, slice, slice], list[FloatArray]]]:
        step = COARSE_STEP_MM / np.linalg.norm(self.matrix, axis=0)
        nodes = [
            np.linspace(s.start, s.stop - 1, max(int(np.ceil((s.stop - s.start) / n)), 1) + 1)
            for s, n in zip(box, step[::-1], strict=True)
        ]
        points = self._coordinates_at(nodes[2], nodes[1], nodes[0], TORSO)
        result = shape(points)
        full = (len(nodes[0]), len(nodes[1]), len(nodes[2]))
        fields = [np.broadcast_to(f, full) for f in (result if isinstance(result, tuple) else (result,))]
        rows = _interpolation(nodes[1], box[1])
        columns = _interpolation(nodes[2], box[2])
        levels = _interpolation(nodes[0], box[0])
        for i, z in enumerate(range(box[0].start, box[0].stop)):
            k = np.flatnonzero(levels[i])
            coarse = [np.tensordot(levels[i][k], f[k[0] : k[-1] + 1], 1) for f in fields]
            inside = np.asarray((np.minimum.reduce(coarse) if layers else coarse[0]) < COARSE_STEP_MM)
            if not inside.any():
                continue
            y = _span(np.asarray(inside.any(1)), rows)
            x = _span(np.asarray(inside.any(0)), columns)
            part = (
                z,
                slice(box[1].start + y.start, box[1].start + y.stop),
                slice(box[2].start + x.start, box[2].start + x.stop),
            )
            yield part, [rows[y] @ plane @ columns[x].T for plane in coarse]


def _interpolation(nodes: NDArray[np.float64], span: slice) -> FloatArray:
    """Return the matrix (fine, coarse) of linear interpolation."""
    fine = np.arange(span.start, span.stop)
    if len(nodes) < 2 or nodes[-1] == nodes[0]:
        return np.repeat(np.eye(1, len(nodes), dtype=np.float32), len(fine), axis=0)
    position = (fine - nodes[0]) / (nodes[1] - nodes[0])
    lower = np.clip(position.astype(int), 0, len(nodes) - 2)
    matrix = np.zeros((len(fine), len(nodes)), np.float32)
    index = np.arange(len(fine))
    matrix[index, lower] = 1 - (position - lower)
    matrix[index, lower + 1] = position - lower
    return matrix


def _span(inside: NDArray[np.bool_], matrix: FloatArray) -> slice:
    """Return the fine rows that a run of coarse nodes, and one more on each side, influences."""
    hit = np.flatnonzero(inside)
    touched = matrix[:, max(hit[0] - 1, 0) : hit[-1] + 2].any(1)
    fine = np.flatnonzero(touched)
    return slice(int(fine[0]), int(fine[-1]) + 1)
