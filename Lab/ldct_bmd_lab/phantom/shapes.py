"""Signed distances (mm, negative inside) and smooth random fields, as functions of coordinate arrays of any shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

FloatArray = NDArray[np.float32]
Coordinates = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class Frame:
    """A local frame inside the torso's: ``axes`` rows are the local unit vectors."""

    origin: NDArray[np.float64]
    axes: NDArray[np.float64]

    def to_torso(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map local points (..., 3) to the torso's frame."""
        return np.asarray(points) @ self.axes + self.origin

    def to_local(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points (..., 3) of the torso's frame to local ones."""
        return (np.asarray(points) - self.origin) @ self.axes.T


TORSO = Frame(np.zeros(3), np.eye(3))


def grid_coordinates(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> Coordinates:
    """Return ``matrix @ (x, y, z) + offset`` on a grid; each coordinate broadcasts to the shape (z, y, x)."""
    grids = (x[None, None, :], y[None, :, None], z[:, None, None])
    out = []
    for i in range(3):
        value: NDArray[np.float64] = np.full((1, 1, 1), offset[i])
        for j in range(3):
            # Leaving out a zero term keeps the array thin: upright structures cost a plane, not a volume.
            if abs(matrix[i, j]) > 1e-12:
                value = value + matrix[i, j] * grids[j]
        out.append(value.astype(np.float32))
    return out[0], out[1], out[2]


def rotation(x_deg: float, y_deg: float, z_deg: float) -> NDArray[np.float64]:
    """Return the matrix that rotates a vector about x, then y, then z."""
    ax, ay, az = np.radians([x_deg, y_deg, z_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(ax), -np.sin(ax)], [0, np.sin(ax), np.cos(ax)]])
    about_y = np.array([[np.cos(ay), 0, np.sin(ay)], [0, 1, 0], [-np.sin(ay), 0, np.cos(ay)]])
    about_z = np.array([[np.cos(az), -np.sin(az), 0], [np.sin(az), np.cos(az), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def coverage(distance: FloatArray, edge_mm: float) -> FloatArray:
    """Return the part of a voxel that lies inside a surface at this distance (partial volume of a plane)."""
    return np.clip(np.float32(0.5) - distance * np.float32(1.0 / edge_mm), 0.0, 1.0)


def smooth_min(a: FloatArray, b: FloatArray, radius_mm: float) -> FloatArray:
    """Union of two shapes with a fillet."""
    h = np.maximum(np.float32(radius_mm) - np.abs(a - b), 0.0) * np.float32(1.0 / radius_mm)
    return np.minimum(a, b) - h * h * np.float32(0.25 * radius_mm)


def smooth_max(a: FloatArray, b: FloatArray, radius_mm: float) -> FloatArray:
    """Intersection of two shapes with a rounded edge."""
    return -smooth_min(-a, -b, radius_mm)


def ellipsoid(p: Coordinates, center: tuple[float, float, float], radii: tuple[float, float, float]) -> FloatArray:
    """Approximate distance to an ellipsoid along the coordinate axes (exact on its surface)."""
    total: FloatArray = np.float32(0.0)  # type: ignore[assignment]
    slope: FloatArray = np.float32(0.0)  # type: ignore[assignment]
    for axis in range(3):
        scaled = (p[axis] - np.float32(center[axis])) * np.float32(1.0 / radii[axis])
        total = total + scaled * scaled
        scaled = scaled * np.float32(1.0 / radii[axis])
        slope = slope + scaled * scaled
    return _implicit_distance(np.sqrt(total), np.sqrt(slope), min(radii))


def _implicit_distance(level: FloatArray, slope: FloatArray, radius: float) -> FloatArray:
    # First-order distance of the level set 1; the small constant keeps the centre at -radius instead of 0 / 0.
    tiny = np.float32(1e-3)
    return (level - 1) * (level + tiny) / (slope + tiny / np.float32(radius))


@dataclass(frozen=True)
class Strut:
    """A rounded bar with an elliptic cross-section that may change along it.

    Attributes:
        start, end: ends of its axis.
        start_radii, end_radii: semi-axes (along ``side``, across) of the cross-section.
        side: direction of the first semi-axis; made perpendicular to the axis.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    start_radii: tuple[float, float]
    end_radii: tuple[float, float]
    side: tuple[float, float, float] = (1.0, 0.0, 0.0)

    def mirrored(self) -> "Strut":
        """Return the same bar on the other side (first coordinate negated)."""

        def flip(p: tuple[float, float, float]) -> tuple[float, float, float]:
            return -p[0], p[1], p[2]

        return Strut(flip(self.start), flip(self.end), self.start_radii, self.end_radii, flip(self.side))

    def box(self, margin: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the corners of a box that holds the bar and ``margin`` mm around it."""
        ends = np.array([self.start, self.end])
        reach = max(*self.start_radii, *self.end_radii) + margin
        return ends.min(0) - reach, ends.max(0) + reach

    def distance(self, p: Coordinates) -> FloatArray:
        """Approximate distance (exact on the surface of a straight bar of constant section)."""
        start, end = np.array(self.start), np.array(self.end)
        axis = end - start
        length = float(np.linalg.norm(axis))
        axis = axis / length
        side = np.array(self.side) - np.dot(self.side, axis) * axis
        side = side / np.linalg.norm(side)
        across = np.cross(axis, side)
        q = tuple(p[i] - np.float32(start[i]) for i in range(3))

        def along(direction: NDArray[np.float64]) -> FloatArray:
            terms = [q[i] * np.float32(direction[i]) for i in range(3) if abs(direction[i]) > 1e-9]
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            return total

        s, a, b = along(axis), along(side), along(across)
        t = np.clip(s * np.float32(1.0 / length), 0.0, 1.0)
        ra = np.float32(self.start_radii[0]) + t * np.float32(self.end_radii[0] - self.start_radii[0])
        rb = np.float32(self.start_radii[1]) + t * np.float32(self.end_radii[1] - self.start_radii[1])
        rc = np.minimum(ra, rb)
        a, b, c = a / ra, b / rb, (s - t * np.float32(length)) / rc
        level = np.sqrt(a * a + b * b + c * c)
        a, b, c = a / ra, b / rb, c / rc
        radius = min(*self.start_radii, *self.end_radii)
        return _implicit_distance(level, np.sqrt(a * a + b * b + c * c), radius)


def polyline(points: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """Return points about ``step_mm`` apart on the cubic spline through ``points`` (n, 3)."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    points = points[np.concatenate([[True], steps > 0])]  # limits on a path can make its points fall together
    chord = np.concatenate([[0.0], np.cumsum(steps[steps > 0])])
    if len(points) < 2:
        return points
    count = max(int(np.ceil(chord[-1] / step_mm)), 2)
    return np.asarray(CubicSpline(chord, points)(np.linspace(0.0, chord[-1], count + 1)))


@dataclass(frozen=True)
class Waves:
    """A smooth random field of unit variance: cosines of random direction and phase, defined everywhere."""

    vectors: NDArray[np.float32]
    phases: NDArray[np.float32]

    @staticmethod
    def draw(rng: np.random.Generator, wavelength_mm: tuple[float, float], count: int) -> "Waves":
        """Draw ``count`` waves with lengths between the two given."""
        direction = rng.standard_normal((count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        number = 2 * np.pi / rng.uniform(*wavelength_mm, size=(count, 1))
        phases = rng.uniform(0, 2 * np.pi, count)
        return Waves((direction * number).astype(np.float32), phases.astype(np.float32))

    def __call__(self, p: Coordinates) -> FloatArray:
        """Evaluate the field."""
        total = np.zeros(np.broadcast_shapes(*(c.shape for c in p)), np.float32)
        for k, phase in zip(self.vectors, self.phases, strict=True):
            total += np.cos(p[0] * k[0] + p[1] * k[1] + p[2] * k[2] + phase)
        return total * np.float32(np.sqrt(2.0 / len(self.phases)))
