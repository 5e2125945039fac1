"""Variants of anatomy: last ribs from none to long ones, upper chests that lean, six or four lumbar vertebrae."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from helpers_graft import ATLAS_LEVELS, PITCH, ring_atlas
from ldct_bmd_lab.torso import Atlas, degeneration, variants
from ldct_bmd_lab.torso import tissues as t
from ldct_bmd_lab.torso.back_wall import regain_corners
from ldct_bmd_lab.torso.lumbar_count import rename, vary_lumbar_count
from ldct_bmd_lab.torso.pose import PoseSpec, place
from ldct_bmd_lab.torso.variants import L1, LONG, MISSING, SHORT, T12, THIRTEENTH, vary_last_ribs
from ldct_bmd_lab.training.targets import IGNORE, TABLES

ELEVENTH = (70, 82)
CALM = PoseSpec(
    scale=(1.0, 1.0),
    axis_scale=0.0,
    rotation=(0.0, 0.0, 0.0),
    bend=0.0,
    side_bend=(0.0, 0.0),
    elastic=(),
    rib_slope=0.0,
    fracture=0.0,
    hump=0.0,
    organ_shift=0.0,
    organ_elastic=(),
)


class Loaded(np.random.Generator):
    """Draws ``first``, and then at random."""

    def __init__(self, first: float, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self.first: list[float] = [first]

    def random(self, *args, **kwargs):  # type: ignore[no-untyped-def, override]
        return self.first.pop() if self.first else super().random(*args, **kwargs)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return ring_atlas()


def varied(atlas: Atlas, drawn: float, seed: int = 0) -> NDArray[np.uint8]:
    skeleton = atlas.skeleton.copy()
    at = np.indices(skeleton.shape).astype(np.float32)
    vary_last_ribs(Loaded(drawn, seed), skeleton, at, atlas)
    return skeleton


def reach(atlas: Atlas, skeleton: NDArray[np.uint8], ribs: tuple[int, ...] = t.LAST_RIBS) -> float:
    places = np.argwhere(t.member(ribs)[skeleton])
    return float(np.abs(places[:, 2] - atlas.axis_zyx[0, 2]).max()) if len(places) else 0.0


def test_twelfth_ribs_are_of_any_length(atlas: Atlas) -> None:
    own = reach(atlas, atlas.skeleton)
    short = [reach(atlas, varied(atlas, SHORT / 2, seed)) for seed in range(12)]
    long = [reach(atlas, varied(atlas, SHORT + MISSING + THIRTEENTH + LONG / 2, seed)) for seed in range(6)]
    assert min(short) < 45
    assert max(short) <= own
    assert min(long) > own + 2
    assert max(long) < 2 * own
    assert reach(atlas, varied(atlas, 0.999)) == own


def test_without_twelfth_ribs_the_eleventh_may_be_short_and_no_vertebra_changes_its_name(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "ELEVENTH_MM", (30.0, 45.0))
    eleventh = []
    for seed in range(8):
        skeleton = varied(atlas, SHORT + MISSING / 2, seed)
        assert reach(atlas, skeleton, t.LAST_RIBS[:1]) == 0
        eleventh.append(reach(atlas, skeleton, ELEVENTH))
        assert all(((skeleton == level) == (atlas.skeleton == level)).all() for level in ATLAS_LEVELS)
    assert 0 < min(eleventh) < max(eleventh) == reach(atlas, atlas.skeleton, ELEVENTH)


def test_a_thirteenth_pair_lies_one_level_lower(atlas: Atlas) -> None:
    place = dict(zip(atlas.axis_levels.tolist(), atlas.axis_zyx, strict=True))
    skeleton = varied(atlas, SHORT + MISSING + THIRTEENTH / 2)
    new = np.argwhere(t.member(t.LAST_RIBS)[skeleton] & ~t.member(t.LAST_RIBS)[atlas.skeleton])
    assert len(new) > 100
    assert new[:, 0].mean() == pytest.approx(place[L1][0], abs=3)
    assert place[T12][0] - place[L1][0] == PITCH


def chest() -> Atlas:
    """An upright spine from L2 up to C6, of no more than its axis."""
    levels = np.arange(21, 5, -1)
    centres = np.stack([25.0 * np.arange(len(levels)) + 12, np.full(len(levels), 60.0), np.full(len(levels), 60.0)], 1)
    empty = np.zeros((420, 120, 120), np.uint8)
    return Atlas(empty, empty, empty, centres, levels)


def lean(atlas: Atlas, pose: PoseSpec, levels: tuple[int, int], seed: int) -> float:
    """Return how far the spine leans to the front between two levels of a scan, in degrees."""
    centre = atlas.axis_zyx[list(atlas.axis_levels).index(12)]
    shape, spacing = (120, 60, 3), (4.0, 4.0, 4.0)
    points, _ = place(np.random.default_rng(seed), atlas, pose, centre, shape, spacing)
    ends = []
    for level in levels:
        body = atlas.axis_zyx[list(atlas.axis_levels).index(level)]
        away = np.linalg.norm(points[:2, :, :, 1] - body[:2, None, None], axis=0)
        ends.append(np.array(np.unravel_index(away.argmin(), away.shape)) * 4.0)
    return float(np.rad2deg(np.arctan2(ends[1][1] - ends[0][1], ends[0][0] - ends[1][0])))


def test_upper_chests_lean_as_far_to_the_front_as_asked_and_the_rest_stays_upright() -> None:
    humped = replace(CALM, hump=1.0, lean=(40.0, 40.0))
    assert lean(chest(), CALM, (8, 11), 0) == pytest.approx(0, abs=4)
    assert lean(chest(), humped, (8, 10), 0) == pytest.approx(36, abs=8)  # 40 degrees at T1, 27 at T3
    assert lean(chest(), humped, (15, 19), 0) == pytest.approx(0, abs=4)


@pytest.fixture(scope="module")
def lumbar() -> Atlas:
    """L5 up to T12, each a body of its own height with an arch and a disc below, on a sacrum."""
    levels = np.arange(24, 18, -1)
    skeleton = np.zeros((40 + 32 * len(levels), 40, 40), np.uint8)
    skeleton[:30, 5:25, 5:35] = t.SACRUM
    centres = []
    for i, level in enumerate(levels):
        low = 40 + 32 * i
        skeleton[low - 8 : low, 10:20, 10:30] = t.DISCS[level - 8]
        skeleton[low : low + 24, 10:20, 10:30] = level
        skeleton[low : low + 24, 25:30, 10:30] = level + t.ARCH_OFFSET
        centres.append((low + 11.5, 14.5, 19.5))
    return Atlas(skeleton, skeleton, skeleton, np.asarray(centres), levels)


def counted(atlas: Atlas, chances: tuple[float, float]) -> NDArray[np.uint8]:
    """Return what a scan along the body's axis shows, from 60 mm below the atlas up."""
    at = np.indices((len(atlas.skeleton) + 60, 40, 40)).astype(np.float32)
    at[0] -= 60
    changed = vary_lumbar_count(np.random.default_rng(0), atlas, at, chances)
    index = np.clip(np.rint(at).astype(int), 0, np.array(atlas.skeleton.shape)[:, None, None, None] - 1)
    labels = np.asarray(atlas.skeleton[tuple(index)])
    if changed is not None:
        rename(labels, *changed)
    return labels


