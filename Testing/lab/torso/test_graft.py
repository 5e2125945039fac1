"""Other patients' vertebrae set into the atlas: as they are, in one column with its own, with discs, canal and ribs."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from helpers_graft import ATLAS_LEVELS, HEIGHT, PITCH, draw_vertebra, patient, ring_atlas
from ldct_bmd.ground.errors import UsageError
from ldct_bmd_lab.torso import Atlas, SampleSpec, load_atlas, sample
from ldct_bmd_lab.torso import tissues as t
from ldct_bmd_lab.torso.graft import graft
from ldct_bmd_lab.torso.landmarks import find_landmarks
from ldct_bmd_lab.torso.lumbar_mesh import FACES_FILE, VERTICES_FILE, load_lumbar_mesh, voxelize
from ldct_bmd_lab.torso.spine_map import map_spine
from ldct_bmd_lab.torso.vertebra_masks import load_vertebrae, part
from places import DATA

GIVEN = (18, 19, 20)  # T11, T12, L1


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return ring_atlas()


@pytest.fixture(scope="module")
def grafted(atlas: Atlas) -> Atlas:
    return graft(atlas, patient(GIVEN))


def centre(labels: NDArray[np.uint8], value: int) -> NDArray[np.float64]:
    return np.argwhere(labels == value).mean(axis=0)


def gap_mm(labels: NDArray[np.uint8], one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Smallest distance of the voxels of one to those of the other."""
    tree = KDTree(np.argwhere(t.member(other)[labels]))
    return float(tree.query(np.argwhere(t.member(one)[labels]))[0].min())


def test_the_given_vertebrae_keep_their_shape_and_their_places_to_each_other(grafted: Atlas) -> None:
    given = patient(GIVEN)
    values = t.member((*GIVEN, *(level + t.ARCH_OFFSET for level in GIVEN)))
    there, here = (np.where(values[labels], labels, 0) for labels in (grafted.skeleton, given))
    cut = [labels[tuple(slice(a.min(), a.max() + 1) for a in np.nonzero(labels))] for labels in (there, here)]
    assert np.array_equal(cut[0], cut[1])


def test_the_other_levels_go_on_from_them_in_order_and_at_their_distance(grafted: Atlas) -> None:
    assert list(grafted.axis_levels) == list(ATLAS_LEVELS)
    for level, place in zip(grafted.axis_levels, grafted.axis_zyx, strict=True):
        assert np.allclose(place, centre(grafted.skeleton, level))
    steps = np.linalg.norm(np.diff(grafted.axis_zyx, axis=0), axis=1)
    assert (np.diff(grafted.axis_zyx[:, 0]) > 0).all()
    assert (np.abs(steps / PITCH - 1.1) < 0.15).all()  # 36 mm and a lean in the patient, 32 in the atlas
    # Leaning on: T10 lies further to the front than T11, and T9 than T10.
    y = dict(zip(grafted.axis_levels, grafted.axis_zyx[:, 1], strict=True))
    assert y[16] < y[17] < y[18]


def test_vertebrae_beyond_are_the_atlas_s_own_scaled_like_the_given_ones(atlas: Atlas, grafted: Atlas) -> None:
    for level in (16, 17, 21):
        ratio = (grafted.skeleton == level).sum() / (atlas.skeleton == level).sum()
        assert 1.0 < ratio < 1.1**3 * 1.1


def test_no_vertebra_is_there_twice(grafted: Atlas) -> None:
    boxes = ndimage.find_objects(grafted.skeleton)
    for level in ATLAS_LEVELS:
        parts, _ = ndimage.label(grafted.skeleton[boxes[level - 1]] == level)
        sizes = np.bincount(parts.ravel())[1:]
        assert sizes.max() > 0.99 * sizes.sum(), level


def test_a_disc_joins_each_two_bodies_and_holds_no_bone(grafted: Atlas) -> None:
    for upper in ATLAS_LEVELS[1:]:
        disc = t.DISCS[upper - 8]
        volume_ml = (grafted.skeleton == disc).sum() / 1000
        assert 3 < volume_ml < 20, upper
        assert gap_mm(grafted.skeleton, (disc,), (upper,)) <= 1
        assert gap_mm(grafted.skeleton, (disc,), (upper + 1,)) <= 1
        assert (
            centre(grafted.skeleton, upper)[0]
            > centre(grafted.skeleton, disc)[0]
            > centre(grafted.skeleton, upper + 1)[0]
        )


