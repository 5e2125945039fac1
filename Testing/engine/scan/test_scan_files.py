"""Reading one NIfTI, NRRD or MHA file."""

import hashlib
from dataclasses import fields

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from helpers_dicom import ORIGIN_LPS_MM, SPACING_MM, as_image, torso, write_series
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Cancelled
from ldct_bmd.scan import Patient, list_series, read_scan, to_source_geometry

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")


def refusal(path) -> str:
    with pytest.raises(CannotMeasure) as caught:
        read_scan(path)
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("stored", ["LPS", "RAS", "LPI", "PSL", "IRA"])
def test_any_format_in_any_orientation_gives_the_same_scan(tmp_path, ending, stored):
    path = tmp_path / f"scan{ending}"
    sitk.WriteImage(sitk.DICOMOrient(as_image(torso()), stored), path)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.hu, torso())
    assert scan.hu.dtype == np.int16
    assert scan.hu.flags.c_contiguous
    assert scan.geometry.spacing_mm == pytest.approx(SPACING_MM)
    assert scan.geometry.origin_lps_mm == pytest.approx(ORIGIN_LPS_MM, abs=1e-3)
    np.testing.assert_allclose(scan.geometry.direction, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("stored", ["LPS", "RAI", "PSL"])
def test_a_label_map_goes_back_onto_the_grid_of_the_file(tmp_path, ending, stored):
    path = tmp_path / f"scan{ending}"
    sitk.WriteImage(sitk.DICOMOrient(as_image(torso()), stored), path)
    original = sitk.ReadImage(path)
    back = to_source_geometry(read_scan(path).hu, read_scan(path))
    assert back.GetSize() == original.GetSize()
    assert back.GetSpacing() == pytest.approx(original.GetSpacing())
    assert back.GetOrigin() == pytest.approx(original.GetOrigin())
    assert back.GetDirection() == pytest.approx(original.GetDirection())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(original))


def test_an_oblique_file_maps_each_voxel_to_its_place(tmp_path):
    image = as_image(torso())
    image.SetDirection(sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.2, 0.1, -0.3).GetMatrix())
    path = tmp_path / "oblique.nrrd"
    sitk.WriteImage(sitk.DICOMOrient(image, "ASR"), path)
    scan = read_scan(path)
    for index in ((0, 0, 0), (47, 39, 15), (12, 30, 7)):
        x, y, z = np.rint(scan.geometry.to_index_xyz(np.array(image.TransformIndexToPhysicalPoint(index)))).astype(int)
        assert scan.hu[z, y, x] == image[index]


