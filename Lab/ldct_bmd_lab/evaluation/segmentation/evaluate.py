"""One case: segment and label the scan as a measurement does, and compare with the reference."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.densitometry import hu_statistics, sample
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.labeling import Vertebra, VertebralColumn, label
from ldct_bmd.morphometry import body_heights
from ldct_bmd.scan import CTScan
from ldct_bmd.segmentation import NamedBodies, Segmenter
from ldct_bmd.voi import CylinderVOI, place_voi
from ldct_bmd.words import told

from .case import Case, CaseResult, LevelResult, SurplusBody
from .overlap import dice_matrix, match, surface_distances

CERVICAL = "C7"  # most references leave it out: it is matched where it is there, and never scored
NOTHING = VertebralColumn((), np.zeros((0, 0, 0), dtype=np.uint8), names_certain=False, remark=told(""))


def evaluate_case(case: Case, segmenter: Segmenter, progress: Progress = silent) -> CaseResult:
    """Evaluate one scan; where it can't be measured, nothing was found, and the result says why."""
    try:
        found = label(segmenter(case.scan, progress), case.scan, progress)
    except CannotMeasure as error:
        return compare_bodies(case, NOTHING, str(error))
    return compare_bodies(case, found)


def compare_bodies(case: Case, found: VertebralColumn, failure: str | None = None) -> CaseResult:
    """Compare the bodies that were found in a scan with the reference; ``failure`` says why there is none."""
    reference = NOTHING
    if case.reference.any():
        reference = label(NamedBodies(case.reference, case.cut), case.scan)
    dice = dice_matrix(reference, found)
    matches = match(dice)
    levels = []
    for row, vertebra in enumerate(reference.vertebrae):
        if vertebra.level == CERVICAL:
            continue
        names = [v.level for v in found.vertebrae]
        same = float(dice[row, names.index(vertebra.level)]) if vertebra.level in names else 0.0
        group = case.level_groups.get(vertebra.level, case.group)
        result = LevelResult(vertebra.level, group, vertebra.complete, dice_by_name=same, found=row in matches)
        if row in matches:
            matched = found.vertebrae[matches[row]]
            result = replace(result, found_as=matched.level, dice_of_found=float(dice[row, matches[row]]))
            result = replace(result, probability=float(matched.confidence))
            result = _compare_outlines(result, case.scan, reference, found, matched)
        levels.append(_compare_vois(result, case, reference, found))
    return CaseResult(
        name=case.name,
        group=case.group,
        spacing_mm=case.scan.geometry.spacing_mm,
        failure=failure,
        names_certain=found.names_certain,
        names_remark=str(found.remark),
        name_probability=min((float(v.confidence) for v in found.vertebrae), default=None),
        levels=tuple(levels),
        surplus=_surplus(reference, found, dice, set(matches.values())),
        compared_with=case.compared_with,
    )


def _compare_outlines(
    result: LevelResult, scan: CTScan, reference: VertebralColumn, found: VertebralColumn, matched: Vertebra
) -> LevelResult:
    """Add the distances between the surfaces of two bodies, and between their heights."""
    boxes = reference.mask(result.level)[0], found.mask(matched.level)[0]
    z, y, x = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(*boxes, strict=True))
    masks = (
        reference.bodies[z, y, x] == VERSE_VALUE[result.level],
        found.bodies[z, y, x] == VERSE_VALUE[matched.level],
    )
    sx, sy, sz = scan.geometry.spacing_mm
    mean_mm, hausdorff95_mm = surface_distances(*masks, (sz, sy, sx))
    result = replace(result, surface_distance_mm=mean_mm, hausdorff95_mm=hausdorff95_mm)
    if not (result.complete and matched.complete):
        return result
    true, heights = (body_heights(mask, (z, y, x), scan.geometry) for mask in masks)
    if true is None or heights is None:
        return result
    return replace(
        result,
        anterior_mm=heights.anterior_mm - true.anterior_mm,
        middle_mm=heights.middle_mm - true.middle_mm,
        posterior_mm=heights.posterior_mm - true.posterior_mm,
    )


def _compare_vois(result: LevelResult, case: Case, reference: VertebralColumn, found: VertebralColumn) -> LevelResult:
    """Add the HU of both VOIs of a name; the automatic one only where a measurement would give it."""
    true = _voi(case.scan, reference, result.level)
    if true is None:
        return result
    result = replace(result, reference_voi_hu=hu_statistics(case.scan, true).mean_hu)
    if case.noise_free_hu is not None:
        result = replace(result, true_voi_hu=_mean_hu(case.scan, case.noise_free_hu, true))
    voi = _voi(case.scan, found, result.level)
    if voi is None:
        return result
    if case.noise_free_hu is not None:
        result = replace(result, noise_free_voi_hu=_mean_hu(case.scan, case.noise_free_hu, voi))
    apart = np.subtract(voi.center_lps_mm, true.center_lps_mm)
    return replace(result, voi_hu=hu_statistics(case.scan, voi).mean_hu, voi_distance_mm=float(np.linalg.norm(apart)))


def _voi(scan: CTScan, column: VertebralColumn, level: str) -> CylinderVOI | None:
    """Return the VOI of a level if it is there, complete, and holds one that lies in the scan."""
    vertebra = column.vertebra(level)
    if vertebra is None or not vertebra.complete:
        return None
    box, inside = column.mask(level)
    try:
        voi = place_voi(inside, box, scan.geometry)
        sample(scan, voi)
    except CannotMeasure:
        return None
    return voi


def _mean_hu(scan: CTScan, hu: NDArray[np.float32], voi: CylinderVOI) -> float:
    box, weights = sample(scan, voi)
    return float(np.average(hu[box], weights=weights))


def _surplus(
    reference: VertebralColumn, found: VertebralColumn, dice: NDArray[np.float64], matched: set[int]
) -> tuple[SurplusBody, ...]:
    """Return the automatic bodies that match no reference body."""
    heights_mm = [v.centroid_lps_mm[2] for v in reference.vertebrae]
    bodies = []
    for column, vertebra in enumerate(found.vertebrae):
        if column in matched:
            continue
        most = int(np.argmax(dice[:, column])) if len(dice) else 0
        overlaps = reference.vertebrae[most].level if len(dice) and dice[most, column] > 0 else None
        if overlaps is None and vertebra.level == CERVICAL and heights_mm:
            continue  # a reference without C7 says nothing about it
        height_mm = vertebra.centroid_lps_mm[2]
        beyond = bool(heights_mm) and not min(heights_mm) <= height_mm <= max(heights_mm)
        bodies.append(SurplusBody(vertebra.level, vertebra.volume_ml, overlaps, beyond))
    return tuple(bodies)
