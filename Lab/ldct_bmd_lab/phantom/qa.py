"""A procedural scan of a calibration phantom: rods in a pad, with or without a patient on it, of known calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.calibration import K2HPO4_CM2_G, WATER_CM2_G, slope_from_attenuation
from ldct_bmd.calibration.phantom.description import PhantomDescription
from ldct_bmd.calibration.phantom.rod_fit import expected_hu
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source

from ..scanner import HU_RANGE, SIGMA_OF_FWHM, ramp_noise
from .shapes import Coordinates, FloatArray, Frame, coverage, ellipsoid, grid_coordinates, rotation

AIR_HU = -1000.0
TABLE_HU, TABLE_GAP_MM, TABLE_MM = -150.0, 12.0, 15.0
PAD_MARGIN_MM = 10.0
MUSCLE_HU, SPINE_HU, AORTA_HU = 50.0, 220.0, 40.0
PATIENT_MM = (150.0, 95.0)  # semi-axes
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class QAPhantomSpec:
    """What a phantom scan is made of.

    Attributes:
        rotation_deg: pitch about x, yaw about y, roll about z.
        shift_mm: LPS, from the centre of the scan.
        turned: lies with its other end towards the head.
        beam_hardening_hu: how much too low the middle of the pad is.
        missing: names of rods in whose place there is pad.
        order: names of rods, where each of the description's stands; () for its own order.
        patient: lies on the pad.
        acquisition: what the header says.
    """

    phantom: PhantomDescription
    slope: float = slope_from_attenuation(K2HPO4_CM2_G, WATER_CM2_G)
    intercept_mg_cm3: float = 0.3
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turned: bool = False
    size: tuple[int, int, int] = (176, 96, 32)
    spacing_mm: tuple[float, float, float] = (1.6, 1.6, 4.0)
    pad_hu: float = 20.0
    kernel_fwhm_mm: float = 1.5
    noise_hu: float = 30.0
    noise_peak_per_mm: float = 0.15
    beam_hardening_hu: float = 0.0
    missing: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    patient: bool = False
    table: bool = True
    with_phantom: bool = True
    acquisition: Acquisition = Acquisition(kvp=120.0, slice_thickness_mm=4.0, kernel="B30f")  # noqa: RUF009
    seed: int = 0


def build_qa_scan(spec: QAPhantomSpec) -> CTScan:
    """Build the scan: the same spec gives the same voxels."""
    geometry = _grid(spec)
    turn = rotation(*spec.rotation_deg)
    # Rows are the pad's own axes: across the rods, down to the table, along the rods.
    axes = turn.T * (np.array([[-1.0], [1.0], [-1.0]]) if spec.turned else 1.0)
    frame = Frame(np.asarray(spec.shift_mm, np.float64), axes)
    low, high, middle = _pad(spec.phantom)
    edge_mm = float(np.mean(spec.spacing_mm[:2]))
    hu = np.full(geometry.shape, AIR_HU, np.float32)
    u, v, w = _local(geometry, frame)
    upright = _local(geometry, Frame(frame.origin, np.eye(3)))
    if spec.table:
        _paint(hu, np.abs(upright[1] - high[1] - TABLE_GAP_MM - TABLE_MM / 2) - TABLE_MM / 2, TABLE_HU, edge_mm)
    if spec.patient:
        _paint_patient(hu, upright, float(low[1]), edge_mm)
    if spec.with_phantom:
        half = (high - low) / 2
        pad = np.maximum(np.abs(u - middle[0]) - half[0], np.abs(v - middle[1]) - half[1])
        pad = np.maximum(pad, np.abs(w) - spec.phantom.rod_length_mm / 2 - PAD_MARGIN_MM)
        _paint(hu, pad, spec.pad_hu, edge_mm)
        for rod, rod_hu in _rods(spec):
            wall = np.hypot(u - rod[0], v - rod[1]) - rod[2] / 2
            _paint(hu, np.maximum(wall, np.abs(w) - spec.phantom.rod_length_mm / 2), rod_hu, edge_mm)
        if spec.beam_hardening_hu:
            radius = np.hypot((u - middle[0]) / half[0], (v - middle[1]) / (2 * half[1]))
            hu -= np.float32(spec.beam_hardening_hu) * np.clip(1 - radius**2, 0, 1) * (hu > AIR_HU / 2)
    sigma = [spec.kernel_fwhm_mm * SIGMA_OF_FWHM / d for d in spec.spacing_mm[1::-1]]
    hu = ndimage.gaussian_filter(hu, (0.0, *sigma))
    if spec.noise_hu > 0.0:
        rng = np.random.default_rng([spec.seed, 11])
        hu += ramp_noise(rng, geometry.shape, spec.spacing_mm, spec.noise_peak_per_mm, spec.noise_hu)
    voxels = np.clip(np.rint(hu), *HU_RANGE).astype(np.int16)
    return CTScan(voxels, geometry, spec.acquisition, Patient("QA"), Source("file"))


def true_rod_hu(spec: QAPhantomSpec) -> NDArray[np.float64]:
    """Return the HU that the rods are painted with, in the order of the description."""
    return expected_hu(spec.phantom, spec.slope, spec.intercept_mg_cm3)


def _grid(spec: QAPhantomSpec) -> Geometry:
    x, y, z = (-(n - 1) / 2 * d for n, d in zip(spec.size, spec.spacing_mm, strict=True))
    return Geometry(spec.size, spec.spacing_mm, (x, y, z), UPRIGHT)


def _pad(phantom: PhantomDescription) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper corner of the pad across the rods, and the origin of the description, recentred."""
    centres = np.array([[rod.x_mm, rod.y_mm] for rod in phantom.rods])
    reach = np.array([[rod.diameter_mm / 2 + PAD_MARGIN_MM] for rod in phantom.rods])
    low, high = (centres - reach).min(axis=0), (centres + reach).max(axis=0)
    middle = (low + high) / 2
    return low - middle, high - middle, np.zeros(2)


