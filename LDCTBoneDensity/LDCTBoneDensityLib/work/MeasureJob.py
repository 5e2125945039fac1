"""Laying out a measurement for the engine's process, and taking what it made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ldct_bmd.anatomy import LEVELS, TARGET_LEVELS
from ldct_bmd.calibration import NOMINAL, Calibration
from ldct_bmd.examination import Bodies, Examination, bodies_in
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.folder import BODIES, LABELS, RECORD_FILE, VOXELS, MeasureResult, array, lay, load_result
from ldct_bmd.jobs.spec import LabelMap, MeasureSpec, Networks, StoreChoice
from ldct_bmd.rules import RuleSet
from ldct_bmd.scan.air import with_air
from ldct_bmd.scan.image_files import whole_numbers

from ..scene.ReviewStore import StoredReview, checksum
from ..scene.SegmentSource import SegmentSource
from ..scene.VolumeReader import VolumeReader
from .DicomDatabase import DicomDatabase
from .Runner import fromAnywhere


@dataclass(frozen=True)
class MeasureSettings:
    """How to measure; see :class:`.Parameters.Parameters`. A store of calibrations goes before ``calibration``."""

    levels: tuple[str, ...] = TARGET_LEVELS
    calibration: Calibration = NOMINAL
    calibrationStore: str = ""
    laterCalibration: bool = False
    device: str = "auto"
    weights: str = ""
    segmentationNode: object | None = None
    segmentsAreWhole: bool = False
    rules: RuleSet | None = None


def levelsIn(typed: str) -> tuple[str, ...]:
    """Return the levels of "T12, L1, L2", top to bottom; UsageError for what is none."""
    names = [name.strip().upper() for name in typed.replace(";", ",").split(",") if name.strip()]
    unknown = [name for name in names if name not in LEVELS]
    if unknown or not names:
        raise UsageError("measure.levels", names=typed or '""')
    return tuple(level for level in LEVELS if level in names)


class MeasureJob:
    """One job in a folder of its own.

    Args:
        folder: where arrays and results go; it must exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def layMeasurement(self, volumeNode: Any, settings: MeasureSettings) -> None:
        """Write all that the engine needs to measure ``volumeNode``; UsageError or CannotMeasure if it can't."""
        reader = VolumeReader(volumeNode)
        arrays = {VOXELS: reader.voxels()}
        weights = fromAnywhere(settings.weights) if settings.weights else None
        segmentation: Networks | LabelMap = Networks(settings.device, weights)
        if settings.segmentationNode is not None:
            arrays[LABELS] = SegmentSource.labels(settings.segmentationNode, reader)
            segmentation = LabelMap("verse", "whole" if settings.segmentsAreWhole else "body")
        store = settings.calibrationStore
        calibration = StoreChoice(fromAnywhere(store), settings.laterCalibration) if store else settings.calibration
        volume = reader.volume(DicomDatabase.current())
        lay(self.folder, MeasureSpec(volume, segmentation, calibration, settings.levels, rules=settings.rules), arrays)

    def takeMeasurement(self, volumeNode: Any) -> tuple[StoredReview, Bodies]:
        """Return what was measured; UsageError if the volume changed meanwhile."""
        result = load_result(self.folder, MeasureResult)
        measured = whole_numbers(array(self.folder, VOXELS))
        voxels = checksum(with_air(measured, result.air))
        now = checksum(with_air(whole_numbers(VolumeReader(volumeNode).voxels()), result.air))
        if voxels != now:
            raise UsageError("measure.volume_changed")
        stored = StoredReview(
            examination=Examination.from_json((self.folder / RECORD_FILE).read_text(encoding="utf-8")),
            stored=result.stored,
            air=None if result.air is None else list(result.air),
            voxels=voxels,
            remark="" if result.remark is None else str(result.remark),
        )
        return stored, bodies_in(np.load(self.folder / BODIES))
