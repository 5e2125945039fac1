"""Writing phantoms as DICOM series and NIfTI files, in any stored orientation."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ldct_bmd.scan import CTScan

from .build import Phantom
from .orientation import stored_array

RESCALE_INTERCEPT = -1024


def write_nifti(phantom: Phantom, path: Path) -> Path:
    """Write the scan as one NIfTI (or NRRD, MHA) file."""
    return _write_image(phantom, phantom.scan.hu, path)


def write_label_map(phantom: Phantom, path: Path) -> Path:
    """Write the bodies' label map (VerSe values) on the stored grid."""
    return _write_image(phantom, phantom.bodies, path)


def _write_image(phantom: Phantom, array: NDArray[Any], path: Path) -> Path:
    geometry = phantom.scan.stored_geometry
    image = sitk.GetImageFromArray(stored_array(array, phantom.spec.orientation))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection([c for row in geometry.direction for c in row])
    sitk.WriteImage(image, str(path), useCompression=True)
    return path


def write_dicom(phantom: Phantom, folder: Path) -> list[Path]:
    """Write the scan as a series of single-frame CT images; returns the files in the order of the stored slices.

    The stored (i, j) axes are a slice's rows and columns, so an orientation that ends in S or I gives an axial series.
    """
    pixels = stored_array(phantom.scan.hu, phantom.spec.orientation)
    return write_series(phantom.scan, pixels, repr(phantom.spec), folder)


def write_series(scan: CTScan, pixels: NDArray[Any], seed: str, folder: Path) -> list[Path]:
    """Write ``pixels``, HU on the stored grid of ``scan``, as single-frame CT images; ``seed`` makes the UIDs."""
    folder.mkdir(parents=True, exist_ok=True)
    geometry = scan.stored_geometry
    study, series, frame = (generate_uid(entropy_srcs=[seed, kind]) for kind in ("study", "series", "frame"))
    direction = np.asarray(geometry.direction)
    paths = []
    for k, plane in enumerate(pixels):
        uid = generate_uid(entropy_srcs=[seed, "slice", str(k)])
        dataset = _header(scan, uid)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.InstanceNumber = k + 1
        position = geometry.to_lps_mm(np.array([0.0, 0.0, float(k)]))
        dataset.ImagePositionPatient = [f"{c:.6f}" for c in position]
        dataset.ImageOrientationPatient = [f"{c:.6f}" for c in (*direction[:, 0], *direction[:, 1])]
        dataset.SliceLocation = f"{position[2]:.6f}"
        dataset.PixelSpacing = [geometry.spacing_mm[1], geometry.spacing_mm[0]]
        dataset.Rows, dataset.Columns = plane.shape
        dataset.PixelData = (plane.astype(np.int32) - RESCALE_INTERCEPT).astype("<u2").tobytes()
        path = folder / f"IM{k + 1:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _header(scan: CTScan, uid: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID(uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    geometry, acquisition, patient = scan.geometry, scan.acquisition, scan.patient
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, uid
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Modality = "CT"
    dataset.StudyDate = dataset.SeriesDate = acquisition.study_date
    dataset.AcquisitionDate = dataset.ContentDate = acquisition.acquisition_date
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "120000"
    dataset.AccessionNumber, dataset.ReferringPhysicianName, dataset.StudyID = "", "", "1"
    dataset.Manufacturer = acquisition.manufacturer
    dataset.ManufacturerModelName, dataset.DeviceSerialNumber = acquisition.model, acquisition.device_serial
    dataset.StudyDescription = "SIMULATION"
    dataset.SeriesDescription = acquisition.series_description
    dataset.PatientName, dataset.PatientID = patient.name, patient.patient_id
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "", patient.sex, "060Y"
    if acquisition.contrast_agent:
        dataset.ContrastBolusAgent = acquisition.contrast_agent
    dataset.BodyPartExamined = "CHEST"
    dataset.SliceThickness = acquisition.slice_thickness_mm
    dataset.KVP = acquisition.kvp
    dataset.DataCollectionDiameter = dataset.ReconstructionDiameter = geometry.size[0] * geometry.spacing_mm[0]
    dataset.GantryDetectorTilt = 0
    dataset.XRayTubeCurrent = int(acquisition.tube_current_ma or 0)
    dataset.Exposure = int(acquisition.exposure_mas or 0)
    dataset.ConvolutionKernel = acquisition.kernel
    dataset.PatientPosition = "HFS"
    dataset.SpacingBetweenSlices = geometry.spacing_mm[2]
    dataset.SeriesNumber, dataset.AcquisitionNumber = 2, 1
    dataset.PositionReferenceIndicator = ""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = RESCALE_INTERCEPT, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    return dataset
