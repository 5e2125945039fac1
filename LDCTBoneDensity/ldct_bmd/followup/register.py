"""One vertebra of a scan laid over the same one of another scan: rigid, since a vertebra does not bend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from ..labeling.tuned import ANATOMY, tuned
from ..scan import CTScan, Geometry
from ..voi import Box, CylinderVOI

# Fat to cortex. Beyond lie lung, air, metal and cement, whose edges would outweigh the bone's.
_LOWEST_HU, _HIGHEST_HU = -150.0, 500.0
# (smoothing, pitch) in mm, coarse to fine: what is farther apart than the coarse one reaches is refused anyway.
_STEPS_MM = ((2.0, 3.0), (1.0, 1.5))
_LOOKED_AT = "virtual patients, and two real scans (nlst_101287, panc_cb_001) turned, resampled and made noisy"
_ITERATIONS, _FIRST_STEP_MM, _LAST_STEP_MM = 80, 1.0, 0.005


@dataclass(frozen=True)
class RegistrationLimits:
    """What is registered, and what is believed."""

    margin_mm: float = tuned(
        4.0,
        "tissue about the body that is compared too",
        unit="mm",
        source="holds the cortex, the endplates and the roots of the arch, and no neighbouring body",
        data=ANATOMY,
    )
    search_mm: float = tuned(
        20.0,
        "how much of the other scan about its body is at hand",
        unit="mm",
        source="more than the largest move about the bodies' centres",
        data=ANATOMY,
    )
    similarity: float = tuned(
        0.9,
        "a lower correlation of the two vertebrae is no registration",
        unit="correlation, 0 to 1",
        source="the same vertebra at low-dose noise is above 0.95",
        data=_LOOKED_AT,
    )
    overlap: float = tuned(
        0.85,
        "a lower Dice of the two bodies' masks is no registration: they were found without each other",
        unit="Dice, 0 to 1",
        source="masks of the same body in two scans are above 0.95",
        data=_LOOKED_AT,
    )
    likelier: float = tuned(
        0.02,
        "a neighbour that is more alike by more than this is the vertebra: one of the names is wrong",
        unit="correlation, 0 to 1",
        source="noise alone moves a correlation by less",
        data=_LOOKED_AT,
    )
    turn_deg: float = tuned(
        25.0,
        "a larger turn is no patient on a table",
        unit="degrees",
        source="posture and positioning turn a vertebra by less than 15 degrees",
        data=ANATOMY,
    )
    residual_mm: float = tuned(
        0.5,
        "if going there and back, each registered by itself, ends farther from where it began, neither is believed",
        unit="mm",
        source="a quarter of what a VOI keeps off the cortex",
        data=ANATOMY,
    )


LIMITS = RegistrationLimits()


@dataclass(frozen=True)
class Move:
    """A rigid move, in LPS: ``turn`` (point - ``about``) + ``about`` + ``shift``, all in mm.

    Attributes:
        turn: 3 x 3, orthonormal.
    """

    turn: tuple[tuple[float, float, float], ...]
    about_lps_mm: tuple[float, float, float]
    shift_mm: tuple[float, float, float]

    def __call__(self, points_lps_mm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move ``points_lps_mm`` (..., 3)."""
        about = np.asarray(self.about_lps_mm)
        turned = (np.asarray(points_lps_mm, np.float64) - about) @ np.asarray(self.turn).T
        return np.asarray(turned + about + np.asarray(self.shift_mm))

    @property
    def turn_deg(self) -> float:
        """The angle of the turn."""
        return math.degrees(math.acos(float(np.clip((np.trace(np.asarray(self.turn)) - 1.0) / 2.0, -1.0, 1.0))))

    def moved(self, voi: CylinderVOI) -> CylinderVOI:
        """Return the VOI at its new place, of the same size."""
        x, y, z = self(np.asarray(voi.center_lps_mm)).tolist()
        first, second, third = (np.asarray(voi.axes_lps) @ np.asarray(self.turn).T).tolist()
        return CylinderVOI((x, y, z), voi.semi_axes_mm, (tuple(first), tuple(second), tuple(third)), voi.height_mm)


@dataclass(frozen=True, eq=False)
class Vertebra:
    """A vertebral body and what lies about it, cut out of a scan.

    Attributes:
        hu: (z, y, x), between fat and cortex.
        body: (z, y, x), the body's mask.
        geometry: of both.
    """

    hu: NDArray[np.float32]
    body: NDArray[np.bool_]
    geometry: Geometry

    @property
    def center_lps_mm(self) -> NDArray[np.float64]:
        """Centre of the body."""
        return self.geometry.to_lps_mm(np.argwhere(self.body).mean(axis=0)[::-1])

    @property
    def volume_mm3(self) -> float:
        """Of the body."""
        return float(self.body.sum()) * self.geometry.voxel_volume_mm3


def cut_out(scan: CTScan, bodies: NDArray[np.integer], value: int, box: Box, reach_mm: float) -> Vertebra:
    """Return the body of ``value`` with ``reach_mm`` about its ``box`` (z, y, x), as far as the scan goes."""
    geometry = scan.geometry
    more = [math.ceil(reach_mm / spacing) for spacing in geometry.spacing_mm[::-1]]
    low = [max(s.start - n, 0) for s, n in zip(box, more, strict=True)]
    high = [min(s.stop + n, size) for s, n, size in zip(box, more, geometry.shape, strict=True)]
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    hu = np.clip(scan.hu[part].astype(np.float32), _LOWEST_HU, _HIGHEST_HU)
    x, y, z = geometry.to_lps_mm(np.asarray(low[::-1], np.float64)).tolist()
    size = (hu.shape[2], hu.shape[1], hu.shape[0])
    return Vertebra(hu, bodies[part] == value, Geometry(size, geometry.spacing_mm, (x, y, z), geometry.direction))


