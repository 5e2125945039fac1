"""The whole method on a scan that was read: segment, label, place VOIs, measure, calibrate, assess."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from . import __version__
from .anatomy import TARGET_LEVELS, order
from .calibration import NOMINAL, Calibration
from .calibration.carry import for_scan
from .calibration.contrast import without_contrast
from .calibration.match import CalibrationChoice
from .calibration.tissue import TissueHU, tissue_hu
from .examination import (
    BodyMask,
    Evidence,
    Examination,
    Measurement,
    Software,
    VertebraRecord,
    conclude,
    mask_sha256,
    measure_voi,
    voxels_sha256,
)
from .examination.conclude import conditions, contrast_of
from .ground.errors import CannotMeasure
from .ground.memory import give_back
from .ground.progress import Progress, silent
from .labeling import VertebralColumn, explained, label
from .morphometry import body_heights, check_outline
from .quality import LevelHeights, LevelOutline, QualityFacts, Unmeasured, VOIFacts
from .rules import RuleSet
from .scan import CTScan
from .segmentation import ModelIdentity, Segmenter
from .voi import place_voi

# Where the descending aorta runs next to the spine, in one; it parts at L4.
_AORTA = range(order("T8"), order("L3") + 1)


@dataclass(frozen=True)
class MeasuredScan:
    """The record of a scan, and the vertebral bodies it was measured on."""

    examination: Examination
    column: VertebralColumn


def measure(
    scan: CTScan,
    segmenter: Segmenter,
    calibration: Calibration = NOMINAL,
    levels: Sequence[str] = TARGET_LEVELS,
    progress: Progress = silent,
    read_s: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
    calibration_choice: CalibrationChoice | None = None,
    rules: RuleSet | None = None,
) -> MeasuredScan:
    """Measure the BMD of ``levels``.

    A calibration that was made at another tube voltage or without the scan's tin filter is carried over, if it can be.
    A level that is not in view, is cut by the scan's edge or holds no VOI becomes a finding.

    Args:
        read_s: how long reading took, for the record.
        clock: seconds from any start.
        calibration_choice: why a store's calibration was taken.
        rules: which BMD is called what; None: the ACR's rule set.

    Raises:
        CannotMeasure: the scan shows no vertebra, or the segmenter does not fit it.
        Cancelled: ``progress`` raised it.
    """
    calibration = for_scan(calibration, conditions(scan.acquisition))
    timing_s = {} if read_s is None else {"read": read_s}

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        start = clock()
        progress(stage, 0.0)
        yield
        progress(stage, 1.0)
        timing_s[stage] = clock() - start

    give_back()
    with timed("segment"):
        segmentation = segmenter(scan, progress)
    with timed("label"):
        try:
            column = label(segmentation, scan, progress)
        except CannotMeasure as refusal:
            raise explained(
                refusal, scan, segmentation, lambda other: label(segmenter(other, progress), other, progress)
            ) from refusal
    del segmentation  # the network's maps are as large as the scan
    give_back()
    with timed("measure"):
        measurements, quality = _measure_levels(scan, column, calibration, sorted(levels, key=order), progress)
        contrast = contrast_of(scan.acquisition, quality.tissue)
        line = without_contrast(calibration, contrast)
        examination = conclude(
            Evidence(
                scan=scan.description,
                vertebrae=tuple(
                    VertebraRecord(
                        v.level,
                        v.centroid_lps_mm,
                        v.volume_ml,
                        v.confidence,
                        v.complete,
                        mask_sha256(BodyMask(*column.mask(v.level))),
                    )
                    for v in column.vertebrae
                ),
                measurements=tuple(replace(m, bmd_mg_cm3=line.bmd_mg_cm3(m.mean_hu)) for m in measurements),
                calibration=calibration,
                software=_software(segmenter.identity),
                quality=quality,
                timing_s=timing_s,
                calibration_choice=calibration_choice,
                voxels_sha256=voxels_sha256(scan.hu),
                rules=rules,
                contrast=contrast,
            )
        )
    return MeasuredScan(examination, column)


def _software(model: ModelIdentity) -> Software:
    return Software(__version__, model.name, model.sha256, model.runtime)


def _measure_levels(
    scan: CTScan, column: VertebralColumn, calibration: Calibration, levels: Sequence[str], progress: Progress
) -> tuple[tuple[Measurement, ...], QualityFacts]:
    """Return a measurement for each level that can be measured, and what the findings rest on."""
    measurements: list[Measurement] = []
    vois: list[VOIFacts] = []
    unmeasured: list[Unmeasured] = []
    heights: list[LevelHeights] = []
    outlines: list[LevelOutline] = []
    for number, vertebra in enumerate(column.vertebrae):
        progress("measure", number / len(column.vertebrae))
        if not vertebra.complete:
            continue  # half a body has no middle to place a VOI in, and no heights
        level = vertebra.level
        box, inside = column.mask(level)
        measured_heights = body_heights(inside, box, scan.geometry, scan.hu)
        if measured_heights is not None:
            heights.append(LevelHeights(level, measured_heights))
        if level not in levels:
            continue
        try:
            voi = place_voi(inside, box, scan.geometry)
            measurement, facts = measure_voi(scan, level, voi, calibration, BodyMask(box, inside))
        except CannotMeasure as error:
            unmeasured.append(Unmeasured(level, error.phrase))
        else:
            measurements.append(measurement)
            vois.append(facts)
            outlines.append(LevelOutline(level, check_outline(inside, box, scan.geometry, scan.hu)))
    quality = QualityFacts(
        requested_levels=tuple(levels),
        names_certain=column.names_certain,
        names_remark=column.remark,
        uncertain_levels=column.uncertain,
        cut_by_field=column.cut_by_field,
        heights=tuple(heights),
        vois=tuple(vois),
        unmeasured=tuple(unmeasured),
        tissue=_tissue(scan, measurements, column),
        outlines=tuple(outlines),
    )
    return tuple(measurements), quality


def _tissue(scan: CTScan, measurements: Sequence[Measurement], column: VertebralColumn) -> TissueHU | None:
    """Return the HU of the tissues around L1, or else around the highest level that is measured, and of the aorta."""
    near = sorted(measurements, key=lambda m: (m.level != "L1", order(m.level)))
    if not near:
        return None
    spine = [v.centroid_lps_mm for v in column.vertebrae if v.complete and order(v.level) in _AORTA]
    return tissue_hu(scan, near[0].voi, [*spine, *(m.voi.center_lps_mm for m in measurements)])
