"""Outlines of the vertebral bodies against reference masks, before and after they are brought to the half maximum.

Each folder holds ``ct.nii.gz`` and ``bodies.nii.gz`` (VerSe values). Bodies are matched by overlap, not by their names.
"""

# ruff: noqa: T201

import argparse
import time
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.labeling import VertebralColumn, assemble, label
from ldct_bmd.morphometry import body_axes_lps
from ldct_bmd.scan import CTScan, Geometry, read_scan
from ldct_bmd.scan.frame import axes_to_lps, make_geometry
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd.voi import place_voi, voi_weights

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
MARGIN_MM = 12.0
FIGURES = ("dice", "volume", "distance_mm", "voi_hu", "top", "bottom", "front", "sides", "back", "corners")
PLACES = ("voi_across", "voi_back", "voi_along", "voi_size")


def reference_masks(path: Path, scan: CTScan) -> NDArray[np.uint8]:
    image = sitk.ReadImage(str(path))
    stored = make_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    masks = np.ascontiguousarray(axes_to_lps(stored).view(sitk.GetArrayFromImage(image))).astype(np.uint8)
    if masks.shape != scan.hu.shape:
        raise SystemExit(f"{path} is not on the grid of its scan")
    return masks


def compare(scan: CTScan, reference: NDArray[np.uint8], column: VertebralColumn) -> dict[str, dict[str, float]]:
    """Return the figures of each reference body that a whole body of ``column`` overlaps; distances outwards, in mm."""
    whole = {VERSE_VALUE[v.level] for v in column.vertebrae if v.complete}
    margin = np.ceil(MARGIN_MM / np.asarray(scan.geometry.spacing_mm[::-1])).astype(int)
    rows = {}
    for value, tight in enumerate(ndimage.find_objects(reference), start=1):
        if tight is None or value not in LEVEL_OF_VERSE_VALUE:
            continue
        box = tuple(
            slice(max(0, s.start - m), min(n, s.stop + m))
            for s, m, n in zip(tight, margin, reference.shape, strict=True)
        )
        true = reference[box] == value
        shares = np.bincount(column.bodies[box][true], minlength=256)
        shares[0] = 0
        if not shares.any() or int(shares.argmax()) not in whole:
            continue
        found = column.bodies[box] == int(shares.argmax())
        rows[LEVEL_OF_VERSE_VALUE[value]] = figures(scan, true, found, box)  # type: ignore[arg-type]
    return rows


def figures(scan: CTScan, true: Mask, found: Mask, box: Box) -> dict[str, float]:
    spacing = np.asarray(scan.geometry.spacing_mm[::-1])
    return {
        "dice": float(2 * (true & found).sum() / (true.sum() + found.sum())),
        "volume": float(found.sum() / true.sum()),
        "distance_mm": (distance_mm(true, found, spacing) + distance_mm(found, true, spacing)) / 2,
        "voi_hu": voi_hu(scan, found, box) - voi_hu(scan, true, box),
        **dict(zip(PLACES, voi_place(true, found, box, scan.geometry) or (), strict=False)),
        **signed_mm(true, found, box, scan.geometry),
    }


def distance_mm(mask: Mask, other: Mask, spacing: NDArray[np.float64]) -> float:
    """Mean distance of the faces of one mask from those of the other, by area."""
    tree = cKDTree(faces_mm(other, spacing)[0])
    points, area = faces_mm(mask, spacing)
    return float(np.average(tree.query(points)[0], weights=area))


