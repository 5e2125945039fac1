"""Scans for tests: never those of training, repeatable, with the truth that a test needs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from helpers_graft import ring_atlas
from helpers_totalsegmentator import write_torso
from ldct_bmd.ground.errors import UsageError
from ldct_bmd_lab.synthetic import held_out, no_spine, robustness
from ldct_bmd_lab.synthetic.held_out import (
    DEFORMATIONS,
    GRAFTS,
    SOURCES,
    anatomy_of,
    draw_case,
    held_out_cases,
    held_out_rng,
    sources_of,
)
from ldct_bmd_lab.synthetic.no_spine import KINDS, no_spine_cases
from ldct_bmd_lab.synthetic.robustness import VARIANTS, robustness_cases, scan_variant
from ldct_bmd_lab.torso import Atlas, SampleSpec, unknown
from ldct_bmd_lab.torso import tissues as t
from ldct_bmd_lab.torso.pose import PoseSpec
from ldct_bmd_lab.training.examples import TRAINING, VALIDATION, stream
from places import DATA

SPEC = SampleSpec(
    (72, 48, 48), (2.5, 3.0, 3.0), levels=(20, 18), offset_mm=(4.0, 2.0, 2.0), pose=PoseSpec(scale=(0.95, 1.05))
)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return ring_atlas()


@pytest.fixture
def from_rings(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sources are the small torso, and scans are small."""
    real = {source: ("T11",) if masks else () for source, masks in SOURCES.items()}
    for module in (held_out, robustness):
        monkeypatch.setattr(module, "anatomy_of", lambda source, *_: (atlas, real[source]))
        monkeypatch.setattr(module, "SPEC", SPEC)
    monkeypatch.setattr(robustness, "MARGIN", (4, 4, 4))
    monkeypatch.setattr(robustness, "DRAWN", replace(SPEC, shape=(80, 56, 56), hardware=0.0))


def draw(n: int, **options: object) -> list[held_out.HeldOut]:
    drawings = held_out_cases(n, Path("atlas.nii.gz"), Path("masks"), **options)  # type: ignore[arg-type]
    return [drawing.draw() for drawing in drawings]


def scan_in_all_variants() -> dict[str, held_out.HeldOut]:
    drawings = list(robustness_cases(1, Path("atlas.nii.gz"), Path("masks")))
    cases = [drawing.draw() for drawing in drawings]
    assert [case.name for case in cases] == [drawing.name for drawing in drawings]
    return {case.variant: case for case in cases}


def test_its_random_numbers_are_none_of_training_s() -> None:
    held = {
        held_out_rng(seed, source, number).integers(1 << 62)
        for seed in range(3)
        for source in (0, 4)
        for number in range(50)
    }
    trained = {
        stream(seed, purpose, step, place).integers(1 << 62)
        for seed in range(3)
        for purpose in (TRAINING, VALIDATION)
        for step in range(500)
        for place in range(2)
    }
    assert len(held) == 300
    assert not held & trained


def test_the_same_key_draws_the_same_case_and_another_another(atlas: Atlas) -> None:
    first, again, other = (draw_case("a", key, atlas, (), spec=SPEC) for key in ((0, 1, 2), (0, 1, 2), (0, 1, 3)))
    assert np.array_equal(first.hu, again.hu)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)


def test_noise_is_what_was_asked_for_and_the_truth_is_without(atlas: Atlas) -> None:
    silent = draw_case("a", (0, 0, 1), atlas, (), noise_hu=0.0, spec=SPEC)
    for noise in (20.0, 60.0):
        case = draw_case("a", (0, 0, 1), atlas, (), noise_hu=noise, spec=SPEC)
        assert (case.hu - silent.hu).std() == pytest.approx(noise, rel=0.02)
        assert case.noise_free_hu is not None
        assert np.array_equal(case.noise_free_hu, silent.noise_free_hu)
        body = case.labels > 0
        assert abs((case.hu - case.noise_free_hu)[body].mean()) < 25  # blur takes some of the cortex away


def test_labels_are_bodies_alone(atlas: Atlas) -> None:
    case = draw_case("a", (0, 0, 0), atlas, ("T11",), spec=SPEC)
    assert set(np.unique(case.labels)) <= {0, *range(7, 25)}
    assert {18, 19} & set(np.unique(case.labels))
    assert (case.group, case.real_levels) == (GRAFTS, ("T11",))
    assert draw_case("a", (0, 0, 0), atlas, (), spec=SPEC).group == DEFORMATIONS


