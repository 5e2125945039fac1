"""Synthetic scans: repeatable, and with the labels that the networks learn from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from skimage.measure import block_reduce

from helpers_atlas import HIGHEST, LOWEST, block_atlas
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.segmentation.levels import CHANNELS, REGIONS
from ldct_bmd_lab.scanner.slices import thick_slices
from ldct_bmd_lab.torso import Atlas, SampleSpec, load_atlas, sample
from ldct_bmd_lab.torso import tissues as t
from ldct_bmd_lab.torso.atlas import VOXEL_MM
from ldct_bmd_lab.torso.pose import PoseSpec, place
from ldct_bmd_lab.torso.shapes import AIR_HU
from ldct_bmd_lab.training.configuration import COARSE, FINE
from ldct_bmd_lab.training.targets import level_table, region_table
from places import DATA

ATLAS_FILE = DATA / "atlas" / "torso_labels_1mm.nii.gz"
SPEC = SampleSpec((32, 32, 32), (2.0, 2.0, 2.0), levels=(LOWEST, HIGHEST), offset_mm=(4.0, 3.0, 3.0))
CALM = replace(
    SPEC,
    hardware=0.0,
    pose=PoseSpec(
        scale=(1.0, 1.0),
        axis_scale=0.0,
        rotation=(0.0, 0.0, 0.0),
        bend=0.0,
        side_bend=(0.0, 0.0),
        elastic=(),
        fracture=0.0,
        organ_shift=0.0,
        organ_elastic=(),
    ),
)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return block_atlas()


def test_the_same_seed_draws_the_same_scan_and_another_draws_another(atlas: Atlas) -> None:
    first, again, other = (sample(np.random.default_rng(seed), atlas, SPEC) for seed in (3, 3, 4))
    assert np.array_equal(first.hu, again.hu)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)


def test_without_deformation_bodies_keep_their_size_and_order(atlas: Atlas) -> None:
    drawn = sample(np.random.default_rng(0), atlas, replace(CALM, shape=(90, 40, 40)))
    heights = {
        level: np.ptp(np.argwhere(drawn.labels == level)[:, 0]) * 2 + 2
        for level in range(HIGHEST + 1, LOWEST)
        if (drawn.labels == level).sum() > 50
    }
    assert heights
    assert all(abs(height - 28) <= 8 for height in heights.values())  # the heights of bodies vary by some 6 % of both
    z = [np.argwhere(drawn.labels == level)[:, 0].mean() for level in sorted(heights)]
    assert z == sorted(z, reverse=True)  # the label grows downwards


def test_elastic_fields_move_anatomy_across_more_than_they_stretch_the_spine(atlas: Atlas) -> None:
    pose = replace(CALM.pose, elastic=PoseSpec().elastic)
    stretch, aside = [], []
    for seed in range(30):
        points, _ = place(np.random.default_rng(seed), atlas, pose, atlas.axis_zyx.mean(0), (60, 20, 20), (5.0, 10, 10))
        spine = points[:, :, 10, 10] * VOXEL_MM
        stretch.append(np.diff(spine[0, ::6]) / 30)  # neighbouring vertebrae lie some 30 mm apart
        aside.append(np.ptp(spine[2]))
    assert np.quantile(stretch, [0.01, 0.99]) == pytest.approx([0.92, 1.08], abs=0.04)
    assert np.median(aside) > 5


def test_large_voxels_show_the_mean_of_what_lies_in_them_and_bear_the_commonest_label(atlas: Atlas) -> None:
    fine = replace(SPEC, shape=(64, 64, 64), spacing_zyx_mm=(1.0, 1.0, 1.0))
    finer, drawn = (sample(np.random.default_rng(3), atlas, spec) for spec in (fine, replace(SPEC, oversampling=2)))
    assert drawn.hu.shape == drawn.labels.shape == SPEC.shape
    assert drawn.hu == pytest.approx(block_reduce(finer.hu, 2, np.mean), abs=0.01)
    often = [block_reduce(finer.labels == value, 2, np.sum) for value in np.unique(finer.labels)]
    own = block_reduce(finer.labels, 2, lambda block, axis: (block == drawn.labels[..., None, None, None]).sum(axis))
    assert np.array_equal(own, np.max(often, axis=0))


def test_the_whole_look_is_trained_without_the_noise_that_large_voxels_average_away() -> None:
    assert COARSE.spec.noise_left < 0.5
    assert FINE.spec.noise_left == 1.0


def test_scenes_of_no_anatomy_hold_no_label_and_differ(atlas: Atlas) -> None:
    shapes = replace(SPEC, shape=(40, 48, 64), spacing_zyx_mm=(5.0, 5.0, 5.0), shapes=1.0)
    scenes = [sample(np.random.default_rng(seed), atlas, shapes) for seed in range(12)]
    again = sample(np.random.default_rng(0), atlas, shapes)
    assert np.array_equal(scenes[0].hu, again.hu)
    assert not any(scene.labels.any() for scene in scenes)
    assert all(np.isfinite(scene.hu).all() and scene.hu.min() < AIR_HU + 300 for scene in scenes)
    tissue = [(scene.hu > -200).mean() for scene in scenes]
    bone = [(scene.hu > 150).mean() for scene in scenes]
    assert max(tissue) > 0.1
    assert np.count_nonzero(bone) > len(scenes) / 2
    assert len(set(tissue)) == len(scenes)


def test_bone_is_brighter_than_fat_and_lung_darker_than_both(atlas: Atlas) -> None:
    means = {t.LUNG: [], "body": []}
    for seed in range(8):
        drawn = sample(np.random.default_rng(seed), atlas, SPEC)
        lung, body = drawn.labels == t.LUNG, t.member(t.BODIES)[drawn.labels]
        if lung.any():
            means[t.LUNG].append(drawn.hu[lung].mean())
        means["body"].append(drawn.hu[body].mean())
    assert np.mean(means["body"]) > 50
    assert np.mean(means[t.LUNG]) < -400


def test_classes_of_the_networks_follow_the_levels() -> None:
    regions, levels = region_table(), level_table()
    assert [REGIONS[regions[value]] for value in (7, 8, 13, 14, 19, 20, 24, t.SACRUM)] == [
        "background",
        "T1-T6",
        "T1-T6",
        "T7-T12",
        "T7-T12",
        "lumbar",
        "lumbar",
        "background",
    ]
    assert [CHANNELS[levels[value]] for value in (5, 8, 19, 20, 24, t.SACRUM, 60, t.ARCH_OFFSET + 19)] == [
        "cervical",
        "T1",
        "T12",
        "L1",
        "L5",
        "sacrum",
        "rib",
        "background",
    ]


@pytest.mark.parametrize("thickness", [1.4, 2.0, 2.5, 3.0, 4.0, 5.3])
def test_thick_slices_do_not_shift_a_scan_against_its_labels(thickness: float) -> None:
    ramp = np.arange(60, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    out = thick_slices(ramp, thickness, 0.3)
    assert np.abs(out - ramp)[8:-8].max() <= 1e-3


def test_thick_slices_average_and_are_interpolated_between() -> None:
    step = np.zeros((40, 1, 1), np.float32)
    step[20:] = 100
    assert 2 <= ((thick_slices(step, 4.0, 0.0) > 5) & (thick_slices(step, 4.0, 0.0) < 95)).sum() <= 10


@pytest.mark.parametrize(
    ("spacing_mm", "said"), [(3.0, "no voxels of 1 mm"), (1.0, r"lacks .* first the value 8 .*torso_labels_1mm")]
)
def test_another_label_map_is_no_atlas(spacing_mm: float, said: str, tmp_path: Path) -> None:
    labels = np.zeros((12, 10, 8), dtype=np.uint8)
    labels[2:9, 2:8, 2:6] = 20
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((spacing_mm,) * 3)
    sitk.WriteImage(image, str(tmp_path / "bodies.nii.gz"))
    with pytest.raises(UsageError, match=said):
        load_atlas(tmp_path / "bodies.nii.gz")


@pytest.mark.skipif(not ATLAS_FILE.exists(), reason="the torso atlas (../shared/data/atlas) is not here")
@pytest.mark.slow
def test_the_torso_atlas_gives_scans_with_all_levels() -> None:
    atlas = load_atlas(ATLAS_FILE)
    assert list(atlas.axis_levels) == list(range(24, 5, -1))
    drawn = sample(
        np.random.default_rng(0),
        atlas,
        replace(COARSE.spec, shape=(120, 48, 64), levels=(18, 14), spineless=0.0, shapes=0.0),
    )
    bodies = set(np.unique(drawn.labels)) & set(range(8, 25))
    assert len(bodies) >= 14
