"""From a volume's voxels, and the files it was loaded from, to the scan that the command line would read.

The files are the better source: they say how the scan was made, and their geometry is exact to the last digit, which a
node's is not. But what is measured is what the reader sees: files count only where they hold the same voxels.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Progress
from ldct_bmd.scan import Acquisition, ChoiceReason, CTScan, Geometry, Patient, SeriesChoice, Source
from ldct_bmd.scan.air import with_air
from ldct_bmd.scan.dicom_volume import AIR_HU
from ldct_bmd.scan.image_files import whole_numbers
from ldct_bmd.scan.plausibility import check_size, check_values

SAME_PLACE_MM = 0.05  # a node's grid comes from the first slices' positions, written with few digits
_NONE = "The volume has no files to read tags from, so tube voltage, kernel and patient are not known."
_CHANGED = "The volume differs from the files it was loaded from, and is measured as it is in the scene."


class ScanSource:
    """One volume of the scene.

    Args:
        stored: the node's own grid.
        geometry: the same in the engine's order of axes.
        voxels: (z, y, x) on ``geometry``.
    """

    def __init__(self, stored: Geometry, geometry: Geometry, voxels: np.ndarray) -> None:
        self._stored = stored
        self._geometry = geometry
        self._hu = whole_numbers(voxels)

    def scan(
        self, kind: str, files: Sequence[Path], progress: Progress, ofPatient: bool = True
    ) -> tuple[CTScan, list[float] | None, str]:
        """Return the scan, the range of values that its files call air (padding), and a remark for the reader.

        Raises:
            CannotMeasure: the voxels are no Hounsfield units of a trunk (only of a CT unless ``ofPatient``), or the
                files say what forbids measuring them.
        """
        if not files:
            return self._bare(ofPatient), None, _NONE
        isDicom = kind == "dicom"
        read = _readDicom(files, progress, ofPatient) if isDicom else _readFile(files[0], progress, ofPatient)
        air = self._airRange(read) if self._samePlace(read.geometry) else None
        if air is None:
            bare = self._bare(ofPatient)
            source = replace(bare.source, modified=True)
            return replace(bare, acquisition=read.acquisition, patient=read.patient, source=source), None, _CHANGED
        return read, list(air) if air else None, ""

    def _bare(self, ofPatient: bool) -> CTScan:
        check_size(self._geometry)
        check_values(self._hu, ofPatient)
        return CTScan(self._hu, self._geometry, Acquisition(), Patient(), Source("file"), self._stored)

    def _samePlace(self, other: Geometry) -> bool:
        if other.size != self._geometry.size:
            return False
        last = np.asarray(other.size) - 1.0
        corners = np.array([[0, 0, 0], [last[0], 0, 0], [0, last[1], 0], [0, 0, last[2]], last])
        return bool(np.abs(other.to_lps_mm(corners) - self._geometry.to_lps_mm(corners)).max() <= SAME_PLACE_MM)

    def _airRange(self, read: CTScan) -> tuple[float, ...] | None:
        """Return () where the voxels are the same, (low, high) where the engine turned that range into air, else None.

        Scanners fill what they did not reconstruct with a padding value, which the scene shows as it is.
        """
        differs = self._hu != read.hu
        if not differs.any():
            return ()
        if (read.hu[differs] != AIR_HU).any():
            return None
        values = self._hu[differs]
        low, high = float(values.min()), float(values.max())
        return (low, high) if np.array_equal(with_air(self._hu, (low, high)), read.hu) else None


def _readDicom(files: Sequence[Path], progress: Progress, ofPatient: bool) -> CTScan:
    from ldct_bmd.scan.dicom_headers import read_header_files
    from ldct_bmd.scan.dicom_series import find_series
    from ldct_bmd.scan.reader import read_series

    series = find_series(read_header_files(files, progress))
    if len(series) != 1:
        raise CannotMeasure.of_text("The files of this volume belong to several acquisitions: load one of them alone.")
    if series[0].unsuitable is not None and not series[0].unsuitable.on_request:
        raise CannotMeasure.of_text(f"The volume cannot be measured: {series[0].unsuitable.reason}.")
    choice = SeriesChoice(ChoiceReason.LOADED, series[0].address)
    return read_series(series[0], series, choice, progress, ofPatient)


def _readFile(path: Path, progress: Progress, ofPatient: bool) -> CTScan:
    from ldct_bmd.scan.image_files import read_image_file

    return read_image_file(path, progress, ofPatient)