def test_a_case_becomes_a_scan_on_its_grid(atlas: Atlas) -> None:
    case = draw_case("a", (0, 0, 0), atlas, (), spec=SPEC)
    scan = case.scan()
    assert scan.geometry.shape == case.labels.shape
    assert scan.geometry.spacing_mm == (3.0, 3.0, 2.5)


@pytest.mark.usefixtures("from_rings")
def test_sources_have_equal_shares_and_a_case_does_not_depend_on_how_many_there_are(monkeypatch) -> None:
    monkeypatch.setattr(held_out, "draw_case", lambda name, key, *_: (name, key))
    few, many = draw(6), draw(12)
    assert len(few) == 6
    assert len(many) == 12
    assert set(few) < set(many)
    assert len({key for _, key in many}) == 12  # type: ignore[misc]
    assert {name.split()[0] for name, _ in few} == set(SOURCES) - {"torso"}  # type: ignore[misc]
    assert len(draw(4, sources=("atlas",))) == 4


def test_an_unknown_source_and_a_missing_mask_are_refused(tmp_path: Path, monkeypatch, atlas: Atlas) -> None:
    with pytest.raises(UsageError, match="no held-out source 'verse999'"):
        next(held_out_cases(1, tmp_path / "atlas.nii.gz", tmp_path, sources=("verse999",)))
    monkeypatch.setattr(held_out, "load_atlas", lambda *_: atlas)
    with pytest.raises(UsageError, match="There is no mask"):
        anatomy_of("gl003+verse004", tmp_path / "atlas.nii.gz", tmp_path)


def test_nothing_is_drawn_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*_: object) -> None:
        raise AssertionError("drawn")

    for module in (held_out, robustness):
        monkeypatch.setattr(module, "anatomy_of", drawn)
    monkeypatch.setattr(no_spine, "_draw", drawn)
    nowhere = Path("nowhere")
    assert len(list(held_out_cases(7, nowhere, nowhere))) == 7
    assert len(list(robustness_cases(2, nowhere, nowhere))) == 2 * len(VARIANTS)
    with pytest.raises(AssertionError, match="drawn"):
        [drawing.draw() for drawing in held_out_cases(1, nowhere, nowhere)]
    (drawing,) = no_spine_cases(1)
    with pytest.raises(AssertionError, match="drawn"):
        drawing.draw()


def test_an_anatomy_is_made_once_and_kept(tmp_path: Path, monkeypatch, atlas: Atlas) -> None:
    made = []
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[0] = 18
    (tmp_path / f"a{held_out.MASK_SUFFIX}").touch()
    monkeypatch.setitem(held_out.SOURCES, "a", ("a",))
    monkeypatch.setattr(held_out, "load_atlas", lambda *_: atlas)
    monkeypatch.setattr(held_out, "load_vertebrae", lambda path: made.append(path) or mask)
    monkeypatch.setattr(held_out, "graft", lambda atlas, _: atlas)
    first, again = (anatomy_of("a", Path("atlas.nii.gz"), tmp_path, tmp_path / "cache") for _ in range(2))
    assert len(made) == 1
    assert first[1] == again[1] == ("T11",)
    assert np.array_equal(first[0].skeleton, again[0].skeleton)
    assert np.array_equal(first[0].axis_zyx, again[0].axis_zyx)


def test_scans_without_a_spine_hold_bone_but_no_label() -> None:
    cases = [drawing.draw() for drawing in no_spine_cases(len(KINDS))]
    assert [case.variant for case in cases] == list(KINDS)
    for case in cases:
        assert case.group == "no spine"
        assert not case.labels.any()
        assert case.noise_free_hu is not None
        bone_ml = (case.noise_free_hu > 150).sum() * np.prod(case.spacing_zyx_mm) / 1000
        if case.variant in ("knee", "thighs", "wrist", "head"):
            assert bone_ml > 20, case.variant
        if case.variant in ("air", "water phantom"):
            assert bone_ml < 1, case.variant
    again = next(no_spine_cases(1)).draw()
    assert np.array_equal(again.hu, cases[0].hu)


