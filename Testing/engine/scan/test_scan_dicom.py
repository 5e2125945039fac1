"""Reading DICOM: the same voxels at the same places, however they were stored."""

from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from helpers_dicom import ORIGIN_LPS_MM, SPACING_MM, as_image, datasets, save, torso, write_series
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Cancelled
from ldct_bmd.scan import CTScan, read_scan, to_source_geometry


def assert_is_torso(scan: CTScan) -> None:
    """Same HU in the engine's frame, on the grid the torso was made on."""
    np.testing.assert_array_equal(scan.hu, torso())
    assert scan.geometry.spacing_mm == pytest.approx(SPACING_MM)
    assert scan.geometry.origin_lps_mm == pytest.approx(ORIGIN_LPS_MM, abs=1e-3)
    np.testing.assert_allclose(scan.geometry.direction, np.eye(3), atol=1e-6)
    assert scan.hu.flags.c_contiguous


def test_a_folder_is_read_as_int16_hounsfield_units_in_lps(tmp_path):
    write_series(tmp_path)
    scan = read_scan(tmp_path)
    assert scan.hu.dtype == np.int16
    assert_is_torso(scan)


def test_files_are_found_in_subfolders_among_other_files_and_without_preamble(tmp_path):
    made = datasets(as_image(torso()))
    save(made[:5], tmp_path / "a" / "deep", "x.img")
    save(made[5:], tmp_path / "b")
    (tmp_path / "README.txt").write_text("not an image " * 40)
    (tmp_path / "empty").write_bytes(b"")
    bare = next((tmp_path / "b").iterdir())
    bare.write_bytes(bare.read_bytes()[132:])
    assert_is_torso(read_scan(tmp_path))


def test_slice_order_comes_from_positions_not_from_names_or_instance_numbers(tmp_path):
    rng = np.random.default_rng(3)
    numbers = rng.permutation(16)

    def shuffle(dataset: Dataset, k: int) -> None:
        dataset.InstanceNumber = int(numbers[k]) + 1

    made = datasets(as_image(torso()))
    for k, dataset in enumerate(made):
        shuffle(dataset, k)
    save([made[k] for k in rng.permutation(16)], tmp_path)
    scan = read_scan(tmp_path)
    assert_is_torso(scan)
    assert scan.source.sop_instance_uids == tuple(str(d.SOPInstanceUID) for d in made)


@pytest.mark.parametrize("stored", ["LPS", "RPS", "LAS", "RAS", "LPI", "RAI", "PLS", "ARI"])
def test_axial_slices_stored_in_any_direction_give_the_same_scan(tmp_path, stored):
    write_series(tmp_path, sitk.DICOMOrient(as_image(torso()), stored))
    scan = read_scan(tmp_path)
    assert_is_torso(scan)
    heights = {
        str(d.SOPInstanceUID): d.ImagePositionPatient[2] for d in (pydicom.dcmread(p) for p in tmp_path.iterdir())
    }
    in_order = [heights[uid] for uid in scan.source.sop_instance_uids]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("stored", ["PSL", "ASR", "LSA", "RIP"])
def test_a_named_sagittal_or_coronal_volume_gives_the_same_scan(tmp_path, stored):
    uid = write_series(tmp_path, sitk.DICOMOrient(as_image(torso()), stored))
    assert_is_torso(read_scan(tmp_path, series_uid=uid))


def test_an_oblique_scan_keeps_each_voxel_at_its_place_in_the_patient(tmp_path):
    image = as_image(torso())
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.15, -0.1, 0.2).GetMatrix()
    image.SetDirection(turn)
    write_series(tmp_path, sitk.DICOMOrient(image, "RAI"))
    scan = read_scan(tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(50):
        index = [int(rng.integers(n)) for n in image.GetSize()]
        point = np.array(image.TransformIndexToPhysicalPoint(index))
        x, y, z = np.rint(scan.geometry.to_index_xyz(point)).astype(int)
        assert scan.hu[z, y, x] == image.GetPixel(index)
        np.testing.assert_allclose(scan.geometry.to_lps_mm(np.array([x, y, z])), point, atol=2e-3)


@pytest.mark.parametrize("stored", ["LPS", "RAI", "ARI"])
def test_a_label_goes_back_to_the_voxel_it_came_from(tmp_path, stored):
    image = sitk.DICOMOrient(as_image(torso()), stored)
    write_series(tmp_path, image)
    scan = read_scan(tmp_path)
    back = to_source_geometry(scan.hu, scan)
    first = next(p for p in sorted(tmp_path.iterdir()))
    reference = pydicom.dcmread(first)
    for point_index in ((3, 5, 2), (30, 20, 11)):
        point = image.TransformIndexToPhysicalPoint(point_index)
        assert back[back.TransformPhysicalPointToIndex(point)] == image[point_index]
    np.testing.assert_allclose(
        np.array(back.GetDirection()).reshape(3, 3)[:, 0], reference.ImageOrientationPatient[:3], atol=1e-6
    )
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(sitk.DICOMOrient(to_source_geometry(scan.hu > 100, scan), "LPS")), torso() > 100
    )


