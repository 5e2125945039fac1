"""DICOM that cannot be measured is refused, each kind with a sentence of its own that names what is wrong."""

import errno
import os

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from helpers_dicom import as_image, datasets, save, torso, write_series
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.scan import list_series, read_scan


def refusal(path, **how) -> str:
    with pytest.raises(CannotMeasure) as caught:
        read_scan(path, **how)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_a_missing_slice_is_named_by_its_neighbours(tmp_path):
    made = datasets(as_image(torso()))
    save(made[:7] + made[8:], tmp_path)
    sentence = refusal(tmp_path)
    assert "slices are missing between instance 7 (slice_006) and instance 9 (slice_007)" in sentence
    assert "5.00 mm" in sentence
    assert "2.50 mm" in sentence


def test_slices_missing_in_several_places_are_all_counted(tmp_path):
    made = datasets(as_image(torso(40)))
    save([d for k, d in enumerate(made) if k % 7 != 3], tmp_path)
    sentence = refusal(tmp_path)
    assert "instance 3 (slice_002) and instance 5 (slice_003)" in sentence
    assert "and 3 more places" in sentence


def test_uneven_spacing_is_refused_with_its_range(tmp_path):
    def spread(dataset: Dataset, k: int) -> None:
        dataset.ImagePositionPatient[2] = -60 + 2.5 * k + (0.7 if k >= 9 else 0.0)

    write_series(tmp_path, edit=spread)
    sentence = refusal(tmp_path)
    assert "unevenly spaced, 2.50 to 3.20 mm" in sentence
    assert "instance 9 (slice_008) and instance 10 (slice_009)" in sentence


def test_rounded_positions_are_not_taken_for_uneven_spacing(tmp_path):
    image = as_image(torso(20), spacing_mm=(5.0, 5.0, 1.25))
    write_series(
        tmp_path,
        image,
        edit=lambda dataset, k: setattr(
            dataset, "ImagePositionPatient", [*dataset.ImagePositionPatient[:2], f"{-60 + 1.25 * k:.1f}"]
        ),
    )
    assert read_scan(tmp_path).geometry.spacing_mm[2] == pytest.approx(1.25, abs=0.01)


def test_two_slices_at_one_place_are_named(tmp_path):
    def repeat(dataset: Dataset, k: int) -> None:
        if k == 4:
            dataset.ImagePositionPatient[2] = -60 + 2.5 * 5

    write_series(tmp_path, edit=repeat)
    assert "instance 5 (slice_004) and instance 6 (slice_005) lie at the same place" in refusal(tmp_path)


@pytest.mark.parametrize("tilt_deg", [4.0, -15.0, 25.0])
def test_gantry_tilt_is_refused_with_its_angle(tmp_path, tilt_deg):
    cosine, sine = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    write_series(tmp_path, ImageOrientationPatient=[1, 0, 0, 0, f"{cosine:.6f}", f"{sine:.6f}"])
    assert f"sheared by {abs(tilt_deg):.1f} degrees" in refusal(tmp_path)


def test_a_slice_shifted_sideways_is_named(tmp_path):
    def shift(dataset: Dataset, k: int) -> None:
        if k == 3:
            dataset.ImagePositionPatient[0] = dataset.ImagePositionPatient[0] + 4

    write_series(tmp_path, edit=shift)
    sentence = refusal(tmp_path)
    assert "instance 4 (slice_003)" in sentence
    assert "is shifted sideways by up to 4.0 mm" in sentence


def test_a_slice_with_another_matrix_is_named(tmp_path):
    def shrink(dataset: Dataset, k: int) -> None:
        if k == 8:
            dataset.Rows, dataset.PixelData = 20, dataset.PixelData[: len(dataset.PixelData) // 2]

    write_series(tmp_path, edit=shrink)
    sentence = refusal(tmp_path)
    assert "instance 9 (slice_008) has a matrix of 48 x 20 pixels where the other slices have 48 x 40" in sentence


def test_a_slice_with_another_pixel_spacing_is_named(tmp_path):
    write_series(tmp_path, edit=lambda d, k: setattr(d, "PixelSpacing", ["4", "4"] if k == 8 else ["5", "5"]))
    assert "instance 9 (slice_008) has a pixel spacing of 4.0 x 4.0 mm" in refusal(tmp_path)


def test_a_slice_in_another_orientation_is_named(tmp_path):
    def turn(dataset: Dataset, k: int) -> None:
        if k == 8:
            dataset.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]

    write_series(tmp_path, edit=turn)
    assert "instance 9 (slice_008) lies in another orientation than the rest of the series; remove it" in refusal(
        tmp_path
    )


def test_several_odd_slices_are_spoken_of_in_the_plural(tmp_path):
    def odd(dataset: Dataset, k: int) -> None:
        if k in (4, 8):
            dataset.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]
            dataset.PixelSpacing = spacing

    spacing = ["5", "5"]
    write_series(tmp_path / "turned", edit=odd)
    assert "lie in another orientation than the rest of the series; remove them" in refusal(tmp_path / "turned")
    spacing = ["4", "4"]
    write_series(tmp_path / "finer", edit=odd)
    assert "have a pixel spacing of 4.0 x 4.0 mm where the other slices have" in refusal(tmp_path / "finer")


