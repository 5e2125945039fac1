"""Which series of a folder is measured, and what the user is told about it."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from helpers_dicom import as_image, datasets, save, torso, write_series
from ldct_bmd.calibration import kernel_class
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.scan import ChoiceReason, OtherSeries, SeriesChoice, list_series, read_scan
from ldct_bmd.scan.kernels import kernel_sharpness
from ldct_bmd.words import Phrase

FRAME = generate_uid()
# What must never be measured in place of the scan, with a word of the reason that is given.
NOT_A_SCAN = [
    ("localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
    ("localizer", {"SeriesDescription": "TOPOGRAM 0.6"}),
    ("reformat", {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}),
    ("reformat", {"ImageType": ["ORIGINAL", "PRIMARY", "MPR"]}),
    ("derived", {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}),
    ("projection", {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}),
    ("projection", {"SeriesDescription": "AX MIP 8x2"}),
    ("monoenergetic", {"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VIRTUAL_MONO"]}),
    ("monoenergetic", {"SeriesDescription": "Mono+ 70 keV"}),
    ("monoenergetic", {"SeriesDescription": "MONO 70keV"}),
    ("monoenergetic", {"SeriesDescription": "CHEST VNC"}),
    ("monoenergetic", {"SeriesDescription": "Iodine (Water)"}),
    (
        "monoenergetic",
        {"SeriesDescription": "Z Effective", "ImageType": ["DERIVED", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"]},
    ),
    ("MGML", {"RescaleType": "MGML"}),
    ("HU_MOD", {"RescaleType": "HU_MOD"}),
    ("secondary capture", {"SOPClassUID": SecondaryCaptureImageStorage}),
    ("PT, not CT", {"Modality": "PT"}),
    ("8 bits", {"BitsStored": 8}),
]


@pytest.mark.parametrize(("word", "tags"), NOT_A_SCAN, ids=lambda value: value if isinstance(value, str) else "")
def test_the_plain_scan_is_chosen_over_what_is_no_scan_and_both_are_named(tmp_path, word, tags):
    few = 6 if "TOPOGRAM" in str(tags) else 40
    other = write_series(tmp_path, as_image(torso(few)), prefix="a", **tags)
    uid = write_series(tmp_path, prefix="b", SeriesDescription="LDCT")
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert scan.source.choice == SeriesChoice(ChoiceReason.ONLY_SUITABLE, uid, 2)
    (summary,) = scan.source.other_series
    assert summary.series_uid == other
    assert summary.slices == few
    assert word in str(summary.unsuitable)


@pytest.mark.parametrize(("word", "tags"), NOT_A_SCAN, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_scan_is_refused_where_it_is_alone(tmp_path, word, tags):
    write_series(tmp_path, as_image(torso(9)), **tags)
    with pytest.raises(CannotMeasure, match=word):
        read_scan(tmp_path)


@pytest.mark.parametrize(
    "tags", [t for w, t in NOT_A_SCAN if w in ("monoenergetic", "projection", "MGML", "PT, not CT")]
)
def test_naming_a_series_does_not_make_its_values_hounsfield_units(tmp_path, tags):
    uid = write_series(tmp_path, prefix="a", **tags)
    write_series(tmp_path, prefix="b")
    with pytest.raises(CannotMeasure, match="cannot be measured"):
        read_scan(tmp_path, series_uid=uid)


def test_a_sagittal_volume_is_named_a_reformat_and_not_chosen(tmp_path):
    sagittal = write_series(tmp_path, sitk.DICOMOrient(as_image(torso(60)), "PSL"), prefix="a")
    uid = write_series(tmp_path, prefix="b")
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert [(s.series_uid, str(s.unsuitable)) for s in scan.source.other_series] == [
        (sagittal, "it is a sagittal reformat")
    ]


def test_a_lone_derived_series_is_refused_with_the_way_to_have_it_anyway(tmp_path):
    uid = write_series(tmp_path, ImageType=["DERIVED", "SECONDARY", "AXIAL"])
    with pytest.raises(CannotMeasure, match="name a reformat or derived series"):
        read_scan(tmp_path)
    scan = read_scan(tmp_path, series_uid=uid)
    np.testing.assert_array_equal(scan.hu, torso())
    assert scan.source.choice == SeriesChoice(ChoiceReason.NAMED, uid)


@pytest.mark.parametrize(
    ("reason", "better", "worse"),
    [
        (ChoiceReason.THIN, {"SliceThickness": "1.25"}, {"SliceThickness": "5"}),
        (ChoiceReason.SOFTER_KERNEL, {"ConvolutionKernel": "STANDARD"}, {"ConvolutionKernel": "LUNG"}),
        (ChoiceReason.SOFTER_KERNEL, {"ConvolutionKernel": ["Br36f", "3"]}, {"ConvolutionKernel": ["Bl57f", "3"]}),
        (
            ChoiceReason.NO_CONTRAST,
            {"ContrastBolusAgent": ""},
            {"ContrastBolusAgent": "OMNIPAQUE", "ConvolutionKernel": "SOFT"},
        ),
        (ChoiceReason.ORIGINAL, {}, {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"], "ConvolutionKernel": "SOFT"}),
        (ChoiceReason.BODY_PART, {}, {"SeriesDescription": "HEAD NATIVE", "ConvolutionKernel": "SOFT"}),
        (ChoiceReason.THINNER, {"SliceThickness": "2.5"}, {"SliceThickness": "3"}),
    ],
)
@pytest.mark.parametrize("first", ["better", "worse"])
def test_between_two_scans_the_better_one_is_chosen_for_the_reason_given(tmp_path, reason, better, worse, first):
    prefixes = ("a", "b") if first == "better" else ("b", "a")
    uid = write_series(tmp_path, prefix=prefixes[0], **better)
    write_series(tmp_path, prefix=prefixes[1], **worse)
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert scan.source.choice == SeriesChoice(reason, uid, 2)
    assert scan.source.other_series[0].unsuitable is None


def test_a_long_scan_is_chosen_over_a_short_thin_one(tmp_path):
    uid = write_series(tmp_path, as_image(torso(40)), prefix="a", SliceThickness="2.5")
    write_series(tmp_path, as_image(torso(16)), prefix="b", SliceThickness="1", ConvolutionKernel="SOFT")
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert scan.source.choice.reason is ChoiceReason.COVERAGE


def test_of_two_equal_scans_of_one_frame_the_lower_is_chosen(tmp_path):
    shared = {"FrameOfReferenceUID": FRAME}
    write_series(tmp_path, as_image(torso(), origin_lps_mm=(0.0, 0.0, 300.0)), prefix="a", **shared)
    uid = write_series(tmp_path, as_image(torso(), origin_lps_mm=(0.0, 0.0, -300.0)), prefix="b", **shared)
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert scan.source.choice.reason is ChoiceReason.LOWER


def test_heights_of_unrelated_frames_are_not_compared_the_latest_study_is_chosen(tmp_path):
    uid = write_series(tmp_path, as_image(torso(), origin_lps_mm=(0.0, 0.0, 300.0)), prefix="a", StudyDate="20250101")
    write_series(tmp_path, as_image(torso(), origin_lps_mm=(0.0, 0.0, -300.0)), prefix="b", StudyDate="20240101")
    assert read_scan(tmp_path).source.series_uid == uid


def test_a_complete_scan_is_chosen_over_one_with_a_gap(tmp_path):
    made = datasets(as_image(torso(40)))
    save(made[:20] + made[22:], tmp_path, "a")
    uid = write_series(tmp_path, prefix="b")
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert "slices are missing" in str(scan.source.other_series[0].unsuitable)


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "FrameOfReferenceUID"])
def test_the_rest_of_a_scan_that_was_split_is_told_to_continue_it(tmp_path, keyword):
    made = datasets(as_image(torso(40)))
    for dataset in made[:18]:
        setattr(dataset, keyword, "1.2.3")
    save(made, tmp_path)
    scan = read_scan(tmp_path)
    (other,) = scan.source.other_series
    assert (len(scan.hu) + other.slices, other.continues) == (40, True)


@pytest.mark.parametrize(
    ("origin_mm", "tags"),
    [
        ((0.0, 0.0, -300.0), {}),  # far away
        ((0.0, 0.0, 60.0), {"ConvolutionKernel": "BONE"}),
        ((0.0, 0.0, 0.0), {}),  # the same slices again
    ],
)
def test_another_scan_does_not_continue_the_one_that_is_measured(tmp_path, origin_mm, tags):
    study = generate_uid()
    write_series(tmp_path, as_image(torso(20), (2.5, 2.5, 3.0), (0.0, 0.0, 0.0)), prefix="a", StudyInstanceUID=study)
    write_series(tmp_path, as_image(torso(20), (2.5, 2.5, 3.0), origin_mm), prefix="b", StudyInstanceUID=study, **tags)
    (other,) = read_scan(tmp_path).source.other_series
    assert other.continues is None


@pytest.mark.parametrize("also", [(), ("StudyInstanceUID", "FrameOfReferenceUID")])
def test_files_that_were_given_a_series_each_are_told_to_be_one_volume(tmp_path, also):
    made = datasets(as_image(torso(20)))
    for dataset in made:
        for keyword in ("SeriesInstanceUID", *also):
            setattr(dataset, keyword, generate_uid())
    save(made, tmp_path)
    with pytest.raises(CannotMeasure, match=r"The 20 series .* together they make one volume") as refused:
        read_scan(tmp_path)
    assert refused.value.code == "scan.split_to_slices"


def test_scans_of_two_patients_in_one_folder_stay_apart_and_are_counted(tmp_path):
    write_series(tmp_path, prefix="a", PatientID="P1", ConvolutionKernel="BONE")
    uid = write_series(tmp_path, as_image(torso()[:, :, ::-1]), prefix="b", PatientID="P2")
    scan = read_scan(tmp_path)
    assert scan.source.series_uid == uid
    assert scan.patient.patient_id == "P2"
    assert (scan.source.choice.series, scan.source.choice.patients) == (2, 2)
    (other,) = scan.source.other_series
    assert other == OtherSeries("", "", len(torso()), None), "what names the other patient is not kept"
    np.testing.assert_array_equal(scan.hu, torso()[:, :, ::-1])


def test_why_another_patients_series_is_unsuitable_names_no_file_of_theirs(tmp_path):
    made = datasets(as_image(torso()), PatientID="P2")
    del made[7].PixelSpacing
    save(made, tmp_path, prefix="MUELLER")
    write_series(tmp_path, prefix="a", PatientID="P1")
    (other,) = read_scan(tmp_path).source.other_series
    assert "MUELLER" in str(next(s.unsuitable for s in list_series(tmp_path) if s.patient_id == "P2"))
    assert other == OtherSeries("", "", len(made), Phrase("unsuitable.unspecified"))


def test_one_series_uid_used_for_two_patients_is_taken_apart(tmp_path):
    uid = generate_uid()
    write_series(tmp_path, prefix="a", series_uid=uid, PatientID="P1")
    write_series(tmp_path, as_image(torso()[:, :, ::-1]), prefix="b", series_uid=uid, PatientID="P2")
    assert {(s.series_uid, s.patient_id) for s in list_series(tmp_path)} == {(f"{uid}#1", "P1"), (f"{uid}#2", "P2")}


def test_a_named_series_is_read_and_an_unknown_one_lists_what_there_is(tmp_path):
    bone = write_series(tmp_path, prefix="a", ConvolutionKernel="BONE")
    soft = write_series(tmp_path, prefix="b", ConvolutionKernel="SOFT")
    assert read_scan(tmp_path, series_uid=bone).source.series_uid == bone
    with pytest.raises(UsageError) as refusal:
        read_scan(tmp_path, series_uid="1.2.3")
    assert bone in str(refusal.value)
    assert soft in str(refusal.value)


def test_a_summary_tells_what_the_user_needs_to_choose(tmp_path):
    uid = write_series(tmp_path, SeriesDescription="LDCT 2.5")
    (summary,) = list_series(tmp_path)
    assert summary.series_uid == uid
    assert (summary.description, summary.modality, summary.slices) == ("LDCT 2.5", "CT", 16)
    assert (summary.spacing_z_mm, summary.coverage_z_mm) == (2.5, 40.0)
    assert (summary.kernel, summary.patient_id, summary.unsuitable) == ("STANDARD", "P1", None)


def _acquire(number: int, **tags: str):
    def edit(dataset: Dataset, k: int) -> None:
        dataset.AcquisitionNumber = number
        dataset.InstanceNumber = 2 * k + number
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)

    return edit


def _two_acquisitions(folder, shift_mm=0.0, second=None, **shared):
    """Two scans under one series UID, the second mirrored so that voxels tell them apart."""
    uid = generate_uid()
    tags = {"series_uid": uid, "FrameOfReferenceUID": FRAME, "StudyInstanceUID": "1.2.3", **shared}
    write_series(folder, edit=_acquire(1), prefix="a", **tags)
    moved = as_image(torso()[:, :, ::-1], origin_lps_mm=(-117.5, -97.5, -60.0 + shift_mm))
    write_series(folder, moved, edit=second or _acquire(2), prefix="b", **tags)
    return uid


@pytest.mark.parametrize("shift_mm", [0.0, 1.0, 1.25, 7.5], ids=["same", "uneven", "halfway", "overlapping"])
def test_acquisitions_interleaved_in_one_series_are_separated(tmp_path, shift_mm):
    uid = _two_acquisitions(tmp_path, shift_mm)
    assert [s.series_uid for s in list_series(tmp_path)] == [f"{uid}#1", f"{uid}#2"]
    first, second = (read_scan(tmp_path, series_uid=f"{uid}#{n}") for n in (1, 2))
    np.testing.assert_array_equal(first.hu, torso())
    np.testing.assert_array_equal(second.hu, torso()[:, :, ::-1])
    assert not set(first.source.sop_instance_uids) & set(second.source.sop_instance_uids)
    assert first.source.series_uid == second.source.series_uid == uid


def test_the_plain_uid_of_a_series_taken_apart_means_the_better_acquisition(tmp_path):
    uid = _two_acquisitions(tmp_path, second=_acquire(2, ConvolutionKernel="SOFT"), ConvolutionKernel="LUNG")
    scan = read_scan(tmp_path, series_uid=uid)
    np.testing.assert_array_equal(scan.hu, torso()[:, :, ::-1])


def test_repeated_scans_told_apart_by_time_alone_are_separated(tmp_path):
    def later(dataset: Dataset, k: int) -> None:
        dataset.InstanceNumber = 100 + k
        dataset.AcquisitionTime = "120500"

    uid = _two_acquisitions(tmp_path, second=later, AcquisitionNumber=1, AcquisitionTime="120000")
    assert np.array_equal(read_scan(tmp_path, series_uid=f"{uid}#2").hu, torso()[:, :, ::-1])


def test_repeated_scans_told_apart_by_instance_numbers_alone_are_separated(tmp_path):
    uid = _two_acquisitions(tmp_path, second=lambda dataset, k: setattr(dataset, "InstanceNumber", 100 + k))
    assert np.array_equal(read_scan(tmp_path, series_uid=f"{uid}#2").hu, torso()[:, :, ::-1])


def test_repeated_scans_in_no_order_are_refused_rather_than_mixed(tmp_path):
    rng = np.random.default_rng(1)
    numbers = rng.permutation(32) + 1

    def scramble(offset: int):
        def edit(dataset: Dataset, k: int) -> None:
            dataset.InstanceNumber = int(numbers[offset + k])

        return edit

    uid = generate_uid()
    tags = {"series_uid": uid, "FrameOfReferenceUID": FRAME, "StudyInstanceUID": "1.2.3"}
    write_series(tmp_path, edit=scramble(0), prefix="a", **tags)
    write_series(tmp_path, edit=scramble(16), prefix="b", **tags)
    with pytest.raises(CannotMeasure, match="lie at the same place"):
        read_scan(tmp_path)


def test_a_localizer_inside_the_series_of_the_scan_is_set_aside(tmp_path):
    uid = generate_uid()
    write_series(tmp_path, prefix="b", series_uid=uid)
    scout = datasets(sitk.DICOMOrient(as_image(torso()), "LSA"), series_uid=uid)[20]
    scout.ImageType, scout.InstanceNumber = ["ORIGINAL", "PRIMARY", "LOCALIZER"], 0
    save([scout], tmp_path, "a")
    scan = read_scan(tmp_path)
    np.testing.assert_array_equal(scan.hu, torso())
    assert scan.source.other_series[0].slices == 1
    assert str(scan.source.other_series[0].unsuitable) == "it is a localizer"


def test_step_and_shoot_blocks_of_one_scan_stay_one_volume(tmp_path):
    uid = write_series(tmp_path, edit=lambda dataset, k: setattr(dataset, "AcquisitionNumber", 1 + k // 4))
    assert [s.series_uid for s in list_series(tmp_path)] == [uid]
    np.testing.assert_array_equal(read_scan(tmp_path).hu, torso())


@pytest.mark.parametrize(
    ("softer", "sharper"),
    [
        ("SOFT", "STANDARD"),
        ("STANDARD", "CHEST"),
        ("STANDARD", "LUNG"),
        ("STANDARD", "BONEPLUS"),
        ("B30f", "B70s"),
        ("Br36d", "Bl57d"),
        ("I30f\\2", "I50f\\2"),
        ("Qr40", "Br64"),
        ("B", "YC"),
        ("A", "L"),
        ("UB", "D"),
        ("FC08", "FC52"),
        ("FC13", "FC30"),
        ("FC18", "FC81"),
    ],
)
def test_kernels_of_each_vendor_are_ordered_by_sharpness(softer, sharper):
    assert kernel_sharpness(softer) < kernel_sharpness(sharper)


def test_a_kernel_of_unknown_name_is_no_class_but_its_own_and_ranks_between_soft_and_sharp(tmp_path):
    assert kernel_sharpness("NEW45") is None
    assert kernel_class("new45") == "NEW45"
    assert kernel_class("B45f") == "standard"
    unknown = write_series(tmp_path / "one", prefix="a", ConvolutionKernel="NEW45")
    write_series(tmp_path / "one", prefix="b", ConvolutionKernel="LUNG")
    assert read_scan(tmp_path / "one").source.series_uid == unknown
    write_series(tmp_path / "two", prefix="a", ConvolutionKernel="NEW45")
    soft = write_series(tmp_path / "two", prefix="b", ConvolutionKernel="STANDARD")
    assert read_scan(tmp_path / "two").source.series_uid == soft


@pytest.mark.parametrize(
    ("lower", "slices"), [("HELIX", 30), ("VIRTUAL_MONO", 15)], ids=["one scan", "only half of it in Hounsfield units"]
)
def test_an_image_type_that_changes_on_the_way_makes_two_scans_only_where_one_is_of_another_kind(
    lower: str, slices: int, tmp_path: Path
) -> None:
    made = datasets(as_image(torso(30)))
    for number, dataset in enumerate(made):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", *([lower] if number >= 15 else [])]
    save(made, tmp_path)
    assert len(read_scan(tmp_path).hu) == slices
