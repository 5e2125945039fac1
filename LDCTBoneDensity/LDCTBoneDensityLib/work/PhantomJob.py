"""Laying out the search for a phantom for the engine's process, and taking what it found."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldct_bmd.calibration.phantom.description import PhantomDescription
from ldct_bmd.calibration.phantom.measure import PhantomMeasurement
from ldct_bmd.jobs.folder import VOXELS, PhantomResult, array, lay, load_result
from ldct_bmd.jobs.spec import PhantomSpec
from ldct_bmd.scan import CTScan
from ldct_bmd.scan.air import with_air
from ldct_bmd.scan.image_files import whole_numbers

from ..scene.VolumeReader import VolumeReader
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
        self._phantom = phantom
        reader = VolumeReader(volumeNode)
        volume = reader.volume(DicomDatabase.current())
        lay(self.folder, PhantomSpec(volume, phantom, search), {VOXELS: reader.voxels()})

    def take(self) -> PhantomScan:
        """Return what was found."""
        result = load_result(self.folder, PhantomResult)
        hu = with_air(whole_numbers(array(self.folder, VOXELS)), result.air)
        return PhantomScan(
            phantom=self._phantom,
            scan=result.scan.with_voxels(hu),
            measured=result.measured,
            refused="" if result.refused is None else str(result.refused),
            remark="" if result.remark is None else str(result.remark),
        )
