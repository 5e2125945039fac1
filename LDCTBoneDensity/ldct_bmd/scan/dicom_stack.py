"""Slices that make one volume: sorted along their normal, evenly spaced, nothing missing, no shear."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..words import Phrase
from .ct_scan import Geometry
from .dicom_headers import SliceHeader
from .frame import make_geometry

# Positions are written with one to three decimals; beyond this a slice is not where an even grid has it.
POSITION_TOLERANCE_MM = 0.06
POSITION_TOLERANCE_FRACTION = 0.05  # of the spacing
ORIENTATION_TOLERANCE = 2e-3
TILT_TOLERANCE_DEG = 0.25
SIDEWAYS_TOLERANCE_MM = 0.5
MOST_PIXELS = 8192  # along a side; scanners of ultra-high resolution make 2048
_NAMED_AT_MOST, _SHOWN = 3, 60  # letters of a value


class UnfitStack(Exception):
    """These slices make no volume; the reason is a clause without a full stop."""

    def __init__(self, reason: Phrase) -> None:
        """Take the reason."""
        super().__init__(reason)
        self.reason = reason


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
    matrix = _common_matrix(headers)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    slices = tuple(headers[i] for i in order)
    spacing_z = _even_spacing(slices, along[order])
    _refuse_shear(slices, positions[order], normal)
    return Stack(
        slices,
        make_geometry(
            size=(*matrix, len(slices)),
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
        ("Rows", 1, "unfit.rows"),
        ("Columns", 1, "unfit.columns"),
        ("ImagePositionPatient", 3, "unfit.position"),
        ("ImageOrientationPatient", 6, "unfit.orientation"),
        ("PixelSpacing", 2, "unfit.pixel_spacing"),
    ):
        _refuse_lacking([h for h in headers if h.numbers(keyword, count) is None], keyword, what)
    crooked = [h for h in headers if h.orientation is None]
    if crooked:
        raise UnfitStack(Phrase("unfit.orientation_invalid", {"slices": named(crooked)}))
    spacings = np.array([h.numbers("PixelSpacing", 2) for h in headers])
    _refuse_odd(headers, [tuple(np.round(pair, 3).tolist()) for pair in spacings], "unfit.other_spacing")
    orientations = np.array([h.orientation for h in headers])
    usual = np.median(orientations, axis=0)
    turned = [h for h, o in zip(headers, orientations, strict=True) if np.abs(o - usual).max() > ORIENTATION_TOLERANCE]
    if turned:
        raise UnfitStack(Phrase("unfit.other_orientation", {"slices": named(turned), "count": len(turned)}))
    normal = headers[0].normal
    positions = np.array([h.position_lps_mm for h in headers])
    if normal is None or (spacings <= 0).any():
        raise UnfitStack(Phrase("unfit.spacing_not_positive"))
    first = orientations[0] / np.linalg.norm(orientations[0], axis=1, keepdims=True)
    return first, normal, positions, spacings[0]


def _refuse_lacking(headers: Sequence[SliceHeader], keyword: str, what: str) -> None:
    """Refuse slices that lack a tag, or have something else in it than its numbers."""
    if not headers:
        return
    slices = named(headers)
    stated = next((text for text in (header.text(keyword) for header in headers) if text), None)
    if stated is None:
        raise UnfitStack(Phrase("unfit.tag_missing", {"what": Phrase(what), "tag": keyword, "slices": slices}))
    value = stated[:_SHOWN]
    raise UnfitStack(
        Phrase("unfit.tag_no_number", {"what": Phrase(what), "tag": keyword, "slices": slices, "value": value})
    )


def _common_matrix(headers: Sequence[SliceHeader]) -> tuple[int, int]:
    """Return the columns and rows that all slices share."""
    matrices = [header.matrix or (0, 0) for header in headers]
    _refuse_odd(headers, matrices, "unfit.other_matrix")
    if not all(1 <= side <= MOST_PIXELS for side in matrices[0]):
        raise UnfitStack(Phrase("unfit.matrix", {"matrix": _times(matrices[0])}))
    return matrices[0]


def _refuse_odd(headers: Sequence[SliceHeader], values: Sequence[tuple[float, ...]], what: str) -> None:
    (usual, _), *others = Counter(values).most_common()
    if others:
        odd = [header for header, value in zip(headers, values, strict=True) if value != usual]
        raise UnfitStack(
            Phrase(
                what, {"slices": named(odd), "count": len(odd), "value": _times(others[0][0]), "usual": _times(usual)}
            )
        )


def _even_spacing(slices: Sequence[SliceHeader], along: NDArray[np.float64]) -> float:
    """Return the slice spacing in mm; ``along`` are the sorted positions along the normal."""
    if len(slices) < 2:
        raise UnfitStack(Phrase("unfit.single_slice"))
    gaps = np.diff(along)
    typical = float(np.median(gaps))
    same = np.flatnonzero(gaps < max(0.01, 0.1 * typical))
    if same.size:
        raise UnfitStack(Phrase("unfit.same_place", {"pairs": _pairs(slices, same)}))
    missing = np.flatnonzero(gaps > 1.5 * typical)
    if missing.size:
        widest = float(gaps[missing].max())
        raise UnfitStack(
            Phrase(
                "unfit.slices_missing", {"pairs": _pairs(slices, missing), "widest_mm": widest, "typical_mm": typical}
            )
        )
    number = np.arange(len(along))
    spacing, start = (float(value) for value in np.polyfit(number, along, 1))
    tolerance = max(POSITION_TOLERANCE_MM, POSITION_TOLERANCE_FRACTION * spacing)
    if np.abs(along - (start + spacing * number)).max() > tolerance:
        odd = np.flatnonzero(np.abs(gaps - typical) > 2 * tolerance)
        place = Phrase("unfit.first_between", {"pair": _pairs(slices, odd[:1])}) if odd.size else ""
        narrowest, widest = float(gaps.min()), float(gaps.max())
        raise UnfitStack(Phrase("unfit.uneven", {"narrowest_mm": narrowest, "widest_mm": widest, "place": place}))
    return spacing


def _refuse_shear(slices: Sequence[SliceHeader], positions: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
    run = positions[-1] - positions[0]
    along = float(run @ normal)
    sideways = float(np.linalg.norm(run - along * normal))
    angle = float(np.degrees(np.arctan2(sideways, along)))
    if angle > TILT_TOLERANCE_DEG and sideways > SIDEWAYS_TOLERANCE_MM:
        raise UnfitStack(Phrase("unfit.sheared", {"degrees": angle}))
    line = positions[0] + np.linspace(0.0, 1.0, len(positions))[:, None] * run
    offset = positions - line
    offset -= (offset @ normal)[:, None] * normal
    shifted = np.flatnonzero(np.linalg.norm(offset, axis=1) > SIDEWAYS_TOLERANCE_MM)
    if shifted.size:
        largest = float(np.linalg.norm(offset, axis=1).max())
        moved = [slices[int(i)] for i in shifted]
        raise UnfitStack(Phrase("unfit.shifted", {"slices": named(moved), "count": len(moved), "largest_mm": largest}))


def named(headers: Sequence[SliceHeader]) -> Phrase:
    """Name the first few slices and count the rest."""
    names = tuple(header.name for header in headers[:_NAMED_AT_MOST])
    if len(headers) == len(names):
        return Phrase("unfit.slices", {"names": names})
    return Phrase("unfit.slices_and_more", {"names": names, "more": len(headers) - len(names)})


def _pairs(slices: Sequence[SliceHeader], gaps: NDArray[np.intp]) -> Phrase:
    shown = gaps[:_NAMED_AT_MOST]
    pairs = tuple(Phrase("unfit.pair", {"one": slices[i].name, "other": slices[i + 1].name}) for i in shown)
    if len(gaps) == len(pairs):
        return Phrase("unfit.pairs", {"pairs": pairs})
    return Phrase("unfit.pairs_and_more", {"pairs": pairs, "more": len(gaps) - len(pairs)})


def _times(values: Sequence[float]) -> str:
    return " x ".join(str(value) for value in values)
