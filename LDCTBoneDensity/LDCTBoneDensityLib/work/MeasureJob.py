"""Laying out a measurement for the engine's process, and taking what it made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from ldct_bmd.anatomy import LEVELS, TARGET_LEVELS
from ldct_bmd.calibration import NOMINAL, Calibration
from ldct_bmd.examination import Bodies, Examination, bodies_in
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.scan import Geometry
from ldct_bmd.scan.air import with_air
from ldct_bmd.scan.image_files import whole_numbers

from ..scene.ReviewStore import StoredReview, checksum
from ..scene.SegmentSource import SegmentSource
from ..scene.VolumeReader import VolumeReader
from .Destination import BODIES, JOB, LABELS, RESULT, VOXELS
from .DicomDatabase import DicomDatabase


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


def levelsIn(text: str) -> tuple[str, ...]:
    """Return the levels of "T12, L1, L2", top to bottom; UsageError for what is none."""
    names = [name.strip().upper() for name in text.replace(";", ",").split(",") if name.strip()]
    unknown = [name for name in names if name not in LEVELS]
    if unknown or not names:
        raise UsageError.of_text(
            _("{names} is no list of levels: write them as in T12, L1, L2.").format(names=text or '""')
        )
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
        source = settings.segmentationNode
        if source is not None:
            np.save(self.folder / LABELS, SegmentSource.labels(source, reader))
        np.save(self.folder / VOXELS, reader.voxels())
        files = reader.files(DicomDatabase.current())
        parts = None if source is None else ("whole" if settings.segmentsAreWhole else "body")
        self._write(
            {
                "kind": "measure",
                "stored": to_plain(reader.stored),
                "geometry": to_plain(reader.geometry),
                "fileKind": files.kind,
                "files": [str(path) for path in files.paths],
                "calibration": to_plain(settings.calibration),
                "calibrationStore": settings.calibrationStore,
                "laterCalibration": settings.laterCalibration,
                "levels": list(settings.levels),
                "device": settings.device,
                "weights": settings.weights,
                "parts": parts,
            }
        )

    def takeMeasurement(self, volumeNode: Any) -> tuple[StoredReview, Bodies]:
        """Return what was measured; UsageError where the volume changed meanwhile."""
        result = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        measured = whole_numbers(np.load(self.folder / VOXELS, mmap_mode="r"))
        voxels = checksum(with_air(measured, result["air"]))
        now = checksum(with_air(whole_numbers(VolumeReader(volumeNode).voxels()), result["air"]))
        if voxels != now:
            raise UsageError.of_text(_("The volume was changed during the measurement: measure again."))
        stored = StoredReview(
            examination=Examination.from_json(json.dumps(result["record"])),
            stored=from_plain(Geometry, result["stored"]),
            air=result["air"],
            voxels=voxels,
            remark=result["remark"],
        )
        return stored, bodies_in(np.load(self.folder / BODIES))

    def _write(self, job: dict[str, Any]) -> None:
        (self.folder / JOB).write_text(json.dumps(job), encoding="utf-8")