def _rods(spec: QAPhantomSpec) -> list[tuple[tuple[float, float, float], float]]:
    """Return (x, y, diameter) about the pad's middle, and HU, of each rod that is there."""
    rods = spec.phantom.rods
    centres = np.array([[rod.x_mm, rod.y_mm] for rod in rods])
    reach = np.array([[rod.diameter_mm / 2] for rod in rods])
    middle = ((centres - reach).min(axis=0) + (centres + reach).max(axis=0)) / 2
    hu = dict(zip([rod.name for rod in rods], true_rod_hu(spec).tolist(), strict=True))
    stands = spec.order or tuple(rod.name for rod in rods)
    return [
        ((rod.x_mm - middle[0], rod.y_mm - middle[1], rod.diameter_mm), hu[name])
        for rod, name in zip(rods, stands, strict=True)
        if name not in spec.missing
    ]


def _paint_patient(hu: FloatArray, upright: Coordinates, pad_top_mm: float, edge_mm: float) -> None:
    """Paint a trunk that lies on the pad, with fat under the skin, spine and aorta."""
    back = pad_top_mm - 2.0
    along = (-1e4, 0.0)
    for inset, value in ((0.0, -100.0), (18.0, MUSCLE_HU)):
        radii = (PATIENT_MM[0] - inset, PATIENT_MM[1] - inset, 1e5)
        _paint(hu, ellipsoid(upright, (0.0, back - PATIENT_MM[1], along[1]), radii), value, edge_mm)
    for x, depth, radius, value in ((0.0, 60.0, 20.0, SPINE_HU), (25.0, 95.0, 12.0, AORTA_HU)):
        disc = np.hypot(upright[0] - x, upright[1] - back + depth) - radius
        _paint(hu, disc.astype(np.float32), value, edge_mm)


def _paint(hu: FloatArray, distance: FloatArray, value: float, edge_mm: float) -> None:
    hu += coverage(np.asarray(distance, np.float32), edge_mm) * (np.float32(value) - hu)


def _local(geometry: Geometry, frame: Frame) -> Coordinates:
    x, y, z = (
        np.asarray(origin + np.arange(n) * d, np.float64)
        for origin, n, d in zip(geometry.origin_lps_mm, geometry.size, geometry.spacing_mm, strict=True)
    )
    return grid_coordinates(x, y, z, frame.axes, -frame.axes @ frame.origin)