def faces_mm(mask: Mask, spacing: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points, areas = [], []
    for axis in range(3):
        index = np.argwhere(np.diff(np.pad(mask, 1).astype(np.int8), axis=axis)).astype(float)
        index[:, axis] += 0.5
        points.append(index * spacing)
        areas.append(np.full(len(index), np.prod(np.delete(spacing, axis))))
    return np.concatenate(points), np.concatenate(areas)


def voi_hu(scan: CTScan, mask: Mask, box: Box) -> float:
    try:
        where, weights = voi_weights(place_voi(mask, box, scan.geometry), scan.geometry)
    except CannotMeasure:
        return float("nan")
    return float(np.average(scan.hu[where], weights=weights))


def voi_place(true: Mask, found: Mask, box: Box, geometry: Geometry) -> tuple[float, float, float, float] | None:
    """Return how far the VOI in the one mask lies from that in the other, in mm, and its size over the other's."""
    try:
        there, here = (place_voi(mask, box, geometry) for mask in (true, found))
    except CannotMeasure:
        return None
    x, y, z = (np.subtract(here.center_lps_mm, there.center_lps_mm) @ np.asarray(geometry.direction)).tolist()
    area = np.prod(here.semi_axes_mm) / np.prod(there.semi_axes_mm)
    return x, y, z, float(np.sqrt(area))


def signed_mm(true: Mask, found: Mask, box: Box, geometry: Geometry) -> dict[str, float]:
    """Return how far outside the true surface the found one is, along lines in the true body's own frame."""
    axes = body_axes_lps(true, box, geometry)
    if axes is None:
        return {}
    first = np.array([s.start for s in box])
    center = geometry.to_lps_mm((np.argwhere(true).mean(axis=0) + first)[::-1])
    along = np.arange(0.0, 40.0, 0.25)
    fields = [ndimage.gaussian_filter(mask.astype(np.float32), 0.4) for mask in (true, found)]

    def ends(
        field: NDArray[np.float32], start: NDArray[np.float64], towards: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        points = start[..., None, :] + along[:, None] * towards[..., None, :]
        index = geometry.to_index_xyz(center + points @ axes)[..., ::-1] - first
        inside = ndimage.map_coordinates(field, np.moveaxis(index, -1, 0), order=1, mode="constant") > 0.5
        last = inside.shape[-1] - 1 - np.argmax(inside[..., ::-1], axis=-1)
        return np.where(inside.any(axis=-1), along[last], np.nan)

    def mean(start: NDArray[np.float64], towards: NDArray[np.float64]) -> float:
        start, towards = np.broadcast_arrays(start, towards)
        return float(np.nanmean(ends(fields[1], start, towards) - ends(fields[0], start, towards)))

    def reach(*towards: float) -> float:
        return float(ends(fields[0], np.zeros((1, 3)), np.array([towards]))[0])

    side, front, back, up, down = reach(1, 0, 0), reach(0, -1, 0), reach(0, 1, 0), reach(0, 0, 1), reach(0, 0, -1)
    u, v = np.meshgrid(np.linspace(-0.7, 0.7, 15) * side, np.linspace(-0.75, 0.75, 16) * min(front, back))
    on = (u / side) ** 2 + (v / front) ** 2 < 0.7
    plate = np.stack([u[on], v[on], np.zeros(on.sum())], axis=-1)
    w = np.linspace(-0.7, 0.7, 8) * min(up, down)

    def wall(degrees: NDArray[np.float64]) -> float:
        angle, height = np.meshgrid(np.deg2rad(degrees), w, indexing="ij")
        zero = np.zeros_like(angle)
        return mean(np.stack([zero, zero, height], -1), np.stack([np.cos(angle), np.sin(angle), zero], -1))

    def behind(at: NDArray[np.float64]) -> float:
        x, height = np.meshgrid(at, w, indexing="ij")
        return mean(np.stack([x, np.zeros_like(x), height], -1), np.array([0.0, 1.0, 0.0]))

    return {
        "top": mean(plate, np.array([0.0, 0.0, 1.0])),
        "bottom": mean(plate, np.array([0.0, 0.0, -1.0])),
        "front": wall(np.arange(235.0, 306.0, 5.0)),
        "sides": wall(np.concatenate([np.arange(-30.0, 16.0, 5.0), np.arange(165.0, 211.0, 5.0)])),
        "back": behind(np.arange(-5.0, 5.1)),
        "corners": behind(np.concatenate([np.arange(-13.0, -7.9), np.arange(8.0, 13.1)])),
    }


def rms(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.nanmean(values**2, axis=0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    every = []
    for folder in parser.parse_args().folders:
        scan = read_scan(folder / "ct.nii.gz")
        reference = reference_masks(folder / "bodies.nii.gz", scan)
        segmentation = NetworkSegmenter()(scan)
        with mock.patch.object(assemble, "refine_outlines", lambda bodies, *_: bodies):
            before = label(segmentation, scan)
        start = time.process_time()
        assemble.refine_outlines(before.bodies.copy(), scan, [v.level for v in before.vertebrae if v.complete])
        took_s = time.process_time() - start
        rows = [compare(scan, reference, column) for column in (before, label(segmentation, scan))]
        print(f"\n{folder.name}: {took_s:.2f} s of processor time for {len(before.vertebrae)} bodies")
        print(f"{'':5}" + "".join(f"{name:>17}" for name in FIGURES))
        for level in rows[0]:
            pairs = [[row.get(level, {}).get(name, float("nan")) for row in rows] for name in FIGURES]
            print(f"{level:5}" + "".join(f"{f'{a:.2f} > {b:.2f}':>17}" for a, b in pairs))
        after = np.array([[row.get(name, np.nan) for name in PLACES] for row in rows[1].values()])
        spread = zip(PLACES, np.nanmean(after, axis=0), np.nanstd(after, axis=0, ddof=1), strict=True)
        print(", ".join(f"{name} {mean:+.2f} +- {sd:.2f}" for name, mean, sd in spread))
        every.append(after)
    both = np.concatenate(every)
    print("\nall: " + ", ".join(f"{n} {v:.3f}" for n, v in zip(PLACES, rms(both - [0.0, 0.0, 0.0, 1.0]), strict=True)))


if __name__ == "__main__":
    main()
