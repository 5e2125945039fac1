"""Tags of a series that contradict where its slices lie: nobody can tell which of them is right."""

import numpy as np

from ..words import Phrase
from .dicom_stack import Stack
from .image_content import is_original

# Scanners write the tilt to half a degree; a turned table or an oblique series turns the slices themselves.
LEAST_TILT_DEG, UPRIGHT_DEG = 1.0, 0.5
TOLERANCE = 0.05  # of a field of view or a slice distance: tags are rounded


def contradiction(stack: Stack) -> Phrase | None:
    """Return what contradicts the geometry of a volume; None if nothing does."""
    if not is_original(stack.slices):
        return None  # what a workstation made may keep the tags of what it was made from
    return _tilt(stack) or _field_of_view(stack) or _slice_distance(stack)


def _tilt(stack: Stack) -> Phrase | None:
    """A tilted gantry tilts the slices, or shears the stack; straight slices at straight places are neither."""
    tilts = [abs(tilt) for tilt in (header.number("GantryDetectorTilt") for header in stack.slices) if tilt is not None]
    normal = np.asarray(stack.geometry.direction)[:, 2]
    leaning_deg = float(np.degrees(np.arccos(min(1.0, float(np.abs(normal).max())))))
    if tilts and max(tilts) >= LEAST_TILT_DEG and leaning_deg < UPRIGHT_DEG:
        return Phrase("unsuitable.tilt_only_in_a_tag", {"degrees": max(tilts)})
    return None


def _field_of_view(stack: Stack) -> Phrase | None:
    """What is reconstructed lies within the circle; a smaller field is a crop."""
    diameter_mm = stack.slices[0].number("ReconstructionDiameter")
    columns_mm, rows_mm = (
        n * spacing for n, spacing in zip(stack.geometry.size, stack.geometry.spacing_mm[:2], strict=False)
    )
    field_mm = max(columns_mm, rows_mm)
    if diameter_mm is None or diameter_mm <= 0 or field_mm <= (1.0 + TOLERANCE) * diameter_mm:
        return None
    return Phrase("unsuitable.field_of_view", {"field_mm": field_mm, "diameter_mm": diameter_mm})


def _slice_distance(stack: Stack) -> Phrase | None:
    places = [header.number("SliceLocation") for header in stack.slices]
    known = [place for place in places if place is not None]
    if len(known) < max(2, len(places)):
        return None
    located_mm = abs(known[-1] - known[0]) / (len(known) - 1)  # over the whole run, so that rounding does not matter
    spacing_mm = stack.geometry.spacing_mm[2]
    if located_mm == 0.0 or abs(located_mm - spacing_mm) <= TOLERANCE * spacing_mm:
        return None
    return Phrase("unsuitable.slice_location", {"located_mm": located_mm, "spacing_mm": spacing_mm})