@pytest.mark.parametrize(("chances", "last", "moved"), [((1.0, 0.0), t.L6, -32), ((0.0, 1.0), 23, 32)])
def test_a_lumbar_vertebra_more_or_less_is_counted_from_above(
    chances: tuple[float, float], last: int, moved: int, lumbar: Atlas
) -> None:
    plain, changed = counted(lumbar, (0.0, 0.0)), counted(lumbar, chances)
    column = [int(value) for value in dict.fromkeys(changed[::-1, 14, 20]) if value <= t.L6 and value]
    assert column == list(range(19, last + 1))
    for level in column:
        body, arch = (np.argwhere(changed == value) for value in (level, level + t.ARCH_OFFSET))
        assert np.ptp(body[:, 0]) == pytest.approx(23, abs=1)
        assert np.ptp(arch[:, 0]) == pytest.approx(23, abs=1)
    tops = [np.argwhere(labels == t.SACRUM)[:, 0].max() for labels in (plain, changed)]
    assert tops[1] - tops[0] == moved
    # What lies above is as it was.
    assert (changed[plain == 22] == 22).all()
    if last == t.L6:
        assert TABLES["levels"][last] == IGNORE
        assert TABLES["regions"][last] == TABLES["regions"][24]


def test_thoracic_bodies_reach_further_back_beside_the_canal_and_lumbar_ones_do_not() -> None:
    skeleton = np.zeros((60, 60, 50), np.uint8)
    for low, level in ((0, 20), (30, 12)):  # L1 and T5, flat behind, with pedicles and a costal joint
        skeleton[low : low + 24, 10:30, 9:42] = level
        for side in (slice(13, 19), slice(32, 38)):
            skeleton[low + 8 : low + 22, 30:42, side] = level + t.ARCH_OFFSET
        skeleton[low + 8 : low + 22, 26:40, 42:48] = level + t.ARCH_OFFSET
    before = skeleton.copy()
    regain_corners(skeleton)
    assert ((skeleton == 20) == (before == 20)).all()
    gained = np.argwhere((skeleton == 12) & (before != 12))
    assert set(gained[:, 1]) == {30, 31, 32}  # 3 mm at most
    assert set(np.abs(gained[:, 2] - 25)) <= set(range(6, 13))
    assert (skeleton[45, 30:34, 15] == (12, 12, 12, 112)).all()
    assert (skeleton == 112).sum() + len(gained) == (before == 112).sum()


