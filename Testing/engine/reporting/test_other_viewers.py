"""What other viewers list of the DICOM objects, by their own code: OHIF's, and QuantitativeReporting's of Slicer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from helpers_report import Case, case
from helpers_viewers import dcmqi, read_by_ohif
from ldct_bmd.examination import conclude
from ldct_bmd.reporting.dicom.context import LABEL_MAP_SEGMENTATION_STORAGE
from ldct_bmd.reporting.dicom.objects import make_context, make_objects
from ldct_bmd.reporting.overview import overview_png
from places import ROOT

MEASUREMENT_REPORT = "1500"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The objects of the automatic record, without documents."""
    path = tmp_path_factory.mktemp("viewers")
    made: Case = case()
    context = make_context(made.examination, made.pixels.source)
    make_objects(context, made.scan, made.column, pdf=None, title="", overview_png=None).write(path)
    return path


@pytest.fixture(scope="module")
def by_ohif(folder: Path) -> dict[str, Any]:
    return read_by_ohif(case().folder, folder / "sr.dcm", folder / "seg.dcm", folder / "vois.dcm")


def test_ohif_lists_every_level_and_the_mean_with_their_values(by_ohif: dict[str, Any]) -> None:
    listed = {one["TrackingIdentifier"]: one for one in by_ohif["measurements"]}
    examination = case().examination
    assert set(listed) == {*(f"{one.level} VOI" for one in examination.measurements), "Mean of L1-L2"}
    for measurement in examination.measurements:
        labels = [(label["label"], label["value"]) for label in listed[f"{measurement.level} VOI"]["labels"]]
        assert labels == [
            ("Trabecular bone mineral density, K2HPO4 equivalent", f"{measurement.bmd_mg_cm3:.2f} mg/cm3"),
            ("Attenuation Coefficient", f"{measurement.mean_hu:.2f} [hnsf'U]"),
            ("Attenuation Coefficient", f"{measurement.sd_hu:.2f} [hnsf'U]"),
            ("Volume", f"{measurement.volume_mm3:.2f} mm3"),
            ("363698007", f"{measurement.level} vertebra"),
        ]
    mean = listed["Mean of L1-L2"]["labels"][0]["value"]
    assert mean == f"{examination.assessment.mean_bmd_mg_cm3:.2f} mg/cm3"


def test_ohif_draws_each_voi_where_it_is(by_ohif: dict[str, Any]) -> None:
    """All are shown on the scan, whose frame of reference is theirs: OHIF fails on a group without coordinates."""
    listed = {one["TrackingIdentifier"]: one for one in by_ohif["measurements"]}
    assert all(one["loaded"] for one in listed.values())
    drawn = {one["uid"]: one for one in by_ohif["annotations"]}
    assert len(drawn) == len(listed)
    for measurement in case().examination.measurements:
        annotation = drawn[listed[f"{measurement.level} VOI"]["TrackingUniqueIdentifier"]]
        points = np.asarray(annotation["points"])
        assert annotation["type"] == "ELLIPSE"
        assert np.allclose(points.mean(axis=0), measurement.voi.center_lps_mm, atol=1e-3)
        lengths = np.linalg.norm(points[1::2] - points[::2], axis=1) / 2
        assert np.allclose(lengths, measurement.voi.semi_axes_mm, atol=1e-3)


def test_ohif_opens_a_report_in_which_no_level_was_measured(tmp_path: Path) -> None:
    made = case()
    quality = replace(made.examination.quality, vois=())
    none = conclude(replace(made.examination, measurements=(), quality=quality))
    context = make_context(none, made.pixels.source)
    make_objects(context, made.scan, made.column, pdf=None, title="", overview_png=None, seg=False).write(tmp_path)
    read = read_by_ohif(made.folder, tmp_path / "sr.dcm")
    (group,) = read["measurements"]
    assert group["loaded"]
    (drawn,) = read["annotations"]
    assert drawn["type"] == "POINT"
    assert np.allclose(drawn["points"], [none.vertebrae[-1].centroid_lps_mm], atol=1e-3)


