"""A ready label map in place of the network: any orientation, either tool's values, and what is refused."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from helpers_vertebra import column, dice
from helpers_voi import scan_of
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Cancelled
from ldct_bmd.labeling import label
from ldct_bmd.scan import Geometry
from ldct_bmd.segmentation.alignment import refuse_misplaced
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.segmentation.segmenter import NamedBodies
from ldct_bmd_lab.phantom import PhantomSpec, build_phantom
from places import DATA

UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
WHOLE, BODIES = column()
ORIGIN = (-45.0, 12.5, -300.0)
TOTAL = {"T12": 32, "L1": 31, "L2": 30}


def image_of(labels, spacing=(1.0, 1.0, 1.0), origin=ORIGIN):
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def scan_of_bone(shape=WHOLE.shape, spacing=(1.0, 1.0, 1.0), origin=ORIGIN, direction=UPRIGHT, air=False):
    """The column of vertebrae in muscle, with a brighter cortex, wherever the scan's grid lies."""
    scan = scan_of(np.zeros(shape, np.int16), Geometry(shape[::-1], spacing, origin, direction))
    if air:
        return replace(scan, hu=np.full(shape, -800, np.int16))
    cortex = ndimage.binary_dilation(BODIES > 0) & ~ndimage.binary_erosion(BODIES > 0)
    bone = np.select([cortex, WHOLE > 0], [250, 120], 50).astype(np.int16)
    z, y, x = np.indices(shape)
    index = scan.geometry.to_lps_mm(np.stack([x, y, z], axis=-1).astype(float)) - ORIGIN
    hu = ndimage.map_coordinates(bone, np.moveaxis(index, -1, 0)[::-1], order=0, mode="constant", cval=50)
    return replace(scan, hu=hu)


def shifted(labels, shift_zyx):
    """``labels`` moved by whole voxels; what leaves the grid is lost."""
    moved = ndimage.shift(labels, shift_zyx, order=0)
    assert moved.any()
    return moved


def with_values(labels, table):
    out = np.zeros_like(labels)
    for level, value in table.items():
        out[labels == VERSE_VALUE[level]] = value
    return out


@pytest.fixture
def segment(tmp_path):
    """Write a label map and run it as a segmenter."""

    def run(image, values="verse", parts="body", scan=None, name="labels.nii.gz"):
        path = tmp_path / name
        sitk.WriteImage(image if isinstance(image, sitk.Image) else image_of(image), str(path))
        return LabelMapSegmenter(path, values, parts)(scan or scan_of_bone())

    return run


@pytest.mark.parametrize("name", ["labels.nii.gz", "labels.nrrd", "labels.mha"])
def test_bodies_on_the_scan_s_grid_come_through_as_they_are(segment, name):
    got = segment(BODIES, name=name)

    assert isinstance(got, NamedBodies)
    assert got.labels.dtype == np.uint8
    assert np.array_equal(got.labels, BODIES)


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "ASR", "PIR", "SAL"])
def test_a_label_map_stored_in_another_orientation_gives_the_same_bodies(segment, orientation):
    assert np.array_equal(segment(sitk.DICOMOrient(image_of(BODIES), orientation)).labels, BODIES)


def test_whole_vertebrae_are_split_in_any_orientation(segment):
    expected = segment(WHOLE, parts="whole").labels
    for value in (19, 20, 21):
        assert dice(expected == value, value == BODIES) > 0.96

    assert np.array_equal(segment(sitk.DICOMOrient(image_of(WHOLE), "ASR"), parts="whole").labels, expected)


def test_totalsegmentator_s_values_name_the_same_vertebrae(segment):
    got = segment(with_values(BODIES, TOTAL), values="totalsegmentator")

    assert np.array_equal(got.labels, BODIES)


def test_what_is_no_vertebra_of_the_spine_measured_is_left_out(segment):
    labels = with_values(BODIES, TOTAL).astype(np.int16)
    labels[:, 80:, :10] = 117
    labels[:10, 80:, 20:30] = 26  # S1
    labels[-10:, 80:, 20:30] = 44  # C7

    assert np.array_equal(segment(labels, values="totalsegmentator").labels, BODIES)


def test_a_finer_and_larger_label_map_is_brought_to_the_scan_s_grid(segment):
    fine = image_of(np.kron(BODIES, np.ones((2, 2, 2), np.uint8)), (0.5, 0.5, 0.5), tuple(o - 0.25 for o in ORIGIN))
    corner = (5, 4, 3)
    scan = scan_of_bone((100, 70, 75), origin=tuple(o + c for o, c in zip(ORIGIN, corner, strict=True)))

    got = segment(fine, scan=scan)

    assert np.array_equal(got.labels, BODIES[3:103, 4:74, 5:80])


