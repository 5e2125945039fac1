"""Scans that no network trains on: other patients' vertebrae in synthetic surroundings, and fresh deformations.

The VerSe masks (CC BY-SA 4.0) that are grafted here belong to tests alone. T6 to T8, which no mask covers, are the
atlas's in every scan; a group of their own holds scans in which all vertebrae are.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE
from ldct_bmd.ground.atomic import write_file
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source

from ..scanner import ScanSettings, scan_volume
from ..torso import Atlas, SampleSpec, load_atlas
from ..torso import tissues as t
from ..torso.atlas import ARRAYS, kept
from ..torso.atlas import CACHE_VERSION as ATLAS_VERSION
from ..torso.graft import graft
from ..torso.pose import PoseSpec
from ..torso.sampler import draw_anatomy
from ..torso.totalsegmentator_atlas import load_totalsegmentator
from ..torso.vertebra_masks import load_vertebrae

# Training's streams start from its seed; these have one of their own, which no training may take.
ENTROPY = 0x5E1D0007
GRAFTS, DEFORMATIONS = "verse grafts", "atlas deformations"
# One mask of the upper and one of the lower column; the later one sets the pose, and both are in the scan.
SOURCES: dict[str, tuple[str, ...]] = {
    "gl003+verse004": ("sub-gl003_dir-ax", "sub-verse004"),
    "gl017+verse010": ("sub-gl017", "sub-verse010"),
    "gl003+verse010": ("sub-gl003_dir-ax", "sub-verse010"),
    "gl017+verse004": ("sub-gl017", "sub-verse004"),
    "atlas": (),
    "torso": (),  # a torso that TotalSegmentator labelled, which the networks under test must not have seen
}
TORSO = "torso"
MASK_SUFFIX = "_seg-vert_msk.nii.gz"
CACHE_VERSION = 1
# From above the apex to L2 or L3. The grafted patients bring their own size.
SPEC = SampleSpec(
    shape=(320, 168, 216),
    spacing_zyx_mm=(1.25, 1.5, 1.5),
    levels=(16, 15),
    offset_mm=(12.0, 8.0, 8.0),
    forward_mm=50.0,
    degeneration=0.0,
    lumbar_count=(0.0, 0.0),  # the model card's sets go without what came later
    pose=PoseSpec(scale=(0.9, 1.12), hump=0.0),
)
HeldOutAtlas = tuple[Atlas, tuple[str, ...]]  # and the levels whose shape is a real patient's
SCORED = np.where(t.member(tuple(LEVEL_OF_VERSE_VALUE)) & t.member(t.BODIES), np.arange(256), 0).astype(np.uint8)


@dataclass(frozen=True)
class HeldOut:
    """A synthetic scan with its truth.

    Attributes:
        hu: (z, y, x) float32; z to the head, y to the back, x to the left.
        labels: (z, y, x) uint8, vertebral bodies from C7 down in VerSe values.
        noise_free_hu: (z, y, x), without noise and blur; None if the scan is none of a drawn anatomy.
        real_levels: levels whose shape is a real patient's (deformed as the generator deforms).
        variant: the conditions of the scan, where one patient is scanned under several.
        compared_with: name of the case that shows the same patient under usual conditions.
    """

    name: str
    group: str
    hu: NDArray[np.float32] = field(repr=False)
    labels: NDArray[np.uint8] = field(repr=False)
    spacing_zyx_mm: tuple[float, float, float]
    noise_free_hu: NDArray[np.float32] | None = field(default=None, repr=False)
    real_levels: tuple[str, ...] = ()
    variant: str = ""
    compared_with: str = ""

    def scan(self) -> CTScan:
        """Return the scan as the engine reads one."""
        nz, ny, nx = self.hu.shape
        identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        dz, dy, dx = self.spacing_zyx_mm
        geometry = Geometry((nx, ny, nz), (dx, dy, dz), (0.0, 0.0, 0.0), identity)
        return CTScan(self.hu, geometry, Acquisition(kvp=120.0), Patient(), Source("file"))


class Drawing(NamedTuple):
    """A scan that is drawn when asked for: an evaluation that goes on asks only for what it has not done."""

    name: str
    draw: Callable[[], HeldOut]


def held_out_rng(*key: int) -> np.random.Generator:
    """Return a stream of random numbers that training never draws from."""
    return np.random.default_rng(np.random.SeedSequence(ENTROPY, spawn_key=key))


def held_out_cases(
    n: int,
    atlas_path: Path,
    masks_dir: Path,
    seed: int = 0,
    cache: Path | None = None,
    noise_hu: float = 20.0,
    sources: tuple[str, ...] | None = None,
) -> Iterator[Drawing]:
    """Yield ``n`` scans to draw, as many of each source as of any other, source by source.

    Args:
        atlas_path: ``torso_labels_1mm.nii.gz``, or a folder that TotalSegmentator's labels of a torso are in.
        masks_dir: the folder of the VerSe masks.
        seed: another one gives other scans; a case depends on its source and number, not on ``n``.
        cache: a folder for the prepared anatomies, which take a minute each to make.
        noise_hu: standard deviation of the noise.
        sources: of :data:`SOURCES`; None: all that ``atlas_path`` has.

    Raises:
        UsageError: a source is unknown or, on drawing, its mask is not there.
    """
    sources = sources_of(atlas_path) if sources is None else sources
    for place, source in enumerate(sources):
        count = (n - place + len(sources) - 1) // len(sources)
        anatomy = functools.cache(functools.partial(anatomy_of, source, atlas_path, masks_dir, cache))
        for number in range(count):
            name, key = f"{source} {number:03d}", (seed, stream_of(source), number)
            yield Drawing(name, functools.partial(_draw, name, key, anatomy, noise_hu))


def _draw(name: str, key: tuple[int, ...], anatomy: Callable[[], HeldOutAtlas], noise_hu: float) -> HeldOut:
    return draw_case(name, key, *anatomy(), noise_hu)


def sources_of(atlas_path: Path) -> tuple[str, ...]:
    """Return the sources that can be drawn with an atlas: a folder is a torso of its own."""
    return (TORSO,) if atlas_path.is_dir() else tuple(source for source in SOURCES if source != TORSO)


def stream_of(source: str) -> int:
    """Return the number of a source's stream of random numbers; UsageError if there is no such source."""
    if source not in SOURCES:
        raise UsageError.of_text(f"There is no held-out source {source!r}: draw from {', '.join(SOURCES)}.")
    return list(SOURCES).index(source)


