"""Laying out the search for a phantom for the engine's process, and taking what it found."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ldct_bmd.calibration.phantom.description import PhantomDescription
from ldct_bmd.calibration.phantom.measure import PhantomMeasurement
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.scan import CTScan, ScanDescription
from ldct_bmd.scan.air import with_air
from ldct_bmd.scan.image_files import whole_numbers

from ..scene.VolumeReader import VolumeReader
from . import EngineJob
from .Destination import JOB, RESULT, VOXELS
from .DicomDatabase import DicomDatabase


@dataclass(frozen=True)
class PhantomScan:
    """A phantom's scan, with its rods or why they were not found.

    Attributes:
        measured: None where the search refused.
        refused: the engine's sentence; "" where there is none.
        remark: what is to be known of the volume's files.
    """

    phantom: PhantomDescription
    scan: CTScan
    measured: PhantomMeasurement | None
    refused: str
    remark: str


class PhantomJob:
    """One job in a folder of its own.

    Args:
        folder: where arrays and results go; it must exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lay(self, volumeNode: Any, phantom: PhantomDescription, search: bool) -> None:
        """Write all that the engine needs; without ``search`` it only reads the scan. CannotMeasure if it can't."""
        reader = VolumeReader(volumeNode)
        files = reader.files(DicomDatabase.current())
        np.save(self.folder / VOXELS, reader.voxels())
        job = {
            "kind": "phantom",
            "stored": to_plain(reader.stored),
            "geometry": to_plain(reader.geometry),
            "fileKind": files.kind,
            "files": [str(path) for path in files.paths],
            "phantom": to_plain(phantom),
            "search": search,
        }
        (self.folder / JOB).write_text(json.dumps(job), encoding="utf-8")

    def take(self) -> PhantomScan:
        """Return what was found."""
        job = EngineJob.load(self.folder)
        result = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        hu = with_air(whole_numbers(np.load(self.folder / VOXELS, mmap_mode="r")), result["air"])
        measured = result["measured"]
        return PhantomScan(
            phantom=from_plain(PhantomDescription, job["phantom"]),
            scan=from_plain(ScanDescription, result["scan"]).with_voxels(hu),
            measured=None if measured is None else from_plain(PhantomMeasurement, measured),
            refused=result["refused"],
            remark=result["remark"],
        )
