"""The vertebral column of a scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from ..anatomy import VERSE_VALUE
from ..scan import Geometry
from ..voi import Box
from ..words import Phrase

EDGE_MM = 0.5  # a body nearer to the scan's edge than this is cut


@dataclass(frozen=True)
class Vertebra:
    """One vertebral body.

    Attributes:
        confidence: probability (0 to 1) that the name is right.
        complete: False if the scan's edge cuts the body.
    """

    level: str
    centroid_lps_mm: tuple[float, float, float]
    volume_ml: float
    confidence: float
    complete: bool


@dataclass(frozen=True)
class VertebralColumn:
    """All vertebral bodies found in a scan.

    Attributes:
        vertebrae: top to bottom.
        bodies: (z, y, x) on the scan's grid, VerSe values, 0 background.
        names_certain: False where the name of a level that the measurement is about (T12, L1, L2; all, where none of
            these is in view) is uncertain: no anchor is in view, or more than one naming is likely.
        remark: what the names rest on, or why they are uncertain.
        uncertain: the levels whose names are uncertain; if empty, ``names_certain`` holds for all.
        cut_by_field: the levels that are incomplete since the reconstructed field cuts them.
    """

    vertebrae: tuple[Vertebra, ...]
    bodies: NDArray[np.uint8]
    names_certain: bool
    remark: Phrase
    uncertain: tuple[str, ...] = ()
    cut_by_field: tuple[str, ...] = ()

    def certain(self, level: str) -> bool:
        """Return whether the name of ``level`` is certain."""
        return level not in self.uncertain if self.uncertain else self.names_certain

    def vertebra(self, level: str) -> Vertebra | None:
        """Return the vertebra named ``level``, None if it was not found."""
        return next((v for v in self.vertebrae if v.level == level), None)

    def mask(self, level: str) -> tuple[Box, NDArray[np.bool_]]:
        """Return the box (z, y, x) about a body, a voxel wider where the scan allows, and the body in it.

        Raises:
            KeyError: there is no such vertebra.
        """
        value = VERSE_VALUE[level]
        tight = self._boxes.get(value)
        if tight is None:
            raise KeyError(level)
        z, y, x = (
            slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(tight, self.bodies.shape, strict=True)
        )
        return (z, y, x), self.bodies[z, y, x] == value

    @cached_property
    def _boxes(self) -> dict[int, Box]:
        return find_bodies(self.bodies)


def find_bodies(bodies: NDArray[np.integer]) -> dict[int, Box]:
    """Return the box (z, y, x) that just holds each body of a label map, by VerSe value."""
    # The spine fills a small part of a scan, whose outline from above is quickly found.
    above = bodies.max(axis=0) > 0
    if not above.any():
        return {}
    y, x = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    corner = (0, int(y[0]), int(x[0]))
    near = bodies[:, y[0] : y[-1] + 1, x[0] : x[-1] + 1]
    found = scipy.ndimage.find_objects(near, max_label=max(VERSE_VALUE.values()))
    return {value: moved(box, corner) for value, box in enumerate(found, start=1) if box is not None}


def moved(box: Box, by: Sequence[int]) -> Box:
    """Return ``box`` moved by (z, y, x) voxels."""
    z, y, x = (slice(s.start + n, s.stop + n) for s, n in zip(box, by, strict=True))
    return z, y, x


def cut_by_edge(voxels_zyx: NDArray[np.integer], geometry: Geometry) -> bool:
    """Return whether a body of these voxels (n, 3) reaches the edge of the scan, so that part of it may be missing."""
    edge = np.maximum(1, np.ceil(EDGE_MM / np.asarray(geometry.spacing_mm[::-1])))
    last = np.asarray(geometry.shape) - 1 - edge
    return bool((voxels_zyx.min(axis=0) < edge).any() or (voxels_zyx.max(axis=0) > last).any())


def make_vertebra(level: str, body: NDArray[np.bool_], box: Box, geometry: Geometry, confidence: float) -> Vertebra:
    """Return the vertebra of a ``body`` mask in its ``box`` (z, y, x) of the scan."""
    voxels = np.argwhere(body) + [s.start for s in box]
    centroid = geometry.to_lps_mm(voxels.mean(axis=0)[::-1])
    return Vertebra(
        level=level,
        centroid_lps_mm=tuple(float(v) for v in centroid),  # type: ignore[arg-type]
        volume_ml=len(voxels) * geometry.voxel_volume_mm3 / 1000.0,
        confidence=confidence,
        complete=not cut_by_edge(voxels, geometry),
    )


def remade(vertebrae: Sequence[Vertebra], bodies: NDArray[np.uint8], geometry: Geometry) -> list[Vertebra]:
    """Return vertebrae of the same names whose ``bodies`` (z, y, x), VerSe values, have changed."""
    boxes = find_bodies(bodies)
    return [
        make_vertebra(v.level, bodies[boxes[value]] == value, boxes[value], geometry, v.confidence)
        for v in vertebrae
        if (value := VERSE_VALUE[v.level]) in boxes
    ]
