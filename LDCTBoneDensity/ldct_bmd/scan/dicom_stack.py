"""Slices that make one volume: sorted along their normal, evenly spaced, nothing missing, no shear."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ct_scan import Geometry
from .dicom_headers import SliceHeader
from .frame import make_geometry

# Positions are written with one to three decimals; beyond this a slice is not where an even grid has it.
POSITION_TOLERANCE_MM = 0.06
POSITION_TOLERANCE_FRACTION = 0.05  # of the spacing
ORIENTATION_TOLERANCE = 2e-3
TILT_TOLERANCE_DEG = 0.25
SIDEWAYS_TOLERANCE_MM = 0.5
_NAMED_AT_MOST = 3


class UnfitStack(Exception):
    """These slices make no volume; the message is the reason, as a clause without a full stop."""


@dataclass(frozen=True)
class Stack:
    """The slices of one volume.

    Attributes:
        slices: in the order of the volume's stored z axis, which runs along the slices' normal.
        geometry: the grid as stored: x along the columns, y along the rows, z along the normal.
    """

    slices: tuple[SliceHeader, ...]
    geometry: Geometry


def build_stack(headers: Sequence[SliceHeader]) -> Stack:
    """Sort the slices of one volume and give its grid; :class:`UnfitStack` names the slices that do not fit."""
    orientation, normal, positions, spacing = _common_plane(headers)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    slices = tuple(headers[i] for i in order)
    spacing_z = _even_spacing(slices, along[order])
    _refuse_shear(slices, positions[order], normal)
    first = headers[0]
    return Stack(
        slices,
        make_geometry(
            size=(int(first.tags.Columns), int(first.tags.Rows), len(slices)),
            spacing_mm=(spacing[1], spacing[0], spacing_z),
            origin_lps_mm=positions[order[0]],
            direction=np.stack([orientation[0], np.cross(normal, orientation[0]), normal], axis=1),
        ),
    )


def _common_plane(
    headers: Sequence[SliceHeader],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return orientation (2, 3), normal, positions (n, 3) and (row, column) spacing that all slices share."""
    for keyword, count, what in (
        ("Rows", 1, "number of rows"),
        ("Columns", 1, "number of columns"),
        ("ImagePositionPatient", 3, "position"),
        ("ImageOrientationPatient", 6, "orientation"),
        ("PixelSpacing", 2, "pixel spacing"),
    ):
        lacking = [h for h in headers if h.numbers(keyword, count) is None]
        if lacking:
            raise UnfitStack(f"the {what} ({keyword}) is missing in {named(lacking)}; export it with its geometry")
    crooked = [h for h in headers if h.orientation is None]
    if crooked:
        raise UnfitStack(f"ImageOrientationPatient is not a pair of perpendicular unit vectors in {named(crooked)}")
    _refuse_odd(headers, [(int(h.tags.Columns), int(h.tags.Rows)) for h in headers], "a matrix of {} pixels")
    spacings = np.array([h.numbers("PixelSpacing", 2) for h in headers])
    _refuse_odd(headers, [tuple(np.round(pair, 3).tolist()) for pair in spacings], "a pixel spacing of {} mm")
    orientations = np.array([h.orientation for h in headers])
    usual = np.median(orientations, axis=0)
    turned = [h for h, o in zip(headers, orientations, strict=True) if np.abs(o - usual).max() > ORIENTATION_TOLERANCE]
    if turned:
        lie, them = ("lies", "it") if len(turned) == 1 else ("lie", "them")
        raise UnfitStack(f"{named(turned)} {lie} in another orientation than the rest of the series; remove {them}")
    normal = headers[0].normal
    positions = np.array([h.position_lps_mm for h in headers])
    if normal is None or (spacings <= 0).any():
        raise UnfitStack("its pixel spacing is not positive")
    first = orientations[0] / np.linalg.norm(orientations[0], axis=1, keepdims=True)
    return first, normal, positions, spacings[0]