@pytest.mark.parametrize(
    ("keyword", "value", "what"),
    [
        ("PatientID", "P2", "patient"),
        ("FrameOfReferenceUID", "1.2.3", "frame of reference"),
        ("KVP", "80", "tube voltage"),
        ("KVP", "", "tube voltage"),
        ("ConvolutionKernel", "BONE", "kernel"),
        ("RescaleType", "US", "unit"),
    ],
)
def test_one_volume_of_slices_of_different_scans_is_refused(tmp_path, keyword, value, what):
    write_series(tmp_path, edit=lambda d, k: setattr(d, keyword, value) if k in (3, 7, 8) else None)
    sentence = refusal(tmp_path)
    assert "instance 4 (slice_003), instance 8 (slice_007), instance 9 (slice_008)" in sentence
    assert f"differ in {what} ({keyword})" in sentence


def test_slices_that_a_lossy_encoder_put_on_scales_of_their_own_are_no_mix_of_scans(tmp_path):
    """Encoders shift each image to begin at zero; most CT slices begin at the same value anyway."""

    def lossy(dataset: Dataset, k: int) -> None:
        dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", "12"
        if k in (3, 8):
            dataset.RescaleIntercept = "-1000"

    write_series(tmp_path, edit=lossy)
    sentence = refusal(tmp_path)
    assert "it was compressed with loss (lossy, 12:1)" in sentence
    assert "instance 4 (slice_003)" in sentence
    assert "differ in intercept (RescaleIntercept)" in sentence
    assert "mixes" not in sentence


def test_a_reformat_of_different_scans_is_refused_even_on_request(tmp_path):
    image = sitk.DICOMOrient(as_image(torso()), "LSA")
    uid = write_series(tmp_path, image, lambda d, k: setattr(d, "KVP", "80") if k % 3 == 0 else None)
    assert "differ in tube voltage (KVP)" in refusal(tmp_path, series_uid=uid)


def test_a_subfolder_that_cannot_be_opened_is_named_not_passed_over(tmp_path, monkeypatch):
    made = datasets(as_image(torso(30)))
    save(made[:20], tmp_path / "a")
    save(made[20:], tmp_path / "closed")
    scandir = os.scandir

    def denied(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert "folder closed cannot be opened (Permission denied)" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("keyword", "word"),
    [
        ("ImagePositionPatient", "position"),
        ("ImageOrientationPatient", "orientation"),
        ("PixelSpacing", "pixel spacing"),
    ],
)
def test_missing_geometry_is_named_not_assumed(tmp_path, keyword, word):
    write_series(tmp_path, edit=lambda dataset, k: delattr(dataset, keyword) if k == 5 else None)
    sentence = refusal(tmp_path)
    assert f"the {word} ({keyword}) is missing in instance 6 (slice_005)" in sentence


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_a_missing_rescale_is_refused_not_assumed(tmp_path, keyword):
    write_series(tmp_path, edit=lambda dataset, k: delattr(dataset, keyword))
    assert "RescaleSlope or RescaleIntercept is missing" in refusal(tmp_path)


def test_a_missing_modality_is_refused_not_assumed(tmp_path):
    write_series(tmp_path, edit=lambda dataset, k: delattr(dataset, "Modality"))
    assert "does not say its modality" in refusal(tmp_path)


def test_colour_is_refused(tmp_path):
    write_series(tmp_path, SamplesPerPixel=3)
    assert "colour" in refusal(tmp_path)