def test_an_oblique_scan_gets_the_bodies_where_they_are_in_space(segment):
    angle = np.deg2rad(15)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    scan = scan_of_bone(direction=((1.0, 0.0, 0.0), (0.0, cos, -sin), (0.0, sin, cos)))

    got = segment(BODIES, scan=scan).labels

    index = np.argwhere(got == VERSE_VALUE["L2"])[:, ::-1].mean(axis=0)
    there = np.argwhere(VERSE_VALUE["L2"] == BODIES)[:, ::-1].mean(axis=0) + ORIGIN
    assert scan.geometry.to_lps_mm(index) == pytest.approx(there, abs=0.5)


def test_the_identity_is_that_of_the_file_and_names_no_patient(tmp_path):
    path = tmp_path / "Doe_Jane.nii.gz"
    sitk.WriteImage(image_of(BODIES), str(path))

    identity = LabelMapSegmenter(path, "verse", "body").identity

    assert identity.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "Doe" not in identity.name


def test_it_reports_progress_and_can_be_cancelled(tmp_path):
    path = tmp_path / "labels.nii.gz"
    sitk.WriteImage(image_of(WHOLE), str(path))
    seen = []
    LabelMapSegmenter(path, "verse", "whole")(scan_of_bone(), lambda stage, fraction: seen.append((stage, fraction)))
    assert {stage for stage, _ in seen} == {"segment"}
    assert [f for _, f in seen] == sorted(f for _, f in seen)
    assert seen[-1][1] == 1.0

    def cancel(stage, fraction):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        LabelMapSegmenter(path, "verse", "whole")(scan_of_bone(), cancel)


def test_a_label_map_elsewhere_in_space_is_refused(segment):
    with pytest.raises(CannotMeasure, match="do not overlap in space"):
        segment(image_of(BODIES, origin=(500.0, 500.0, 500.0)))


def test_a_label_map_beside_the_bones_is_refused(segment):
    with pytest.raises(CannotMeasure, match="does not lie on the bones"):
        segment(BODIES, scan=scan_of_bone(air=True))


@pytest.fixture(scope="module")
def phantom():
    """An osteoporotic spine with a thin cortex, with a contrast agent in the vessels, free of noise."""
    return build_phantom(
        PhantomSpec(
            bmd_mg_cm3=30.0,
            default_bmd_mg_cm3=30.0,
            cortex_mm=0.45,
            contrast_hu=250.0,
            matrix=(192, 192),
            spacing_mm=(2.0, 2.0, 2.0),
            top_level="T12",
            bottom_level="L2",
            noise_hu=0.0,
        )
    )


def noisy(scan, noise_hu):
    noise = np.random.default_rng(3).normal(0.0, noise_hu, scan.hu.shape)
    return replace(scan, hu=np.rint(scan.hu + noise).astype(np.int16))


@pytest.mark.parametrize("noise_hu", [0.0, 25.0, 60.0])
def test_bodies_in_their_place_are_taken_whatever_the_noise(phantom, noise_hu):
    refuse_misplaced(phantom.bodies, noisy(phantom.scan, noise_hu))


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["z", "y", "x"])
@pytest.mark.parametrize("shift_mm", [-25, -20, -15, 15, 20, 25])
def test_bodies_beside_their_place_are_refused(phantom, axis, shift_mm):
    shift = [0, 0, 0]
    shift[axis] = round(shift_mm / 2)

    with pytest.raises(CannotMeasure, match="does not lie on the bones"):
        refuse_misplaced(shifted(phantom.bodies, shift), noisy(phantom.scan, 25.0))


def test_bodies_shifted_along_several_axes_at_once_are_refused(phantom):
    with pytest.raises(CannotMeasure, match="does not lie on the bones"):
        refuse_misplaced(shifted(phantom.bodies, (6, 6, -6)), noisy(phantom.scan, 25.0))


def test_a_label_map_shifted_by_its_origin_is_refused(segment):
    with pytest.raises(CannotMeasure, match="does not lie on the bones"):
        segment(image_of(BODIES, origin=(ORIGIN[0], ORIGIN[1], ORIGIN[2] + 17.0)))


def test_a_body_cut_by_the_edge_of_the_label_map_is_incomplete(segment):
    scan = scan_of_bone()
    low = int(np.argwhere(VERSE_VALUE["L2"] == BODIES)[:, 0].mean())
    cropped = image_of(BODIES[low:], origin=(*ORIGIN[:2], ORIGIN[2] + low))

    column = label(segment(cropped, scan=scan), scan)

    assert {v.level: v.complete for v in column.vertebrae} == {"T12": True, "L1": True, "L2": False}


def test_a_stray_voxel_at_the_edge_of_the_label_map_cuts_no_body(segment):
    scan = scan_of_bone()
    stray = BODIES.copy()
    stray[0, 0, 0] = VERSE_VALUE["L2"]

    assert segment(stray, scan=scan).cut == frozenset()
    assert all(v.complete for v in label(segment(stray, scan=scan), scan).vertebrae)