def test_ohif_lists_the_images_that_the_vois_lie_in(by_ohif: dict[str, Any]) -> None:
    heights = {}
    for file in case().folder.iterdir():
        image = pydicom.dcmread(file, stop_before_pixels=True)
        heights[image.SOPInstanceUID] = float(image.ImagePositionPatient[2])
    listed = {heights[one["ReferencedSOPInstanceUID"]] for one in by_ohif["referencedImages"]}
    assert listed == {
        height
        for height in heights.values()
        if any(
            abs(height - one.voi.center_lps_mm[2]) <= 0.5 * one.voi.height_mm for one in case().examination.measurements
        )
    }


def test_ohif_lists_every_segment_with_its_voxels(by_ohif: dict[str, Any]) -> None:
    bodies, vois = by_ohif["segmentations"]
    assert _voxels(bodies) == {v.level: case().column.mask(v.level)[1].sum() for v in case().column.vertebrae}
    voxel_mm3 = case().scan.geometry.voxel_volume_mm3
    for measurement in case().examination.measurements:
        voxels = _voxels(vois)[f"{measurement.level} VOI"]
        assert voxels * voxel_mm3 == pytest.approx(measurement.volume_mm3, rel=0.03)


def test_quantitative_reporting_takes_the_report(folder: Path) -> None:
    """Its rules: an SR of these classes and this template, no planar regions, and the segmentation as evidence."""
    report = hd.sr.srread(folder / "sr.dcm")
    assert report.Modality == "SR"
    assert report.SOPClassUID == pydicom.uid.Comprehensive3DSRStorage
    assert report.ContentTemplateSequence[0].TemplateIdentifier == MEASUREMENT_REPORT
    assert report.content.get_planar_roi_measurement_groups() == []
    series = [
        one.SeriesInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for one in study.ReferencedSeriesSequence
        for item in one.ReferencedSOPSequence
        if item.ReferencedSOPClassUID == pydicom.uid.SegmentationStorage
    ]
    assert series == [pydicom.dcmread(folder / "vois.dcm").SeriesInstanceUID]


def test_quantitative_reporting_shows_each_value_under_its_heading(folder: Path, tmp_path: Path) -> None:
    """It heads its table by the first group's values, and gives the n-th segment the tracking UID of the n-th group."""
    dcmqi("tid1500reader", "--inputDICOM", str(folder / "sr.dcm"), "--outputMetadata", str(tmp_path / "sr.json"))
    groups = json.loads((tmp_path / "sr.json").read_text(encoding="utf-8"))["Measurements"]
    heads = [_heading(item) for item in groups[0]["measurementItems"]]
    assert len(set(heads)) == len(heads)
    examination = case().examination
    values = {group["TrackingIdentifier"]: [float(i["value"]) for i in group["measurementItems"]] for group in groups}
    for one in examination.measurements:
        expected = (one.bmd_mg_cm3, one.mean_hu, one.sd_hu, one.volume_mm3)
        assert values[f"{one.level} VOI"] == pytest.approx(expected, rel=1e-9)
    assert values["Mean of L1-L2"] == pytest.approx([examination.assessment.mean_bmd_mg_cm3], rel=1e-9)
    units = [[item["units"]["CodeValue"] for item in group["measurementItems"]] for group in groups]
    assert all(one == units[0][: len(one)] for one in units)
    segments = pydicom.dcmread(folder / "vois.dcm").SegmentSequence
    for group, segment in zip(groups[: len(examination.measurements)], segments, strict=True):
        assert group["ReferencedSegment"] == segment.SegmentNumber
        assert group["TrackingUniqueIdentifier"] == segment.TrackingUID


def test_dcmqi_reads_the_segments_onto_the_scans_grid(folder: Path, tmp_path: Path) -> None:
    dcmqi(
        *("segimage2itkimage", "--inputDICOM", str(folder / "seg.dcm"), "--outputDirectory", str(tmp_path)),
        *("--outputType", "nii"),
    )
    for segment in pydicom.dcmread(folder / "seg.dcm").SegmentSequence:
        image = sitk.ReadImage(str(tmp_path / f"{segment.SegmentNumber}.nii.gz"))
        z, y, x = np.nonzero(sitk.GetArrayViewFromImage(image))
        center = image.TransformContinuousIndexToPhysicalPoint((x.mean(), y.mean(), z.mean()))
        (vertebra,) = (one for one in case().column.vertebrae if one.level == segment.SegmentLabel)
        assert len(z) == case().column.mask(vertebra.level)[1].sum()
        assert np.allclose(center, vertebra.centroid_lps_mm, atol=0.01)