def draw_case(
    name: str,
    key: tuple[int, ...],
    atlas: Atlas,
    real_levels: tuple[str, ...],
    noise_hu: float = 20.0,
    spec: SampleSpec = SPEC,
) -> HeldOut:
    """Draw one scan of ``atlas``, the same for the same ``key``."""
    rng = held_out_rng(*key)
    drawn = draw_anatomy(rng, atlas, spec)
    hu = scan_volume(rng, drawn.hu, spec.spacing_zyx_mm, draw_quiet_settings(rng, noise_hu), drawn.metal)
    there = ~drawn.ended  # slices beyond a torso's own ends are not scanned
    return HeldOut(
        name=name,
        group=GRAFTS if real_levels else DEFORMATIONS,
        hu=hu[there],
        labels=SCORED[drawn.labels[there]],
        spacing_zyx_mm=spec.spacing_zyx_mm,
        noise_free_hu=drawn.hu[there],
        real_levels=real_levels,
    )


def draw_quiet_settings(rng: np.random.Generator, noise_hu: float) -> ScanSettings:
    """Draw what a good low-dose scan is taken with, its noise given."""
    return ScanSettings(
        kernel_mm=rng.uniform(0.5, 1.1),
        sharpen=rng.uniform(0.2, 0.8) if rng.random() < 0.2 else 0.0,
        noise_hu=noise_hu,
        grain_mm=rng.uniform(0.4, 1.1),
        streaks_hu=rng.uniform(5, 20) if rng.random() < 0.2 else 0.0,
        thickness_mm=1.25,
    )


def anatomy_of(source: str, atlas_path: Path, masks_dir: Path, cache: Path | None = None) -> HeldOutAtlas:
    """Return the anatomy of a held-out source, and the levels of it that are real; UsageError without a mask."""
    stored = None if cache is None else cache / f"heldout_{source}_{ATLAS_VERSION}_{CACHE_VERSION}.npz"
    if stored is not None and stored.exists():
        with np.load(stored) as arrays:
            return Atlas(**{name: arrays[name] for name in ARRAYS}), tuple(str(level) for level in arrays["real"])
    if source == TORSO:
        make = functools.partial(load_totalsegmentator, atlas_path)
        return (make() if cache is None else kept(cache / f"heldout_torso_{ATLAS_VERSION}.npz", make)), ()
    atlas = load_atlas(atlas_path, None if cache is None else cache / "atlas.npz")
    real: list[str] = []
    for mask in SOURCES[source]:
        path = masks_dir / f"{mask}{MASK_SUFFIX}"
        if not path.is_file():
            raise UsageError.of_text(f"There is no mask {path}: name the folder of the VerSe masks.")
        vertebrae = load_vertebrae(path)
        atlas = graft(atlas, vertebrae)
        real += [LEVEL_OF_VERSE_VALUE[v] for v in t.BODIES if (vertebrae == v).any()]
    if stored is not None and SOURCES[source]:
        stored.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(atlas, name) for name in ARRAYS}
        write_file(stored, lambda partial: np.savez_compressed(partial, real=np.asarray(real), **arrays))
    return atlas, tuple(real)
