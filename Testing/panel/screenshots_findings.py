"""The phantoms whose findings the documentation shows in the panel."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from panel_fixtures import Database, Hands, PhantomFiles, load_dicom

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd_lab.phantom import Phantom, PhantomSpec, build_phantom, write_dicom, write_label_map

SCREW_RADIUS_MM, SCREW_HU = 2.6, 3000.0
# From the pedicles into the body, from its centre: right or left, back.
SCREW_FROM_MM, SCREW_TO_MM = (15.0, 32.0), (5.0, -6.0)


@dataclass(frozen=True)
class Case:
    """A finding's phantom.

    Attributes:
        name: of its picture.
        spec: what differs from the phantom of the other pictures.
        level: that is selected.
        by_network: whether the bodies are found and named, in place of the true ones.
        edit: changes the voxels.
    """

    name: str
    spec: dict[str, Any] = field(default_factory=dict)
    level: str = "L1"
    by_network: bool = False
    edit: Callable[[Phantom], None] | None = None


def put_screws(phantom: Phantom) -> None:
    """Put a pair of pedicle screws into L2, without the streaks that real ones cast."""
    g = phantom.scan.geometry
    inside = np.argwhere(phantom.bodies == VERSE_VALUE["L2"]).mean(axis=0)[::-1]
    middle = np.array(g.origin_lps_mm) + inside * np.array(g.spacing_mm)
    z, y, x = np.meshgrid(
        *(g.origin_lps_mm[k] + g.spacing_mm[k] * np.arange(g.size[k]) - middle[k] for k in (2, 1, 0)), indexing="ij"
    )
    for side in (-1.0, 1.0):
        start = np.array([side * SCREW_FROM_MM[0], SCREW_FROM_MM[1], 4.0])
        along = np.array([side * SCREW_TO_MM[0], SCREW_TO_MM[1], 0.0]) - start
        part = ((x - start[0]) * along[0] + (y - start[1]) * along[1] + (z - start[2]) * along[2]) / (along @ along)
        part = np.clip(part, 0.0, 1.0)
        off = sum((axis - start[k] - part * along[k]) ** 2 for k, axis in enumerate((x, y, z)))
        phantom.scan.hu[off < SCREW_RADIUS_MM**2] = SCREW_HU


CASES = (
    Case("finding-fracture", {"fracture_level": "L1", "fracture_ratio": 0.6}),
    Case("finding-cut", {"bottom_level": "L2", "bottom_margin_mm": -14.0}, level="L2"),
    Case("finding-contrast", {"contrast_hu": 130.0}),
    Case("finding-metal", level="L2", edit=put_screws),
    Case("finding-names", {"top_level": "T12", "bottom_level": "L4", "top_margin_mm": 4.0}, by_network=True),
)


def make(folder: Path, scratch: Path, spec: dict[str, Any], grab: Callable[[Hands, Path], None]) -> None:
    """Measure each phantom in the panel and take its picture.

    Args:
        spec: the phantom of the other pictures.
        grab: takes a picture of the panel.
    """
    import slicer
    from helpers_segments import true_bodies

    for case in CASES:
        slicer.mrmlScene.Clear(False)
        phantom = build_phantom(PhantomSpec(**{**spec, **case.spec}))
        if case.edit is not None:
            case.edit(phantom)
        place = scratch / case.name
        dicom = tuple(write_dicom(phantom, place / "dicom"))
        slicer.dicomDatabase = Database()
        volume = load_dicom(dicom, slicer.dicomDatabase, "Phantom")
        hands = Hands()
        files = PhantomFiles(dicom, write_label_map(phantom, place / "bodies.nii.gz"), phantom.bodies)
        hands.choose(volume, None if case.by_network else true_bodies(volume, files))
        hands.panel.measure()
        hands.finish_run()
        hands.table.select(case.level)
        grab(hands, folder / f"{case.name}.png")
