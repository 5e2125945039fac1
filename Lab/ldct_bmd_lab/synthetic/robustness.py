"""The same patients scanned under other conditions: more noise, thicker slices, other kernels, a tilt, ..."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache as cache_calls
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ..scanner import ScanSettings, scan_volume
from ..torso import tissues as t
from ..torso.sampler import Anatomy, draw_anatomy
from .held_out import (
    SCORED,
    SPEC,
    Drawing,
    HeldOut,
    HeldOutAtlas,
    anatomy_of,
    held_out_rng,
    sources_of,
    stream_of,
)

GROUP = "robustness"
STREAM = 2000
REFERENCE = "reference"
MARGIN = (26, 40, 40)  # voxels drawn around the scan, so that a tilted one is filled
THICK = 4  # slices of 1.25 mm in one of 5 mm
# What iodine adds in the portal venous phase; the vertebrae are left alone, so that their truth stays.
CONTRAST_HU = {
    (t.AORTA, t.VENA_CAVA, t.PULMONARY_VEIN, t.HEART): 120.0,
    (t.LIVER,): 55.0,
    (t.SPLEEN,): 70.0,
    t.KIDNEYS: 140.0,
}
# Upright to start with, so that the tilts are what they are called, and without metal.
DRAWN = replace(
    SPEC,
    shape=(SPEC.shape[0] + 2 * MARGIN[0], SPEC.shape[1] + 2 * MARGIN[1], SPEC.shape[2] + 2 * MARGIN[2]),
    pose=replace(SPEC.pose, rotation=(0.0, 0.0, 0.0)),
    hardware=0.0,
)


@dataclass(frozen=True)
class Variant:
    """A way to scan a patient.

    Attributes:
        tilt_deg: turn of the patient about x (pitch) and about y (roll).
        field_of_view: share of the picture's width and depth, about the spine.
        thick: whether slices are 5 mm.
        contrast: whether vessels and organs are enhanced.
    """

    settings: ScanSettings = field(default_factory=ScanSettings)
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    field_of_view: float = 1.0
    thick: bool = False
    contrast: bool = False


VARIANTS: Mapping[str, Variant] = {
    REFERENCE: Variant(),
    "noise 50 HU": Variant(ScanSettings(noise_hu=50.0)),
    "noise 80 HU": Variant(ScanSettings(noise_hu=80.0)),
    "5-mm slices": Variant(thick=True),
    "soft kernel": Variant(ScanSettings(kernel_mm=1.5, grain_mm=1.3)),
    "sharp kernel": Variant(ScanSettings(kernel_mm=0.5, sharpen=0.6, grain_mm=0.3)),
    "tilt +15": Variant(tilt_deg=(15.0, 0.0)),
    "tilt -15": Variant(tilt_deg=(-15.0, 0.0)),
    "roll +15": Variant(tilt_deg=(0.0, 15.0)),
    "roll -15": Variant(tilt_deg=(0.0, -15.0)),
    "halved field of view": Variant(field_of_view=0.5),
    "contrast": Variant(contrast=True),
}


def robustness_cases(
    n: int,
    atlas_path: Path,
    masks_dir: Path,
    seed: int = 0,
    cache: Path | None = None,
    sources: tuple[str, ...] | None = None,
    variants: Mapping[str, Variant] = VARIANTS,
) -> Iterator[Drawing]:
    """Yield ``n`` patients, sources in turn, each scanned in every variant; arguments and errors as held_out_cases.

    The truth of a case is its ``noise_free_hu``: a vertebra is the same in all of them, but for what resampling blurs.
    """
    sources = sources_of(atlas_path) if sources is None else sources
    for place, source in enumerate(sources[:n]):
        anatomy = cache_calls(partial(anatomy_of, source, atlas_path, masks_dir, cache))
        for number in range((n - place + len(sources) - 1) // len(sources)):
            key = (seed, STREAM + stream_of(source), number)
            patient = cache_calls(partial(_draw_patient, key, anatomy))
            for index, name in enumerate(variants):
                draw = partial(_draw_variant, f"{source} {number:03d}", patient, (*key, index), name, variants[name])
                yield Drawing(f"{source} {number:03d}, {name}", draw)


def _draw_patient(key: tuple[int, ...], anatomy: Callable[[], HeldOutAtlas]) -> tuple[Anatomy, tuple[str, ...]]:
    atlas, real_levels = anatomy()
    return draw_anatomy(held_out_rng(*key), atlas, DRAWN), real_levels


def _draw_variant(
    name: str,
    patient: Callable[[], tuple[Anatomy, tuple[str, ...]]],
    key: tuple[int, ...],
    conditions: str,
    variant: Variant,
) -> HeldOut:
    drawn, real_levels = patient()
    return replace(
        scan_variant(held_out_rng(*key), drawn.hu, drawn.labels, variant),
        name=f"{name}, {conditions}",
        real_levels=real_levels,
        variant=conditions,
        compared_with="" if conditions == REFERENCE else f"{name}, {REFERENCE}",
    )


def scan_variant(
    rng: np.random.Generator, hu: NDArray[np.float32], labels: NDArray[np.uint8], variant: Variant
) -> HeldOut:
    """Scan a patient drawn with ``MARGIN`` around; ``hu`` and ``labels`` (z, y, x) in the values of tissues."""
    if variant.contrast:
        hu = _enhance(hu, labels)
    hu, bodies = _turned(hu, labels, variant.tilt_deg)
    if variant.field_of_view < 1:
        hu, bodies = _narrowed(hu, bodies, variant.field_of_view)
    spacing = SPEC.spacing_zyx_mm
    if variant.thick:
        weights = np.array([0.5, *[1.0] * (THICK - 1), 0.5]) / THICK
        hu = ndimage.correlate1d(hu, weights, axis=0, mode="nearest")[::THICK]
        bodies = bodies[::THICK]
        spacing = (spacing[0] * THICK, *spacing[1:])
    scanned = scan_volume(rng, hu, spacing, replace(variant.settings, thickness_mm=spacing[0]))
    return HeldOut("", GROUP, scanned, np.ascontiguousarray(bodies), spacing, np.ascontiguousarray(hu))


def _enhance(hu: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    table = np.zeros(256, np.float32)
    for values, gain in CONTRAST_HU.items():
        table[list(values)] = gain
    return hu + table[labels]


def _turned(
    hu: NDArray[np.float32], labels: NDArray[np.uint8], tilt_deg: tuple[float, float]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the scan's grid out of the margin, HU linearly and bodies by the nearest voxel."""
    bodies = SCORED[labels]
    if not any(tilt_deg):
        inner = tuple(slice(m, n - m) for m, n in zip(MARGIN, hu.shape, strict=True))
        return hu[inner], bodies[inner]
    spacing = np.asarray(SPEC.spacing_zyx_mm)
    turn = Rotation.from_euler("yx", [tilt_deg[1], tilt_deg[0]], degrees=True).as_matrix()[::-1, ::-1]  # zyx
    matrix = turn * spacing[None, :] / spacing[:, None]
    shape = SPEC.shape
    offset = (np.asarray(hu.shape) - 1) / 2 - matrix @ ((np.asarray(shape) - 1) / 2)
    return (
        ndimage.affine_transform(hu, matrix, offset, shape, order=1, mode="nearest"),
        ndimage.affine_transform(bodies, matrix, offset, shape, order=0, mode="nearest"),
    )


def _narrowed(
    hu: NDArray[np.float32], bodies: NDArray[np.uint8], share: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return what a smaller field of view about the spine shows."""
    window = [slice(None)]
    for axis in (1, 2):
        size = round(hu.shape[axis] * share)
        middle = np.argwhere(bodies.any(axis=(0, 3 - axis))).mean()
        start = int(np.clip(round(middle - size / 2), 0, hu.shape[axis] - size))
        window.append(slice(start, start + size))
    return hu[tuple(window)], bodies[tuple(window)]
