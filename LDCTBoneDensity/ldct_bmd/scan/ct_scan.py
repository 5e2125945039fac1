"""A CT scan as the engine sees it: HU, geometry, acquisition."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..words import Phrase


@dataclass(frozen=True)
class Geometry:
    """A voxel grid in LPS space, in ITK's convention.

    Attributes:
        size: voxels along (x, y, z).
        spacing_mm: voxel pitch along (x, y, z).
        origin_lps_mm: centre of the voxel with index (0, 0, 0).
        direction: 3 x 3, orthonormal; column i is the LPS direction of index axis i.

    Examples:
        >>> upright = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        >>> grid = Geometry((512, 512, 300), (0.7, 0.7, 1.0), (-180.0, -180.0, -250.0), upright)
        >>> grid.shape
        (300, 512, 512)
        >>> grid.to_lps_mm(np.array([100.0, 200.0, 50.0]))
        array([-110.,  -40., -200.])
        >>> grid.to_index_xyz(np.array([-110.0, -40.0, -200.0]))
        array([100., 200.,  50.])
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of an array on this grid."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm))

    def to_lps_mm(self, index_xyz: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map continuous indices ``index_xyz`` (..., 3) in (x, y, z) order to LPS points in mm."""
        scaled = np.asarray(index_xyz, dtype=np.float64) * np.asarray(self.spacing_mm)
        return scaled @ np.asarray(self.direction).T + np.asarray(self.origin_lps_mm)

    def to_index_xyz(self, points_lps_mm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map LPS points ``points_lps_mm`` (..., 3) to continuous indices in (x, y, z) order."""
        offset = np.asarray(points_lps_mm, dtype=np.float64) - np.asarray(self.origin_lps_mm)
        return (offset @ np.asarray(self.direction)) / np.asarray(self.spacing_mm)


@dataclass(frozen=True)
class Acquisition:
    """How the scan was made. None: the input does not say (never guessed).

    Attributes:
        kvp: tube voltage in kV.
        tube_current_ma: in mA.
        exposure_mas: in mAs.
        kernel: as the scanner calls it.
        slice_thickness_mm: as the header says, which is not the distance of the slices.
        manufacturer: of the scanner.
        model: of the scanner.
        station: name of the station.
        device_serial: serial number of the scanner.
        filter_type: of the beam filter.
        contrast_agent: what was given.
        series_description: as the header has it.
        study_date: DICOM DA, YYYYMMDD.
        acquisition_date: DICOM DA, YYYYMMDD.
        tin_by_name: whether only the filter's material, or words, tell of tin.
        lossy_compression: how, if pixels were lost by it.
        values_cut_at_hu: the brightest values pile up there.
    """

    kvp: float | None = None
    tube_current_ma: float | None = None
    exposure_mas: float | None = None
    kernel: str | None = None
    slice_thickness_mm: float | None = None
    manufacturer: str | None = None
    model: str | None = None
    station: str | None = None
    device_serial: str | None = None
    filter_type: str | None = None
    contrast_agent: str | None = None
    series_description: str | None = None
    study_date: str | None = None
    acquisition_date: str | None = None
    # Not compared: a record of a version that did not look for them is still of its scan.
    tin_by_name: bool = field(default=False, compare=False)
    lossy_compression: str | None = field(default=None, compare=False)
    values_cut_at_hu: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Patient:
    """Who was scanned, as the input names them. The date of birth is not kept: the age follows from it on reading.

    Attributes:
        patient_id: as the site gave it.
        name: as the header has it.
        sex: as DICOM codes it, "F", "M" or "O".
        age_years: at the scan.
    """

    patient_id: str | None = None
    name: str | None = None
    sex: str | None = None
    age_years: float | None = None


@dataclass(frozen=True)
class SeriesSummary:
    """One series found in the input, and why it is or is not the one to measure.

    Attributes:
        unsuitable: None, or why this series can't be measured ("localizer", "sagittal reformat", ...).
    """

    series_uid: str
    description: str
    modality: str
    slices: int
    spacing_z_mm: float | None
    coverage_z_mm: float | None
    kernel: str | None
    patient_id: str | None
    unsuitable: str | None


class ChoiceReason(str, Enum):
    """Why a series was measured and no other."""

    ONLY = "only"
    NAMED = "named"  # by the user
    LOADED = "loaded"  # into the scene
    ONLY_SUITABLE = "only_suitable"
    BODY_PART = "body_part"
    ORIGINAL = "original"
    COVERAGE = "coverage"
    NO_CONTRAST = "no_contrast"
    THIN = "thin"
    SOFTER_KERNEL = "softer_kernel"
    THINNER = "thinner"
    LOWER = "lower"
    LATEST = "latest"
    FIRST = "first"


@dataclass(frozen=True)
class SeriesChoice:
    """How a series was chosen.

    Attributes:
        address: the series as :func:`.reader.list_series` names it.
        series: how many the input held, this one included.
        patients: how many patients they are of.
    """

    reason: ChoiceReason
    address: str
    series: int = 1
    patients: int = 1


@dataclass(frozen=True)
class OtherSeries:
    """A series in the input that was not measured; UID and description are empty if it is another patient's.

    ``unsuitable``: None, or why it can't be measured. ``continues``: True if its slices lie where the grid of those
    measured goes on, as if one scan was split; else None.
    """

    series_uid: str
    description: str
    slices: int
    unsuitable: Phrase | None
    continues: bool | None = None


@dataclass(frozen=True)
class Source:
    """Where the pixels come from, so that they can be found again. It names no folder.

    ``file_name``, ``choice``, ``other_series`` and ``passed_over`` tell how the scan was found, not which it is: they
    are not compared.

    Attributes:
        sop_instance_uids: one per slice, in the order of the array's z axis; empty for a file.
        file_name: without its folder; None for DICOM.
        choice: None for a file.
        passed_over: names of files and linked folders that may hold slices and were not read.
    """

    kind: Literal["dicom", "file"]
    series_uid: str | None = None
    study_uid: str | None = None
    frame_of_reference_uid: str | None = None
    accession_number: str | None = None
    sop_instance_uids: tuple[str, ...] = ()
    file_sha256: str | None = None
    modified: bool = False  # voxels or grid differ from those of the files that the tags come from
    file_name: str | None = field(default=None, compare=False)
    choice: SeriesChoice | None = field(default=None, compare=False)
    other_series: tuple[OtherSeries, ...] = field(default=(), compare=False)
    passed_over: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class ScanDescription:
    """All that a record keeps of a scan: which it is and how it was made, not its voxels. See :class:`CTScan`."""

    geometry: Geometry
    acquisition: Acquisition
    patient: Patient
    source: Source

    def with_voxels(self, hu: NDArray[np.int16] | NDArray[np.float32], stored: Geometry | None = None) -> "CTScan":
        """Return the scan; ``hu`` and ``stored`` as :class:`CTScan` has them."""
        return CTScan(hu, self.geometry, self.acquisition, self.patient, self.source, stored)


@dataclass(frozen=True)
class CTScan:
    """A CT volume in the engine's frame.

    Attributes:
        hu: Hounsfield units, int16 or float32, shape (z, y, x); x rises towards the patient's left, y to the back and
            z to the head (the axes may still be oblique to these by less than 45 degrees).
        geometry: the grid of ``hu``.
        acquisition: how it was made.
        patient: who was scanned.
        source: where the pixels come from.
        stored: the grid before reorientation; None if it is ``geometry``.
    """

    hu: NDArray[np.int16] | NDArray[np.float32]
    geometry: Geometry
    acquisition: Acquisition
    patient: Patient
    source: Source
    stored: Geometry | None = None

    @property
    def stored_geometry(self) -> Geometry:
        """The grid before reorientation."""
        return self.geometry if self.stored is None else self.stored

    @property
    def description(self) -> ScanDescription:
        """The scan without its voxels."""
        return ScanDescription(self.geometry, self.acquisition, self.patient, self.source)
