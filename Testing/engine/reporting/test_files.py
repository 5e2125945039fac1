"""The result folder: what is in it, and that it is there whole or not at all."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.text import Text

from helpers_record import LEVELS, SITE
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.anatomy import COLOR_RGB, SNOMED_CODE, VERSE_VALUE
from ldct_bmd.assessment import format_bmd
from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import Cancelled
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.reporting.files import RESULT_FILES, check_output_folder, write_folder, write_result
from ldct_bmd.reporting.markups import voi_markups
from ldct_bmd.reporting.overview import draw_overview
from ldct_bmd.scan import CTScan, read_scan
from ldct_bmd.voi import CylinderVOI


@pytest.fixture(scope="module")
def file_scan(scan_file: Path) -> CTScan:
    """The scan as read from a file stored in another orientation."""
    return read_scan(scan_file)


@pytest.fixture(scope="module")
def result(file_scan: CTScan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MeasuredScan, Examination]:
    """A written folder, what it was written from, and the record that was returned."""
    measured = measure(file_scan, ReadySegmenter(spine_bodies()), SITE)
    folder = tmp_path_factory.mktemp("results") / "result"
    return folder, measured, write_result(measured, file_scan, folder)


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def same_grid(one: sitk.Image, other: sitk.Image) -> bool:
    return one.GetSize() == other.GetSize() and all(
        np.allclose(a, b, atol=1e-4)
        for a, b in (
            (one.GetSpacing(), other.GetSpacing()),
            (one.GetOrigin(), other.GetOrigin()),
            (one.GetDirection(), other.GetDirection()),
        )
    )


def test_the_folder_holds_the_five_files_and_nothing_else(result: tuple[Path, MeasuredScan, Examination]) -> None:
    folder = result[0]
    assert entries(folder) == set(RESULT_FILES)
    assert entries(folder.parent) == {folder.name}


def test_the_written_record_is_the_pipelines_with_the_files_named(
    result: tuple[Path, MeasuredScan, Examination],
) -> None:
    folder, measured, returned = result
    written = Examination.from_json((folder / "measurement.json").read_text(encoding="utf-8"))
    assert written == returned
    assert replace(written, files=()) == measured.examination


def test_the_record_has_the_masks_checksums(result: tuple[Path, MeasuredScan, Examination]) -> None:
    folder, _, examination = result
    named = {file.name: file.sha256 for file in examination.files}
    assert named == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("vertebrae.nii.gz", "vertebrae.seg.nrrd")
    }


@pytest.mark.parametrize("name", ["vertebrae.nii.gz", "vertebrae.seg.nrrd"])
def test_bodies_lie_on_the_inputs_own_grid(
    result: tuple[Path, MeasuredScan, Examination], scan_file: Path, label_file: Path, name: str
) -> None:
    written = sitk.ReadImage(str(result[0] / name))
    assert same_grid(written, sitk.ReadImage(str(scan_file)))
    # The same file orientation as the label map it came from, so the voxels can be compared as they lie.
    assert np.array_equal(sitk.GetArrayFromImage(written), sitk.GetArrayFromImage(sitk.ReadImage(str(label_file))))


def test_slicer_finds_name_colour_value_and_terminology_of_every_segment(
    result: tuple[Path, MeasuredScan, Examination],
) -> None:
    image = sitk.ReadImage(str(result[0] / "vertebrae.seg.nrrd"))
    fields = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    assert fields["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert fields["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert fields["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    for number, level in enumerate(LEVELS):
        prefix = f"Segment{number}_"
        assert fields[prefix + "ID"] == fields[prefix + "Name"] == level
        assert fields[prefix + "LabelValue"] == str(VERSE_VALUE[level])
        assert fields[prefix + "Layer"] == "0"
        assert fields[prefix + "Extent"] == " ".join(f"0 {n - 1}" for n in image.GetSize())
        color = [255 * float(value) for value in fields[prefix + "Color"].split()]
        assert color == pytest.approx(COLOR_RGB[level], abs=0.5)
        key, entry = fields[prefix + "Tags"].rstrip("|").split(":", 1)
        assert key == "TerminologyEntry"
        # Context, category, type, type modifier, anatomic context, region, region modifier.
        parts = entry.split("~")
        assert len(parts) == 7
        assert parts[1] == "SCT^123037004^Anatomical Structure"
        assert parts[2] == f"SCT^{SNOMED_CODE[level]}^{level} vertebra"
    assert f"Segment{len(LEVELS)}_ID" not in fields


def test_markups_are_the_records_vois(result: tuple[Path, MeasuredScan, Examination]) -> None:
    folder, _, examination = result
    markups = json.loads((folder / "vois.mrk.json").read_text(encoding="utf-8"))["markups"]
    assert [roi["name"] for roi in markups] == ["VOI T12", "VOI L1", "VOI L2"]
    for roi, measurement in zip(markups, examination.measurements, strict=True):
        voi = measurement.voi
        assert (roi["type"], roi["roiType"], roi["coordinateSystem"]) == ("ROI", "Box", "LPS")
        assert roi["center"] == list(voi.center_lps_mm)
        assert roi["size"] == [2 * voi.semi_axes_mm[0], 2 * voi.semi_axes_mm[1], voi.height_mm]


def test_the_columns_of_a_markups_orientation_are_the_vois_axes() -> None:
    axes = ((0.6, 0.8, 0.0), (-0.8, 0.6, 0.0), (0.0, 0.0, 1.0))
    roi = voi_markups({"L1": CylinderVOI((1.0, 2.0, 3.0), (12.0, 8.0), axes, 9.0)})["markups"][0]
    assert np.array_equal(np.reshape(roi["orientation"], (3, 3)).T, axes)


@pytest.fixture(scope="module")
def drawn(measured: MeasuredScan, scan: CTScan) -> list[str]:
    """All text in the overview of a patient's scan."""
    figure = draw_overview(scan, measured.column, measured.examination)
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_the_overview_shows_levels_values_and_what_it_is_for(drawn: list[str], measured: MeasuredScan) -> None:
    for level in LEVELS:
        assert any(text.split()[0] == level for text in drawn)
    for measurement in measured.examination.measurements:
        assert f"{format_bmd(measurement.bmd_mg_cm3)} mg/cm³" in drawn
    assert "For research use, not a diagnosis" in drawn


