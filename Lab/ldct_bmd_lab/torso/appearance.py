"""Random HU for the tissues of a label map."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import tissues as t
from .pose import smooth_field

Field = NDArray[np.float32]

# HU of the outermost voxel of bodies and arches if it were 1 mm wide: the wider, the less of it is cortex. The ranges
# hold what four real scans show (1.25 to 4.25 mm, smoothed by 1 mm): walls of bodies 60 to 110 HU above the core
# (median) and 180 to 375 (90 %), ribs 370 to 640 at their brightest (median).
CORTEX_HU_MM = (600.0, 1400.0)
RIB_CORTEX = (1.1, 1.6)  # thicker: so many times as much


def paint(
    rng: np.random.Generator,
    labels: NDArray[np.uint8],
    outside_mm: Field,
    spacing_zyx_mm: tuple[float, float, float],
) -> Field:
    """Return HU (z, y, x) of a noise-free scan of ``labels``.

    Args:
        labels: values of :mod:`.tissues`.
        outside_mm: depth outside the trunk's muscle wall, for fat and skin.
    """
    shape = labels.shape
    extent = tuple(n * d for n, d in zip(shape, spacing_zyx_mm, strict=True))

    def field(knots_mm: float) -> Field:
        return smooth_field(rng, shape, extent, knots_mm)[0]

    mean = _means(rng)
    hu = mean[labels]
    fat, muscle = rng.uniform(-120, -80), mean[t.MUSCLE]

    # Unlabelled inside: muscle near bone, fat elsewhere, in clumps.
    mix = field(30.0) + 0.6 * field(12.0) + rng.normal(0, 0.6)
    inner = labels == t.INNER
    hu[inner] = np.where(mix > 0, muscle, fat)[inner]
    _add_fat_and_skin(rng, hu, labels, outside_mm, mix, fat, muscle, field, spacing_zyx_mm)
    _add_lung_detail(rng, hu, labels, field)
    _add_gut(rng, hu, labels, field)
    if rng.random() < 0.4:  # bright vessels and nodes anywhere among the soft tissue
        spots = inner & (field(14.0) > 1.7)
        hu[spots] = mean[t.AORTA]
    for value, texture in ((t.LIVER, 12.0), (t.SPLEEN, 8.0), (t.HEART, 15.0), (t.MUSCLE, 10.0)):
        part = labels == value
        if part.any():
            hu[part] += (rng.uniform(0, texture) * field(25.0))[part]
    _add_bone(rng, hu, labels, field, spacing_zyx_mm)
    face = labels == t.FACE
    if face.any():  # sinuses, teeth and thin bones
        detail = field(14.0)
        hu[face & (detail > 0.7)] = -1000
        hu[face & (detail < -0.5)] = rng.uniform(300, 1500)
    return hu.astype(np.float32)


def _means(rng: np.random.Generator) -> Field:
    """Return the mean HU of each label."""
    mean = np.zeros(256, dtype=np.float32)
    mean[t.AIR] = -1000
    mean[t.INNER] = 30
    mean[t.MUSCLE] = rng.uniform(20, 75)
    contrast = rng.random() < 0.4
    blood = rng.uniform(90, 420) if contrast else rng.uniform(28, 60)
    mean[[t.AORTA, t.VENA_CAVA, t.PULMONARY_VEIN]] = blood
    mean[t.HEART] = blood * rng.uniform(0.6, 1.1) if contrast else rng.uniform(30, 60)
    enhance = rng.uniform(0.1, 0.9) if contrast else 0.0
    mean[t.LIVER] = rng.uniform(0, 75) + 60 * enhance
    mean[t.SPLEEN] = rng.uniform(35, 60) + 80 * enhance
    mean[list(t.KIDNEYS)] = rng.uniform(22, 42) + 200 * enhance
    mean[t.PANCREAS] = rng.uniform(10, 50) + 60 * enhance
    mean[t.GALLBLADDER] = rng.uniform(0, 30)
    mean[t.ESOPHAGUS] = rng.uniform(20, 60)
    mean[list(t.HOLLOW)] = rng.uniform(5, 60, len(t.HOLLOW))
    mean[t.TRACHEA] = -1000
    mean[t.LUNG] = rng.uniform(-920, -720)
    mean[t.CANAL] = rng.uniform(5, 50)
    mean[list(t.DISCS)] = rng.uniform(40, 120)

    # Trabecular bone from severe osteoporosis to dense, neighbours alike.
    # In old bone it is no denser than the discs: only endplates and walls tell the two apart.
    trabecular = rng.uniform(-20, 300) if rng.random() < 0.7 else float(mean[t.DISCS[0]]) + rng.normal(0, 25)
    drift = rng.normal(0, 2.5)
    for body in (*t.BODIES, t.L6):
        mean[body] = trabecular + drift * (body - 16) + rng.normal(0, 10)
        mean[body + t.ARCH_OFFSET] = mean[body] + rng.uniform(0, 180)
    if rng.random() < 0.1:  # a lesion or sclerosis of a whole body
        mean[rng.integers(8, 25)] += rng.uniform(-80, 350)
    ribs = max(trabecular, 60) + rng.uniform(-30, 150)
    mean[list(t.RIBS)] = ribs
    mean[list(t.GIRDLE_BONES)] = max(trabecular, 40) * rng.uniform(0.5, 1.3)
    mean[t.SCAPULA] = ribs + rng.uniform(0, 200)
    mean[t.CARTILAGE] = rng.uniform(60, 160)
    mean[t.BRAIN], mean[t.THIGH] = rng.uniform(20, 45), mean[t.MUSCLE]
    mean[[t.SKULL, t.FEMUR]] = rng.uniform(500, 1300, 2)
    mean[t.FACE] = rng.uniform(0, 60)
    return mean


def _add_fat_and_skin(  # type: ignore[no-untyped-def]
    rng, hu, labels, outside_mm, mix, fat, muscle, field, spacing_zyx_mm
) -> None:
    wall = rng.uniform(0, 14)  # muscle over the ribs
    thickness = wall + np.exp(rng.uniform(np.log(3), np.log(60))) * np.exp(0.25 * field(120.0))
    empty = labels == t.AIR
    shell = empty & (outside_mm < thickness)
    hu[shell] = np.where((outside_mm < wall) | (mix > 1.6), muscle, fat)[shell]
    skin = empty & (outside_mm >= thickness) & (outside_mm < thickness + rng.uniform(1.5, 3.5))
    hu[skin] = rng.uniform(0, 60)
    if rng.random() < 0.5:  # clothing, here close to the skin and there not
        gap = 4.0 + 4.0 * np.abs(field(60.0))
        hu[empty & (np.abs(outside_mm - thickness - gap) < rng.uniform(0.5, 1.5))] = rng.uniform(-950, -500)
    beyond = outside_mm >= thickness + 3.5
    stray = beyond & ~t.member((*t.BODIES, t.L6, *t.ARCHES, *t.RIBS))[labels]
    if rng.random() < 0.3:  # arms down, each in its own flesh
        from_bone_mm = ndimage.distance_transform_edt(labels != t.HUMERUS, sampling=spacing_zyx_mm)
        flesh = beyond & (from_bone_mm < rng.uniform(22, 40)) & (labels != t.HUMERUS)
        hu[flesh] = np.where(mix > 0, muscle, fat)[flesh]
        stray &= from_bone_mm > 40
    # Else arms, girdle and muscle that would stick out of the skin lie elsewhere (arms up).
    hu[stray] = -1000
    labels[stray] = t.AIR
    if rng.random() < 0.6:  # the table
        y = np.arange(hu.shape[1])
        behind = np.flatnonzero((~beyond).any(axis=(0, 2)))
        if len(behind):
            level = behind.max() + rng.integers(1, 6)
            sheet = (y >= level) & (y < level + rng.integers(1, 3))
            hu[:, sheet, :] = np.where(beyond[:, sheet, :], rng.uniform(-600, 200), hu[:, sheet, :])


def _add_lung_detail(rng, hu, labels, field) -> None:  # type: ignore[no-untyped-def]
    lung = labels == t.LUNG
    if not lung.any():
        return
    vessels = lung & (np.abs(field(16.0)) < rng.uniform(0.02, 0.1)) & (field(40.0) > -0.3)
    hu[lung] += (40 * field(50.0))[lung]
    hu[vessels] = rng.uniform(-400, 60)
    if rng.random() < 0.35:  # consolidation, effusion, atelectasis
        part = lung & (field(60.0) > rng.uniform(0.6, 1.6))
        hu[part] = rng.uniform(-500, 60)


def _add_gut(rng, hu, labels, field) -> None:  # type: ignore[no-untyped-def]
    hollow = t.member(t.HOLLOW)[labels]
    if not hollow.any():
        return
    hu[hollow & (field(25.0) > rng.uniform(0.2, 1.5))] = rng.uniform(-1000, -700)
    if rng.random() < 0.2:
        hu[hollow & (field(25.0) > 0.8)] = rng.uniform(100, 500)  # oral contrast


def _add_bone(rng, hu, labels, field, spacing_zyx_mm) -> None:  # type: ignore[no-untyped-def]
    body = t.member((*t.BODIES, t.L6))[labels]
    arch = t.member(t.ARCHES)[labels]
    spongy = body | arch
    rib = t.member((*t.RIBS, *t.GIRDLE_BONES, t.SCAPULA, t.CARTILAGE))[labels]
    # Gradients within a body, clumps of trabeculae, fatty spots, a basivertebral vein now and then.
    hu[spongy] += (rng.uniform(0, 35) * field(12.0) + rng.uniform(0, 25) * field(5.0))[spongy]
    hu[rib] += (rng.uniform(20, 90) * field(8.0))[rib]
    cortex = rng.uniform(*CORTEX_HU_MM) / float(np.prod(spacing_zyx_mm)) ** (1 / 3)
    inner = ndimage.uniform_filter(spongy.astype(np.float32), 3)
    shell = spongy & (inner < rng.uniform(0.72, 0.97))
    strength = cortex * np.clip(0.75 + 0.35 * field(15.0), 0.1, 1.5)
    floor = np.where(body, strength * rng.uniform(0.6, 1.0), strength)
    hu[shell] = np.maximum(hu + rng.uniform(0, 60), floor)[shell]
    if rng.random() < 0.6:  # dense endplates
        z_inner = ndimage.uniform_filter1d(body.astype(np.float32), int(rng.choice([3, 3, 5])), axis=0)
        hu[body & (z_inner < 0.9)] += rng.uniform(0, 400)
    rib_inner = ndimage.uniform_filter(rib.astype(np.float32), 3)
    rib_shell = rib & (rib_inner < 0.9) & (labels != t.CARTILAGE)
    hu[rib_shell] = np.maximum(hu, strength * rng.uniform(*RIB_CORTEX))[rib_shell]
    if rng.random() < 0.15:  # bone islands, haemangiomas, metastases, nodes of Schmorl
        spots = body & (field(18.0) > rng.uniform(1.2, 2.2))
        hu[spots] = rng.uniform(-60, 60) if rng.random() < 0.5 else rng.uniform(350, 1000)
    disc = t.member(t.DISCS)[labels]
    if disc.any() and rng.random() < 0.15:
        hu[disc & (field(20.0) > 1.0)] = rng.uniform(-600, -100)  # vacuum
    aorta = labels == t.AORTA
    if aorta.any() and rng.random() < 0.5:
        rim = (
            aorta & (ndimage.uniform_filter(aorta.astype(np.float32), 3) < 0.8) & (field(12.0) > rng.uniform(0.3, 1.5))
        )
        hu[rim] = rng.uniform(200, 900)
    if rng.random() < 0.25:  # osteophytes and calcified ligaments beside the bodies
        near = ndimage.binary_dilation(body, iterations=2) & ~spongy & ~t.member((t.CANAL,))[labels]
        hu[near & (field(10.0) > 1.5)] = rng.uniform(200, 600)
