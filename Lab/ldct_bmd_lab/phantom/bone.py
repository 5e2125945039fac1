"""Painting vertebrae, and the continuous HU of a vertebra at any point."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .arch import ARCH_CORTEX_MM, ARCH_MARROW_HU, FILLET_MM, arch_distance, arch_struts, canal_distance
from .canvas import Box, Canvas
from .shapes import Coordinates, FloatArray, Strut, coverage, smooth_max, smooth_min
from .spine import CORTEX_HU, VertebralModel

FAR_MM = 30.0


def paint_vertebra(canvas: Canvas, vertebra: VertebralModel, labels: NDArray[np.uint8] | None, value: int) -> None:
    """Paint a whole vertebra; write ``value`` into ``labels`` where a voxel's centre lies in the body."""
    struts = arch_struts(vertebra)
    size = vertebra.size
    corners = [strut.box(3.0) for strut in struts]
    reach = np.array([size.width, size.depth, size.height]) / 2 + 3.0
    low = np.min([c[0] for c in corners] + [-reach], axis=0)
    high = np.max([c[1] for c in corners] + [reach], axis=0)
    box = canvas.box_around(low, high, vertebra.frame)
    if box is None:
        return
    outer = np.full(tuple(s.stop - s.start for s in box), FAR_MM, np.float32)
    for strut in struts:
        part = canvas.box_around(*strut.box(3.0), frame=vertebra.frame)
        if part is not None:
            inner = _inside(part, box)
            p = canvas.coordinates(part, vertebra.frame)
            outer[inner] = smooth_min(outer[inner], strut.distance(p), FILLET_MM)
    canal = canvas.box_around(
        (-size.canal[0] / 2, 0, -size.height), (size.canal[0] / 2, high[1], size.height), vertebra.frame
    )
    if canal is not None:
        inner = _inside(_within(canal, box), box)
        p = canvas.coordinates(_within(canal, box), vertebra.frame)
        outer[inner] = smooth_max(outer[inner], -canal_distance(vertebra, p), 1.0)
    core = outer + np.float32(ARCH_CORTEX_MM)
    marrow: FloatArray = np.full_like(outer, ARCH_MARROW_HU)
    part = canvas.box_around(-reach, reach, vertebra.frame)
    if part is not None:
        inner = _inside(part, box)
        p = canvas.coordinates(part, vertebra.frame)
        body, body_core = vertebra.body(p)
        marrow[inner] += coverage(body, canvas.edge_mm) * (vertebra.trabecular_hu(p) - marrow[inner])
        outer[inner] = np.minimum(outer[inner], body)
        core[inner] = np.minimum(core[inner], body_core)
        if labels is not None and value:
            labels[part][np.broadcast_to(body < 0, labels[part].shape)] = value
    _paint_shell(canvas, box, outer, core, marrow)


def _paint_shell(canvas: Canvas, box: Box, outer: FloatArray, core: FloatArray, marrow: FloatArray) -> None:
    near = np.flatnonzero(outer.min((1, 2)) < canvas.edge_mm)
    for k in near:
        bone = coverage(outer[k], canvas.edge_mm)
        inside = np.minimum(coverage(core[k], canvas.edge_mm), bone)
        view = canvas.hu[box[0].start + k, box[1], box[2]]
        view *= 1 - bone
        view += np.float32(CORTEX_HU) * (bone - inside) + marrow[k] * inside


def bone_hu(vertebra: VertebralModel, p: Coordinates) -> FloatArray:
    """Return the continuous HU at local points, NaN outside the vertebra."""
    body, body_core = vertebra.body(p)
    arch = arch_distance(vertebra, p)
    core = np.minimum(arch + np.float32(ARCH_CORTEX_MM), body_core)
    marrow = np.where(body < 0, vertebra.trabecular_hu(p), np.float32(ARCH_MARROW_HU))
    hu = np.where(core < 0, marrow, np.float32(CORTEX_HU))
    return np.asarray(np.where(np.minimum(body, arch) < 0, hu, np.float32(np.nan)), dtype=np.float32)


class Skeleton:
    """Distance to the bones that are hollow bars (ribs, sternum, shoulder), gathered before they are painted."""

    def __init__(self, canvas: Canvas) -> None:
        # Half precision: 0.01 mm at these distances, at half the memory of a whole scan.
        self._distance = np.full(canvas.hu.shape, FAR_MM, np.float16)
        self._canvas = canvas

    def add(self, struts: Iterable[Strut]) -> None:
        """Fuse bars, given in the torso's frame."""
        for strut in struts:
            box = self._canvas.box_around(*strut.box(2.0))
            if box is not None:
                view = self._distance[box]
                np.minimum(view, strut.distance(self._canvas.coordinates(box)).astype(np.float16), out=view)

    def paint(self, cortex_mm: float, cortex_hu: float, marrow_hu: float) -> None:
        """Paint cortex and marrow."""
        edge = self._canvas.edge_mm
        for k, plane in enumerate(self._distance):
            at = np.nonzero(plane < edge)
            if not len(at[0]):
                continue
            distance = plane[at].astype(np.float32)
            bone = coverage(distance, edge)
            inside = np.minimum(coverage(distance + np.float32(cortex_mm), edge), bone)
            view = self._canvas.hu[k]
            view[at] = view[at] * (1 - bone) + np.float32(cortex_hu) * (bone - inside) + np.float32(marrow_hu) * inside


def _within(part: Box, box: Box) -> Box:
    z, y, x = (
        slice(max(p.start, b.start), max(min(p.stop, b.stop), max(p.start, b.start)))
        for p, b in zip(part, box, strict=True)
    )
    return z, y, x


def _inside(part: Box, box: Box) -> Box:
    z, y, x = (slice(p.start - b.start, p.stop - b.start) for p, b in zip(part, box, strict=True))
    return z, y, x