def grown(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, **chances: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return labels and HU of an atlas, all of 50 HU before, in which only what has a chance was drawn."""
    for name in ("BRIDGED", "SPURRED", "NODES", "VEINS"):
        monkeypatch.setattr(degeneration, name, chances.get(name, 0.0))
    labels = np.where(atlas.skeleton > 0, atlas.skeleton, atlas.organs)
    hu = np.full(labels.shape, 120.0, np.float32)
    at = np.indices(labels.shape).astype(np.float32)
    degeneration.degenerate(np.random.default_rng(2), hu, labels, at, atlas, (1.0, 1.0, 1.0))
    return labels, hu


@pytest.mark.parametrize("kind", ["BRIDGED", "SPURRED"])
def test_new_bone_is_no_body_and_teaches_nothing_where_readers_differ(
    kind: str, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, hu = grown(atlas, monkeypatch, **{kind: 1.0})
    bone = hu > 200
    assert bone.sum() > 200
    body = t.member(t.BODIES)[atlas.skeleton]
    assert not (bone & body).any()
    assert (t.member(t.BODIES)[labels] == body).all()
    away = ndimage.distance_transform_edt(~body)
    assert (labels[bone & (away < 3)] == t.UNKNOWN).all()
    assert (labels[bone & (away >= 3)] == t.INNER).all()
    assert np.argwhere(bone)[:, 1].max() < atlas.axis_zyx[:, 1].mean()  # none towards the canal


@pytest.mark.parametrize("kind", ["NODES", "VEINS"])
def test_what_eats_into_a_body_leaves_it_a_body(kind: str, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, hu = grown(atlas, monkeypatch, **{kind: 1.0})
    changed = hu != 120
    assert changed.sum() > 50
    assert t.member(t.BODIES)[labels[changed]].all()
    assert (hu[changed] < 100).any()