def test_the_canal_of_the_given_vertebrae_is_free(grafted: Atlas) -> None:
    for level in GIVEN:
        z, y, x = np.rint(centre(grafted.skeleton, level)).astype(int)
        canal = grafted.skeleton[z - 2 : z + 3, y + 20 : y + 29, x - 5 : x + 6]
        assert (canal == t.CANAL).mean() > 0.9


def test_ribs_still_meet_their_vertebrae(atlas: Atlas, grafted: Atlas) -> None:
    for level in (16, 17, 18, 19):
        own = (level, level + t.ARCH_OFFSET)
        for rib in (60 + level - 8, 72 + level - 8):
            assert gap_mm(atlas.skeleton, (rib,), own) <= 2
            assert gap_mm(grafted.skeleton, (rib,), own) <= 3


def test_organs_stay_beside_the_spine_and_the_trunk_stays_closed(atlas: Atlas, grafted: Atlas) -> None:
    for organs, spine in ((atlas.organs, atlas), (grafted.organs, grafted)):
        place = centre(organs, t.AORTA)
        middle = spine.axis_zyx.mean(axis=0)
        assert -40 < (place - middle)[1] < -14
    trunk = grafted.outside_mm == 0
    assert t.member((*t.BODIES, *t.DISCS))[grafted.skeleton][~trunk].sum() == 0
    assert (grafted.organs[trunk] != t.AIR).mean() > 0.99


def test_the_map_folds_nothing(atlas: Atlas) -> None:
    given = patient(GIVEN)
    anatomy = map_spine(
        find_landmarks(atlas.skeleton, ATLAS_LEVELS), find_landmarks(given, GIVEN), atlas.skeleton.shape
    )
    assert anatomy.folds() == 0
    same = map_spine(
        find_landmarks(atlas.skeleton, ATLAS_LEVELS), find_landmarks(atlas.skeleton, GIVEN), atlas.skeleton.shape
    )
    ends = [np.linspace(0, n - 1, m) for n, m in zip(atlas.skeleton.shape, same.coarse.shape[1:], strict=True)]
    assert np.abs(same.coarse - np.stack(np.meshgrid(*ends, indexing="ij"))).max() < 0.5
    assert same.scale == pytest.approx(1.0, abs=0.01)


def test_a_single_vertebra_can_be_grafted(atlas: Atlas) -> None:
    one = graft(atlas, patient((19,)))
    assert (one.skeleton == 19).sum() == (patient((19,)) == 19).sum()
    assert list(one.axis_levels) == list(ATLAS_LEVELS)
    assert (np.diff(one.axis_zyx[:, 0]) > 0).all()


def test_scans_are_drawn_from_it_as_from_the_atlas(grafted: Atlas) -> None:
    spec = SampleSpec((64, 48, 48), (2.0, 2.0, 2.0), levels=(20, 18), offset_mm=(2.0, 2.0, 2.0))
    drawn = sample(np.random.default_rng(0), grafted, spec)
    assert {18, 19, 20} & set(np.unique(drawn.labels))


def test_what_is_no_run_of_neighbours_is_refused(atlas: Atlas) -> None:
    with pytest.raises(UsageError, match="neighbouring vertebrae"):
        graft(atlas, np.where(patient(GIVEN) % t.ARCH_OFFSET == 19, 0, patient(GIVEN)).astype(np.uint8))
    with pytest.raises(UsageError, match="neighbouring vertebrae"):
        graft(atlas, np.zeros((20, 20, 20), np.uint8))


def test_masks_in_any_orientation_and_spacing_are_brought_upright_without_those_the_edge_cuts(tmp_path: Path) -> None:
    labels = patient((18, 19, 20), lean=0.0)
    whole = labels % t.ARCH_OFFSET
    image = sitk.GetImageFromArray(whole[: int(20 + 36 * 2.5)])  # T11 is cut in half
    image.SetOrigin((-20.0, 30.0, 400.0))
    turned = sitk.DICOMOrient(image, "PIR")
    sitk.WriteImage(turned[:, :, ::2], str(tmp_path / "masks.nii.gz"))
    loaded = load_vertebrae(tmp_path / "masks.nii.gz")
    assert set(np.unique(loaded)) == {0, 19, 20, 119, 120}
    for value in (19, 20):
        assert (loaded == value).sum() == pytest.approx((labels == value).sum(), rel=0.08)
        assert (loaded == value + 100).sum() == pytest.approx((labels == value + 100).sum(), rel=0.2)
    assert np.allclose(centre(loaded, 19) - centre(loaded, 20), centre(labels, 19) - centre(labels, 20), atol=0.7)


