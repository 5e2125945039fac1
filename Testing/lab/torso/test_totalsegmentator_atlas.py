"""Torsos that TotalSegmentator labelled as further anatomies: brought to the atlas's scheme, unknown where they end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers_atlas import block_atlas
from helpers_graft import ring_atlas
from helpers_totalsegmentator import CUT, WHOLE, write_torso
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.segmentation.normalize import LOW_HU
from ldct_bmd_lab.torso import Atlas, SampleSpec, sample
from ldct_bmd_lab.torso import tissues as t
from ldct_bmd_lab.torso.atlas import kept
from ldct_bmd_lab.torso.totalsegmentator_atlas import NAMES_FILE, load_totalsegmentator, tissue_of
from ldct_bmd_lab.training import run as running
from ldct_bmd_lab.training.configuration import COARSE, FINE
from ldct_bmd_lab.training.run import TrainingRequest, _atlases
from ldct_bmd_lab.training.targets import IGNORE, TABLES
from places import DATA


@pytest.fixture(scope="module")
def torso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torso(tmp_path_factory.mktemp("torso"))


@pytest.fixture(scope="module")
def atlas(torso: Path) -> Atlas:
    return load_totalsegmentator(torso)


def test_whole_vertebrae_become_bodies_and_arches_with_discs_and_a_canal(atlas: Atlas) -> None:
    assert list(atlas.axis_levels) == [*WHOLE, CUT]
    for level in WHOLE:
        body, arch = (np.argwhere(atlas.skeleton == value) for value in (level, level + t.ARCH_OFFSET))
        # An ellipse of 38 x 28 mm, 24 mm high.
        assert len(body) == pytest.approx(np.pi * 19 * 14 * 24, rel=0.12)
        assert body[:, 1].mean() < arch[:, 1].mean() - 15
        assert (atlas.skeleton == t.DISCS[level - 8]).any()
        z, y, x = np.rint(body.mean(axis=0)).astype(int)
        assert atlas.skeleton[z, y + 22, x] == t.CANAL
    # L5 and the sacrum have a disc between them too.
    disc = np.argwhere(atlas.skeleton == t.DISCS[24 - 8])
    assert len(disc) > 2000


def test_organs_become_tissues_on_their_own_side(atlas: Atlas) -> None:
    x_of_spine = atlas.axis_zyx[:, 2].mean()
    left = np.argwhere(atlas.skeleton == t.LAST_RIBS[1])
    right = np.argwhere(atlas.skeleton == t.LAST_RIBS[0])
    assert left[:, 2].min() > x_of_spine > right[:, 2].max()  # x rises to the left
    assert {t.LIVER, t.LUNG, t.AORTA, t.INNER} <= set(np.unique(atlas.organs))
    assert not set(np.unique(atlas.organs)) & set(t.RIBS)
    assert (atlas.organs[atlas.outside_mm == 0] != t.AIR).mean() > 0.99


@pytest.mark.parametrize(
    ("name", "tissue"),
    [
        ("rib_right_1", 60),
        ("rib_left_12", 83),
        ("lung_upper_lobe_left", t.LUNG),
        ("kidney_right", 48),
        ("kidney_cyst_left", 0),
        ("spinal_cord", 0),
    ],
)
def test_names_of_structures_are_those_of_the_tissues(name: str, tissue: int) -> None:
    assert tissue_of(name) == tissue


@pytest.mark.parametrize("beyond", ["air", "edge"])
def test_above_its_end_a_scan_shows_no_anatomy_and_teaches_nothing(atlas: Atlas, beyond: str) -> None:
    spec = SampleSpec((56, 40, 40), (5.0, 4.0, 4.0), spineless=0.0, beyond=beyond)  # type: ignore[arg-type]
    ended = 0
    for seed in range(6):
        drawn = sample(np.random.default_rng(seed), atlas, spec)
        unknown = drawn.labels == t.UNKNOWN
        whole = unknown.all(axis=(1, 2))
        ended += whole.any()
        assert not whole[: whole.argmax()].any()
        assert whole.sum() < 0.5 * len(whole)
        assert whole[whole.argmax() :].all() or not whole.any()
        for table in TABLES.values():
            assert (table[drawn.labels][unknown] == IGNORE).all()
        if whole.any():
            assert (drawn.hu[whole] == LOW_HU).all() == (beyond == "air")
    assert ended


def test_an_anatomy_that_goes_on_above_has_nothing_unknown() -> None:
    spec = SampleSpec((56, 40, 40), (5.0, 4.0, 4.0), levels=(21, 17), spineless=0.0)
    assert t.UNKNOWN not in sample(np.random.default_rng(0), block_atlas(), spec).labels


def test_that_it_ends_is_kept_with_it(atlas: Atlas, tmp_path: Path) -> None:
    kept(tmp_path / "torso.npz", lambda: atlas)
    again = kept(tmp_path / "torso.npz", lambda: pytest.fail("made again"))
    assert again.open_above is True
    assert np.array_equal(again.skeleton, atlas.skeleton)


@pytest.mark.parametrize("configuration", [COARSE, FINE], ids=lambda c: c.name)
def test_both_networks_scans_are_drawn_from_it_though_it_lacks_levels(configuration, atlas: Atlas) -> None:  # type: ignore[no-untyped-def]
    spec = replace(configuration.spec, shapes=0.0, spineless=0.0)
    drawn = sample(np.random.default_rng(1), atlas, spec)
    assert drawn.hu.shape == spec.shape
    assert {*WHOLE, CUT} & set(np.unique(drawn.labels).tolist())


def test_a_folder_of_labels_is_an_atlas_of_a_run_and_its_bodies_count_as_often(torso: Path, tmp_path: Path) -> None:
    ((atlas, share),) = _atlases(TrainingRequest("coarse", tmp_path, (torso,)))
    assert share == len(WHOLE) + 1
    assert atlas.open_above
    assert len(list(tmp_path.glob("atlas-*.npz"))) == 1


def test_its_spine_is_also_drawn_in_the_body_of_a_label_map_without_what_its_edge_cuts(
    torso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "load_atlas", lambda path, cache: ring_atlas())
    grafted: list[set[int]] = []

    def note(atlas: Atlas, given: NDArray[np.uint8]) -> Atlas:
        grafted.append({int(value) for value in np.unique(given) if 0 < value <= t.BODIES[-1]})
        return atlas

    monkeypatch.setattr(running, "graft", note)
    body = tmp_path / "body.nii.gz"
    body.touch()
    own, alone, mixed = _atlases(TrainingRequest("coarse", tmp_path, (torso, body)))
    assert grafted == [set(WHOLE)]
    assert not mixed[0].open_above
    assert alone[1] + mixed[1] == len(WHOLE) + 1
    assert own[1] == len(ring_atlas().axis_levels)


def test_a_folder_that_lacks_a_file_is_refused(torso: Path, tmp_path: Path) -> None:
    folder = write_torso(tmp_path / "other")
    (folder / NAMES_FILE).unlink()
    with pytest.raises(UsageError, match=f"lacks {NAMES_FILE}"):
        load_totalsegmentator(folder)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "levels"), [("atlas_s0327", range(24, 6, -1)), ("atlas_s0328", range(24, 16, -1))])
def test_the_torsos_at_hand_are_read_whole(name: str, levels: range) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"the torso ../shared/data/{name} is not here")
    atlas = load_totalsegmentator(DATA / name)
    assert list(atlas.axis_levels) == list(levels)
    volumes = [(atlas.skeleton == level).sum() / 1000 for level in levels if level > 18]
    assert all(20 < volume_ml < 70 for volume_ml in volumes)
