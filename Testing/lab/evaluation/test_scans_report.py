"""`ldct-bmd evaluate --scans`: what it reads, what it writes, and how it resumes after a kill."""

import csv
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ldct_bmd_lab.cli.evaluating_scans
from helpers_cli import entries, run
from helpers_evaluate import Given
from helpers_scans import row, scan_result, write_levels
from helpers_spine import spine_bodies, spine_scan
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.segmentation import NamedBodies
from ldct_bmd_lab.evaluation.scans import ScanResult, evaluate_scan, find_scans, summarize_scans
from ldct_bmd_lab.evaluation.scans.page import ScansSubject, make_scans_page
from ldct_bmd_lab.evaluation.scans.report import SCANS, write_scans_report

LEVELS = ("T11", "T12", "L1", "L2", "L3")
MISCHIEF = "=1+1 <script>alert(1)</script>"
SUBJECT = ScansSubject("from here", "read by a reader", "a model")
LOWER = dict(zip(LEVELS, (*LEVELS[1:], "L4"), strict=True))


@cache
def right() -> NDArray[np.uint8]:
    return spine_bodies()


@cache
def z_mm() -> dict[str, float]:
    """Where the bodies of the shared scan have their middle."""
    geometry, labels = spine_scan().geometry, right()
    centres = {level: np.argwhere(labels == VERSE_VALUE[level]).mean(axis=0)[::-1] for level in LEVELS}
    return {level: float(geometry.to_lps_mm(centre)[2]) for level, centre in centres.items()}


def renamed(names: dict[str, str]) -> NDArray[np.uint8]:
    labels = right()
    return np.select(
        [labels == VERSE_VALUE[level] for level in names], [VERSE_VALUE[n] for n in names.values()]
    ).astype(np.uint8)


@pytest.fixture
def place(tmp_path: Path, scan_file: Path) -> Path:
    """One scan with a list of its levels."""
    folder = tmp_path / "scans" / "one"
    folder.mkdir(parents=True)
    (folder / "ct.nii.gz").write_bytes(scan_file.read_bytes())
    write_levels(folder, z_mm())
    return folder


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Given:
    """A segmenter that finds the right bodies, in place of the networks."""
    given = Given(right())
    monkeypatch.setattr(ldct_bmd_lab.cli.evaluating_scans, "network_segmenter", lambda networks: given)
    return given


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestLayout:
    def test_a_scan_may_come_with_nothing_known(self, place: Path) -> None:
        (place / "levels_z.csv").unlink()
        (scan,) = find_scans(place.parent)
        assert (scan.name, scan.patient, scan.image) == ("one", "one", place / "ct.nii.gz")
        assert (dict(scan.levels_z_mm), scan.bodies, dict(scan.quality)) == ({}, None, {})

    def test_without_an_image_file_the_folder_itself_is_read_as_dicom(self, place: Path) -> None:
        (place / "ct.nii.gz").unlink()
        assert find_scans(place.parent)[0].image == place

    def test_a_verdict_comes_with_the_heights_that_are_there(self, place: Path) -> None:
        (place / "quality.csv").write_text(
            'level,value,verdict,remark,anterior_mm,middle_mm,posterior_mm\nT12,19,good,"a, b",25.5,24.0,\n',
            encoding="utf-8",
        )
        quality = find_scans(place.parent)[0].quality["T12"]
        assert (quality.verdict, quality.heights_mm) == ("good", (25.5, 24.0, None))

    def test_scans_of_one_patient_are_told_by_a_table(self, place: Path) -> None:
        (place.parent / "two").mkdir()
        (place.parent / "patients.csv").write_text("scan,patient\none,P\ntwo,P\n", encoding="utf-8")
        assert [scan.patient for scan in find_scans(place.parent)] == ["P", "P"]
        (place.parent / "patients.csv").write_text("scan,patient\nthree,P\n", encoding="utf-8")
        with pytest.raises(UsageError, match="three"):
            find_scans(place.parent)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("level,height\nL1,0\n", "lacks the column z_mm"),
            ("level,z_mm\nL9,0\n", "'L9', which is not a level"),
            ("level,z_mm\nL1,low\n", "'low', where a number"),
            ("level,z_mm\nL1,nan\n", "'nan', where a number"),
            ("level,z_mm\nL1\n", "too short"),
            ("level,z_mm\nL1,0\nL1,1\n", "lists L1 twice"),
            ("level,z_mm\nT12,0\nL1,30\n", "sets T12 no higher than L1"),
        ],
    )
    def test_a_list_that_is_wrong_is_told_before_any_scan_is_read(
        self, place: Path, found: Given, text: str, said: str
    ) -> None:
        (place / "levels_z.csv").write_text(text, encoding="utf-8")
        done = run("evaluate", "--scans", place.parent, "-o", place.parent.parent / "out")
        assert done.exit_code == 2
        assert said in " ".join(done.stderr.split())
        assert found.calls == 0

    def test_a_folder_without_scans_says_what_it_needs(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"ct\.nii\.gz"):
            find_scans(tmp_path)