@dataclass(frozen=True)
class Registration:
    """How one vertebra was laid over another.

    Attributes:
        move: from the first scan to the second.
        similarity: correlation of the two, 0 to 1.
        overlap: Dice of the two bodies' masks after the move.
        residual_mm: how far there and back, registered each by itself, ends from where it began, at the body's centre
            and half its size away; None at a glance.
    """

    move: Move
    similarity: float
    overlap: float
    residual_mm: float | None


def register(first: Vertebra, second: Vertebra) -> Registration:
    """Lay ``first`` over ``second``: six numbers that make the correlation of the two largest.

    The correlation does not mind that the bone became less dense, or that another voltage shows it brighter. The way
    back is registered too, to see how sure it is.

    Raises:
        RuntimeError: the two do not overlap.
    """
    there, similarity = _laid(first, second, _STEPS_MM)
    back, other = _laid(second, first, _STEPS_MM)
    probes = _probes(first)
    residual = float(np.sqrt(((back(there(probes)) - probes) ** 2).sum(axis=1).mean()))
    return Registration(there, min(similarity, other), _overlap(there, first, second), residual)


def glance(first: Vertebra, second: Vertebra) -> Registration:
    """Lay ``first`` over ``second`` coarsely, to compare how alike several are; RuntimeError as :func:`register`."""
    there, similarity = _laid(first, second, _STEPS_MM[:1])
    return Registration(there, similarity, _overlap(there, first, second), None)


def _probes(vertebra: Vertebra) -> NDArray[np.float64]:
    """Return seven points (7, 3) about a body's centre."""
    reach = 0.5 * (vertebra.volume_mm3 * 3.0 / (4.0 * math.pi)) ** (1.0 / 3.0)
    steps = np.concatenate([np.zeros((1, 3)), reach * np.eye(3), -reach * np.eye(3)])
    return vertebra.center_lps_mm + steps


def _laid(fixed: Vertebra, moving: Vertebra, steps_mm: Sequence[tuple[float, float]]) -> tuple[Move, float]:
    center = fixed.center_lps_mm
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetTranslation((moving.center_lps_mm - center).tolist())
    metric = 0.0
    for smoothing_mm, pitch_mm in steps_mm:
        method = sitk.ImageRegistrationMethod()
        # Sums over threads depend on how many there are.
        method.SetNumberOfThreads(1)
        method.SetMetricAsCorrelation()
        method.SetMetricFixedMask(_mask(fixed, pitch_mm))
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(_FIRST_STEP_MM, _LAST_STEP_MM, _ITERATIONS)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        method.Execute(_image(fixed, smoothing_mm, pitch_mm), _image(moving, smoothing_mm, pitch_mm))
        metric = method.GetMetricValue()
    turn = np.reshape(transform.GetMatrix(), (3, 3)).tolist()
    move = Move(
        (tuple(turn[0]), tuple(turn[1]), tuple(turn[2])), tuple(center.tolist()), tuple(transform.GetTranslation())
    )
    return move, math.sqrt(max(-metric, 0.0))  # ITK's metric is less the square of the correlation


def _every(geometry: Geometry, pitch_mm: float) -> tuple[slice, slice, slice]:
    steps = [max(1, round(pitch_mm / spacing)) for spacing in geometry.spacing_mm[::-1]]
    return slice(None, None, steps[0]), slice(None, None, steps[1]), slice(None, None, steps[2])


def _image(vertebra: Vertebra, smoothing_mm: float, pitch_mm: float) -> sitk.Image:
    spacing = vertebra.geometry.spacing_mm[::-1]
    smooth = ndimage.gaussian_filter(vertebra.hu, [smoothing_mm / s for s in spacing], mode="nearest")
    return _placed(smooth, vertebra.geometry, pitch_mm)


def _mask(vertebra: Vertebra, pitch_mm: float) -> sitk.Image:
    far = ndimage.distance_transform_edt(~vertebra.body, sampling=vertebra.geometry.spacing_mm[::-1])
    return _placed((far <= LIMITS.margin_mm).astype(np.uint8), vertebra.geometry, pitch_mm)


def _placed(values: NDArray[np.float32] | NDArray[np.uint8], geometry: Geometry, pitch_mm: float) -> sitk.Image:
    every = _every(geometry, pitch_mm)
    image = sitk.GetImageFromArray(np.ascontiguousarray(values[every]))
    image.SetSpacing([s * step.step for s, step in zip(geometry.spacing_mm, every[::-1], strict=True)])
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection([value for row in geometry.direction for value in row])
    return image


def _overlap(move: Move, first: Vertebra, second: Vertebra) -> float:
    """Return the Dice of the two masks, ``first`` moved."""
    points = first.geometry.to_lps_mm(np.argwhere(first.body)[:, ::-1].astype(np.float64))
    index = np.rint(second.geometry.to_index_xyz(move(points))).astype(np.intp)[:, ::-1]
    inside = ((index >= 0) & (index < second.body.shape)).all(axis=1)
    z, y, x = index[inside].T
    shared = float(second.body[z, y, x].sum()) * first.geometry.voxel_volume_mm3
    # Counted on the first grid, the second's volume is not quite the same.
    return min(1.0, 2.0 * shared / (first.volume_mm3 + second.volume_mm3))