def test_enhanced_multi_frame_ct_is_refused_with_the_way_out(tmp_path):
    write_series(tmp_path, SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", NumberOfFrames=16)
    assert "export it as single-frame" in refusal(tmp_path)


@pytest.mark.parametrize(("slices", "word"), [(1, "a single slice"), (6, "6 slices cover 15 mm")])
def test_too_few_slices_for_a_vertebra_are_refused(tmp_path, slices, word):
    write_series(tmp_path, as_image(torso(slices)))
    sentence = refusal(tmp_path)
    assert word in sentence
    assert "too little to hold a vertebra" in sentence


def test_a_field_of_view_too_small_for_a_vertebra_is_refused(tmp_path):
    write_series(tmp_path, as_image(torso(), spacing_mm=(0.5, 0.5, 2.5)))
    assert "too small to hold a vertebra" in refusal(tmp_path)


def test_slices_too_far_apart_are_refused(tmp_path):
    write_series(tmp_path, as_image(torso(), spacing_mm=(5.0, 5.0, 10.0)))
    assert "10.0 mm apart" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda hu: hu + 1024, "offset to Hounsfield units is missing"),
        (lambda hu: -hu, "inverted"),
        (lambda hu: 3000 - hu, "inverted"),
        (lambda hu: np.clip(hu, -200, 300), "no air"),
        (lambda hu: np.where(hu < -500, -500, hu), "no air"),
        (lambda hu: hu - 1024, "no soft tissue"),
        (lambda hu: np.zeros_like(hu), "empty volume"),
        (lambda hu: np.full_like(hu, -1500), "empty volume"),
        (lambda hu: circled(hu + 1024), "offset to Hounsfield units is missing"),
        (lambda hu: circled(hu * 6 // 10), "Air is at about -6"),
        (lambda hu: hu * 6 // 10, "Air is at about -6"),
        (lambda hu: hu * 3 // 2, "below air"),
        (lambda hu: hu * 2, "below air"),
        (lambda hu: hu + 300, "Air is at about -7"),
        (lambda hu: hu - 150, "below air"),
        (lambda hu: hu[:, 8:33, 8:40] + 300, "Air is at about -7"),
        (lambda hu: gas_alone(hu) - 150, "Muscle and organs"),
        (lambda hu: gas_alone(hu) + 250, "Muscle and organs"),
    ],
)
def test_values_that_cannot_be_hounsfield_units_are_refused(tmp_path, change, word):
    write_series(tmp_path, as_image(change(torso().astype(np.int32))))
    assert word in refusal(tmp_path)


def circled(hu: np.ndarray) -> np.ndarray:
    """The values with -2000 around the reconstructed circle, as scanners write it."""
    y, x = np.mgrid[-1 : 1 : hu.shape[1] * 1j, -1 : 1 : hu.shape[2] * 1j]
    return np.where(np.hypot(x, y) > 0.97, -2000, hu)


def gas_alone(hu: np.ndarray) -> np.ndarray:
    """A field of view inside the trunk, with fat and a little gas, without lungs."""
    inside = np.tile(hu[:4, 8:33, 15:30], (5, 1, 2)).copy()
    inside[inside < -500] = -100
    inside[::3, 6:9, 6:9] = -900
    return inside + np.random.default_rng(4).integers(-3, 4, inside.shape).astype(inside.dtype)


def test_padding_in_a_file_without_padding_tag_is_no_reason_to_refuse(tmp_path):
    write_series(tmp_path, as_image(circled(torso())))
    assert read_scan(tmp_path).hu.min() == -2000


def test_a_little_gas_in_soft_tissue_is_enough(tmp_path):
    write_series(tmp_path, as_image(gas_alone(torso())))
    np.testing.assert_array_equal(read_scan(tmp_path).hu, gas_alone(torso()))


@pytest.mark.parametrize("seed", range(3))
def test_a_field_of_view_inside_the_body_is_no_reason_to_refuse(tmp_path, seed):
    inside = torso(24)[:, 8:33, 8:40].astype(np.int32)
    inside += np.random.default_rng(seed).normal(0, 60, inside.shape).astype(np.int32)
    write_series(tmp_path, as_image(inside))
    np.testing.assert_array_equal(read_scan(tmp_path).hu, inside)


def test_an_unknown_compression_is_named(tmp_path):
    def relabel(dataset: Dataset, k: int) -> None:
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"  # a video

    made = datasets(as_image(torso()))
    for k, dataset in enumerate(made):
        dataset.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
        relabel(dataset, k)
    save(made, tmp_path)
    assert "MPEG-4" in refusal(tmp_path)


def test_a_damaged_dicom_header_is_named(tmp_path):
    write_series(tmp_path)
    (tmp_path / "broken").write_bytes(b"\0" * 128 + b"DICM" + bytes(range(256)))
    assert "broken" in refusal(tmp_path)


def test_different_images_under_one_uid_are_refused(tmp_path):
    def same(dataset: Dataset, k: int) -> None:
        if k in (3, 4):
            dataset.SOPInstanceUID = "1.2.3.4"

    write_series(tmp_path, edit=same)
    assert "slice_003 and slice_004 are different images with the same SOP Instance UID" in refusal(tmp_path)


def test_a_folder_without_dicom_says_what_to_give(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    assert "holds no DICOM images" in refusal(tmp_path)
    assert list_series(tmp_path) == []


def test_several_unmeasurable_series_are_listed_each_with_its_reason(tmp_path):
    write_series(tmp_path, prefix="a", Modality="PT")
    write_series(tmp_path, sitk.DICOMOrient(as_image(torso(30)), "LSA"), prefix="b")
    sentence = refusal(tmp_path)
    assert "None of the 2 series" in sentence
    assert "its modality is PT, not CT" in sentence
    assert "it is a coronal reformat" in sentence


def test_nothing_at_the_path_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="no file or folder"):
        read_scan(tmp_path / "nowhere")


def test_a_file_of_another_kind_is_refused_with_what_is_read(tmp_path):
    path = tmp_path / "scan.jpg"
    path.write_bytes(b"\xff\xd8" * 400)
    assert "neither DICOM nor a volume file (.nii, .nii.gz, .nrrd, .mha)" in refusal(path)


def test_a_file_in_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    write_series(tmp_path / "ct")
    one = next((tmp_path / "ct").iterdir())

    def denied(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(type(tmp_path), "iterdir", denied)
    with pytest.raises(CannotMeasure, match="folder ct cannot be opened"):
        read_scan(one)