class TestScan:
    def result(self, place: Path, segmenter: Given, **options: bool) -> ScanResult:
        (scan,) = find_scans(place.parent)
        return evaluate_scan(scan, segmenter, **options)

    def test_right_bodies_are_right_in_everything(self, place: Path, label_file: Path) -> None:
        (place / "bodies.nii.gz").write_bytes(label_file.read_bytes())
        result = self.result(place, Given(right()))
        assert (result.targets_right, result.all_right, result.chest_right) == (True, True, None)
        assert result.targets_certain
        assert result.picture
        for one in result.levels:
            assert one.outline is not None
            assert (one.outline.dice_by_name, one.outline.surface_distance_mm) == (1.0, 0.0)
            assert one.offset_mm == pytest.approx(0.0, abs=1e-6)

    def test_names_one_level_too_low_are_wrong_by_the_list_alone(self, place: Path) -> None:
        result = self.result(place, Given(renamed(LOWER)))
        assert result.targets_right is False
        assert {row.level: row.found_as for row in result.levels} == LOWER
        assert len(result.wrong_though_certain) == len(LEVELS)

    def test_a_list_for_shapes_only_judges_no_name(self, place: Path) -> None:
        result = self.result(place, Given(renamed(LOWER)), judge_names=False)
        assert (result.targets_right, result.all_right, result.wrong_though_certain) == (None, None, ())
        assert [row.level for row in result.levels] == list(LEVELS)

    def test_a_body_is_known_where_its_reference_is_rather_than_where_the_list_says(
        self, place: Path, label_file: Path
    ) -> None:
        write_levels(place, {level: z + 4.0 for level, z in z_mm().items()})
        assert self.result(place, Given(right())).levels[0].offset_mm == pytest.approx(-4.0, abs=1e-6)
        (place / "bodies.nii.gz").write_bytes(label_file.read_bytes())
        assert self.result(place, Given(right())).levels[0].offset_mm == pytest.approx(0.0, abs=1e-6)

    def test_a_list_and_bodies_that_contradict_each_other_are_refused(self, place: Path, label_file: Path) -> None:
        (place / "bodies.nii.gz").write_bytes(label_file.read_bytes())
        z = z_mm()
        write_levels(place, {lower: z[level] for level, lower in LOWER.items()})
        with pytest.raises(UsageError, match="one of them names the levels wrongly"):
            self.result(place, Given(right()))

    def test_bodies_that_cannot_be_used_are_told_and_names_still_judged(self, place: Path) -> None:
        (place / "bodies.nii.gz").write_bytes(b"no label map")
        result = self.result(place, Given(right()))
        assert "cannot be read" in result.reference_problem
        assert result.all_right

    def test_a_refused_scan_says_why_and_misses_its_levels(self, place: Path) -> None:
        result = self.result(place, Given(None))
        assert result.refused == "No spine was found."
        assert result.missed == LEVELS
        assert result.targets_right is False
        assert not result.wrong_though_certain

    def test_a_file_that_is_no_scan_is_refused_like_any_other(self, place: Path) -> None:
        (place / "ct.nii.gz").write_bytes(b"no scan")
        result = self.result(place, Given(right()))
        assert result.refused
        assert result.missed == LEVELS

    def test_heights_are_set_against_those_of_the_reference(self, place: Path) -> None:
        own = self.result(place, Given(right())).levels[1].heights_mm
        assert own[0] is not None
        (place / "quality.csv").write_text(
            f"level,verdict,anterior_mm,middle_mm,posterior_mm\nT12,good,{own[0] - 2.0},,\n", encoding="utf-8"
        )
        row = self.result(place, Given(right())).levels[1]
        assert (row.level, row.verdict) == ("T12", "good")
        assert row.heights_mm[0] == pytest.approx(row.reference_heights_mm[0] + 2.0)  # type: ignore[operator]


