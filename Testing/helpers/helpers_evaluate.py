"""A small scan with cuboid bodies, so that overlaps and distances can be worked out by hand."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source
from ldct_bmd.segmentation import ModelIdentity, NamedBodies
from ldct_bmd_lab.evaluation.segmentation import Case, CaseResult, LevelResult

SIZE_XYZ = (70, 60, 130)
# Lowest slice of each body; all are 40 x 30 voxels across and 24 high, 8 apart.
LOWEST = {"T12": 100, "L1": 68, "L2": 36, "L3": 4}
X, Y, HEIGHT = slice(15, 55), slice(15, 45), 24
HU = {"T12": 150.0, "L1": 120.0, "L2": 90.0, "L3": 60.0}
GRADIENT_HU_MM = 1.0  # of the bone, towards the left


def bodies(names: Mapping[str, str] | None = None, x: int = 0, z: int = 0) -> NDArray[np.uint8]:
    """All bodies, shifted by voxels; ``names`` gives other names to some, "" leaves one out."""
    labels = np.zeros(SIZE_XYZ[::-1], dtype=np.uint8)
    for level, low in LOWEST.items():
        name = (names or {}).get(level, level)
        if name:
            labels[low + z : low + z + HEIGHT, Y, X.start + x : X.stop + x] = VERSE_VALUE[name]
    return labels


def scan(spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> CTScan:
    """Bone that rises by 1 HU per mm across, without noise."""
    geometry = Geometry(SIZE_XYZ, spacing_mm, (0.0, 0.0, 0.0), ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    hu = np.full(geometry.shape, 40.0, dtype=np.float32)
    across = GRADIENT_HU_MM * (np.arange(SIZE_XYZ[0]) - (X.start + X.stop - 1) / 2) * spacing_mm[0]
    for level, low in LOWEST.items():
        hu[low : low + HEIGHT] = HU[level] + across
    return CTScan(hu, geometry, Acquisition(), Patient(), Source("file"))


def case(reference: NDArray[np.uint8] | None = None, name: str = "one", **fields: object) -> Case:
    return Case(name, "group", scan(), bodies() if reference is None else reference, **fields)  # type: ignore[arg-type]


class Given:
    """A segmenter that gives ready bodies, or finds none."""

    identity = ModelIdentity("given", "ef" * 32)

    def __init__(self, labels: NDArray[np.uint8] | None) -> None:
        self.labels = labels
        self.calls = 0

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NamedBodies:
        self.calls += 1
        progress("segment", 1.0)
        if self.labels is None:
            raise CannotMeasure.of_text("No spine was found.")
        return NamedBodies(self.labels)


def result(name: str = "one", group: str = "group", **fields: object) -> CaseResult:
    """A scan with L1 and L2, both found and named right, unless ``fields`` say otherwise."""
    given: dict[str, object] = {
        "name": name,
        "group": group,
        "spacing_mm": (0.7, 0.7, 1.0),
        "failure": None,
        "names_certain": True,
        "names_remark": "counted",
        "name_probability": 0.97,
        "levels": (level("L1"), level("L2")),
        "surplus": (),
    }
    return CaseResult(**(given | fields))  # type: ignore[arg-type]


def level(
    name: str, found_as: str | None = "", difference_hu: float = 0.0, complete: bool = True, group: str = "group"
) -> LevelResult:
    """A body that was found under its own name, or under ``found_as``; None: it was not found."""
    seen = name if found_as == "" else found_as
    if seen is None:
        return LevelResult(name, group, complete, 0.0, False, reference_voi_hu=100.0 if complete else None)
    voi = {"voi_hu": 100.0 + difference_hu, "reference_voi_hu": 100.0, "voi_distance_mm": 0.5} if complete else {}
    return LevelResult(
        name,
        group,
        complete,
        0.9 if seen == name else 0.0,
        True,
        seen,
        0.9,
        surface_distance_mm=0.5,
        hausdorff95_mm=1.5,
        **voi,
    )
