"""Reading one NIfTI, NRRD or MHA file."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..ground.files import open_regular, spelled
from ..ground.progress import Progress, silent
from ..words import Phrase
from .ct_scan import Acquisition, CTScan, Geometry, Patient, Source
from .frame import axes_to_lps, make_geometry
from .plausibility import check_size, check_values
from .slice_content import check_slices
from .value_range import check_brightest
from .volume_files import NIFTI_ENDINGS, check_volume_file, read_nifti

if TYPE_CHECKING:
    import SimpleITK as sitk

FILE_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")
_DETACHED_ENDINGS = (".mhd", ".nhdr", ".hdr", ".img")
_INT16 = np.iinfo(np.int16)
HU = NDArray[np.int16] | NDArray[np.float32]


def is_image_file(path: Path) -> bool:
    """Whether the name is that of a file this module reads."""
    return path.name.lower().endswith(FILE_ENDINGS)


def is_detached_header(path: Path) -> bool:
    """Whether the name is that of a header whose voxels lie in another file."""
    return path.name.lower().endswith(_DETACHED_ENDINGS)


def read_image_file(path: Path, progress: Progress = silent, of_patient: bool = True) -> CTScan:
    """Read a file as a CT scan; CannotMeasure if it is not one scalar 3D volume of Hounsfield units.

    ``of_patient``: see :func:`.reader.read_scan`.
    """
    progress("read", 0.0)
    stored, values = _read_volume(path)
    progress("read", 0.5)
    hu, geometry = _in_the_engines_frame(stored, values)
    progress("read", 0.8)
    acquisition = checked_values(hu, of_patient)
    source = Source(
        kind="file",
        file_sha256=_sha256(path),
        file_name=path.name,
    )
    progress("read", 1.0)
    return CTScan(hu, geometry, acquisition, Patient(), source, stored)


def _read_volume(path: Path) -> tuple[Geometry, NDArray[Any]]:
    """Return the grid as stored and the voxels (z, y, x) on it, which may be a view."""
    if path.name.lower().endswith(NIFTI_ENDINGS):
        volume = read_nifti(path)
        if volume.bits <= 8:
            raise CannotMeasure("scan.eight_bits", file=path.name)
        if volume.direction is None:
            raise CannotMeasure("scan.no_orientation", file=path.name)
        nz, ny, nx = volume.values.shape
        return make_geometry((nx, ny, nz), volume.spacing_mm, volume.origin_lps_mm, volume.direction), volume.values
    import SimpleITK as sitk

    check_volume_file(path)
    image = _read_image(path)
    return _grid_of(image), sitk.GetArrayFromImage(image)


def scan_of_image(image: "sitk.Image", of_patient: bool = True) -> CTScan:
    """Take an image in memory as a CT scan.

    Args:
        image: in Hounsfield units, on any grid.
        of_patient: see :func:`.reader.read_scan`.

    Raises:
        CannotMeasure: its values are not Hounsfield units.
        ValueError: it has not three dimensions, or more than one value per voxel, or 8 bits.
    """
    import SimpleITK as sitk

    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1 or _has_eight_bits(image):
        raise ValueError("a scan has three dimensions, and one value of more than 8 bits per voxel")
    stored = _grid_of(image)
    hu, geometry = _in_the_engines_frame(stored, sitk.GetArrayViewFromImage(image))
    return CTScan(hu, geometry, checked_values(hu, of_patient), Patient(), Source("file"), stored)


def _grid_of(image: "sitk.Image") -> Geometry:
    return make_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def _has_eight_bits(values: "sitk.Image | sitk.ImageFileReader") -> bool:
    import SimpleITK as sitk

    return values.GetPixelID() in (sitk.sitkUInt8, sitk.sitkInt8)


def _in_the_engines_frame(stored: Geometry, values: NDArray[Any]) -> tuple[HU, Geometry]:
    """Return the values (z, y, x) in the engine's frame, and its grid."""
    axis_map = axes_to_lps(stored)
    geometry = axis_map.geometry(stored)
    check_size(geometry)
    return whole_numbers(axis_map.view(values)), geometry


def checked_values(hu: HU, of_patient: bool) -> Acquisition:
    """Check the values, and return what they tell: these files say nothing of kVp or kernel."""
    check_values(hu, of_patient)
    check_slices(hu, lambda place: Phrase("unfit.slice", {"number": place + 1, "count": len(hu)}))
    return Acquisition(values_cut_at_hu=check_brightest(hu) if of_patient else None)


def _read_image(path: Path) -> "sitk.Image":
    """Read an NRRD or MHA file."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    try:
        with spelled(path) as name:
            reader.SetFileName(name)
            reader.ReadImageInformation()
            _check_header(reader, path)
            image = reader.Execute()
    except RuntimeError as error:
        raise CannotMeasure("scan.damaged_volume", file=path.name) from error
    return image[:, :, :, 0] if image.GetDimension() == 4 else image


def _check_header(reader: "sitk.ImageFileReader", path: Path) -> None:
    dimension, size = reader.GetDimension(), reader.GetSize()
    if dimension > 3 and max(size[3:]) > 1:
        raise CannotMeasure("scan.several_volumes", file=path.name, dimensions=dimension)
    if dimension < 3 or min(size[:3]) < 2:
        raise CannotMeasure("scan.file_of_one_image", file=path.name)
    if reader.GetNumberOfComponents() > 1:
        raise CannotMeasure("scan.several_values", file=path.name, values=reader.GetNumberOfComponents())
    if _has_eight_bits(reader):
        raise CannotMeasure("scan.eight_bits", file=path.name)
    if not _states_orientation(reader, path):
        raise CannotMeasure("scan.no_orientation", file=path.name)


def _states_orientation(reader: "sitk.ImageFileReader", path: Path) -> bool:
    """Whether the header says where left and head are; ITK would take a guess where it does not."""
    if path.name.lower().endswith(".nrrd"):
        return "NRRD_space" in reader.GetMetaDataKeys()
    with open_regular(path) as stream:
        header = stream.read(4096).split(b"ElementDataFile")[0]
    return any(key in header for key in (b"TransformMatrix", b"Orientation =", b"Rotation"))


def whole_numbers(values: NDArray[Any]) -> HU:
    """Copy (z, y, x) values to int16 if all are whole numbers in range, else to float32.

    Always a copy in the order of the engine, whatever the values are a view of.
    """
    hu: NDArray[np.int16] = np.empty(values.shape, dtype=np.int16)
    for z, plane in enumerate(values):
        low, high = plane.min(), plane.max()  # NaN fails the comparison
        if not (low >= _INT16.min and high <= _INT16.max):
            return np.array(values, dtype=np.float32, order="C")
        hu[z] = plane
        if plane.dtype.kind == "f" and not np.array_equal(hu[z], plane):
            return np.array(values, dtype=np.float32, order="C")
    return hu


def _sha256(path: Path) -> str:
    with open_regular(path) as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
