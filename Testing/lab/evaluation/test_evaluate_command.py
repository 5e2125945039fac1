"""`ldct-bmd evaluate`: which cases it finds, what it writes, and how it goes on after a kill."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

import ldct_bmd_lab.cli.evaluating
from helpers_evaluate import HU, Given, bodies, level, result, scan
from helpers_spine import spine_bodies
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.segmentation import ModelIdentity
from ldct_bmd_lab.evaluation.segmentation import CaseResult, summarize
from ldct_bmd_lab.evaluation.segmentation.folder import EVALUATION, check_evaluation_folder, write_evaluation
from ldct_bmd_lab.evaluation.segmentation.page import Subject, make_page
from ldct_bmd_lab.evaluation.segmentation.references import find_pairs, read_case
from ldct_bmd_lab.synthetic.held_out import DEFORMATIONS, Drawing, HeldOut

PATIENTS = Subject("from a table", "drawn by an expert", False, ModelIdentity("a model", "ab" * 32))
SYNTHETIC = Subject("drawn", "known", True, ModelIdentity("a model", "ab" * 32))
MISCHIEF = "=1+1 <script>alert(1)</script>"


def table(folder: Path, *rows: str, columns: str = "image,reference,group,name") -> Path:
    path = folder / "pairs.csv"
    path.write_text("\n".join((columns, *rows)) + "\n", encoding="utf-8")
    return path


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *(str(argument) for argument in arguments)])


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Given:
    """A segmenter that finds the right bodies of the shared scan, in place of the network."""
    given = Given(spine_bodies())
    monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "network_segmenter", lambda networks: given)
    return given


DESCRIBED = ("--values", "verse", "--parts", "body", "--reference-kind", "made for this test")


class TestPairs:
    def test_files_of_a_table_are_relative_to_it(self, tmp_path: Path) -> None:
        touch(tmp_path / "in" / "a.nii.gz", tmp_path / "a_ref.nii.gz")
        (pair,) = find_pairs(table(tmp_path, "in/a.nii.gz,a_ref.nii.gz,,"))
        assert (pair.name, pair.group) == ("in/a.nii.gz", "pairs")
        assert (pair.image, pair.reference) == (tmp_path / "in" / "a.nii.gz", tmp_path / "a_ref.nii.gz")

    @pytest.mark.parametrize(
        ("columns", "row", "said"),
        [
            ("image,mask", "a.nii.gz,b.nii.gz", "needs image and reference"),
            ("image,reference", "missing.nii.gz,", "there is no"),
            ("image,reference", ",a.nii.gz", "needs an image"),
            ("image,reference", "a.nii.gz,,more,cells", "does not fit"),
            ("image,reference,group", "a.nii.gz,,all", "can't be called all"),
            ("image,reference", "a.nii.gz,\na.nii.gz,", "name them apart"),
        ],
    )
    def test_a_table_that_is_wrong_is_told(self, tmp_path: Path, columns: str, row: str, said: str) -> None:
        touch(tmp_path / "a.nii.gz")
        with pytest.raises(UsageError, match=re.escape(said)):
            find_pairs(table(tmp_path, row, columns=columns))

    def test_a_folder_of_verse_is_searched_for_masks_and_their_scans(self, tmp_path: Path) -> None:
        image = tmp_path / "rawdata" / "sub-1" / "sub-1_dir-ax_ct.nii.gz"
        mask = tmp_path / "derivatives" / "sub-1" / "sub-1_dir-ax_seg-vert_msk.nii.gz"
        touch(image, mask)
        (pair,) = find_pairs(tmp_path)
        assert (pair.name, pair.image, pair.reference) == ("sub-1_dir-ax", image, mask)
        image.unlink()
        with pytest.raises(UsageError, match="no scan for it"):
            find_pairs(tmp_path)

    def test_a_folder_as_for_training_holds_images_and_labels(self, tmp_path: Path) -> None:
        (tmp_path / "images" / "b").mkdir(parents=True)  # of DICOM slices
        touch(tmp_path / "images" / "a.nii.gz", tmp_path / "labels" / "a.nrrd", tmp_path / "labels" / "b.nii.gz")
        pairs = {pair.name: (pair.image.name, pair.reference and pair.reference.name) for pair in find_pairs(tmp_path)}
        assert pairs == {"a": ("a.nii.gz", "a.nrrd"), "b": ("b", "b.nii.gz")}

    def test_a_folder_without_pairs_says_which_names_it_looks_for(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="_seg-vert_msk"):
            find_pairs(tmp_path)

    def test_masks_of_totalsegmentator_become_one_reference(self, tmp_path: Path, scan_file: Path) -> None:
        folder = tmp_path / "s0001"
        (folder / "segmentations").mkdir(parents=True)
        (folder / "ct.nii.gz").write_bytes(scan_file.read_bytes())
        image = sitk.DICOMOrient(sitk.ReadImage(str(scan_file)), "LPS")
        wanted = spine_bodies(("L1", "L2"))
        for name, value in (("L1", 20), ("L2", 21)):
            mask = sitk.GetImageFromArray((wanted == value).astype(np.uint8))
            mask.CopyInformation(image)
            sitk.WriteImage(mask, str(folder / "segmentations" / f"vertebrae_{name}.nii.gz"))
        (pair,) = find_pairs(tmp_path)
        assert pair.name == "s0001"
        assert np.array_equal(read_case(pair, "totalsegmentator", "body").reference, wanted)
        with pytest.raises(CannotMeasure, match="s0001"):
            read_case(pair, "verse", "body")

    def test_an_empty_reference_says_that_no_vertebra_is_in_view(self, tmp_path: Path, scan_file: Path) -> None:
        (pair,) = find_pairs(table(tmp_path, f"{scan_file},,,"))
        assert not read_case(pair, "verse", "body").reference.any()

    def test_a_reference_that_does_not_fit_is_told_with_its_case_and_these_options(
        self, tmp_path: Path, scan_file: Path, label_file: Path
    ) -> None:
        (pair,) = find_pairs(table(tmp_path, f"{scan_file},{label_file},,my scan"))
        with pytest.raises(CannotMeasure, match=r"Case my scan: .* --values") as told:
            read_case(pair, "totalsegmentator", "body")
        assert "--segmentation" not in str(told.value)

    @pytest.mark.parametrize(("of", "fits"), [("z", False), ("x", True)])
    def test_a_reference_that_ends_above_or_below_before_its_scan_does_is_refused(
        self, of: str, fits: bool, tmp_path: Path, scan_file: Path, label_file: Path
    ) -> None:
        labels = sitk.DICOMOrient(sitk.ReadImage(str(label_file)), "LPS")
        sitk.WriteImage(labels[:, :, 4:] if of == "z" else labels[2:], str(tmp_path / "part.nii.gz"))
        (pair,) = find_pairs(table(tmp_path, f"{scan_file},part.nii.gz,,my scan"))
        if fits:
            assert read_case(pair, "verse", "body").reference.any()
            return
        with pytest.raises(CannotMeasure, match=r"Case my scan: The label map ends before the scan does"):
            read_case(pair, "verse", "body")


class TestFolder:
    def test_text_from_outside_is_neither_markup_nor_formula(self, tmp_path: Path) -> None:
        wrong = (level("L1", "T12"),)
        subject = Subject(MISCHIEF, MISCHIEF, False, ModelIdentity(MISCHIEF, None))
        write_evaluation(tmp_path / "out", subject, [result(MISCHIEF, MISCHIEF, levels=wrong), result("b")])
        page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert page.count("&lt;script&gt;") >= 4
        with (tmp_path / "out" / "cases.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.DictReader(file))["case"] == f"'{MISCHIEF}"

    def test_synthetic_scans_are_never_shown_as_patients(self) -> None:
        results = [result("a")]
        assert "Synthetic scans, not patients." in make_page(SYNTHETIC, results, summarize(results))
        page = make_page(PATIENTS, results, summarize(results))
        assert "Synthetic" not in page
        assert "drawn by an expert" in page

    def test_the_page_needs_nothing_else_and_is_the_same_each_time(self) -> None:
        results = [result("a"), result("b", levels=(level("L1", "T12"), level("L2", None)))]
        page = make_page(PATIENTS, results, summarize(results))
        sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
        assert len(sources) == 4
        assert all(source.startswith("data:image/svg+xml;base64") for source in sources)
        assert make_page(PATIENTS, results, summarize(results)) == page

    @pytest.mark.parametrize(
        "results",
        [
            [result("a", levels=(), failure="Nothing.", name_probability=None)],
            [result("a", failure="Nothing.", name_probability=None, levels=(level("L1", None),))],
            [
                result(str(i), levels=(level("L1", difference_hu=10.0 * i), level("L6", complete=False)))
                for i in range(9)
            ],
        ],
        ids=["no vertebra in view", "nothing found", "far off"],
    )
    def test_there_is_a_page_whatever_was_found(self, results: list[CaseResult], tmp_path: Path) -> None:
        write_evaluation(tmp_path / "out", PATIENTS, results)
        assert {path.name for path in (tmp_path / "out").iterdir()} == EVALUATION.files

    def test_only_an_earlier_evaluation_is_replaced(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        write_evaluation(out, PATIENTS, [result("a")])
        with pytest.raises(UsageError, match="not empty"):
            write_evaluation(out, PATIENTS, [result("b")])
        write_evaluation(out, SYNTHETIC, [result("b")], overwrite=True)
        assert json.loads((out / "evaluation.json").read_text())["subject"]["synthetic"] is True
        assert {path.name for path in tmp_path.iterdir()} == {"out"}
        (out / "notes.txt").write_text("mine")
        with pytest.raises(UsageError):
            check_evaluation_folder(out, overwrite=True)

    def test_what_fails_leaves_the_earlier_evaluation(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = tmp_path / "out"
        write_evaluation(out, PATIENTS, [result("a")])
        before = (out / "cases.csv").read_text()

        def fails(*arguments: object) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("ldct_bmd_lab.evaluation.segmentation.folder.make_page", fails)
        with pytest.raises(UsageError, match="No space left"):
            write_evaluation(out, PATIENTS, [result("b")], overwrite=True)
        assert (out / "cases.csv").read_text() == before
        assert {path.name for path in tmp_path.iterdir()} == {"out"}


class TestCommand:
    def test_pairs_are_evaluated_into_tables_and_a_page(
        self, network: Given, tmp_path: Path, scan_file: Path, label_file: Path
    ) -> None:
        pairs = table(tmp_path, f"{scan_file},{label_file},phantoms,scan one", f"{scan_file},,no spine,scan two")
        done = run(pairs, "-o", tmp_path / "out", *DESCRIBED)
        assert done.exit_code == 0, done.output
        assert "phantoms" in done.stdout
        assert "100.0 %" in done.stdout
        assert "(2.5-100.0)" in done.stdout
        assert max(map(len, done.stdout.partition("Complete bodies")[0].splitlines())) <= 80
        with (tmp_path / "out" / "levels.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["case"], row["level"]) for row in rows] == [
            ("scan one", x) for x in ("T11", "T12", "L1", "L2", "L3")
        ]
        assert {row["dice_by_name"] for row in rows} == {"1"}
        assert "made for this test" in (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
        assert {path.name for path in tmp_path.iterdir()} == {"out", "pairs.csv"}

    def test_a_killed_run_goes_on_where_it_was(
        self, network: Given, tmp_path: Path, scan_file: Path, label_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pairs = table(tmp_path, *(f"{scan_file},{label_file},,{name}" for name in ("one", "two", "three")))
        arguments = (pairs, "-o", tmp_path / "out", *DESCRIBED)

        def killed(scan: object, progress: object) -> NDArray[np.uint8]:
            if network.calls == 1:
                raise KeyboardInterrupt
            return Given.__call__(network, scan, progress)  # type: ignore[arg-type,return-value]

        monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "network_segmenter", lambda networks: _Stand(killed))
        assert run(*arguments).exit_code == 130
        assert not (tmp_path / "out").exists()
        monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "network_segmenter", lambda networks: network)
        done = run(*arguments)
        assert done.exit_code == 0, done.output
        assert network.calls == 3
        with (tmp_path / "out" / "cases.csv").open(encoding="utf-8", newline="") as file:
            assert [row["case"] for row in csv.DictReader(file)] == ["one", "two", "three"]
        assert {path.name for path in tmp_path.iterdir()} == {"out", "pairs.csv"}

    def test_a_case_that_cannot_be_read_stops_no_other_and_may_be_left_out(
        self, network: Given, tmp_path: Path, scan_file: Path, label_file: Path
    ) -> None:
        (tmp_path / "bad.nii.gz").write_bytes(b"no label map")
        rows = (f"{scan_file},{label_file},,one", f"{scan_file},bad.nii.gz,,two", f"{scan_file},{label_file},,three")
        done = run(table(tmp_path, *rows), "-o", tmp_path / "out", *DESCRIBED)
        assert done.exit_code == 3
        assert "Case two: " in done.stderr
        assert "1 of 3 cases" in done.stderr
        assert not (tmp_path / "out").exists()
        assert network.calls == 2
        done = run(table(tmp_path, rows[0], rows[2]), "-o", tmp_path / "out", *DESCRIBED)
        assert done.exit_code == 0, done.output
        assert network.calls == 2
        assert {path.name for path in tmp_path.iterdir()} == {"out", "pairs.csv", "bad.nii.gz"}

    def test_nothing_is_left_where_no_case_can_be_read(self, network: Given, tmp_path: Path, scan_file: Path) -> None:
        (tmp_path / "bad.nii.gz").write_bytes(b"no label map")
        pairs = table(tmp_path, f"{scan_file},bad.nii.gz,,two")
        assert run(pairs, "-o", tmp_path / "out", *DESCRIBED).exit_code == 3
        assert {path.name for path in tmp_path.iterdir()} == {"pairs.csv", "bad.nii.gz"}

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "Give PAIRS"),
            (("PAIRS", "--values", "verse", "--reference-kind", "x"), "--parts"),
            (("PAIRS", "--values", "verse", "--parts", "body"), "--reference-kind"),
            (("PAIRS", *DESCRIBED, "--synthetic", "3"), "not both"),
            (("--synthetic", "3", "--atlas", "none.nii.gz"), "no file none.nii.gz"),
            (("--synthetic", "0", "--atlas", "PAIRS"), "1 or more"),
            (("--synthetic", "3", "--atlas", "PAIRS", "--values", "verse"), "leave them out"),
            (("--synthetic", "3", "--atlas", "PAIRS", "--kind", "knees"), "not knees"),
            (("PAIRS", *DESCRIBED, "--kind", "held-out"), "not both"),
        ],
    )
    def test_a_request_that_makes_no_sense_is_told(
        self, arguments: tuple[str, ...], said: str, tmp_path: Path, held_out_scans: "list[object]"
    ) -> None:
        pairs = str(table(tmp_path))
        done = run(*(pairs if argument == "PAIRS" else argument for argument in arguments), "-o", tmp_path / "out")
        assert done.exit_code == 2
        assert said in done.stderr
        assert not (tmp_path / "out").exists()

    def test_synthetic_scans_are_set_against_their_truth(
        self, tmp_path: Path, held_out_scans: "list[object]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "network_segmenter", lambda networks: Given(bodies()))
        touch(tmp_path / "atlas.nii.gz")
        done = run("--synthetic", "2", "--atlas", tmp_path / "atlas.nii.gz", "--seed", "5", "-o", tmp_path / "out")
        assert done.exit_code == 0, done.output
        assert held_out_scans == [(2, tmp_path / "atlas.nii.gz", 5, ("atlas",)), "drawn 0", "drawn 1"]
        page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
        assert "Synthetic scans, not patients." in page
        assert "seed 5" in page
        with (tmp_path / "out" / "levels.csv").open(encoding="utf-8", newline="") as file:
            rows = {row["level"]: row for row in csv.DictReader(file)}
        assert [rows[level]["group"] for level in ("L1", "L2")] == ["grafts", DEFORMATIONS]
        row = rows["L1"]
        assert float(row["true_voi_hu"]) == pytest.approx(HU["L1"], abs=0.1)
        assert float(row["voi_bias_hu"]) == pytest.approx(3.0, abs=0.1)
        # The drawn spacing is (z, y, x), a scan's (x, y, z).
        with (tmp_path / "out" / "cases.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.DictReader(file))["spacing_z_mm"] == "1.5"

    def test_a_killed_run_draws_no_scan_again_that_it_has_done(
        self, network: Given, tmp_path: Path, held_out_scans: "list[object]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(scan: object, progress: object) -> NDArray[np.uint8]:
            if network.calls == 1:
                raise KeyboardInterrupt
            return Given.__call__(network, scan, progress)  # type: ignore[arg-type,return-value]

        touch(tmp_path / "atlas.nii.gz")
        arguments = ("--synthetic", "3", "--atlas", tmp_path / "atlas.nii.gz", "-o", tmp_path / "out")
        monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "network_segmenter", lambda networks: _Stand(killed))
        assert run(*arguments).exit_code == 130
        held_out_scans.clear()
        monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "network_segmenter", lambda networks: network)
        assert run(*arguments).exit_code == 0
        assert held_out_scans[1:] == ["drawn 1", "drawn 2"]


@dataclass(frozen=True)
class _Stand:
    call: object
    identity: ModelIdentity = Given.identity

    def __call__(self, scan: object, progress: object) -> object:
        return self.call(scan, progress)  # type: ignore[operator]


@pytest.fixture
def held_out_scans(monkeypatch: pytest.MonkeyPatch) -> "list[object]":
    """Stands in for the drawing of held-out scans, and keeps what was asked of it."""
    asked: list[object] = []

    def draw(n: int, atlas: Path, masks: Path, seed: int, cache: Path, sources: tuple[str, ...]) -> Iterator[Drawing]:
        assert cache.is_dir()
        asked.append((n, atlas, seed, sources))
        for i in range(n):
            yield Drawing(f"drawn {i}", partial(drawn, f"drawn {i}"))

    def drawn(name: str) -> HeldOut:
        asked.append(name)
        hu = scan().hu
        return HeldOut(name, "grafts", hu + np.float32(3.0), bodies(), (1.5, 1.0, 1.0), hu, ("L1",))

    monkeypatch.setattr(ldct_bmd_lab.cli.evaluating, "held_out_cases", draw)
    return asked
