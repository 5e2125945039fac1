"""Series whose tags contradict each other, whose slices follow different rules, or whose bone is on another scale."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from helpers_dicom import as_image, datasets, save, torso, write_series
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.scan import CTScan, read_scan

Edit = Callable[[Dataset, int], None]


def refusal(path: Path) -> str:
    with pytest.raises(CannotMeasure) as caught:
        read_scan(path)
    return str(caught.value)


def measured(folder: Path, edit: Edit | None = None, **tags: Any) -> CTScan:
    write_series(folder, edit=edit, **tags)
    return read_scan(folder)


def in_slices(places: tuple[int, ...], **tags: Any) -> Edit:
    def edit(dataset: Dataset, k: int) -> None:
        if k in places:
            for name, value in tags.items():
                setattr(dataset, name, value)

    return edit


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        ({"RescaleIntercept": "-1000"}, "RescaleIntercept"),
        ({"RescaleSlope": "1.2"}, "RescaleSlope"),
        ({"BitsStored": 12}, "BitsStored"),
        ({"PixelRepresentation": 0}, "PixelRepresentation"),
        ({"PixelPaddingValue": -2000}, "PixelPaddingValue"),
    ],
)
def test_slices_with_another_rule_for_their_pixels_are_named(tags: dict[str, Any], named: str, tmp_path: Path) -> None:
    write_series(tmp_path, edit=in_slices((4, 5), **tags))
    sentence = refusal(tmp_path)
    assert named in sentence
    assert "instance 5 (slice_004), instance 6 (slice_005)" in sentence


@pytest.mark.parametrize(("slope", "intercept"), [("1e9", "-1024"), ("1", "1e9"), ("-1e300", "0")])
def test_a_rescale_that_leads_nowhere_is_refused(slope: str, intercept: str, tmp_path: Path) -> None:
    write_series(tmp_path, RescaleSlope=slope, RescaleIntercept=intercept)
    assert "rescale that leads to no Hounsfield units" in refusal(tmp_path)


def test_values_of_32_bits_do_not_wrap(tmp_path: Path) -> None:
    def widen(dataset: Dataset, k: int) -> None:
        stored = np.frombuffer(dataset.PixelData, "<i2").astype("<i4")
        if k == 3:
            stored = stored.copy()
            stored[7] = 2**31 - 1
        dataset.BitsAllocated = dataset.BitsStored = 32
        dataset.HighBit = 31
        dataset.PixelData = stored.tobytes()

    write_series(tmp_path, edit=widen, RescaleSlope="2", RescaleIntercept="-2048")
    assert "slice_003 holds values beyond" in refusal(tmp_path)


def test_slices_of_one_value_at_the_ends_are_padding(tmp_path: Path) -> None:
    padded = torso(24)
    padded[:2], padded[-3:] = -1000, -1000
    write_series(tmp_path, as_image(padded))
    np.testing.assert_array_equal(read_scan(tmp_path).hu, padded)


def test_a_padding_range_that_spans_tissue_pads_nothing(tmp_path: Path) -> None:
    def pad(dataset: Dataset, k: int) -> None:
        dataset.PixelPaddingValue = -2000
        dataset.add_new("PixelPaddingRangeLimit", "SS", 32767)

    np.testing.assert_array_equal(measured(tmp_path, pad).hu, torso())


def test_a_tilt_that_only_a_tag_tells_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, GantryDetectorTilt="5.0", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    assert "a gantry tilt of 5.0 degrees is stated (GantryDetectorTilt)" in refusal(tmp_path)


def test_a_circle_smaller_than_the_pixels_cover_is_refused_and_a_larger_one_is_a_crop(tmp_path: Path) -> None:
    write_series(tmp_path / "small", ReconstructionDiameter="160", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    assert "ReconstructionDiameter" in refusal(tmp_path / "small")
    measured(tmp_path / "large", ReconstructionDiameter="500", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])


def test_slice_locations_at_another_distance_are_refused(tmp_path: Path) -> None:
    def locate(distance_mm: float) -> Edit:
        return lambda dataset, k: setattr(dataset, "SliceLocation", f"{-distance_mm * k:.2f}")

    write_series(tmp_path / "five", edit=locate(5.0), ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    assert "5.00 mm apart by SliceLocation and 2.50 mm" in refusal(tmp_path / "five")
    measured(tmp_path / "right", locate(2.5), ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])

    def whole(dataset: Dataset, k: int) -> None:
        dataset.SliceLocation = f"{round(-2.5 * k)}"

    measured(tmp_path / "rounded", whole, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])


@pytest.mark.parametrize(
    "tags",
    [
        {"ConvolutionKernel": ["Sd36f", "3"]},
        {"ConvolutionKernel": "E30s"},
        {"ConvolutionKernel": ["Sa36f", "3"]},
        {"SeriesDescription": "RT Thorax DirectDensity 3.0"},
    ],
)
def test_bone_on_another_scale_is_refused(tags: dict[str, Any], tmp_path: Path) -> None:
    write_series(tmp_path, **tags)
    assert "electron density or calcium scoring" in refusal(tmp_path)


@pytest.mark.parametrize("kernel", ["Br40f", "B31f", "STANDARD", "SOFT", "FC08", "Bl57d", "Qr36d", "I30s"])
def test_usual_kernels_are_measured(kernel: str, tmp_path: Path) -> None:
    assert measured(tmp_path, ConvolutionKernel=kernel).acquisition.kernel == kernel


@pytest.mark.parametrize(
    "tags",
    [
        {"FilterMaterial": "TIN"},
        {"SeriesDescription": "LungScreen Sn120 1.0 Br40"},
        {"ProtocolName": "LungLowDose_Sn120"},
    ],
)
def test_tin_told_in_words_is_kept_beside_the_filters_type(tags: dict[str, Any], tmp_path: Path) -> None:
    made = measured(tmp_path, FilterType="FLAT", **tags).acquisition
    assert (made.filter_type, made.tin_by_name) == ("FLAT", True)


@pytest.mark.parametrize(
    ("tags", "agent"),
    [
        ({"ContrastBolusAgent": "Omnipaque"}, "Omnipaque"),
        ({"ContrastBolusVolume": "100"}, "100 ml"),
        ({"SeriesDescription": "CHEST W CONTRAST"}, "CHEST W CONTRAST"),
        ({"SeriesDescription": "TAP INJ", "ContrastBolusAgent": ""}, "TAP INJ"),
        ({"SeriesDescription": "TAP INJ", "ContrastBolusAgent": "SANS"}, None),
        ({"SeriesDescription": "CHEST WITHOUT", "ContrastBolusAgent": "NONE"}, None),
        ({"SeriesDescription": "LUNG"}, None),
    ],
)
def test_contrast_agent_is_known_however_it_is_told(tags: dict[str, Any], agent: str | None, tmp_path: Path) -> None:
    assert measured(tmp_path, **tags).acquisition.contrast_agent == agent


def test_what_compression_lost_is_known(tmp_path: Path) -> None:
    told = measured(tmp_path, LossyImageCompression="01", LossyImageCompressionRatio="10").acquisition
    assert told.lossy_compression == "lossy, 10:1"
    assert measured(tmp_path / "plain").acquisition.lossy_compression is None


def test_slices_that_do_not_belong_are_named_by_instance_and_file(tmp_path: Path) -> None:
    made = datasets(as_image(torso(24)))
    made[9].PixelData = made[8].PixelData
    save(made, tmp_path)
    assert "instance 10 (slice_009)" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    measured(tmp_path / "with")
    os.mkfifo(tmp_path / "with" / "pipe.dcm")
    read_scan(tmp_path / "with")
    os.mkfifo(tmp_path / "ct.nii.gz")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        read_scan(tmp_path / "ct.nii.gz")
