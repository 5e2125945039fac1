"""Annotated scans: brought to the network's grid once, and varied with their labels."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from helpers_evaluate import Given
from helpers_pairs import bone_hu, write_image, write_pairs
from helpers_vertebra import column, dice
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import silent
from ldct_bmd.segmentation.label_map import Parts, Values
from ldct_bmd.segmentation.normalize import LOW_HU, normalize
from ldct_bmd.segmentation.patches import padded
from ldct_bmd_lab.evaluation.segmentation.references import ReferencePair, find_pairs
from ldct_bmd_lab.scanner import ScanSettings
from ldct_bmd_lab.torso import SampleSpec
from ldct_bmd_lab.training import annotated, annotated_source
from ldct_bmd_lab.training.annotated import AnnotatedFolder, AnnotatedScan, hold_out, prepare_pairs, write_held_out
from ldct_bmd_lab.training.annotated_source import WINDOW_STEP_MM, AnnotatedSource
from ldct_bmd_lab.training.configuration import COARSE, FINE, Augmentation
from ldct_bmd_lab.training.targets import IGNORE, OTHER_BONE, TABLES, UNKNOWN

FINE_MM = (1.0, 2.0, 2.0)
WHOLE, BODIES = column()
SPEC = SampleSpec((24, 24, 24), FINE_MM, offset_mm=(0.0, 0.0, 0.0))
STRONG = Augmentation(rotation=(15.0, 15.0, 15.0), scale=(0.8, 1.2), mirror=True)


@pytest.mark.parametrize("parts", ["body", "whole"])
def test_a_pair_comes_to_the_network_s_grid_with_its_bodies(parts: str, tmp_path: Path) -> None:
    folder = AnnotatedFolder(write_pairs(tmp_path / "pairs", parts=parts), "verse", parts)
    (scan,) = prepare_pairs([folder], FINE_MM, tmp_path / "cache")
    assert scan.hu.shape == scan.labels.shape == (120, 45, 45)
    assert scan.spacing_zyx_mm == pytest.approx(FINE_MM)
    expected = BODIES[:, ::2, ::2]
    for value in (19, 20, 21):
        assert dice(scan.labels == value, expected == value) > 0.9
    z, y, x = np.array(scan.spine_zyx).T
    assert z == pytest.approx([20, 60, 100], abs=1)  # from L2 up to T12
    truth = np.argwhere(expected).mean(axis=0)
    assert y == pytest.approx(truth[1], abs=1)
    assert x == pytest.approx(truth[2], abs=1)


def test_a_scan_is_prepared_once_and_again_when_its_labels_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = AnnotatedFolder(write_pairs(tmp_path / "pairs"), "verse", "body")
    (first,) = prepare_pairs([folder], FINE_MM, tmp_path / "cache")
    read = []
    monkeypatch.setattr(
        annotated,
        "read_scan",
        lambda path, series, original=annotated.read_scan: read.append(path) or original(path, series),
    )
    (again,) = prepare_pairs([folder], FINE_MM, tmp_path / "cache")
    assert not read
    assert again == first
    write_image(np.where(BODIES == 19, 0, BODIES), tmp_path / "pairs" / "one_seg-vert_msk.nii.gz")
    (changed,) = prepare_pairs([folder], FINE_MM, tmp_path / "cache")
    assert len(read) == 1
    assert not (changed.labels == 19).any()


def test_the_coarse_network_s_grid_is_that_of_its_use(tmp_path: Path) -> None:
    folder = AnnotatedFolder(write_pairs(tmp_path / "pairs"), "verse", "body")
    (scan,) = prepare_pairs([folder], (5.0, 5.0, 5.0), tmp_path / "cache")
    assert scan.hu.shape == (24, 18, 18)
    assert np.mean(scan.hu[scan.labels == 20]) == pytest.approx(120, abs=60)


def test_a_scan_without_a_vertebra_is_trained_on_too(tmp_path: Path) -> None:
    leg = np.full((40, 40, 40), 50, np.int16)
    leg[:, :8], leg[:, 18:22, 18:22] = -1000, 300
    write_image(leg, tmp_path / "leg.nii.gz")
    (tmp_path / "pairs.csv").write_text("image,reference\nleg.nii.gz,\n")
    (scan,) = prepare_pairs([AnnotatedFolder(tmp_path / "pairs.csv", "verse", "body")], FINE_MM, tmp_path / "cache")
    assert np.count_nonzero(scan.labels == OTHER_BONE) == np.count_nonzero(scan.labels)
    assert 0 < np.mean(scan.labels == OTHER_BONE) < 0.05
    hu, labels = AnnotatedSource((scan,), SPEC, STRONG).draw(np.random.default_rng(0), 24)
    assert hu.shape == labels.shape == (24, 24, 24)
    assert set(np.unique(labels)) <= {0, OTHER_BONE, UNKNOWN}


def prepared(folder: Path, parts: Parts = "body") -> tuple[list[str], list[str]]:
    """Names of the scans of ``folder`` that can be trained on, and what is said of the others."""
    said: list[str] = []
    scans = prepare_pairs(
        [AnnotatedFolder(folder, "verse", parts)], FINE_MM, folder.parent / "cache", silent, said.append
    )
    return [scan.name for scan in scans], said


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.roll(BODIES, 25, axis=1), "not"),
        (np.zeros_like(BODIES), "holds no vertebra T1 to L5"),
        (np.where(BODIES == 20, 5, 0).astype(np.uint8), "holds no vertebra T1 to L5"),
    ],
    ids=["elsewhere", "empty", "cervical"],
)
def test_a_pair_that_cannot_be_used_is_skipped_and_named(
    labels: NDArray[np.uint8], reason: str, tmp_path: Path
) -> None:
    write_pairs(tmp_path / "pairs", ("good", "bad"))
    write_image(labels, tmp_path / "pairs" / "bad_seg-vert_msk.nii.gz")
    usable, (sentence,) = prepared(tmp_path / "pairs")
    assert usable == ["pairs/good"]
    assert sentence.startswith("The pair bad cannot be trained on: ")
    assert reason in sentence


def test_a_vertebra_whose_arch_cannot_be_split_off_costs_its_scan_alone(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs", ("good", "bad"), parts="whole")
    write_image(BODIES, tmp_path / "pairs" / "bad_seg-vert_msk.nii.gz")
    usable, (sentence,) = prepared(tmp_path / "pairs", "whole")
    assert usable == ["pairs/good"]
    assert "--parts body" in sentence


def test_a_mask_that_cannot_be_used_costs_its_level_alone(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs", parts="whole")
    write_image(np.where(BODIES == 20, 0, WHOLE), tmp_path / "pairs" / "one_seg-vert_msk.nii.gz")
    (scan,) = prepare_pairs([AnnotatedFolder(tmp_path / "pairs", "verse", "whole")], FINE_MM, tmp_path / "cache")
    assert {19, 21} < set(np.unique(scan.labels).tolist())
    assert 20 not in scan.labels
    assert np.mean(scan.labels[BODIES[:, ::2, ::2] == 20] == UNKNOWN) > 0.95  # and is no background


def test_a_body_with_a_notch_where_its_vein_leaves_it_is_a_body(tmp_path: Path) -> None:
    notched = BODIES.copy()
    for value in (19, 20, 21):
        voxels = np.argwhere(value == BODIES)
        (z, _, x), back = voxels.mean(axis=0), voxels[:, 1].max()
        notched[round(z) - 6 : round(z) + 7, back - 13 : back - 2, round(x) - 4 : round(x) + 5] = 0
        notched[round(z) - 6 : round(z) + 7, back - 2 : back + 1, round(x) - 8 : round(x) + 9] = value
    write_pairs(tmp_path / "pairs")
    write_image(notched, tmp_path / "pairs" / "one_seg-vert_msk.nii.gz")
    usable, said = prepared(tmp_path / "pairs")
    assert (usable, said) == (["pairs/one"], [])


class TestListedLevels:
    """A scan of which a reader only listed how high its levels lie."""

    @staticmethod
    def folder(tmp_path: Path, rows: str = "T12,-200\nL1,-240\nL2,-280\n") -> Path:
        (tmp_path / "pairs" / "one").mkdir(parents=True)
        write_image(bone_hu(WHOLE, BODIES), tmp_path / "pairs" / "one" / "ct.nii.gz")
        (tmp_path / "pairs" / "one" / "levels_z.csv").write_text(f"level,z_mm\n{rows}", encoding="utf-8")
        return tmp_path / "pairs"

    @staticmethod
    def prepare(path: Path, bodies: NDArray[np.uint8] = BODIES) -> list[AnnotatedScan]:
        """Prepare with an outliner that finds ``bodies``, whatever their names."""
        return prepare_pairs(
            [AnnotatedFolder(path, "verse", "body")],
            FINE_MM,
            path.parent / "cache",
            outliner=Given(bodies),  # type: ignore[arg-type]
        )

    def test_the_tool_s_bodies_get_the_list_s_names(self, tmp_path: Path) -> None:
        # They were called one level too low.
        (scan,) = self.prepare(self.folder(tmp_path), np.where(BODIES > 0, BODIES + 1, 0).astype(np.uint8))
        for value in (19, 20, 21):
            assert dice(scan.labels == value, BODIES[:, ::2, ::2] == value) > 0.9

    def test_a_level_that_the_list_leaves_out_is_unknown_and_no_background(self, tmp_path: Path) -> None:
        (scan,) = self.prepare(self.folder(tmp_path, "T12,-200\nL1,-240\n"))
        assert set(np.unique(scan.labels[BODIES[:, ::2, ::2] == 21])) == {UNKNOWN}

    def test_two_bodies_in_one_are_not_learnt(self, tmp_path: Path) -> None:
        joined = BODIES.copy()
        joined[:80][WHOLE[:80] > 0] = 21
        (scan,) = self.prepare(self.folder(tmp_path), joined)
        assert set(np.unique(scan.labels).tolist()) <= {0, 19, OTHER_BONE, UNKNOWN}
        assert 19 in scan.labels

    def test_doubtful_names_teach_the_fine_network_alone(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        (tmp_path / "pairs.csv").write_text(
            "image,reference,levels,names\npairs/one/ct.nii.gz,,pairs/one/levels_z.csv,no\n"
        )
        (scan,) = self.prepare(tmp_path / "pairs.csv")
        at_l1 = scan.labels[BODIES[:, ::2, ::2] == 20]
        assert set(TABLES["regions"][at_l1]) == {3}
        assert set(TABLES["levels"][at_l1]) == {IGNORE}
        assert folder.is_dir()

    def test_a_reference_goes_before_the_tool_s_own_bodies(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        write_image(np.where(BODIES == 20, 20, 0).astype(np.uint8), folder / "one" / "bodies.nii.gz")
        fat = ndimage.grey_dilation(BODIES, (1, 7, 7))
        (scan,) = self.prepare(folder, fat)
        counts = {value: np.count_nonzero(scan.labels == value) for value in (19, 20)}
        assert counts[19] > 1.2 * counts[20]

    def test_without_an_outliner_it_is_not_taken_for_a_scan_without_a_spine(self, tmp_path: Path) -> None:
        folder = AnnotatedFolder(self.folder(tmp_path), "verse", "body")
        assert prepare_pairs([folder], FINE_MM, tmp_path / "cache") == []

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ("T12,-200\n", "two levels"),
            ("T12,-200\nT12,-240\n", "T12 twice"),
            ("T12,-200\nS1,-240\n", "'S1', which is not a level"),
            ("T12,-240\nL1,-200\n", "T12 no higher than L1"),
            ("T12,high\nL1,-200\n", "a number of mm"),
            ("T12,nan\nL1,-200\n", "a number of mm"),
            ("T12,0\nL1,-20\n", "none of the bodies"),
        ],
    )
    def test_a_list_that_makes_no_sense_is_refused(self, rows: str, said: str, tmp_path: Path) -> None:
        with pytest.raises(CannotMeasure, match=said):
            self.prepare(self.folder(tmp_path, rows))


def test_where_more_than_a_fifth_or_all_pairs_cannot_be_used_nothing_is_trained(tmp_path: Path) -> None:
    names = tuple("abcdefghij")
    folder = write_pairs(tmp_path / "pairs", names)
    for bad, name in enumerate(names[:3], start=1):
        write_image(np.zeros_like(BODIES), folder / f"{name}_seg-vert_msk.nii.gz")
        if bad <= 2:
            usable, said = prepared(folder)
            assert (len(usable), len(said)) == (10 - bad, bad)
    with pytest.raises(CannotMeasure, match=r"Of 10 pairs 3 cannot be trained on.*The pair a cannot"):
        prepared(folder)
    whole = write_pairs(tmp_path / "whole", parts="whole")
    with pytest.raises(CannotMeasure, match="use --parts whole"):
        prepare_pairs([AnnotatedFolder(whole, "verse", "body")], FINE_MM, tmp_path / "cache")


def named(name: str, values: Values = "verse", source: str = "set") -> AnnotatedScan:
    """A scan of which only the names matter."""
    pair = ReferencePair(name, "ours", Path(f"{source}/{name}_ct.nii.gz"), Path(f"{source}/{name}_seg.nii.gz"))
    return AnnotatedScan(
        f"set/{name}", pair, AnnotatedFolder(Path(source), values, "body"), Path(), FINE_MM, (), (0.0, 0.0)
    )


def test_the_scans_of_a_patient_are_all_trained_on_or_all_held_out() -> None:
    scans = [named(f"sub-verse{i:03}_split-{part}") for i in range(10) for part in ("a", "b", "c")]
    trained, held_out = hold_out(scans, 0.2)
    assert len(held_out) == 6
    assert {scan.patient for scan in held_out} == {scan.name[4:16] for scan in held_out}
    assert not {scan.patient for scan in held_out} & {scan.patient for scan in trained}
    assert hold_out(scans[:3], 0.9)[1] == []  # one patient: nothing to hold out


def test_what_is_held_out_is_written_as_the_evaluation_reads_it(tmp_path: Path) -> None:
    pairs_of = write_pairs(tmp_path / "pairs", ("a", "b"))
    (tmp_path / "leg.csv").write_text("image,reference\npairs/a_ct.nii.gz,\n")
    folders = [AnnotatedFolder(pairs_of, "verse", "body"), AnnotatedFolder(tmp_path / "leg.csv", "verse", "body")]
    scans = prepare_pairs(folders, FINE_MM, tmp_path / "cache")
    table = tmp_path / "fine-held_out.csv"
    write_held_out(scans, table)
    found = find_pairs(table)
    assert [(pair.image, pair.reference, pair.group) for pair in found] == [
        (scan.pair.image, scan.pair.reference, scan.pair.group) for scan in scans
    ]
    assert [pair.name for pair in found] == [scan.name for scan in scans]
    write_held_out([], table)
    assert not table.exists()


def test_scans_of_other_labels_are_held_out_in_tables_of_their_own(tmp_path: Path) -> None:
    table = tmp_path / "fine-held_out.csv"
    one, again, other = named("a"), named("a", source="b"), named("c", "totalsegmentator")
    write_held_out([one, again, other], table)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fine-held_out-totalsegmentator-body.csv",
        "fine-held_out-verse-body.csv",
    ]
    rows = list(csv.DictReader((tmp_path / "fine-held_out-verse-body.csv").open()))
    assert [row["name"] for row in rows] == ["set/a", "set/a (2)"]
    assert rows[1]["image"] == str(Path("b/a_ct.nii.gz").absolute())


def test_the_same_scans_are_held_out_whatever_their_order() -> None:
    scans = [named(f"scan{i}") for i in range(10)]
    trained, held_out = hold_out(scans, 0.2)
    assert len(held_out) == 2
    assert sorted(scan.name for scan in trained + held_out) == sorted(scan.name for scan in scans)
    assert hold_out(scans[::-1], 0.2) == (trained, held_out)
    assert hold_out(scans[:1], 0.9) == (scans[:1], [])


@pytest.fixture
def coded(tmp_path: Path) -> AnnotatedScan:
    """A scan whose HU tell its labels, in blocks: 10 HU for each unit."""
    shape = (60, 40, 40)
    z, y, x = np.indices(shape)
    labels = (1 + z // 10 + 6 * (y // 20) + 12 * (x // 20)).astype(np.uint8)
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "hu.npy", labels.astype(np.int16) * 10)
    return replace(
        named("coded"), folder=tmp_path, spine_zyx=((10.0, 20.0, 20.0), (50.0, 20.0, 20.0)), trunk_yx=(10.0, 30.0)
    )


def test_the_scan_and_its_labels_are_turned_together(coded: AnnotatedScan) -> None:
    source = AnnotatedSource((coded,), SPEC, STRONG)
    drawn = [source.draw(np.random.default_rng(seed), 24) for seed in range(6)]
    for hu, labels in drawn:
        inside = labels != UNKNOWN
        # Beside a border linear interpolation mixes; elsewhere both are of one block.
        assert np.mean(hu[inside] == 10.0 * labels[inside]) > 0.6
        assert np.corrcoef(hu[inside], labels[inside])[0, 1] > 0.97
    assert len({labels.tobytes() for _, labels in drawn}) == 6
    hu, labels = source.draw(np.random.default_rng(0), 24)
    assert np.array_equal(hu, drawn[0][0])
    assert np.array_equal(labels, drawn[0][1])


def test_without_variation_a_piece_is_cut_out_about_the_spine_or_the_trunk(coded: AnnotatedScan) -> None:
    hu, labels = AnnotatedSource((coded,), SPEC, Augmentation()).draw(np.random.default_rng(1), 24)
    across = labels[12, :, 12]
    assert np.all(across[:11] == across[0])
    assert np.all(across[12:] == across[0] + 6)
    assert hu.max() <= 10 * coded.labels.max()
    _, about_trunk = AnnotatedSource((coded,), SPEC, Augmentation(about="trunk")).draw(np.random.default_rng(1), 24)
    assert len(np.unique(about_trunk[12, :, 12][about_trunk[12, :, 12] != UNKNOWN])) == 2
    assert (about_trunk == UNKNOWN).any()  # 30 + 12 lies beyond 40


def test_a_window_slides_in_equal_steps_over_all_that_is_labelled(coded: AnnotatedScan) -> None:
    height = np.broadcast_to(np.arange(60, dtype=np.int16)[:, None, None] * 10, (60, 40, 40))
    np.save(coded.folder / "hu.npy", height)
    window = AnnotatedSource((coded,), SPEC, Augmentation(about="window"))
    drawn = [window.draw(np.random.default_rng(seed), 24)[0] for seed in range(60)]
    middles = np.unique([round(float(hu[:, 12, 12].mean() / 10), 2) for hu in drawn])
    assert len(middles) == 6  # 36 mm of room
    assert np.allclose(np.diff(middles), WINDOW_STEP_MM)


@pytest.mark.parametrize("rescan", [0.0, 1.0])
def test_beyond_the_scan_nothing_is_known_and_its_edge_goes_on_or_air_begins(
    coded: AnnotatedScan, rescan: float
) -> None:
    spec = replace(SPEC, shape=(80, 24, 24))
    augmentation = Augmentation(rescan=rescan, hu_shift=20.0 * rescan)

    def drawn(beyond: Literal["edge", "air"]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        source = AnnotatedSource((coded,), spec, replace(augmentation, beyond=beyond))
        hu, labels = source.draw(np.random.default_rng(0), 80)
        return hu, labels != UNKNOWN

    edge, known = drawn("edge")
    rows = known.any(axis=(1, 2))
    assert rows.sum() == 60
    assert not rows[:9].any()
    if not rescan:
        assert np.array_equal(edge[0], edge[np.flatnonzero(rows)[0]])
    air, same_known = drawn("air")
    assert np.array_equal(known, same_known)
    assert np.array_equal(air[known], edge[known])
    assert np.all(air[~known] == LOW_HU)


def test_each_network_is_trained_on_what_it_meets_beyond_a_scan() -> None:
    padding = {beyond: padded(np.zeros((1, 1, 1), np.float32), beyond) for beyond in ("air", "edge")}
    assert COARSE.augmentation.beyond == "air"
    assert float(padding["air"][-1, -1, -1]) == normalize(np.array(LOW_HU))
    assert FINE.augmentation.beyond == "edge"
    assert not padding["edge"].any()


def test_left_and_right_are_swapped_half_the_time_if_wanted(coded: AnnotatedScan) -> None:
    def swapped(mirror: bool) -> int:
        source = AnnotatedSource((coded,), SPEC, Augmentation(mirror=mirror))
        drawn = (source.draw(np.random.default_rng(seed), 24)[1][12, 2] for seed in range(40))
        return sum(int(row[0]) > int(row[-1]) for row in drawn)

    assert swapped(False) == 0
    assert 8 <= swapped(True) <= 32


def test_a_second_scan_adds_noise_and_leaves_the_labels(coded: AnnotatedScan) -> None:
    _, calm = AnnotatedSource((coded,), SPEC, Augmentation()).draw(np.random.default_rng(2), 24)
    noisy_hu, noisy = AnnotatedSource((coded,), SPEC, Augmentation(rescan=1.0)).draw(np.random.default_rng(2), 24)
    assert np.array_equal(calm, noisy)
    assert len(np.unique(noisy_hu)) > 1000


def test_a_second_scan_of_averaged_voxels_adds_less_noise(
    coded: AnnotatedScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotated_source, "draw_settings", lambda _: ScanSettings(noise_hu=40.0))

    def noise_hu(times: int) -> float:
        source = AnnotatedSource((coded,), replace(SPEC, oversampling=times), Augmentation(rescan=1.0))
        calm = AnnotatedSource((coded,), SPEC, Augmentation()).draw(np.random.default_rng(2), 24)[0]
        flat = ndimage.generic_gradient_magnitude(calm, ndimage.sobel) == 0
        return float((source.draw(np.random.default_rng(2), 24)[0] - calm)[flat].std())

    assert noise_hu(2) < 0.5 * noise_hu(1)


def test_what_is_kept_of_a_scan_appears_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = AnnotatedFolder(write_pairs(tmp_path / "pairs"), "verse", "body")

    def fail(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(json, "dumps", fail, raising=True)
    with pytest.raises(KeyboardInterrupt):
        prepare_pairs([folder], FINE_MM, tmp_path / "cache")
    monkeypatch.undo()
    assert len(prepare_pairs([folder], FINE_MM, tmp_path / "cache")) == 1