def test_files_that_hold_no_vertebrae_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        load_vertebrae(tmp_path / "none.nii.gz")
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((5, 5, 5), np.uint8)), str(tmp_path / "c1.nii.gz"))
    with pytest.raises(UsageError, match="no whole vertebra"):
        load_vertebrae(tmp_path / "c1.nii.gz")


def box_surface(low: tuple[float, ...], high: tuple[float, ...]) -> NDArray[np.float64]:
    """Twelve triangles around a box."""
    corners = np.array([[(low, high)[b][i] for i, b in enumerate(bits)] for bits in np.ndindex(2, 2, 2)])
    quads = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
    return np.array([corners[[a, b, c]] for a, b, c, _ in quads] + [corners[[a, c, d]] for a, _, c, d in quads])


def test_voxels_inside_a_closed_surface_are_those_whose_centres_are() -> None:
    inside = voxelize(box_surface((2.5, 1.5, 3.5), (7.5, 6.5, 5.5)), (10, 9, 8))
    expected = np.zeros((10, 9, 8), bool)
    expected[3:8, 2:7, 4:6] = True
    assert np.array_equal(inside, expected)
    # Nested surfaces leave a hole.
    shell = np.concatenate([box_surface((0.5,) * 3, (7.5,) * 3), box_surface((2.5,) * 3, (5.5,) * 3)])
    assert voxelize(shell, (9, 9, 9)).sum() == 7**3 - 3**3


def test_a_mesh_that_is_not_the_lumbar_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not hold the lumbar mesh"):
        load_lumbar_mesh(tmp_path)
    box = box_surface((0.0,) * 3, (5.0,) * 3).reshape(-1, 3)
    np.savetxt(tmp_path / VERTICES_FILE, box, delimiter=",")
    np.savetxt(tmp_path / FACES_FILE, np.arange(1, 37).reshape(12, 3), delimiter=",", fmt="%d")
    with pytest.raises(UsageError, match="separate parts"):
        load_lumbar_mesh(tmp_path)


def test_whole_vertebrae_are_parted_into_bodies_and_arches() -> None:
    labels = np.zeros((60, 90, 80), np.uint8)
    draw_vertebra(labels, 19, (30, 30, 40), HEIGHT)
    parted = part(np.where(labels > 0, 19, 0).astype(np.uint8), (1.0, 1.0, 1.0))
    assert set(np.unique(parted)) == {0, 19, 119}
    body, drawn = parted == 19, labels == 19
    assert 2 * (body & drawn).sum() / (body.sum() + drawn.sum()) > 0.95


@pytest.mark.skipif(
    not (DATA / "lumbar_shape_model").is_dir(), reason="the lumbar mesh (../shared/data/lumbar_shape_model) is not here"
)
def test_the_mean_lumbar_spine_has_bodies_of_human_size_from_l2_down_to_l5() -> None:
    labels = load_lumbar_mesh(DATA / "lumbar_shape_model")
    heights = [centre(labels, value)[0] for value in (21, 22, 23, 24)]
    assert heights == sorted(heights, reverse=True)
    assert all(28 < step < 42 for step in -np.diff(heights))
    for value in (21, 22, 23, 24):
        assert 30 < (labels == value).sum() / 1000 < 50  # mL
        assert 15 < (labels == value + t.ARCH_OFFSET).sum() / 1000 < 30
        assert centre(labels, value)[1] < centre(labels, value + t.ARCH_OFFSET)[1]


@pytest.mark.skipif(not DATA.is_dir(), reason="the torso atlas and the lumbar mesh (../shared/data) are not here")
@pytest.mark.slow
def test_the_mean_lumbar_spine_in_the_torso_atlas_is_a_second_anatomy() -> None:
    atlas = load_atlas(DATA / "atlas" / "torso_labels_1mm.nii.gz")
    second = graft(atlas, load_lumbar_mesh(DATA / "lumbar_shape_model"))
    assert list(second.axis_levels) == list(atlas.axis_levels)
    assert (np.diff(second.axis_zyx[:, 0]) > 0).all()
    volumes = np.bincount(second.skeleton.ravel(), minlength=256) / 1000
    assert all(3 < volumes[level] < 75 for level in range(8, 25))
    assert all(volumes[disc] > 0.5 for disc in t.DISCS)
    for level in (8, 12, 16, 19):
        own = tuple(v + arch for v in (level - 1, level) for arch in (0, t.ARCH_OFFSET))
        assert gap_mm(second.skeleton, (60 + level - 8, 72 + level - 8), own) <= 3