def test_a_file_and_its_dicom_twin_give_the_same_scan(tmp_path):
    write_series(tmp_path / "dicom", sitk.DICOMOrient(as_image(torso()), "RAI"))
    sitk.WriteImage(sitk.DICOMOrient(as_image(torso()), "RSA"), tmp_path / "scan.nii.gz")
    from_dicom, from_file = read_scan(tmp_path / "dicom"), read_scan(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(from_dicom.hu, from_file.hu)
    assert from_dicom.geometry.origin_lps_mm == pytest.approx(from_file.geometry.origin_lps_mm, abs=1e-3)


@pytest.mark.parametrize("pixel_type", [sitk.sitkInt16, sitk.sitkInt32, sitk.sitkFloat32, sitk.sitkFloat64])
def test_whole_numbers_are_kept_as_int16_however_they_were_stored(tmp_path, pixel_type):
    path = tmp_path / "scan.nii.gz"
    sitk.WriteImage(sitk.Cast(as_image(torso()), pixel_type), path)
    scan = read_scan(path)
    assert scan.hu.dtype == np.int16
    np.testing.assert_array_equal(scan.hu, torso())


def test_fractions_are_kept_as_float32(tmp_path):
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(as_image(torso() + 0.25), path)
    scan = read_scan(path)
    assert scan.hu.dtype == np.float32
    np.testing.assert_array_equal(scan.hu, torso() + np.float32(0.25))


@pytest.mark.parametrize("ending", ENDINGS)
def test_fractions_are_kept_when_the_memory_of_the_file_is_used_for_something_else(tmp_path, ending):
    path = tmp_path / f"scan{ending}"
    expected = torso(60).astype(np.float32) + np.float32(0.25)
    sitk.WriteImage(as_image(expected), path)
    scan = read_scan(path)
    others = [np.full(expected.shape, 7, np.float32) for _ in range(20)]
    np.testing.assert_array_equal(scan.hu, expected)
    assert scan.hu.flags.owndata
    assert len(others) == 20


def test_the_slope_of_a_nifti_is_applied(tmp_path):
    stored = nibabel.Nifti1Image((torso().transpose() + 1024).astype(np.int16), np.diag([-5.0, -5.0, 2.5, 1.0]))
    path = tmp_path / "scan.nii"
    stored.to_filename(path)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([1.0, -1024.0], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(raw)
    np.testing.assert_array_equal(read_scan(path).hu, torso())


def test_what_a_file_does_not_say_stays_unknown(tmp_path):
    path = tmp_path / "scan.nii.gz"
    sitk.WriteImage(as_image(torso()), path)
    scan = read_scan(path)
    assert not any(getattr(scan.acquisition, field.name) for field in fields(scan.acquisition))
    assert scan.patient == Patient()
    assert scan.source.kind == "file"
    assert scan.source.sop_instance_uids == ()
    assert scan.source.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list_series(path) == []


def test_a_volume_with_one_time_point_is_a_volume(tmp_path):
    stored = nibabel.Nifti1Image(torso().transpose()[..., None], np.diag([-5.0, -5.0, 2.5, 1.0]))
    stored.to_filename(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.nii.gz").hu, torso())


def test_several_volumes_in_one_file_are_refused(tmp_path):
    stored = nibabel.Nifti1Image(np.stack([torso().transpose()] * 2, axis=-1), np.diag([-5.0, -5.0, 2.5, 1.0]))
    stored.to_filename(tmp_path / "scan.nii.gz")
    assert "4 dimensions" in refusal(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_colour_and_vector_volumes_are_refused(tmp_path, ending):
    image = as_image(torso())
    sitk.WriteImage(sitk.Compose(image, image, image), tmp_path / f"scan{ending}")
    assert "3 values per voxel" in refusal(tmp_path / f"scan{ending}")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_single_picture_is_refused(tmp_path, ending):
    sitk.WriteImage(as_image(torso())[:, :, 4], tmp_path / f"scan{ending}")
    assert "single image" in refusal(tmp_path / f"scan{ending}")


def test_eight_bits_are_refused(tmp_path):
    sitk.WriteImage(sitk.Cast(as_image(np.clip(torso() // 8 + 128, 0, 255)), sitk.sitkUInt8), tmp_path / "scan.nii.gz")
    assert "8 bits per voxel" in refusal(tmp_path / "scan.nii.gz")


def test_eight_bits_with_a_slope_are_refused(tmp_path):
    coarse = np.clip((torso().transpose() + 1024) // 10, 0, 255).astype(np.uint8)
    stored = nibabel.Nifti1Image(coarse, np.diag([-5.0, -5.0, 2.5, 1.0]))
    stored.header.set_slope_inter(10, -1024)
    stored.to_filename(tmp_path / "scan.nii.gz")
    assert "8 bits per voxel" in refusal(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_counted(tmp_path, bad):
    hu = torso().astype(np.float32)
    hu[3, 4, 5:8] = bad
    sitk.WriteImage(as_image(hu), tmp_path / "scan.nrrd")
    assert "3 voxels are not numbers" in refusal(tmp_path / "scan.nrrd")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda hu: (hu + 1024).astype(np.uint16), "offset to Hounsfield units is missing"),
        (lambda hu: -hu, "inverted"),
        (lambda hu: np.clip(hu, -160, 240), "no air"),
        (lambda hu: ((hu + 1000) / 1700 - 0.3).astype(np.float32), "no air"),
    ],
    ids=["unsigned", "inverted", "windowed", "normalised"],
)
def test_values_that_cannot_be_hounsfield_units_are_refused(tmp_path, change, word):
    sitk.WriteImage(as_image(change(torso())), tmp_path / "scan.nii.gz")
    assert word in refusal(tmp_path / "scan.nii.gz")


def test_a_volume_too_small_for_a_vertebra_is_refused(tmp_path):
    sitk.WriteImage(as_image(torso()[:6]), tmp_path / "scan.nii.gz")
    assert "240 x 200 x 15 mm is too small" in refusal(tmp_path / "scan.nii.gz")


def test_voxels_in_metres_are_refused(tmp_path):
    sitk.WriteImage(as_image(torso(), spacing_mm=(0.001, 0.001, 0.002)), tmp_path / "scan.nrrd")
    assert "check its unit" in refusal(tmp_path / "scan.nrrd")


def test_voxels_too_coarse_for_a_vertebra_are_refused(tmp_path):
    sitk.WriteImage(as_image(torso(), spacing_mm=(5.0, 5.0, 8.0)), tmp_path / "scan.nrrd")
    assert "too coarse" in refusal(tmp_path / "scan.nrrd")


def test_a_nifti_without_orientation_is_refused(tmp_path):
    stored = nibabel.Nifti1Image(torso().transpose(), None)
    stored.header.set_zooms((5.0, 5.0, 2.5))
    stored.header["qform_code"] = stored.header["sform_code"] = 0
    stored.to_filename(tmp_path / "scan.nii.gz")
    assert "how it lies in the patient" in refusal(tmp_path / "scan.nii.gz")


def test_an_nrrd_without_space_is_refused(tmp_path):
    path = tmp_path / "scan.nrrd"
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 48 40 16\nspacings: 5 5 2.5\nendian: little\nencoding: raw\n\n"
    )
    path.write_bytes(header.encode() + torso().astype("<i2").tobytes())
    assert "how it lies in the patient" in refusal(path)


def test_an_mha_without_axes_is_refused(tmp_path):
    path = tmp_path / "scan.mha"
    header = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = 48 40 16\n"
        "ElementSpacing = 5 5 2.5\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    path.write_bytes(header.encode() + torso().astype("<i2").tobytes())
    assert "how it lies in the patient" in refusal(path)


def test_a_sheared_nifti_is_refused(tmp_path):
    affine = np.diag([-5.0, -5.0, 2.5, 1.0])
    affine[1, 2] = 0.8
    stored = nibabel.Nifti1Image(torso().transpose(), None)
    stored.set_sform(affine, code=1)
    stored.header["qform_code"] = 0
    stored.to_filename(tmp_path / "scan.nii.gz")
    assert "not perpendicular" in refusal(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("left", [0.5, 0.97, -4])
def test_a_file_cut_short_is_refused_not_filled_up(tmp_path, ending, left):
    path = tmp_path / f"scan{ending}"
    sitk.WriteImage(as_image(torso()), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:left] if left < 0 else whole[: int(left * len(whole))])
    assert "damaged" in refusal(path)


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path):
    (tmp_path / "text.mha").write_text("not an image")
    assert "damaged" in refusal(tmp_path / "text.mha")


def test_a_header_with_its_voxels_elsewhere_is_refused(tmp_path):
    sitk.WriteImage(as_image(torso()), tmp_path / "scan.mhd")
    assert "in another file" in refusal(tmp_path / "scan.mhd")


def test_a_file_has_no_series_to_name(tmp_path):
    sitk.WriteImage(as_image(torso()), tmp_path / "scan.mha")
    with pytest.raises(UsageError, match="no series"):
        read_scan(tmp_path / "scan.mha", series_uid="1.2.3")


def test_reading_a_file_can_be_cancelled(tmp_path):
    sitk.WriteImage(as_image(torso()), tmp_path / "scan.mha")

    def cancel(stage: str, fraction: float) -> None:
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_scan(tmp_path / "scan.mha", progress=cancel)
