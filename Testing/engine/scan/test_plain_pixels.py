"""Pixels that are stored plainly are read without pydicom's decoder: to the same values, and refused alike."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan.dicom_headers import SliceHeader, read_header
from ldct_bmd.scan.dicom_volume import decode_hu

ROWS, COLUMNS = 5, 7
SLOPE, INTERCEPT = 1, -1024


def write_slice(path: Path, syntax: str, stored: int, signed: int, after: bytes = b"", **changed: object) -> None:
    """Write a slice whose pixels take all 16 bits, those above ``stored`` too."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2"
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME2", 1
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = ROWS, COLUMNS, 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = stored, stored - 1, signed
    dataset.RescaleSlope, dataset.RescaleIntercept = SLOPE, INTERCEPT
    kind = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    pixels = np.random.default_rng(stored).integers(0, 1 << 14, ROWS * COLUMNS).astype(kind)
    pixels[::3] |= 0x8000
    dataset.PixelData = pixels.tobytes() + after
    dataset["PixelData"].VR = "OW"
    for keyword, value in changed.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)


def header_of(path: Path) -> SliceHeader:
    header = read_header(path)
    assert header is not None
    return header


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("stored", [12, 16])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_values_are_those_that_pydicom_decodes(tmp_path: Path, syntax: str, stored: int, signed: int) -> None:
    path = tmp_path / "slice.dcm"
    write_slice(path, syntax, stored, signed)
    expected = pixel_array(path).astype(np.int64) * SLOPE + INTERCEPT
    assert np.array_equal(decode_hu(header_of(path)), expected)


@pytest.mark.filterwarnings("ignore:The pixel data is")
def test_bytes_after_the_pixels_are_not_taken_for_pixels(tmp_path: Path) -> None:
    path = tmp_path / "slice.dcm"
    write_slice(path, ExplicitVRLittleEndian, 16, 0, after=b"\x01\x02\x03\x04")
    expected = pixel_array(path).astype(np.int64) * SLOPE + INTERCEPT
    assert np.array_equal(decode_hu(header_of(path)), expected)


@pytest.mark.parametrize("cut", [1, 2, ROWS * COLUMNS * 2])
def test_a_slice_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "slice.dcm"
    write_slice(path, ExplicitVRLittleEndian, 16, 0)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(CannotMeasure) as refusal:
        decode_hu(header_of(path))
    assert refusal.value.code == "scan.damaged_pixels"


@pytest.mark.parametrize("changed", [{"SamplesPerPixel": 3}, {"BitsAllocated": 32}, {"PhotometricInterpretation": ""}])
def test_what_is_not_plain_is_left_to_pydicom(tmp_path: Path, changed: dict[str, object]) -> None:
    path = tmp_path / "slice.dcm"
    write_slice(path, ExplicitVRLittleEndian, 16, 0, **changed)
    with pytest.raises(CannotMeasure):
        decode_hu(header_of(path))