def _refuse_odd(headers: Sequence[SliceHeader], values: Sequence[tuple[float, ...]], what: str) -> None:
    (usual, _), *others = Counter(values).most_common()
    if others:
        odd = [header for header, value in zip(headers, values, strict=True) if value != usual]
        other = " x ".join(str(v) for v in others[0][0])
        most = " x ".join(str(v) for v in usual)
        have, them = ("has", "it") if len(odd) == 1 else ("have", "them")
        raise UnfitStack(f"{named(odd)} {have} {what.format(other)} where the other slices have {most}; remove {them}")


def _even_spacing(slices: Sequence[SliceHeader], along: NDArray[np.float64]) -> float:
    """Return the slice spacing in mm; ``along`` are the sorted positions along the normal."""
    if len(slices) < 2:
        raise UnfitStack("it has a single slice")
    gaps = np.diff(along)
    typical = float(np.median(gaps))
    same = np.flatnonzero(gaps < max(0.01, 0.1 * typical))
    if same.size:
        raise UnfitStack(f"{_pairs(slices, same)} lie at the same place; separate the acquisitions or copies")
    missing = np.flatnonzero(gaps > 1.5 * typical)
    if missing.size:
        widest = float(gaps[missing].max())
        raise UnfitStack(
            f"slices are missing between {_pairs(slices, missing)} "
            f"(gaps of up to {widest:.2f} mm where slices are {typical:.2f} mm apart); export it complete"
        )
    number = np.arange(len(along))
    spacing, start = (float(value) for value in np.polyfit(number, along, 1))
    tolerance = max(POSITION_TOLERANCE_MM, POSITION_TOLERANCE_FRACTION * spacing)
    if np.abs(along - (start + spacing * number)).max() > tolerance:
        odd = np.flatnonzero(np.abs(gaps - typical) > 2 * tolerance)
        place = f", first between {_pairs(slices, odd[:1])}" if odd.size else ""
        raise UnfitStack(
            f"its slices are unevenly spaced, {gaps.min():.2f} to {gaps.max():.2f} mm apart{place}; "
            "reconstruct it with one spacing"
        )
    return spacing


def _refuse_shear(slices: Sequence[SliceHeader], positions: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
    run = positions[-1] - positions[0]
    along = float(run @ normal)
    sideways = float(np.linalg.norm(run - along * normal))
    angle = float(np.degrees(np.arctan2(sideways, along)))
    if angle > TILT_TOLERANCE_DEG and sideways > SIDEWAYS_TOLERANCE_MM:
        raise UnfitStack(
            f"its slices are sheared by {angle:.1f} degrees against their stacking direction (tilted gantry); "
            "reconstruct it without tilt"
        )
    line = positions[0] + np.linspace(0.0, 1.0, len(positions))[:, None] * run
    offset = positions - line
    offset -= (offset @ normal)[:, None] * normal
    shifted = np.flatnonzero(np.linalg.norm(offset, axis=1) > SIDEWAYS_TOLERANCE_MM)
    if shifted.size:
        largest = float(np.linalg.norm(offset, axis=1).max())
        moved = [slices[int(i)] for i in shifted]
        are = "is" if len(moved) == 1 else "are"
        raise UnfitStack(
            f"{named(moved)} {are} shifted sideways by up to {largest:.1f} mm; reconstruct the series as one volume"
        )


def named(headers: Sequence[SliceHeader]) -> str:
    """Name the first few slices and count the rest."""
    names = ", ".join(header.name for header in headers[:_NAMED_AT_MOST])
    return names if len(headers) <= _NAMED_AT_MOST else f"{names} and {len(headers) - _NAMED_AT_MOST} more"


def _pairs(slices: Sequence[SliceHeader], gaps: NDArray[np.intp]) -> str:
    texts = [f"{slices[i].name} and {slices[i + 1].name}" for i in gaps[:_NAMED_AT_MOST]]
    more = len(gaps) - len(texts)
    return "; ".join(texts) + (f"; and {more} more places" if more else "")