def test_a_label_of_another_shape_is_a_defect_not_a_guess(tmp_path):
    write_series(tmp_path)
    scan = read_scan(tmp_path)
    with pytest.raises(ValueError, match="shape"):
        to_source_geometry(scan.hu[1:], scan)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless], ids=lambda uid: uid.name[:12])
def test_compressed_pixels_are_decoded_without_loss(tmp_path, syntax):
    write_series(tmp_path, edit=lambda dataset, k: dataset.compress(syntax, generate_instance_uid=False))
    assert_is_torso(read_scan(tmp_path))


def test_jpeg_lossless_is_decoded_without_loss(tmp_path):
    write_series(tmp_path / "plain")
    (tmp_path / "packed").mkdir()
    for path in sorted((tmp_path / "plain").iterdir()):
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(str(tmp_path / "packed" / path.name))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
    packed = pydicom.dcmread(tmp_path / "packed" / "slice_000")
    assert packed.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
    assert_is_torso(read_scan(tmp_path / "packed"))


def test_each_slice_is_rescaled_by_its_own_slope_and_intercept(tmp_path):
    hu = torso() // 2 * 2

    def rescale(dataset: Dataset, k: int) -> None:
        slope, intercept = (2, -2000) if k % 2 else (1, -1024)
        dataset.RescaleSlope, dataset.RescaleIntercept = str(slope), str(intercept)
        dataset.PixelData = ((hu[k].astype(np.int32) - intercept) // slope).astype("<i2").tobytes()

    write_series(tmp_path, as_image(hu), rescale)
    scan = read_scan(tmp_path)
    assert scan.hu.dtype == np.int16
    np.testing.assert_array_equal(scan.hu, hu)


def test_a_fractional_rescale_gives_float_hounsfield_units(tmp_path):
    def rescale(dataset: Dataset, k: int) -> None:
        dataset.RescaleSlope = "0.5"
        dataset.PixelData = ((torso()[k].astype(np.int32) + 1024) * 2 + (k == 9)).astype("<i2").tobytes()

    write_series(tmp_path, edit=rescale)
    scan = read_scan(tmp_path)
    assert scan.hu.dtype == np.float32
    np.testing.assert_allclose(scan.hu[9], torso()[9] + 0.5)
    np.testing.assert_array_equal(scan.hu[:9], torso()[:9])


def test_fractions_in_some_slices_make_all_of_the_volume_float(tmp_path):
    def rescale(dataset: Dataset, k: int) -> None:
        if k % 2:
            dataset.RescaleSlope = "0.5"
            dataset.PixelData = ((torso()[k].astype(np.int32) + 1024) * 2 + 1).astype("<i2").tobytes()

    write_series(tmp_path, edit=rescale)
    scan = read_scan(tmp_path)
    assert scan.hu.dtype == np.float32
    expected = torso().astype(np.float32)
    expected[1::2] += 0.5
    np.testing.assert_array_equal(scan.hu, expected)


@pytest.mark.parametrize("declared", [-2000, 63536], ids=["signed", "written as unsigned"])
def test_padding_outside_the_field_of_view_becomes_air(tmp_path, declared):
    def pad(dataset: Dataset, k: int) -> None:
        stored = np.frombuffer(dataset.PixelData, "<i2").reshape(40, 48).copy()
        stored[:3] = -2000
        dataset.PixelData = stored.tobytes()
        dataset.add_new("PixelPaddingValue", "SS" if declared < 0 else "US", declared)

    write_series(tmp_path, edit=pad)
    scan = read_scan(tmp_path)
    assert (scan.hu[:, :3] == -1024).all()
    np.testing.assert_array_equal(scan.hu[:, 3:], torso()[:, 3:])


def test_a_padding_value_that_tissue_has_too_changes_nothing(tmp_path):
    write_series(tmp_path, PixelPaddingValue=1024)
    assert_is_torso(read_scan(tmp_path))


def test_acquisition_patient_and_identity_are_kept(tmp_path):
    uid = write_series(
        tmp_path,
        edit=lambda dataset, k: setattr(dataset, "XRayTubeCurrent", 40 + 20 * (k % 2)),
        ConvolutionKernel=["Br40d", "3"],
        Manufacturer="SIEMENS",
        ManufacturerModelName="go.Up",
        StationName="CT7",
        DeviceSerialNumber="1234",
        FilterType="TIN",
        Exposure="12",
        PatientAge="063Y",
        PatientSex="F",
        AccessionNumber="A9",
        AcquisitionDate="20240103",
        ContrastBolusAgent="IOMERON 400",
    )
    scan = read_scan(tmp_path)
    acquisition, patient, source = scan.acquisition, scan.patient, scan.source
    assert (acquisition.kvp, acquisition.tube_current_ma, acquisition.exposure_mas) == (120.0, 50.0, 12.0)
    assert (acquisition.kernel, acquisition.filter_type, acquisition.slice_thickness_mm) == ("Br40d\\3", "TIN", 2.5)
    assert (acquisition.manufacturer, acquisition.model, acquisition.station) == ("SIEMENS", "go.Up", "CT7")
    assert (acquisition.device_serial, acquisition.contrast_agent) == ("1234", "IOMERON 400")
    assert (acquisition.study_date, acquisition.acquisition_date) == ("20240102", "20240103")
    assert (patient.patient_id, patient.name, patient.sex, patient.age_years) == ("P1", "Doe^Jane", "F", 63.0)
    assert (source.kind, source.series_uid, source.accession_number) == ("dicom", uid, "A9")
    assert source.study_uid
    assert source.frame_of_reference_uid


def test_what_an_anonymised_header_lacks_stays_unknown(tmp_path):
    def strip(dataset: Dataset, k: int) -> None:
        del dataset.KVP, dataset.ConvolutionKernel
        dataset.ContrastBolusAgent = ""
        dataset.PatientName = ""

    write_series(tmp_path, edit=strip)
    scan = read_scan(tmp_path)
    assert scan.acquisition.kvp is None
    assert scan.acquisition.kernel is None
    assert scan.acquisition.contrast_agent is None
    assert scan.acquisition.tube_current_ma is None
    assert scan.patient.name is None
    assert scan.patient.age_years is None


@pytest.mark.parametrize(
    ("tags", "years"),
    [
        ({"PatientAge": "018M"}, 1.5),
        ({"PatientBirthDate": "19590102"}, 65.0),
        ({"PatientAge": "", "PatientBirthDate": ""}, None),
    ],
)
def test_age_comes_from_the_age_else_from_the_dates_else_from_nowhere(tmp_path, tags, years):
    write_series(tmp_path, **tags)
    age = read_scan(tmp_path).patient.age_years
    assert age == (None if years is None else pytest.approx(years, abs=0.05))


@pytest.mark.parametrize(
    ("stated", "agent"),
    [
        ("NONE", None),
        ("None given", None),
        ("nil", None),
        ("0", None),
        ("Native ", None),
        ("not applicable", None),
        ("Without contrast", None),
        ("ORAL", "ORAL"),
    ],
)
def test_a_header_that_denies_contrast_agent_states_none(tmp_path, stated, agent):
    write_series(tmp_path, ContrastBolusAgent=stated)
    assert read_scan(tmp_path).acquisition.contrast_agent == agent


def test_a_contrast_agent_that_one_slice_states_counts(tmp_path):
    write_series(tmp_path, edit=lambda d, k: setattr(d, "ContrastBolusAgent", "IOMERON" if k == 9 else "NONE"))
    assert read_scan(tmp_path).acquisition.contrast_agent == "IOMERON"


@pytest.mark.parametrize("in_one_half", [True, False], ids=["halves", "mixed"])
def test_one_voltage_written_in_two_ways_is_one_scan(tmp_path, in_one_half):
    write_series(tmp_path, edit=lambda d, k: setattr(d, "KVP", "120" if (k < 8 if in_one_half else k % 3) else "120.0"))
    assert_is_torso(read_scan(tmp_path))


def test_the_same_file_twice_counts_once(tmp_path):
    made = datasets(as_image(torso()))
    save(made, tmp_path / "a")
    save(made[3:6], tmp_path / "copy")
    assert_is_torso(read_scan(tmp_path))


def test_one_file_stands_for_its_series_and_for_no_other(tmp_path):
    uid = write_series(tmp_path, prefix="a")
    write_series(tmp_path, as_image(torso(40)), prefix="b")
    scan = read_scan(tmp_path / "a_004")
    assert scan.source.series_uid == uid
    assert_is_torso(scan)


def test_reading_reports_rising_progress_up_to_the_end(tmp_path):
    write_series(tmp_path)
    seen: list[float] = []
    read_scan(tmp_path, progress=lambda stage, fraction: seen.append(fraction) if stage == "read" else None)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert len(seen) > 16


@pytest.mark.parametrize("stop_at", [0.0, 0.5])
def test_reading_can_be_cancelled(tmp_path, stop_at):
    write_series(tmp_path)

    def cancel(stage: str, fraction: float) -> None:
        if fraction >= stop_at:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_scan(tmp_path, progress=cancel)


def test_a_truncated_slice_is_named(tmp_path):
    write_series(tmp_path)
    victim = tmp_path / "slice_006"
    victim.write_bytes(victim.read_bytes()[:-500])
    with pytest.raises(CannotMeasure, match=r"slice_006 .*damaged"):
        read_scan(tmp_path)


def test_nothing_is_written_beside_the_input(tmp_path: Path):
    write_series(tmp_path)
    before = sorted(tmp_path.iterdir())
    read_scan(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
