"""Reading one NIfTI, NRRD or MHA file."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..ground.progress import Progress, silent
from .ct_scan import Acquisition, CTScan, Geometry, Patient, Source
from .frame import axes_to_lps, make_geometry
from .plausibility import check_size, check_values

FILE_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")
_DETACHED_ENDINGS = (".mhd", ".nhdr", ".hdr", ".img")
_EIGHT_BITS = (sitk.sitkUInt8, sitk.sitkInt8)
_INT16 = np.iinfo(np.int16)
_METADATA_ALONE = Acquisition()  # these files say nothing of kVp, kernel or patient


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
    image = _read_image(path)
    progress("read", 0.5)
    hu, geometry, stored = _in_the_engines_frame(image)
    progress("read", 0.8)
    check_values(hu, of_patient)
    source = Source(
        kind="file",
        file_sha256=_sha256(path),
        file_name=path.name,
    )
    progress("read", 1.0)
    return CTScan(hu, geometry, _METADATA_ALONE, Patient(), source, stored)


def scan_of_image(image: sitk.Image, of_patient: bool = True) -> CTScan:
    """Take an image in memory as a CT scan; CannotMeasure if its values are not Hounsfield units.

    ``of_patient``: see :func:`.reader.read_scan`.

    Raises:
        ValueError: it has not three dimensions, or more than one value per voxel, or 8 bits.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1 or image.GetPixelID() in _EIGHT_BITS:
        raise ValueError("a scan has three dimensions, and one value of more than 8 bits per voxel")
    hu, geometry, stored = _in_the_engines_frame(image)
    check_values(hu, of_patient)
    return CTScan(hu, geometry, _METADATA_ALONE, Patient(), Source("file"), stored)


def _in_the_engines_frame(image: sitk.Image) -> tuple[NDArray[np.int16] | NDArray[np.float32], Geometry, Geometry]:
    """Return the values (z, y, x) in the engine's frame, its grid, and the grid as stored."""
    stored = make_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    axis_map = axes_to_lps(stored)
    geometry = axis_map.geometry(stored)
    check_size(geometry)
    return whole_numbers(axis_map.view(sitk.GetArrayViewFromImage(image))), geometry, stored


def _read_image(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        _check_header(reader, path)
        if path.name.lower().endswith((".nii", ".nii.gz")):
            _check_nifti_is_whole(reader, path)
        image = reader.Execute()
    except RuntimeError as error:
        raise _unreadable(path, str(error)) from error
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    return image


def _check_header(reader: sitk.ImageFileReader, path: Path) -> None:
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


def _has_eight_bits(reader: sitk.ImageFileReader) -> bool:
    """Whether a voxel is stored in 8 bits, also where a NIfTI's slope makes the pixel type floating point."""
    stored = "bitpix" in reader.GetMetaDataKeys() and int(reader.GetMetaData("bitpix")) <= 8
    return stored or reader.GetPixelID() in _EIGHT_BITS


def _check_nifti_is_whole(reader: sitk.ImageFileReader, path: Path) -> None:
    """Refuse a file cut short: ITK fills what is missing in a NIfTI with zeros and says nothing."""
    voxels = int(np.prod([int(n) for n in reader.GetSize()]))
    expected = float(reader.GetMetaData("vox_offset")) + voxels * int(reader.GetMetaData("bitpix")) / 8
    found = 0
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            while block := stream.read(1 << 20):
                found += len(block)
    except (EOFError, OSError, zlib.error) as error:
        raise CannotMeasure("scan.damaged_volume", file=path.name) from error
    if found < expected:
        raise CannotMeasure("scan.damaged_volume", file=path.name)


def _states_orientation(reader: sitk.ImageFileReader, path: Path) -> bool:
    """Whether the header says where left and head are; ITK would take a guess where it does not."""
    keys = reader.GetMetaDataKeys()
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")) and "qform_code" in keys and "sform_code" in keys:
        return not all(reader.GetMetaData(key).strip() == "0" for key in ("qform_code", "sform_code"))
    if name.endswith(".nrrd"):
        return "NRRD_space" in keys
    if name.endswith(".mha"):
        with path.open("rb") as stream:
            header = stream.read(4096).split(b"ElementDataFile")[0]
        return any(key in header for key in (b"TransformMatrix", b"Orientation =", b"Rotation"))
    return True


def _unreadable(path: Path, message: str) -> CannotMeasure:
    if "orthonormal" in message.lower() or "nonsingular" in message.lower():
        return CannotMeasure("scan.axes_not_perpendicular", file=path.name)
    return CannotMeasure("scan.damaged_volume", file=path.name)


def whole_numbers(values: NDArray[Any]) -> NDArray[np.int16] | NDArray[np.float32]:
    """Copy (z, y, x) values to int16 if all are whole numbers in range, else to float32.

    Always a copy: the values are a view into an image that is freed with its last reference.
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
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
