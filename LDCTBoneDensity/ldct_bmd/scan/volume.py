"""From a volume's voxels, and the files that it was loaded from, to the scan that those files alone would give.

The files are the better source: they say how the scan was made, and their geometry is exact to the last digit, which a
viewer's is not. But what is measured is what the reader sees: files count only if they hold the same voxels.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..ground.progress import Progress
from ..words import Phrase
from .air import Voxels, with_air
from .ct_scan import ChoiceReason, CTScan, Geometry, Patient, SeriesChoice, Source
from .dicom_headers import read_header_files
from .dicom_series import find_series
from .dicom_volume import AIR_HU
from .image_files import checked_values, read_image_file, whole_numbers
from .plausibility import check_size
from .reader import read_series

SAME_PLACE_MM = 0.05  # a viewer's grid comes from the first slices' positions, written with few digits
Range = tuple[float, float]


@dataclass(frozen=True)
class Volume:
    """A volume without its voxels.

    Attributes:
        stored: the grid of the volume as it is kept.
        geometry: the same in the engine's order of axes, on which the voxels are given.
        kind: what ``files`` are; "" if there are none.
        files: what it was loaded from, by path.
    """

    stored: Geometry
    geometry: Geometry
    kind: Literal["dicom", "file", ""] = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class VolumeScan:
    """The scan that a volume is.

    Attributes:
        air: the range of values that its files call air (padding), which are air in ``scan``; None if there are none.
        remark: what the reader must know of the files; None if there is nothing.
    """

    scan: CTScan
    air: Range | None = None
    remark: Phrase | None = None


def scan_of_volume(
    volume: Volume, voxels: NDArray[np.generic], progress: Progress, of_patient: bool = True
) -> VolumeScan:
    """Return the scan that ``volume`` is, with ``voxels`` (z, y, x) on its ``geometry``.

    Raises:
        CannotMeasure: the voxels are no Hounsfield units of a trunk (only of a CT unless ``of_patient``), or the files
            say what forbids measuring them.
    """
    hu = whole_numbers(voxels)
    if not volume.files:
        return VolumeScan(_bare(volume, hu, of_patient), remark=Phrase("volume.no_files"))
    read = _read(volume, progress, of_patient)
    is_same, air = _compare(volume.geometry, hu, read)
    if is_same:
        return VolumeScan(read, air)
    bare = _bare(volume, hu, of_patient)
    source = replace(bare.source, modified=True)
    made = replace(read.acquisition, values_cut_at_hu=bare.acquisition.values_cut_at_hu)
    changed = replace(bare, acquisition=made, patient=read.patient, source=source)
    return VolumeScan(changed, remark=Phrase("volume.changed"))


def _bare(volume: Volume, hu: Voxels, of_patient: bool) -> CTScan:
    check_size(volume.geometry)
    acquisition = checked_values(hu, of_patient)
    return CTScan(hu, volume.geometry, acquisition, Patient(), Source("file"), volume.stored)


def _compare(geometry: Geometry, hu: Voxels, read: CTScan) -> tuple[bool, Range | None]:
    """Return whether the files hold the same voxels, and the range that the engine turned into air, if any.

    Scanners fill what they did not reconstruct with a padding value, which a viewer shows as it is.
    """
    if not _is_same_place(geometry, read.geometry):
        return False, None
    differs = hu != read.hu
    if not differs.any():
        return True, None
    if (read.hu[differs] != AIR_HU).any():
        return False, None
    values = hu[differs]
    air = (float(values.min()), float(values.max()))
    return (True, air) if np.array_equal(with_air(hu, air), read.hu) else (False, None)


def _is_same_place(one: Geometry, other: Geometry) -> bool:
    if one.size != other.size:
        return False
    last = np.asarray(one.size) - 1.0
    corners = np.array([[0, 0, 0], [last[0], 0, 0], [0, last[1], 0], [0, 0, last[2]], last])
    return bool(np.abs(other.to_lps_mm(corners) - one.to_lps_mm(corners)).max() <= SAME_PLACE_MM)


def _read(volume: Volume, progress: Progress, of_patient: bool) -> CTScan:
    files = [Path(file) for file in volume.files]
    if volume.kind == "file":
        return read_image_file(files[0], progress, of_patient)
    series = find_series(read_header_files(files, progress))
    if len(series) != 1:
        raise CannotMeasure("volume.several_acquisitions")
    unsuitable = series[0].unsuitable
    if unsuitable is not None and not unsuitable.on_request:
        raise CannotMeasure("volume.unsuitable", why=unsuitable.reason)
    choice = SeriesChoice(ChoiceReason.LOADED, series[0].address)
    return read_series(series[0], series, choice, progress, of_patient)