def test_a_label_map_without_vertebrae_is_refused_and_says_what_it_holds(segment):
    with pytest.raises(CannotMeasure, match=r"holds no vertebra.*\(it holds 3, 5\).*whose values"):
        segment(np.where(BODIES > 19, np.uint8(5), np.uint8(3)))
    with pytest.raises(CannotMeasure, match="it holds nothing"):
        segment(np.zeros_like(BODIES))


def test_values_of_the_other_tool_are_refused(segment):
    with pytest.raises(CannotMeasure, match=r"not VerSe's.*TotalSegmentator"):
        segment(with_values(BODIES, TOTAL), values="verse")
    with pytest.raises(CannotMeasure, match="holds no vertebra"):
        segment(BODIES, values="totalsegmentator")


def test_levels_out_of_order_are_refused(segment):
    upside_down = with_values(BODIES, {"T12": 21, "L1": 20, "L2": 19})

    with pytest.raises(CannotMeasure, match="T12 does not lie above L1"):
        segment(upside_down)


@pytest.mark.parametrize(
    "values",
    [
        {"T12": 27, "L1": 25, "L2": 24},  # T8, T10 and T11 of version 1
        {"T12": 26, "L1": 25, "L2": 24},  # those of version 2 less 6: an export numbered what it held
    ],
)
def test_values_of_totalsegmentator_1_or_renumbered_ones_are_refused(segment, values):
    labels = with_values(BODIES, values)

    with pytest.raises(CannotMeasure, match=r"24 lies just below 25, as in version 1, or .* renumbered"):
        segment(labels, values="totalsegmentator")


def test_whole_vertebrae_given_as_bodies_are_refused(segment):
    with pytest.raises(CannotMeasure, match=r"T12 surrounds the spinal canal.*whole vertebrae"):
        segment(WHOLE, parts="body")


def test_bodies_given_as_whole_vertebrae_are_refused(segment):
    with pytest.raises(CannotMeasure, match=r"no spinal canal.*bodies only"):
        segment(BODIES, parts="whole")


def test_what_is_no_label_map_is_refused(segment, tmp_path):
    with pytest.raises(CannotMeasure, match="holds fractions"):
        segment(BODIES.astype(np.float32) * 0.3)
    with pytest.raises(CannotMeasure, match="values that are not labels"):
        segment(BODIES.astype(np.int16) - 1000)
    with pytest.raises(CannotMeasure, match="has 4 dimensions"):
        segment(sitk.JoinSeries([image_of(BODIES), image_of(BODIES)]))
    text = tmp_path / "notes.nii.gz"
    text.write_text("no image")
    with pytest.raises(CannotMeasure, match="cannot be read"):
        LabelMapSegmenter(text, "verse", "body")(scan_of_bone())
    with pytest.raises(CannotMeasure, match="cannot be read"):
        _ = LabelMapSegmenter(tmp_path / "missing.nii.gz", "verse", "body").identity


def test_labels_stored_as_whole_floating_point_numbers_are_taken(segment):
    assert np.array_equal(segment(BODIES.astype(np.float64)).labels, BODIES)


@pytest.fixture(scope="module")
def abdomen():
    """The real scan, its bodies, and the folder of its files."""
    folder = DATA / "abdomen_ct_3mm"
    if not folder.exists():
        pytest.skip("../shared/data is missing")
    ct = sitk.DICOMOrient(sitk.ReadImage(str(folder / "ct.nii.gz")), "LPS")
    rows = np.reshape(ct.GetDirection(), (3, 3)).tolist()
    geometry = Geometry(ct.GetSize(), ct.GetSpacing(), ct.GetOrigin(), tuple(tuple(row) for row in rows))
    bodies = sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(folder / "vertebral_bodies.nii.gz")), "LPS"))
    return scan_of(sitk.GetArrayFromImage(ct), geometry), bodies.astype(np.uint8), folder


def test_a_real_label_map_of_whole_vertebrae_gives_the_bodies_of_its_scan(abdomen):
    scan, reference, folder = abdomen

    got = LabelMapSegmenter(folder / "organs.nii.gz", "totalsegmentator", "whole")(scan).labels

    assert set(np.unique(got)) == {0, 19, 20, 21, 22, 23, 24}
    assert dice(got > 0, reference > 0) > 0.88


def test_real_bodies_are_taken_in_their_place_and_refused_beside_it(abdomen):
    scan, bodies, folder = abdomen
    LabelMapSegmenter(folder / "vertebral_bodies.nii.gz", "verse", "body")(scan)

    for axis in range(3):
        for voxels in (-8, -5, 5, 8):  # of 3 mm
            shift = [0, 0, 0]
            shift[axis] = voxels
            with pytest.raises(CannotMeasure, match="does not lie on the bones"):
                refuse_misplaced(shifted(bodies, shift), scan)
