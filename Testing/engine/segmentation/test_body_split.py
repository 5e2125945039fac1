"""Splitting vertebral bodies from their arches: on a vertebra of known shape, and on real ones."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers_vertebra import column, dice, vertebra
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.segmentation.body_split import CannotSplit, find_canal, split_bodies, split_body
from places import DATA


def read_lps(path):
    """Labels (z, y, x) and the spacing in that order, the axes as the engine's."""
    if not path.exists():
        pytest.skip(f"{path.name} is not here: ../shared/data is missing")
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    return sitk.GetArrayFromImage(image).astype(np.uint8), image.GetSpacing()[::-1]


@pytest.mark.parametrize(
    ("spacing_zyx_mm", "turn_deg"),
    [
        ((1.0, 1.0, 1.0), (0, 0, 0)),
        ((1.0, 1.0, 1.0), (25, 0, 0)),
        ((1.0, 1.0, 1.0), (-30, 0, 0)),
        ((1.0, 1.0, 1.0), (10, 12, 15)),
        ((1.25, 0.4, 0.4), (15, 0, 0)),
        ((3.0, 1.0, 1.0), (15, 0, 0)),
        ((4.25, 1.4, 1.4), (0, 0, 0)),
        ((1.5, 1.5, 1.5), (20, 5, -10)),
    ],
)
def test_the_body_is_cut_from_the_arch_of_a_tilted_and_rotated_vertebra_on_any_grid(spacing_zyx_mm, turn_deg):
    whole, body = vertebra(spacing_zyx_mm, turn_deg)

    got = split_body(whole, spacing_zyx_mm)

    assert dice(got, body) > 0.96
    assert not (got & ~whole).any()


def test_nothing_of_the_arch_but_stumps_stays():
    whole, body = vertebra(turn_deg=(15, 0, 0))
    got = split_body(whole, (1.0, 1.0, 1.0))

    assert np.count_nonzero(got & ~body) < 0.03 * np.count_nonzero(body)


def test_a_hollow_mask_keeps_its_hollow_and_is_split_the_same():
    whole, body = vertebra()
    hollow = whole.copy()
    hollow[30:40, 22:32, 40:50] = False

    assert dice(split_body(hollow, (1.0, 1.0, 1.0)), body & hollow) > 0.96


def test_a_dent_in_an_endplate_is_not_taken_for_the_canal():
    whole, body = vertebra()
    dented = whole.copy()
    dented[38:48, 21:34, 38:52] = False  # open upwards, ringed by bone

    assert dice(split_body(dented, (1.0, 1.0, 1.0)), body & dented) > 0.96


def test_a_wedged_body_keeps_its_thin_front():
    whole, body = vertebra()
    y = np.arange(whole.shape[1])
    roof = 48 - 12 * np.clip((42 - y) / 30, 0, 1)  # 26 mm high behind, 14 mm in front
    wedge = np.arange(whole.shape[0])[:, None] < roof[None, :]
    body = body & wedge[:, :, None]
    got = split_body(whole & (wedge[:, :, None] | (y > 42)[None, :, None]), (1.0, 1.0, 1.0))

    assert dice(got, body) > 0.96


def test_a_mask_that_is_a_body_already_is_refused_by_its_level():
    _, body = vertebra()

    with pytest.raises(CannotSplit, match=r"T12 shows no spinal canal.*bodies only"):
        split_body(body, (1.0, 1.0, 1.0), "T12")
    assert find_canal(body, (1.0, 1.0, 1.0)) is None


def test_an_arch_without_a_body_is_refused():
    whole, body = vertebra()
    arch = whole & ~body
    arch[28:45, 36:41, 30:60] = True  # closes the ring, but is no body

    with pytest.raises(CannotSplit, match=r"No vertebral body was found.*L3"):
        split_body(arch, (1.0, 1.0, 1.0), "L3")


def test_a_label_map_is_split_vertebra_by_vertebra():
    labels, bodies = column()

    got = split_bodies(labels, (1.0, 1.0, 1.0))

    assert set(np.unique(got)) == {0, 19, 20, 21}
    for value in (19, 20, 21):
        assert dice(got == value, bodies == value) > 0.96