def test_the_overview_does_not_name_the_patient(drawn: list[str], scan: CTScan) -> None:
    shown = " ".join(drawn)
    assert scan.patient.name is not None
    assert scan.patient.patient_id is not None
    assert scan.patient.name not in shown
    assert "Doe" not in shown
    assert scan.patient.patient_id not in shown


def test_the_overview_says_that_a_nominal_calibration_is_nominal(scan: CTScan, segmenter: ReadySegmenter) -> None:
    measured = measure(scan, segmenter)
    figure = draw_overview(scan, measured.column, measured.examination)
    texts = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "nominal calibration, values are indicative" in texts


def test_the_overview_says_why_a_level_was_not_measured(scan: CTScan, segmenter: ReadySegmenter) -> None:
    measured = measure(scan, segmenter, SITE, levels=("L1", "L5"))
    figure = draw_overview(scan, measured.column, measured.examination)
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert "not measured" in texts
    assert any("L5 is not in view" in text for text in texts)


def test_the_picture_is_a_png_large_enough_to_read(result: tuple[Path, MeasuredScan, Examination]) -> None:
    picture = sitk.ReadImage(str(result[0] / "overview.png"))
    width, height = picture.GetSize()
    assert width > 1000
    assert height > 1000
    assert np.ptp(sitk.GetArrayViewFromImage(picture)) > 200


