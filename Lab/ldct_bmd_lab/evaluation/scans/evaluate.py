"""One real scan: measure it as a user would, and set what comes out against what is known."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ldct_bmd.anatomy import VERSE_VALUE, order
from ldct_bmd.findings import FindingCode
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.labeling import Vertebra
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.scan import CTScan, read_scan
from ldct_bmd.segmentation import NamedBodies, Segmenter
from ldct_bmd.segmentation.label_map import LabelMapSegmenter

from ..segmentation import Case, CaseResult, compare_bodies
from ..segmentation.evaluate import NOTHING
from .layout import BodyQuality, ScanFolder
from .names import Placed, certainty, half_height_mm, place
from .picture import draw_scan
from .result import LevelRow, Outline, ScanResult

NO_QUALITY = BodyQuality("")


def evaluate_scan(
    folder: ScanFolder,
    segmenter: Segmenter,
    progress: Progress = silent,
    judge_names: bool = True,
    fold: int | None = None,
) -> ScanResult:
    """Evaluate one scan; where it can't be read or measured, the result says why.

    Args:
        judge_names: False where the list tells places but not names.
        fold: for the record.

    Raises:
        UsageError: the list and the reference bodies contradict each other.
    """
    empty = ScanResult(folder.name, folder.patient, (0.0, 0.0, 0.0), "", "", None, "", segmenter.identity.sha256, ())
    empty = replace(empty, fold=fold)
    try:
        scan = read_scan(folder.image, None, progress)
    except CannotMeasure as error:
        missed = tuple(LevelRow(level, None, judge_names, z) for level, z in folder.levels_z_mm.items())
        return replace(empty, refused=str(error), levels=missed)
    reference, problem = _reference(folder, scan)
    known_z_mm = _known(folder, reference, scan)
    empty = replace(empty, spacing_mm=scan.geometry.spacing_mm, reference_problem=problem)
    try:
        measured = measure(scan, segmenter, progress=progress)
    except CannotMeasure as error:
        outlines = {} if reference is None else _outlines(compare_bodies(_case(folder, scan, reference), NOTHING))
        levels = _levels(folder, None, known_z_mm, outlines, judge_names)
        return replace(empty, refused=str(error), levels=levels)
    column = measured.column
    outlines = {} if reference is None else _outlines(compare_bodies(_case(folder, scan, reference), column))
    return replace(
        empty,
        names_remark=str(column.remark),
        category=measured.examination.assessment.category,
        levels=_levels(folder, measured, known_z_mm, outlines, judge_names),
        picture=draw_scan(scan, column, known_z_mm, None if reference is None else reference.labels),
    )


def _reference(folder: ScanFolder, scan: CTScan) -> tuple[NamedBodies | None, str]:
    """Return the reference bodies on the scan's grid, or None and what is wrong with them."""
    if folder.bodies is None:
        return None, ""
    try:
        return LabelMapSegmenter(folder.bodies, "verse", "body")(scan), ""
    except CannotMeasure as error:
        return None, str(error)


def _case(folder: ScanFolder, scan: CTScan, reference: NamedBodies) -> Case:
    return Case(folder.name, folder.name, scan, reference.labels, reference.cut)


def _known(folder: ScanFolder, reference: NamedBodies | None, scan: CTScan) -> Mapping[str, float]:
    """Return z of every known level: of its reference body's centroid, or else what was read by eye."""
    known = dict(folder.levels_z_mm)
    if reference is None:
        return known
    for level, value in VERSE_VALUE.items():
        voxels = np.argwhere(reference.labels == value)
        if not len(voxels):
            continue
        z = float(scan.geometry.to_lps_mm(voxels.mean(axis=0)[::-1])[2])
        if level in folder.levels_z_mm:
            off = abs(z - folder.levels_z_mm[level])
            if off > 2 * half_height_mm(level, folder.levels_z_mm):
                raise UsageError.of_text(
                    f"{folder.name}: the list and the reference bodies set {level} {off:.0f} mm apart: "
                    "one of them names the levels wrongly; mend it."
                )
        known[level] = z
    return {level: known[level] for level in sorted(known, key=order)}


def _outlines(case: CaseResult) -> dict[str, Outline]:
    return {
        row.level: Outline(
            found_as=row.found_as,
            dice_by_name=row.dice_by_name,
            dice_of_found=row.dice_of_found,
            surface_distance_mm=row.surface_distance_mm,
            hausdorff95_mm=row.hausdorff95_mm,
            voi_hu=row.voi_hu,
            reference_voi_hu=row.reference_voi_hu,
            voi_distance_mm=row.voi_distance_mm,
        )
        for row in case.levels
    }


def _levels(
    folder: ScanFolder,
    measured: MeasuredScan | None,
    known_z_mm: Mapping[str, float],
    outlines: Mapping[str, Outline],
    judge_names: bool,
) -> tuple[LevelRow, ...]:
    rows = []
    for placed in place(() if measured is None else measured.column.vertebrae, known_z_mm):
        row = _row(placed, known_z_mm, judge_names)
        if placed.level is not None:
            quality = folder.quality.get(placed.level, NO_QUALITY)
            row = replace(row, reference_heights_mm=quality.heights_mm, verdict=quality.verdict)
            row = replace(row, outline=outlines.get(placed.level))
        if measured is not None and placed.found is not None:
            row = _with_measured(row, measured, placed.found)
        rows.append(row)
    return tuple(rows)


def _row(placed: Placed, known_z_mm: Mapping[str, float], judge_names: bool) -> LevelRow:
    return LevelRow(
        level=placed.level,
        found_as=None if placed.found is None else placed.found.level,
        judged=judge_names and (placed.level is not None or placed.misplaced),
        known_z_mm=None if placed.level is None else known_z_mm[placed.level],
        offset_mm=placed.offset_mm,
    )


def _with_measured(row: LevelRow, measured: MeasuredScan, vertebra: Vertebra) -> LevelRow:
    """Add what the measurement says of a body."""
    said = certainty(measured.column, vertebra)
    examination = measured.examination
    suspected = [
        finding.message
        for finding in examination.findings
        if finding.code == FindingCode.SUSPECTED_FRACTURE and finding.level == vertebra.level
    ]
    row = replace(row, probability=said.probability, certain=said.certain, complete=vertebra.complete)
    row = replace(row, suspected=" ".join(suspected))
    for one in examination.quality.heights:
        if one.level == vertebra.level:
            heights = one.heights
            row = replace(row, heights_mm=(heights.anterior_mm, heights.middle_mm, heights.posterior_mm))
    return row