def test_a_vertebra_without_a_closed_ring_is_split_by_its_neighbours_canal():
    labels, bodies = column()
    middle = labels == VERSE_VALUE["L1"]
    middle[:, 45:, 43:47] = False  # spina bifida: laminae and spinous process open
    labels[(labels == VERSE_VALUE["L1"]) & ~middle] = 0
    with pytest.raises(CannotSplit):
        split_body(middle, (1.0, 1.0, 1.0))

    assert dice(split_bodies(labels, (1.0, 1.0, 1.0)) == 20, bodies == 20) > 0.96


def test_a_vertebra_cut_by_the_edge_of_the_map_keeps_the_part_of_its_body_in_view():
    labels, bodies = column()
    labels, bodies = labels[:-22], bodies[:-22]  # 11 mm of the body of T12 are left

    assert dice(split_bodies(labels, (1.0, 1.0, 1.0)) == 19, bodies == 19) > 0.9


def test_a_vertebra_of_which_only_the_arch_is_in_view_is_left_out():
    labels, bodies = column()
    labels[(labels == 19) & (bodies == 19)] = 0
    labels[-34:][labels[-34:] == 19] = 0  # the tip of the spinous process hangs down into the map

    labels = labels[:-34]
    assert (labels == 19).any()
    assert set(np.unique(split_bodies(labels, (1.0, 1.0, 1.0)))) == {0, 20, 21}


def test_a_label_map_of_bodies_is_refused():
    _, bodies = column()

    with pytest.raises(CannotMeasure, match="bodies only"):
        split_bodies(bodies, (1.0, 1.0, 1.0))


def test_real_vertebrae_are_split_as_their_subregions_say():
    labels, spacing = read_lps(DATA / "real_crops" / "sub-ct_seg-vert_label-22_msk.nii.gz")
    parts, _ = read_lps(DATA / "real_crops" / "sub-ct_seg-subreg_label-22_msk.nii.gz")
    bodies = np.isin(parts, (49, 50))

    got = split_bodies(labels, spacing)

    # L3 is whole; L2 and L4 are cut by the crop, L2 without a closed ring.
    for level, least in (("L2", 0.95), ("L3", 0.97), ("L4", 0.97)):
        mask = labels == VERSE_VALUE[level]
        assert dice(got == VERSE_VALUE[level], bodies & mask) > least, level


def test_real_vertebrae_at_3_mm_agree_with_another_tool_s_bodies():
    organs, spacing = read_lps(DATA / "abdomen_ct_3mm" / "organs.nii.gz")
    reference, _ = read_lps(DATA / "abdomen_ct_3mm" / "vertebral_bodies.nii.gz")
    labels = np.zeros_like(organs)
    for value, level in {27: "L5", 28: "L4", 29: "L3", 30: "L2", 31: "L1", 32: "T12", 33: "T11"}.items():
        labels[organs == value] = VERSE_VALUE[level]

    got = split_bodies(labels, spacing)

    assert not (got == VERSE_VALUE["T11"]).any()  # the tip of its spinous process is all that is in view
    for level in ("T12", "L1", "L2", "L3", "L4"):
        value = VERSE_VALUE[level]
        assert dice(got == value, reference == value) > 0.88, level  # half a voxel off the border costs 0.1


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("sub-verse004_seg-vert_msk", ("T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")),
        ("sub-verse010_seg-vert_msk", ("L1", "L2", "L3", "L4", "L5")),
    ],
)
def test_the_body_is_about_half_to_three_quarters_of_a_real_vertebra_a_fractured_one_included(name, levels):
    labels, spacing = read_lps(DATA / "verse_masks" / f"{name}.nii.gz")

    got = split_bodies(labels, spacing)

    for level in levels:
        value = VERSE_VALUE[level]
        share = np.count_nonzero(got == value) / np.count_nonzero(labels == value)
        assert (0.40 if (name, level) == ("sub-verse004_seg-vert_msk", "L1") else 0.5) < share < 0.75, level
        _, y, x = (np.median(axis) for axis in np.nonzero(got == value))
        rest = np.nonzero((labels == value) & (got == 0))
        assert y < np.median(rest[1])
        assert abs(x - np.median(rest[2])) * spacing[2] < 8.0