def test_the_same_measurement_is_written_the_same(
    result: tuple[Path, MeasuredScan, Examination], file_scan: CTScan, tmp_path: Path
) -> None:
    folder, measured, _ = result
    write_result(measured, file_scan, tmp_path / "again")
    for name in RESULT_FILES:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt(), ZeroDivisionError()])
def test_whatever_stops_the_writing_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fill(partial: Path) -> None:
        (partial / "measurement.json").write_text("{}")
        raise error

    with pytest.raises(type(error)):
        write_folder(tmp_path / "out", False, fill)
    assert entries(tmp_path) == set()


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.6, 1.0])
def test_cancelling_at_any_file_leaves_nothing(
    measured: MeasuredScan, scan: CTScan, tmp_path: Path, fraction: float
) -> None:
    def cancel(stage: str, done: float) -> None:
        if done >= fraction:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_result(measured, scan, tmp_path / "out", progress=cancel)
    assert entries(tmp_path) == set()


def test_a_failed_overwrite_leaves_the_earlier_result(
    result: tuple[Path, MeasuredScan, Examination], file_scan: CTScan, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    write_result(result[1], file_scan, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fill(partial: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_folder(folder, True, fill)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert entries(tmp_path) == {"out"}


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    def fill(partial: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left on device"):
        write_folder(tmp_path / "out", False, fill)
    assert entries(tmp_path) == set()


def test_an_earlier_result_is_replaced_only_on_request(
    result: tuple[Path, MeasuredScan, Examination], file_scan: CTScan, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    write_result(result[1], file_scan, folder)
    (folder / "overview.png").unlink()
    with pytest.raises(UsageError, match="not empty"):
        write_result(result[1], file_scan, folder)
    assert "overview.png" not in entries(folder)
    write_result(result[1], file_scan, folder, overwrite=True)
    assert entries(folder) == set(RESULT_FILES)
    assert entries(tmp_path) == {"out"}


def test_an_empty_folder_is_filled(
    result: tuple[Path, MeasuredScan, Examination], file_scan: CTScan, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_result(result[1], file_scan, folder)
    assert entries(folder) == set(RESULT_FILES)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("holiday.jpg", "x"),
        ("measurement.json", "not json"),
        ("measurement.json", '{"schema": "another-program/1"}'),
        ("measurement.json", '["schema"]'),
    ],
)
def test_a_folder_of_someone_else_is_never_replaced(tmp_path: Path, name: str, content: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / name).write_text(content)
    with pytest.raises(UsageError, match="holds no result"):
        check_output_folder(folder, overwrite=True)
    assert (folder / name).read_text() == content


def test_what_a_reader_put_into_a_result_is_not_deleted(
    result: tuple[Path, MeasuredScan, Examination], file_scan: CTScan, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    write_result(result[1], file_scan, folder)
    (folder / "signed report.pdf").write_text("x")
    with pytest.raises(UsageError, match=r"signed report\.pdf"):
        write_result(result[1], file_scan, folder, overwrite=True)
    assert "signed report.pdf" in entries(folder)


def test_a_file_in_place_of_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(UsageError, match="not a folder"):
        check_output_folder(tmp_path / "out", overwrite=True)


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real", target_is_directory=True)
    with pytest.raises(UsageError, match="not a folder"):
        check_output_folder(tmp_path / "out", overwrite=True)


def test_a_missing_parent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        check_output_folder(tmp_path / "no" / "out", overwrite=False)


def test_a_parent_that_cannot_be_written_to_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def denied(path: Path, mode: int) -> bool:
        asked.append((path, mode & os.W_OK))
        return False

    # Not by the folder's mode: root may write everywhere.
    monkeypatch.setattr(os, "access", denied)
    with pytest.raises(UsageError, match="can't be written to"):
        check_output_folder(tmp_path / "out", overwrite=False)
    assert asked == [(tmp_path, os.W_OK)]


def test_a_mount_point_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path / "out")
    with pytest.raises(UsageError, match="mount point"):
        check_output_folder(tmp_path / "out", overwrite=False)
