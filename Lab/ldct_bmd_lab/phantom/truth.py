"""The phantom's truth, from its continuous description: sections, the ideal VOI and its mean HU."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.voi import CylinderVOI

from .bone import bone_hu
from .shapes import Coordinates, coverage, grid_coordinates
from .spine import VertebralModel

# The paper's ellipse (Pan et al. 2020): area and short semi-axis against the body's area and width, and its height.
ELLIPSE_AREA_FRACTION, SHORT_SEMI_AXIS_FRACTION, VOI_HEIGHT_MM = 0.30, 0.20, 9.0
STEP_MM = 0.4


@dataclass(frozen=True)
class Pose:
    """Where the torso lies in LPS: lps = scale * rotation @ (torso - pivot) + shift."""

    rotation: NDArray[np.float64]
    scale: float
    pivot: NDArray[np.float64]
    shift: NDArray[np.float64]

    def to_torso(self, lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map LPS points (..., 3) to the torso's frame."""
        return (np.asarray(lps_mm) - self.shift) @ self.rotation / self.scale + self.pivot

    def to_lps(self, torso: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points (..., 3) of the torso's frame to LPS."""
        return (np.asarray(torso) - self.pivot) @ self.rotation.T * self.scale + self.shift


@dataclass(frozen=True)
class Section:
    """A body's axial section in the middle of its z extent, in LPS millimetres."""

    low_z_mm: float
    high_z_mm: float
    center_xy_mm: tuple[float, float]
    area_mm2: float
    width_mm: float


def section_of(vertebra: VertebralModel, pose: Pose) -> Section:
    """Return the middle section of a body, by sampling its surface densely."""
    center = pose.to_lps(vertebra.frame.origin)
    reach = pose.scale * (np.array([vertebra.size.width, vertebra.size.depth, vertebra.size.height]) * 0.5 + 6.0)
    reach = np.array([reach.max(), reach.max(), pose.scale * (vertebra.size.height / 2 + 14.0)])
    x, y, z = (np.arange(-r, r + s, s) for r, s in zip(reach, (1.2, 1.2, 0.5), strict=True))
    depth = _body_distance(vertebra, pose, center, x, y, z).min((1, 2))
    inside = np.flatnonzero(depth < 0)
    low, high = inside[0], inside[-1]
    # Nearest surface point above and below, between two planes.
    bottom = z[low] - 0.5 * depth[low] / (depth[low] - depth[low - 1])
    top = z[high] + 0.5 * depth[high] / (depth[high] - depth[high + 1])
    middle = np.array([(bottom + top) / 2])
    x, y = (np.arange(-r, r + STEP_MM, STEP_MM) for r in reach[:2])
    part = coverage(_body_distance(vertebra, pose, center, x, y, middle)[0], STEP_MM).astype(np.float64)
    area = part.sum()
    return Section(
        low_z_mm=float(center[2] + bottom),
        high_z_mm=float(center[2] + top),
        center_xy_mm=(float(center[0] + (part.sum(0) @ x) / area), float(center[1] + (part.sum(1) @ y) / area)),
        area_mm2=float(area * STEP_MM**2),
        width_mm=float(part.sum(1).max() * STEP_MM),
    )


def _body_distance(
    vertebra: VertebralModel,
    pose: Pose,
    center: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
) -> NDArray[np.float32]:
    matrix = vertebra.frame.axes @ pose.rotation.T / pose.scale
    offset = vertebra.frame.to_local(pose.to_torso(center))
    body, _ = vertebra.body(grid_coordinates(x, y, z, matrix, offset))
    return np.asarray(body * np.float32(pose.scale))


def local_coordinates(vertebra: VertebralModel, pose: Pose, lps_mm: NDArray[np.float64]) -> Coordinates:
    """Map LPS points (..., 3) to a vertebra's local coordinates."""
    local = vertebra.frame.to_local(pose.to_torso(lps_mm)).astype(np.float32)
    return local[..., 0], local[..., 1], local[..., 2]


def voi_of(section: Section) -> CylinderVOI:
    """Return the VOI that the method places in a body with this section."""
    short = SHORT_SEMI_AXIS_FRACTION * section.width_mm
    long = ELLIPSE_AREA_FRACTION * section.area_mm2 / (np.pi * short)
    return CylinderVOI(
        center_lps_mm=(*section.center_xy_mm, (section.low_z_mm + section.high_z_mm) / 2),
        semi_axes_mm=(long, short),
        axes_lps=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        height_mm=VOI_HEIGHT_MM,
    )


def points_in(voi: CylinderVOI, count: int) -> NDArray[np.float64]:
    """Return LPS points (count, 3) that fill a VOI evenly: Roberts' additive recurrence of dimension 3."""
    unit = _even_points(count)
    radius, angle = np.sqrt(unit[:, 0]), 2 * np.pi * unit[:, 1]
    local = np.stack(
        [
            voi.semi_axes_mm[0] * radius * np.cos(angle),
            voi.semi_axes_mm[1] * radius * np.sin(angle),
            voi.height_mm * (unit[:, 2] - 0.5),
        ],
        -1,
    )
    return local @ np.asarray(voi.axes_lps) + np.asarray(voi.center_lps_mm)


@lru_cache(maxsize=4)
def _even_points(count: int) -> NDArray[np.float64]:
    phi = 1.2207440846057596
    return (0.5 + np.arange(1, count + 1)[:, None] * np.array([1 / phi, 1 / phi**2, 1 / phi**3])) % 1.0


def hu_at(
    spine: tuple[VertebralModel, ...], pose: Pose, lps_mm: NDArray[np.float64], elsewhere: float
) -> NDArray[np.float32]:
    """Return the continuous HU of the vertebrae at LPS points (n, 3), ``elsewhere`` outside all of them."""
    out = np.full(len(lps_mm), elsewhere, np.float32)
    for vertebra in spine:
        near = np.linalg.norm(lps_mm - pose.to_lps(vertebra.frame.origin), axis=1) < 90.0 * pose.scale
        if near.any():
            value = bone_hu(vertebra, local_coordinates(vertebra, pose, lps_mm[near]))
            out[near] = np.where(np.isnan(value), out[near], value)
    return out
