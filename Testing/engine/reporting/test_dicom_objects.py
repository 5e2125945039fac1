"""The DICOM objects: judged by other software, read back, in line with the scan, the same each time."""

import shutil
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from helpers_record import with_scan
from helpers_report import HOSTILE, SIGNED_AT, Case, case, judged, make_case
from ldct_bmd.anatomy import SNOMED_CODE, VERSE_VALUE
from ldct_bmd.calibration import FitQuality
from ldct_bmd.corrections import change_calibration, exclude_level
from ldct_bmd.examination import Examination, record_sha256, sign
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.dicom import make_objects, read_source
from ldct_bmd.reporting.dicom.deidentify import deidentified_source
from ldct_bmd.reporting.dicom.documents import encapsulate_pdf
from ldct_bmd.reporting.dicom.objects import DICOMObjects, make_context
from ldct_bmd.reporting.files import DICOM_FILES
from ldct_bmd.reporting.held import read_earlier
from ldct_bmd.reporting.overview import overview_png
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.pdf import to_pdf
from ldct_bmd.reporting.priors import compare
from ldct_bmd.voi import voi_weights

READER = "Dr. 王小明"
LEVELS = ("T12", "L1", "L2")


def export(made: Case, examination: Examination, folder: Path, earlier: Path | None = None) -> DICOMObjects:
    """Make the objects of a record and write them to ``folder``."""
    pixels = made.pixels
    context = make_context(examination, pixels.source, None if earlier is None else read_earlier(earlier))
    report = compose(examination)
    picture = overview_png(made.scan, made.column, examination)
    objects = make_objects(context, made.scan, made.column, to_pdf(report), report.title, picture)
    folder.mkdir()
    objects.write(folder)
    return objects


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The objects of the automatic record."""
    path = tmp_path_factory.mktemp("objects") / "dicom"
    export(case(), case().examination, path)
    return path


@pytest.fixture(scope="module")
def reviewed() -> Examination:
    """The record corrected and signed, with a calibration whose fit is known."""
    examination = case().examination
    fitted = replace(examination.calibration, fit=FitQuality(0.01, 1.0, 0.0, 2.0, 0.99, 5))
    examination = change_calibration(examination, fitted, READER, "2024-05-06T08:00:00Z")
    examination = exclude_level(examination, "L2", "other", READER, "2024-05-06T08:01:00Z", words="骨折?")
    return sign(examination, READER, SIGNED_AT, "General Hospital")


@pytest.fixture(scope="module")
def signed_folder(folder: Path, reviewed: Examination) -> Path:
    """The objects of the signed record, which replace those of the automatic one."""
    path = folder.with_name("signed")
    export(case(), reviewed, path, folder / "sr.dcm")
    return path


def errors(told: str) -> list[str]:
    return [line for line in told.splitlines() if line.startswith(("Error", "E:", "F:"))]


@pytest.mark.parametrize("name", DICOM_FILES)
def test_dciodvfy_finds_no_error(folder: Path, signed_folder: Path, name: str) -> None:
    for path in (folder / name, signed_folder / name):
        assert errors(judged("dciodvfy", path)) == []


def test_dsrdump_reads_every_measurement(signed_folder: Path, reviewed: Examination) -> None:
    told = judged("dsrdump", signed_folder / "sr.dcm")
    assert errors(told) == []
    for measurement in reviewed.measurements:
        assert f"{measurement.bmd_mg_cm3:.4f}"[:6] in told
    assert "Comprehensive 3D SR" in told


@pytest.mark.parametrize("name", DICOM_FILES)
def test_every_object_belongs_to_the_scans_patient_study_and_order(folder: Path, name: str) -> None:
    source = pydicom.dcmread(next(case().folder.iterdir()), stop_before_pixels=True)
    dataset = pydicom.dcmread(folder / name)
    keywords = (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
    )
    for keyword in keywords:
        assert str(dataset.get(keyword)) == str(source.get(keyword)), keyword
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
    assert source.SOPInstanceUID.encode() in (folder / name).read_bytes()


def seg_masks(path: Path) -> dict[str, np.ndarray]:
    """The segments by label, (slice, row, column), on the grid of the stored series sorted upwards."""
    segmentation = hd.seg.segread(path)
    images = sorted(
        (pydicom.dcmread(file, stop_before_pixels=True) for file in case().folder.iterdir()),
        key=lambda image: float(image.ImagePositionPatient[2]),
    )
    uids = [image.SOPInstanceUID for image in images]
    masks = segmentation.get_pixels_by_source_instance(
        uids, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    return {d.SegmentLabel: masks[..., place] > 0 for place, d in enumerate(segmentation.SegmentSequence)}


def test_the_segmentation_holds_the_bodies_voxel_by_voxel(folder: Path) -> None:
    masks = seg_masks(folder / "seg.dcm")
    for vertebra in case().column.vertebrae:
        assert np.array_equal(masks[vertebra.level], case().column.bodies == VERSE_VALUE[vertebra.level])


def test_a_vois_segment_is_the_voi_to_half_a_voxel(folder: Path) -> None:
    scan = case().scan
    for measurement in case().examination.measurements:
        mask = seg_masks(folder / "vois.dcm")[f"{measurement.level} VOI"]
        box, weights = voi_weights(measurement.voi, scan.geometry)
        assert np.array_equal(mask[box], weights > 0.5)
        assert mask.sum() == (weights > 0.5).sum()
        assert mask.sum() * scan.geometry.voxel_volume_mm3 == pytest.approx(measurement.volume_mm3, rel=0.03)


def centers(path: Path) -> dict[str, np.ndarray]:
    """Where a viewer puts the middle of each segment, in millimetres, by the headers alone."""
    dataset = pydicom.dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    dy, dx = (float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing)
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    points: dict[int, list[np.ndarray]] = {}
    for frame, group in zip(dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        rows, columns = np.nonzero(frame)
        corner = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        at = corner + np.outer(columns * dx, orientation[0]) + np.outer(rows * dy, orientation[1])
        points.setdefault(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber, []).append(at)
    return {d.SegmentLabel: np.concatenate(points[d.SegmentNumber]).mean(axis=0) for d in dataset.SegmentSequence}


def test_the_segmentations_line_up_with_the_ct_in_space(folder: Path) -> None:
    bodies, vois = centers(folder / "seg.dcm"), centers(folder / "vois.dcm")
    for vertebra in case().column.vertebrae:
        assert np.linalg.norm(bodies[vertebra.level] - vertebra.centroid_lps_mm) < 0.01
    half_a_voxel = 0.5 * min(case().scan.geometry.spacing_mm)
    for measurement in case().examination.measurements:
        offset = vois[f"{measurement.level} VOI"] - measurement.voi.center_lps_mm
        assert np.abs(offset).max() < half_a_voxel


@pytest.mark.parametrize("name", ["seg.dcm", "vois.dcm"])
def test_a_segmentation_has_no_empty_frame_and_right_indices(folder: Path, name: str) -> None:
    dataset = pydicom.dcmread(folder / name)
    assert dataset.SegmentationType == "BINARY"
    assert (dataset.Rows, dataset.Columns) == case().scan.geometry.size[1::-1]
    assert dataset.pixel_array.any(axis=(1, 2)).all()
    assert dataset.NumberOfFrames == len(dataset.PerFrameFunctionalGroupsSequence)
    indices = [tuple(g.FrameContentSequence[0].DimensionIndexValues) for g in dataset.PerFrameFunctionalGroupsSequence]
    assert len(set(indices)) == len(indices)
    heights = {}
    for group, (_, position) in zip(dataset.PerFrameFunctionalGroupsSequence, indices, strict=True):
        heights.setdefault(position, set()).add(float(group.PlanePositionSequence[0].ImagePositionPatient[2]))
    ordered = [heights[position] for position in sorted(heights)]
    assert all(len(one) == 1 for one in ordered)
    assert ordered in (sorted(ordered, key=min), sorted(ordered, key=min, reverse=True))


def test_segments_are_coded_named_and_coloured(folder: Path) -> None:
    bodies, vois = ([*pydicom.dcmread(folder / name).SegmentSequence] for name in ("seg.dcm", "vois.dcm"))
    assert [d.SegmentLabel for d in bodies] == [v.level for v in case().column.vertebrae]
    assert [d.SegmentLabel for d in vois] == [f"{level} VOI" for level in LEVELS]
    segments = {d.SegmentLabel: d for d in (*bodies, *vois)}
    for label, segment in segments.items():
        region = segment.AnatomicRegionSequence[0]
        assert region.CodeValue == SNOMED_CODE[label.split()[0]]
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert "RecommendedDisplayCIELabValue" in segment
    kind = segments["L1"].SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("3572006", "SCT")


def texts(container: Dataset, meaning: str) -> list[str]:
    """All texts of a concept, however deep."""
    found = []
    for item in container.get("ContentSequence", []):
        if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeMeaning == meaning:
            found.append(item.TextValue)
        found += texts(item, meaning)
    return found


def test_the_report_has_a_group_for_each_level_with_all_that_was_measured(
    signed_folder: Path, reviewed: Examination
) -> None:
    report = hd.sr.srread(signed_folder / "sr.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    seg = pydicom.dcmread(signed_folder / "vois.dcm")
    labels = {d.SegmentNumber: d.SegmentLabel for d in seg.SegmentSequence}
    assert len(groups) == len(LEVELS)
    for group, measurement in zip(groups, reviewed.measurements, strict=True):
        assert group.finding_sites[0].value.value == SNOMED_CODE[measurement.level]
        reference = group.referenced_segment
        assert reference.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert labels[reference.referenced_segment_numbers[0]] == f"{measurement.level} VOI"
        found = [
            (m.name.value, m.derivation.value if m.derivation else None, m.value, m.unit.value)
            for m in group.get_measurements()
        ]
        expected = [
            ("BMD_K2HPO4", None, measurement.bmd_mg_cm3, "mg/cm3"),
            ("112031", "373098007", measurement.mean_hu, "[hnsf'U]"),
            ("112031", "386136009", measurement.sd_hu, "[hnsf'U]"),
            ("118565006", None, measurement.volume_mm3, "mm3"),
        ]
        for a, b in zip(found, expected, strict=True):
            assert a[:2] == b[:2]
            assert a[3] == b[3]
            assert a[2] == pytest.approx(b[2], rel=1e-9)
        uses = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
        assert uses["INCLUSION"] == {"T12": "REFERENCE", "L1": "INCLUDED", "L2": "EXCLUDED"}[measurement.level]


def test_the_report_states_equation_provenance_exclusion_and_conclusion(
    signed_folder: Path, reviewed: Examination
) -> None:
    report = pydicom.dcmread(signed_folder / "sr.dcm")
    assert set(texts(report, "Equation")) == {"BMD = 0.8 x HU + 0 mg/cm³"}
    assert all("QA phantom, made up" in text for text in texts(report, "Equation Citation"))
    assert texts(report, "Reason for exclusion") == ["other: 骨折?"]
    assert texts(report, "Conclusion") == [reviewed.assessment.statement]
    assert texts(report, "SHA-256 of the record") == [record_sha256(reviewed)]


def test_only_a_signed_report_is_complete_and_verified(folder: Path, signed_folder: Path) -> None:
    automatic, signed = (pydicom.dcmread(path / "sr.dcm") for path in (folder, signed_folder))
    assert (automatic.CompletionFlag, automatic.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert (signed.CompletionFlag, signed.VerificationFlag) == ("COMPLETE", "VERIFIED")
    observer = signed.VerifyingObserverSequence[0]
    assert str(observer.VerifyingObserverName).rstrip("^") == READER
    assert observer.VerifyingOrganization == "General Hospital"
    assert observer.VerificationDateTime == "20240507101112+0000"


def test_a_reexport_after_a_correction_has_new_uids_and_names_its_predecessor(
    folder: Path, signed_folder: Path
) -> None:
    for name in DICOM_FILES:
        old, new = (pydicom.dcmread(path / name) for path in (folder, signed_folder))
        assert old.SOPInstanceUID != new.SOPInstanceUID
        assert old.SeriesInstanceUID != new.SeriesInstanceUID
    old, new = (pydicom.dcmread(path / "sr.dcm") for path in (folder, signed_folder))
    assert "PredecessorDocumentsSequence" not in old
    (study,) = new.PredecessorDocumentsSequence
    named = study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert (study.StudyInstanceUID, named.ReferencedSOPInstanceUID) == (old.StudyInstanceUID, old.SOPInstanceUID)


def test_a_reexport_of_the_same_record_gives_the_same_bytes(
    signed_folder: Path, reviewed: Examination, tmp_path: Path
) -> None:
    export(case(), reviewed, tmp_path / "again", signed_folder / "sr.dcm")
    for name in DICOM_FILES:
        again, before = (pydicom.dcmread(path / name) for path in (tmp_path / "again", signed_folder))
        assert again == before
        assert (tmp_path / "again" / name).read_bytes() == (signed_folder / name).read_bytes(), name


def test_a_report_of_another_study_is_no_predecessor(folder: Path) -> None:
    earlier, source = read_earlier(folder / "sr.dcm"), case().pixels.source
    corrected = exclude_level(case().examination, "L2", "cyst", READER, SIGNED_AT)
    assert earlier is not None
    assert source is not None
    assert make_context(corrected, source, earlier).predecessor == earlier.report
    elsewhere = replace(earlier, report=replace(earlier.report, study_uid="1.2.77"))
    assert make_context(corrected, source, elsewhere).predecessor is None
    assert make_context(corrected, deidentified_source(source), earlier, deidentified=True).predecessor is None


def test_another_pdf_or_another_measurement_has_another_uid() -> None:
    source = case().pixels.source
    assert source is not None

    def report_uid(examination: Examination, pdf: bytes) -> str:
        return str(encapsulate_pdf(make_context(examination, source), pdf, "Report").SOPInstanceUID)

    examination = case().examination
    later = replace(examination, measured_at="2024-05-06T09:00:00Z")
    prior = compare(examination, earlier_scan(examination))
    without, with_prior = (to_pdf(compose(examination, comparisons=made)) for made in ((), (prior,)))
    assert report_uid(examination, without) == report_uid(examination, without)
    assert report_uid(examination, without) != report_uid(examination, with_prior)
    assert report_uid(examination, without) != report_uid(later, without)
    assert make_context(examination, source).series("sr") != make_context(later, source).series("sr")


def earlier_scan(examination: Examination) -> Examination:
    return with_scan(examination, acquisition_date="20220601", sop_instance_uids=("1.9",))


def test_the_encapsulated_pdf_is_the_report(folder: Path) -> None:
    dataset = pydicom.dcmread(folder / "report.dcm")
    pdf = dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength]
    assert pdf == to_pdf(compose(case().examination))
    assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_the_capture_is_the_overview_pixel_by_pixel(folder: Path, tmp_path: Path) -> None:
    import matplotlib.image

    made = case()
    (tmp_path / "o.png").write_bytes(overview_png(made.scan, made.column, made.examination))
    expected = np.rint(matplotlib.image.imread(tmp_path / "o.png")[..., :3] * 255).astype(np.uint8)
    assert np.array_equal(pydicom.dcmread(folder / "overview.dcm").pixel_array, expected)


def test_headers_that_break_the_rules_give_valid_objects(tmp_path: Path) -> None:
    def spoil(dataset: Dataset) -> None:
        dataset.SpecificCharacterSet = "GB18030"
        dataset.PatientName = "Wang^XiaoMing=王^小明"
        dataset.PatientSex = ""
        dataset.PatientBirthDate = ""
        dataset.StudyDescription = HOSTILE["html"][:60]
        del dataset.StudyTime
        del dataset.StudyID

    made = make_case(tmp_path / "scan", spoil)
    export(made, made.examination, tmp_path / "dicom")
    for name in DICOM_FILES:
        assert errors(judged("dciodvfy", tmp_path / "dicom" / name)) == []
        assert str(pydicom.dcmread(tmp_path / "dicom" / name).PatientName) == "Wang^XiaoMing=王^小明"


def source_header(**tags: str) -> Dataset:
    dataset = pydicom.dcmread(next(case().folder.iterdir()), stop_before_pixels=True)
    with pydicom.config.disable_value_validation():
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("value", ["x" * 65, "a\\b", "a\x07b"])
def test_an_identifier_that_dicom_cant_hold_is_refused_not_cut(value: str) -> None:
    from ldct_bmd.reporting.dicom.source import clean_header

    with pytest.raises(UsageError, match="PatientID"):
        clean_header(source_header(PatientID=value))


def test_a_name_that_dicom_cant_hold_is_cut() -> None:
    from ldct_bmd.reporting.dicom.source import clean_header

    name = str(clean_header(source_header(PatientName=HOSTILE["long"])).PatientName)
    assert len(name) == 64
    assert HOSTILE["long"].startswith(name)


def test_a_scan_that_lacks_an_image_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "scan"
    shutil.copytree(case().folder, copy)
    next(copy.iterdir()).unlink()
    with pytest.raises(UsageError, match="lacks 1 of the"):
        read_source(copy, case().examination.scan)
