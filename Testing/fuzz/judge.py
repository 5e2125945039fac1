"""What the engine makes of a damaged input: a result that an independent reading shares, or one sentence."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray

from ldct_bmd.calibration.files import load_calibration
from ldct_bmd.cli.reporting import read_record
from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import CannotMeasure, Refusal, UsageError
from ldct_bmd.scan import CTScan, read_scan
from ldct_bmd.segmentation.label_map import LabelMapSegmenter

RELATIVE = 1e-5  # float32


def judge(kind: str, path: Path) -> str:
    """Return "" and what became of it, or what is wrong with that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _READERS[kind](path)
        except (CannotMeasure, UsageError) as refusal:
            return _of_sentence(refusal)
        except Differs as difference:
            return f"differs: {difference}"
        except Exception as error:  # noqa: BLE001 (that there is none is what is tested)
            return f"{type(error).__name__}: {error}"
    return ""


class Differs(Exception):
    """An independent reading gives other values."""


def _of_sentence(refusal: Refusal) -> str:
    sentence = str(refusal)
    one = sentence.endswith(".") and "Traceback" not in sentence and "Error(" not in sentence
    return "" if one else f"no sentence: {sentence!r}"


def _same(mine: NDArray[Any], other: NDArray[Any], what: str) -> None:
    """Compare values whatever their order: no axis is turned here."""
    one, two = np.sort(mine, axis=None), np.sort(np.asarray(other), axis=None)
    if one.size != two.size or not np.allclose(one, two, rtol=RELATIVE, atol=0.01):
        raise Differs(what)


def _dicom(path: Path) -> None:
    scan = read_scan(path)
    if "" in scan.source.sop_instance_uids:
        return
    by_uid = {}
    for file in (file for file in path.rglob("*") if file.is_file()):
        try:
            dataset = pydicom.dcmread(file, force=True)
            by_uid[str(dataset.SOPInstanceUID)] = dataset
        except Exception:  # noqa: BLE001 (the engine says what it makes of it)
            continue
    planes = []
    for uid in scan.source.sop_instance_uids:
        dataset = by_uid[uid]
        if "PixelPaddingValue" in dataset:
            return
        dataset.pop("NumberOfFrames", None)  # a CT image is one frame, whatever it says
        planes.append(dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept))
    _same(scan.hu, np.stack(planes), "the pixels")
    first = by_uid[scan.source.sop_instance_uids[0]]
    _same(np.array(scan.geometry.spacing_mm[:2]), np.array(first.PixelSpacing, dtype=float), "the pixel spacing")


def _nifti(path: Path) -> None:
    scan = read_scan(path)
    content = path.read_bytes()
    plain = path.with_name("plain.nii.gz" if content[:2] == b"\x1f\x8b" else "plain.nii")
    plain.write_bytes(content)
    image = nib.load(plain)
    values = np.asarray(image.dataobj).reshape(image.shape[:3])
    _same(scan.hu, values, "the voxels")
    _same(np.array(scan.geometry.spacing_mm), np.array(image.header.get_zooms()[:3]), "the voxel size")
    at = np.unravel_index(int(np.argmax(values)), values.shape)
    there = image.affine @ [*at, 1.0]
    _same_place(scan, np.array([-there[0], -there[1], there[2]]), float(values[at]))


def _same_place(scan: CTScan, lps_mm: NDArray[Any], value: float) -> None:
    """Look at the place where another reader finds its brightest voxel."""
    geometry = scan.geometry
    axes = np.asarray(geometry.direction) * np.asarray(geometry.spacing_mm)
    index = np.rint(np.linalg.solve(axes, lps_mm - np.asarray(geometry.origin_lps_mm))).astype(int)
    x, y, z = index
    inside = ((index >= 0) & (index < np.asarray(geometry.size))).all()
    if not inside or not np.isclose(float(scan.hu[z, y, x]), value, rtol=RELATIVE, atol=0.01):
        raise Differs("the place of the brightest voxel")


def _itk(path: Path) -> None:
    scan = read_scan(path)
    _same(scan.hu, sitk.GetArrayFromImage(sitk.ReadImage(str(path))), "the voxels")


def _labels(path: Path) -> None:
    LabelMapSegmenter(path, "verse", "body").read()


def _calibration(path: Path) -> None:
    read, plain = load_calibration(path), json.loads(path.read_bytes())
    if (read.slope, read.intercept_mg_cm3) != (plain["slope"], plain["intercept_mg_cm3"]):
        raise Differs("the line")


def _record(path: Path) -> None:
    record = read_record(path)
    again = Examination.from_json(record.to_json())
    if again != record:
        raise Differs("the record, written and read again")


_READERS: dict[str, Callable[[Path], None]] = {
    "dicom tags": _dicom,
    "dicom bytes": _dicom,
    "dicom folder": _dicom,
    "nifti": _nifti,
    "nrrd": _itk,
    "mha": _itk,
    "label nifti": _labels,
    "label nrrd": _labels,
    "calibration": _calibration,
    "record": _record,
}