@pytest.mark.usefixtures("from_rings")
def test_variants_of_a_patient_differ_in_the_scan_alone() -> None:
    cases = scan_in_all_variants()
    assert list(cases) == list(VARIANTS)
    assert {c.compared_with for name, c in cases.items() if name != "reference"} == {cases["reference"].name}
    reference = cases["reference"]
    assert reference.noise_free_hu is not None
    for name in ("noise 50 HU", "noise 80 HU", "soft kernel", "sharp kernel", "contrast"):
        assert np.array_equal(cases[name].labels, reference.labels), name
    body = reference.labels > 0
    for name in ("noise 80 HU", "contrast"):
        assert np.array_equal(cases[name].noise_free_hu[body], reference.noise_free_hu[body]), name
    even = np.abs(reference.noise_free_hu - ndimage.uniform_filter(reference.noise_free_hu, 5)) < 10
    assert (cases["noise 80 HU"].hu - reference.noise_free_hu)[even].std() == pytest.approx(80, rel=0.25)
    assert (reference.hu - reference.noise_free_hu)[even].std() < 40
    assert cases["5-mm slices"].spacing_zyx_mm == (10.0, 3.0, 3.0)  # four of the scan's own
    assert len(cases["5-mm slices"].hu) == 18
    assert cases["halved field of view"].hu.shape == (72, 24, 24)
    assert (cases["halved field of view"].labels > 0).sum() > 0.9 * body.sum()


def test_contrast_raises_vessels_and_organs_but_no_bone(atlas: Atlas) -> None:
    labels = np.zeros(
        tuple(n + 2 * m for n, m in zip((*held_out.SPEC.shape[:1], 4, 4), robustness.MARGIN, strict=True)), np.uint8
    )
    labels[:, 40:42] = t.AORTA
    labels[:, 42:] = 20
    hu = np.zeros(labels.shape, np.float32)
    case = scan_variant(np.random.default_rng(0), hu, labels, replace(VARIANTS["contrast"], tilt_deg=(0.0, 0.0)))
    assert case.noise_free_hu is not None
    assert (case.noise_free_hu[case.labels == 20] == 0).all()
    assert (case.noise_free_hu[case.labels == 0] > 100).all()


@pytest.mark.usefixtures("from_rings")
def test_a_tilt_turns_the_column_by_what_it_says() -> None:
    cases = scan_in_all_variants()

    def lean(name: str, axis: int) -> float:
        """Angle of the column of bodies against z, in degrees."""
        case = cases[name]
        middles = np.array(
            [
                np.argwhere(case.labels == v).mean(axis=0)
                for v in np.unique(case.labels)[1:]
                if (case.labels == v).sum() > 100
            ]
        )
        z, aside = middles[:, 0] * case.spacing_zyx_mm[0], middles[:, axis] * case.spacing_zyx_mm[axis]
        return float(np.degrees(np.arctan(np.polyfit(z, aside, 1)[0])))

    assert abs(lean("tilt +15", 1) - lean("tilt -15", 1)) == pytest.approx(30, abs=5)
    assert abs(lean("roll +15", 2) - lean("roll -15", 2)) == pytest.approx(30, abs=5)
    assert lean("tilt +15", 2) == pytest.approx(lean("reference", 2), abs=4)


@pytest.mark.skipif(
    not (DATA / "verse_masks").is_dir(), reason="the VerSe masks (../shared/data/verse_masks) are not here"
)
@pytest.mark.slow
def test_held_out_scans_show_the_whole_chest_with_real_vertebrae_of_human_size() -> None:
    case = next(
        held_out_cases(1, DATA / "atlas" / "torso_labels_1mm.nii.gz", DATA / "verse_masks", sources=("gl003+verse004",))
    ).draw()
    assert {"T1", "T5", "T9", "T12", "L1", "L2"} <= set(case.real_levels)
    assert not {"T6", "T7", "T8"} & set(case.real_levels)
    voxel_ml = np.prod(case.spacing_zyx_mm) / 1000
    for value in range(9, 20):  # T2 ... T12, in view whatever the size
        assert 2.5 < (case.labels == value).sum() * voxel_ml < 60, value
    z = [np.argwhere(case.labels == value)[:, 0].mean() for value in range(9, 20)]
    assert z == sorted(z, reverse=True)


def test_a_torso_of_its_own_is_drawn_between_its_own_ends(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(unknown, "LEAST_BEYOND", 0.5)  # the scan reaches beyond T11, which is cut
    folder = write_torso(tmp_path / "torso")
    assert sources_of(folder) == ("torso",)
    (drawing,) = held_out_cases(1, folder, Path(), seed=3, cache=tmp_path)
    case = drawing.draw()
    assert case.name == "torso 000"
    assert case.hu.shape == case.labels.shape == case.noise_free_hu.shape
    assert case.hu.shape[0] < held_out.SPEC.shape[0]
    assert set(np.unique(case.labels)) - {0} <= {18, 19, 20, 21, 22, 23, 24}
    assert (tmp_path / "atlas.npz").exists() is False
    again = next(iter(held_out_cases(1, folder, Path(), seed=3, cache=tmp_path))).draw()
    np.testing.assert_array_equal(again.hu, case.hu)