def test_the_conformance_page_names_each_class_that_is_written(folder: Path, label_maps: Path, tmp_path: Path) -> None:
    made = case()
    context = make_context(made.examination, made.pixels.source)
    picture = overview_png(made.scan, made.column, made.examination)
    make_objects(context, made.scan, made.column, b"%PDF-1.4", "", picture, seg=False, sr=False).write(tmp_path)
    page = (ROOT / "docs" / "reference" / "dicom-conformance.md").read_text(encoding="utf-8")
    written = page.partition("## Objects that are written")[2].partition("## Templates")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in written.splitlines() if line.startswith("|")]
    objects = [pydicom.dcmread(path) for place in (folder, label_maps, tmp_path) for path in place.glob("*.dcm")]
    assert {str(one.SOPClassUID) for one in objects if one.Modality != "SR"} | {
        str(pydicom.uid.Comprehensive3DSRStorage)
    } == {row[3] for row in rows if row[3].startswith("1.2.")}
    for one in objects:
        assert one.file_meta.TransferSyntaxUID in written
        if str(one.SOPClassUID) != LABEL_MAP_SEGMENTATION_STORAGE:
            assert [one.Modality, str(one.SeriesNumber)] in [row[4].split(", ") for row in rows]


def _voxels(read: dict[str, Any]) -> dict[str, int]:
    """Those of each segment by its label; 0 is the background of a label map."""
    return {one["label"]: read["voxels"][str(one["number"])] for one in read["segments"] if one["number"]}


def _heading(item: dict[str, Any]) -> str:
    named = item.get("derivationModifier", item["quantity"])
    return f"{named['CodeMeaning']} [{item['units']['CodeValue']}]"


@pytest.fixture(scope="module")
def label_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same objects with segmentations as label maps, which dicom3tools of 2024 does not know yet."""
    path, made = tmp_path_factory.mktemp("label_maps"), case()
    context = make_context(made.examination, made.pixels.source, labelmap=True)
    make_objects(context, made.scan, made.column, pdf=None, title="", overview_png=None).write(path)
    return path


def test_a_label_map_holds_what_the_binary_segmentation_holds(folder: Path, label_maps: Path) -> None:
    for name in ("seg.dcm", "vois.dcm"):
        binary, mapped = (hd.seg.segread(one / name) for one in (folder, label_maps))
        assert mapped.SOPClassUID == LABEL_MAP_SEGMENTATION_STORAGE
        assert mapped.SegmentationType == "LABELMAP"
        assert mapped.SOPInstanceUID != binary.SOPInstanceUID
        for number in range(1, len(binary.SegmentSequence) + 1):
            assert mapped.get_segment_description(number).segment_label == (
                binary.get_segment_description(number).segment_label
            )
        uids = [pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in case().folder.iterdir()]
        known = {"ignore_spatial_locations": True, "assert_missing_frames_are_empty": True, "combine_segments": True}
        assert np.array_equal(*(one.get_pixels_by_source_instance(uids, **known) for one in (binary, mapped)))
    report = pydicom.dcmread(label_maps / "sr.dcm")
    assert report.SOPInstanceUID != pydicom.dcmread(folder / "sr.dcm").SOPInstanceUID
    assert str(pydicom.dcmread(label_maps / "vois.dcm").SOPInstanceUID) in str(report)


def test_ohif_reads_label_maps_too(label_maps: Path, by_ohif: dict[str, Any]) -> None:
    read = read_by_ohif(case().folder, *(label_maps / name for name in ("sr.dcm", "seg.dcm", "vois.dcm")))
    assert [_voxels(one) for one in read["segmentations"]] == [_voxels(one) for one in by_ohif["segmentations"]]