class TestPage:
    def test_text_from_outside_is_neither_markup_nor_formula(self, tmp_path: Path) -> None:
        hostile = scan_result(
            MISCHIEF,
            row("L1", "T12", verdict=MISCHIEF, suspected=MISCHIEF, outline=None),
            patient=MISCHIEF,
            names_remark=MISCHIEF,
            refused="",
            reference_problem=MISCHIEF,
            weights_sha256=MISCHIEF,
        )
        refused = replace(hostile, name="b", refused=MISCHIEF)
        write_scans_report(tmp_path / "out", ScansSubject(MISCHIEF, MISCHIEF, MISCHIEF), [hostile, refused])
        page = (tmp_path / "out" / "scans.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert page.count("&lt;script&gt;") >= 7
        for file in ("scans.csv", "levels.csv"):
            assert table(tmp_path / "out" / file)[0]["scan"] == f"'{MISCHIEF}"

    def test_the_page_needs_nothing_else_and_is_the_same_each_time(self) -> None:
        results = [scan_result("a", row("L1"), row("L2", "L3", probability=0.6), picture="/9j/4AAQ")]
        page = make_scans_page(SUBJECT, results, summarize_scans(results))
        sources = re.findall(r'(?:src|href)="([^"]{0,22})', page)
        assert len(sources) == 3
        assert all(source.startswith("data:image/") for source in sources)
        assert make_scans_page(SUBJECT, results, summarize_scans(results)) == page

    @pytest.mark.parametrize(
        "results",
        [
            [scan_result("a", refused="No spine was found.")],
            [scan_result("a", row("L1", None))],
            [scan_result("a", row(None, "T9", judged=False))],
            [],
        ],
        ids=["refused", "nothing found", "nothing known", "no scan"],
    )
    def test_there_is_a_page_whatever_was_found(self, results: list[ScanResult], tmp_path: Path) -> None:
        write_scans_report(tmp_path / "out", SUBJECT, results)
        assert entries(tmp_path / "out") == SCANS.files

    def test_scans_that_were_trained_on_are_no_result(self) -> None:
        results = [scan_result("a", row("L1"))]
        trained = make_scans_page(replace(SUBJECT, trained_on=True), results, summarize_scans(results))
        assert "These scans were trained on." in trained
        assert "trained on" not in make_scans_page(SUBJECT, results, summarize_scans(results))

    def test_a_wrong_name_that_was_called_certain_stands_at_the_top(self) -> None:
        results = [scan_result("a", row("L1", "T12", certain=True))]
        page = make_scans_page(SUBJECT, results, summarize_scans(results))
        assert page.index("1 wrong\nname was called certain.") < page.index("<h2>")


class TestCommand:
    def test_scans_are_evaluated_into_tables_and_a_page(self, place: Path, found: Given, label_file: Path) -> None:
        (place / "bodies.nii.gz").write_bytes(label_file.read_bytes())
        out = place.parent.parent / "out"
        done = run("evaluate", "--scans", place.parent, "-o", out, "--reference-kind", "read by a reader")
        assert done.exit_code == 0, done.output
        assert "T12 to L2 named right, as far as in view: 1 / 1" in done.stdout
        (scan,) = table(out / "scans.csv")
        assert (scan["scan"], scan["targets_right"], scan["mean_dice_by_name"]) == ("one", "yes", "1")
        assert scan["weights_sha256"] == Given.identity.sha256
        assert [level["right"] for level in table(out / "levels.csv")] == ["yes"] * 5
        assert "read by a reader" in (out / "scans.html").read_text(encoding="utf-8")
        assert json.loads((out / "scans.json").read_text(encoding="utf-8"))["summary"]["targets_right"]["count"] == 1
        assert entries(place.parent.parent) == {"out", "scans"}

    def test_a_killed_run_resumes_and_a_changed_list_is_judged_anew(
        self, place: Path, found: Given, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("two", "three"):
            other = place.parent / name
            other.mkdir()
            (other / "ct.nii.gz").write_bytes((place / "ct.nii.gz").read_bytes())
        out = place.parent.parent / "out"
        call = Given.__call__

        def killed(self: Given, scan: object, progress: object) -> NamedBodies:
            if self.calls == 2:
                raise KeyboardInterrupt
            return call(self, scan, progress)  # type: ignore[arg-type]

        monkeypatch.setattr(Given, "__call__", killed)
        assert run("evaluate", "--scans", place.parent, "-o", out).exit_code == 130
        assert not out.exists()
        monkeypatch.setattr(Given, "__call__", call)
        z = z_mm()
        write_levels(place, {lower: z[level] for level, lower in LOWER.items()})
        done = run("evaluate", "--scans", place.parent, "-o", out)
        assert done.exit_code == 0, done.output
        # "three" was done, "one" was done but its list is another now, "two" was not.
        assert found.calls == 4
        assert [row["all_right"] for row in table(out / "scans.csv")] == ["no", "", ""]
        assert entries(place.parent.parent) == {"out", "scans"}

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--scans", "SCANS", "--values", "verse"), "Give either --scans or PAIRS"),
            (("SCANS", "--scans", "SCANS"), "Give either --scans or PAIRS"),
            (("--scans", "SCANS", "--shapes-only", "four"), "four, and there is no such scan"),
            (("--synthetic", "1", "--trained-on"), "go with --scans"),
            (("--scans", "NOTHING"), "There is no folder"),
        ],
    )
    def test_a_request_that_makes_no_sense_is_told(
        self, place: Path, found: Given, arguments: tuple[str, ...], said: str
    ) -> None:
        out = place.parent.parent / "out"
        done = run("evaluate", *(str(place.parent) if one == "SCANS" else one for one in arguments), "-o", out)
        assert done.exit_code == 2
        assert said in " ".join(done.stderr.split())
        assert not out.exists()

    def test_only_an_earlier_report_is_replaced(self, place: Path, found: Given) -> None:
        out = place.parent.parent / "out"
        assert run("evaluate", "--scans", place.parent, "-o", out).exit_code == 0
        assert run("evaluate", "--scans", place.parent, "-o", out).exit_code == 2
        assert run("evaluate", "--scans", place.parent, "-o", out, "--overwrite").exit_code == 0
        (out / "notes.txt").write_text("mine")
        assert run("evaluate", "--scans", place.parent, "-o", out, "--overwrite").exit_code == 2
