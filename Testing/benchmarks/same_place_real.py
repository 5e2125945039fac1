"""Real vertebrae "scanned again": turned, moved, resampled, noisy, denser by a known amount; both ways of comparing.

    python Testing/benchmarks/same_place_real.py [--scans NAME ...] [--again 4]

The earlier scan is made of the later one, whose reference bodies it takes along, so that the true move and the true
change are known. The placed VOI follows from the resampled bodies. A real second scan differs in more.
"""

# ruff: noqa: T201

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from records import DATA
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE
from ldct_bmd.densitometry import hu_statistics
from ldct_bmd.followup import Carried, Move, Seen, carry_all
from ldct_bmd.labeling import find_bodies
from ldct_bmd.scan import CTScan, Geometry, read_scan
from ldct_bmd.scan.frame import axes_between, make_geometry
from ldct_bmd.voi import CannotPlaceVOI, CylinderVOI, place_voi

# The standard error of the place, and what is believed, were looked at on the first two; the others were not.
LOOKED_AT, OTHERS = ("nlst_101287", "panc_cb_001"), ("acrin_fdg_042", "cort_liver")
LEVELS = ("T11", "T12", "L1", "L2", "L3")
SPACINGS_MM = ((0.8, 0.8, 1.25), (0.7, 0.7, 2.0), (0.9, 0.9, 2.5), (0.8, 0.8, 1.0))
TURN_SD_DEG, SHIFT_SD_MM, NOISE_HU, MORE_HU = 4.0, 8.0, 25.0, 8.0
MARGIN_MM = np.array([60.0, 60.0, 30.0])


@dataclass(frozen=True, eq=False)
class Again:
    """A scan, the earlier one made of it, and the true move between them."""

    now: Seen
    then: Seen
    move: Move


def load(folder: Path) -> Seen:
    """Return a real scan with those of its reference bodies that are about the thoracolumbar junction."""
    scan = read_scan(folder / "ct.nii.gz")
    image = sitk.ReadImage(str(folder / "bodies.nii.gz"))
    stored = make_geometry(
        image.GetSize(), image.GetSpacing(), image.GetOrigin(), np.reshape(image.GetDirection(), (3, 3))
    )
    bodies = axes_between(stored, scan.geometry).view(sitk.GetArrayFromImage(image))
    wanted = np.isin(bodies, [VERSE_VALUE[level] for level in LEVELS])
    return Seen(scan, np.where(wanted, bodies, 0).astype(np.uint8))


def scanned_before(seen: Seen, number: int) -> Again:
    """Return scan ``number`` of the patient of ``seen``: turned, moved, on another grid, with more bone and noise."""
    rng = np.random.default_rng([7, number])
    turn = Rotation.from_euler("xyz", rng.normal(0.0, TURN_SD_DEG, 3), degrees=True).as_matrix()
    shift = rng.normal(0.0, SHIFT_SD_MM, 3)
    geometry, spacing = seen.scan.geometry, np.asarray(SPACINGS_MM[number % len(SPACINGS_MM)])
    where = geometry.to_lps_mm(np.argwhere(seen.bodies)[:, ::-1].astype(np.float64))
    center = where.mean(axis=0)
    size = np.ceil((np.ptp(where, axis=0) + MARGIN_MM) / spacing).astype(int)
    origin = center + shift - (size - 1) / 2.0 * spacing
    upright = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    grid = Geometry(tuple(size.tolist()), tuple(spacing.tolist()), tuple(origin.tolist()), upright)
    index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1).reshape(-1, 3)
    before = (grid.to_lps_mm(index.astype(np.float64)) - center - shift) @ turn + center
    places = geometry.to_index_xyz(before)[:, ::-1].T

    def taken(values: NDArray[np.generic], order: int) -> NDArray[np.generic]:
        return ndimage.map_coordinates(values, places, order=order, mode="nearest").reshape(size).transpose(2, 1, 0)

    bodies = np.ascontiguousarray(taken(seen.bodies, 0))
    hu = taken(seen.scan.hu.astype(np.float32), 1)
    blur = [0.7 / s for s in spacing[::-1]]
    inside = ndimage.gaussian_filter((bodies > 0).astype(np.float32), blur)
    noise = ndimage.gaussian_filter(rng.normal(size=hu.shape), [0.5, *blur[1:]])
    hu = hu + MORE_HU * np.clip(2.0 * (inside - 0.5), 0.0, 1.0) + NOISE_HU / noise.std() * noise
    scan: CTScan = replace(seen.scan, hu=hu.astype(np.float32), geometry=grid, stored=grid)
    move = Move(tuple(map(tuple, turn.tolist())), tuple(center.tolist()), tuple(shift.tolist()))
    return Again(seen, Seen(scan, bodies), move)


def placed(seen: Seen) -> dict[str, CylinderVOI]:
    """Return the method's VOI in each body that can have one, by level."""
    found = {}
    for value, box in find_bodies(seen.bodies).items():
        try:
            voi = place_voi(seen.bodies[box] == value, box, seen.scan.geometry)
        except CannotPlaceVOI:
            continue
        found[LEVEL_OF_VERSE_VALUE[value]] = voi
    return found


def errors(again: Again) -> Iterator[tuple[float, ...]]:
    """Yield for each level: error of the change of placed and of carried VOIs, said error (HU); places off by (mm)."""
    here, there = placed(again.now), placed(again.then)
    for one in carry_all({level: voi for level, voi in here.items() if level in there}, again.now, again.then):
        if not isinstance(one, Carried):
            print(f"  {one.level} is not carried: {one.why.value} {dict(one.facts)}")
            continue
        mine, own = here[one.level], there[one.level]
        now = hu_statistics(again.now.scan, mine).mean_hu
        exact = again.move(np.asarray(mine.center_lps_mm))
        yield (
            now - hu_statistics(again.then.scan, own).mean_hu + MORE_HU,
            now - one.mean_hu + MORE_HU,
            # The later scan's noise is in both.
            float(np.hypot(one.noise_hu, one.place_hu)),
            float(np.linalg.norm(np.asarray(own.center_lps_mm) - exact)),
            float(np.linalg.norm(np.asarray(one.voi.center_lps_mm) - exact)),
        )


def main() -> None:
    """Print how far the two ways are off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", nargs="*", default=[*LOOKED_AT, *OTHERS])
    parser.add_argument("--again", type=int, default=4, help="how often each is scanned again")
    options = parser.parse_args()
    table = []
    for name in options.scans:
        seen = load(DATA / "real" / "train" / name)
        mine = [row for number in range(options.again) for row in errors(scanned_before(seen, number))]
        table += mine
        tell(name, np.asarray(mine))
    tell("all", np.asarray(table))


def tell(name: str, table: NDArray[np.float64]) -> None:
    """Print a line for ``table``, (n, 5) as :func:`errors` gives its rows."""
    own, carried, said, own_mm, carried_mm = table.T
    print(
        f"{name}: {len(table)} VOIs; change off by HU: placed {own.mean():+.2f} SD {own.std(ddof=1):.2f}, carried "
        f"{carried.mean():+.2f} SD {carried.std(ddof=1):.2f}; said {np.sqrt((said**2).mean()):.2f}, 95 % hold "
        f"{(np.abs(carried) <= 1.96 * said).mean():.1%}; place off by RMS {np.sqrt((own_mm**2).mean()):.2f} and "
        f"{np.sqrt((carried_mm**2).mean()):.2f} mm"
    )


if __name__ == "__main__":
    main()
