"""Small synthetic scans and DICOM series of them, for the tests of reading."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SPACING_MM = (5.0, 5.0, 2.5)
ORIGIN_LPS_MM = (-117.5, -97.5, -60.0)


def torso(slices: int = 16) -> NDArray[np.int16]:
    """A coarse trunk in HU, (z, y, x) in LPS, different in every direction: lungs, liver to the right, spine behind."""
    z, y, x = np.meshgrid(np.arange(slices), np.arange(40), np.arange(48), indexing="ij")
    hu = np.full(z.shape, -1000.0)
    hu[((x - 23.5) / 21) ** 2 + ((y - 19.5) / 16) ** 2 < 1] = -100
    hu[((x - 23.5) / 19) ** 2 + ((y - 19.5) / 14) ** 2 < 1] = 40
    hu[((x - 33) / 7) ** 2 + ((y - 18) / 9) ** 2 < 1] = -850
    hu[(((x - 14) / 6) ** 2 + ((y - 17) / 8) ** 2 < 1) & (z > slices // 3)] = -820
    hu[(abs(x - 23.5) < 4) & (abs(y - 28) < 3)] = 180
    hu[(abs(x - 23.5) < 4) & (abs(y - 28) < 3) & (z % 8 == 0)] = 700
    hu += np.random.default_rng(7).integers(-15, 16, hu.shape)
    return hu.astype(np.int16)


def as_image(
    hu: NDArray[Any],
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    origin_lps_mm: tuple[float, float, float] = ORIGIN_LPS_MM,
) -> sitk.Image:
    """An LPS image of (z, y, x) values."""
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing(spacing_mm)
    image.SetOrigin(origin_lps_mm)
    return image


def datasets(image: sitk.Image, series_uid: str | None = None, **tags: Any) -> list[Dataset]:
    """One CT dataset for each slice of ``image`` along its third axis, uncompressed, with ``tags`` in each."""
    values = sitk.GetArrayFromImage(image)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    series_uid = series_uid or generate_uid()
    shared = {"StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}
    made = []
    for k, plane in enumerate(values):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = generate_uid()
        dataset.SeriesInstanceUID = series_uid
        for keyword, value in shared.items():
            setattr(dataset, keyword, value)
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.SeriesDescription = "CHEST"
        dataset.PatientID = "P1"
        dataset.PatientName = "Doe^Jane"
        dataset.StudyDate = "20240102"
        dataset.InstanceNumber = k + 1
        dataset.AcquisitionNumber = 1
        dataset.KVP = "120"
        dataset.ConvolutionKernel = "STANDARD"
        dataset.SliceThickness = str(image.GetSpacing()[2])
        dataset.ImagePositionPatient = [
            f"{v:.6g}" for v in image.TransformContinuousIndexToPhysicalPoint((0.0, 0.0, float(k)))
        ]
        dataset.ImageOrientationPatient = [f"{v:.6g}" for v in (*direction[:, 0], *direction[:, 1])]
        dataset.PixelSpacing = [str(image.GetSpacing()[1]), str(image.GetSpacing()[0])]
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = 1
        dataset.RescaleIntercept = "-1024"
        dataset.RescaleSlope = "1"
        dataset.PixelData = (plane.astype(np.int32) + 1024).astype("<i2").tobytes()
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        made.append(dataset)
    return made


def save(made: list[Dataset], folder: Path, prefix: str = "slice") -> Path:
    """Write datasets into ``folder`` as prefix_000, prefix_001, ... without extension."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, dataset in enumerate(made):
        dataset.save_as(folder / f"{prefix}_{k:03d}", enforce_file_format=True)
    return folder


def write_series(
    folder: Path,
    image: sitk.Image | None = None,
    edit: Callable[[Dataset, int], None] | None = None,
    prefix: str = "slice",
    **tags: Any,
) -> str:
    """Write a series of ``image`` (the torso by default), each slice passed through ``edit``; returns its UID."""
    made = datasets(as_image(torso()) if image is None else image, **tags)
    for k, dataset in enumerate(made):
        if edit is not None:
            edit(dataset, k)
    save(made, folder, prefix)
    return str(made[0].SeriesInstanceUID)
