"""Out-of-fold results: who is trained on for whom, what is trained on, and how a killed run resumes."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

import ldct_bmd_lab.cli.folding
import ldct_bmd_lab.training.folds
from helpers_cli import run
from helpers_evaluate import Given
from helpers_scans import row, scan_result
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.spec import Networks
from ldct_bmd.segmentation import ModelIdentity
from ldct_bmd_lab.evaluation.scans import ScanFolder, ScanResult, find_scans
from ldct_bmd_lab.evaluation.segmentation.references import find_pairs
from ldct_bmd_lab.training.configuration import load_configuration
from ldct_bmd_lab.training.folds import divide, training_pairs
from ldct_bmd_lab.training.run import TrainingRequest

NAMES = tuple("abcdefgh")


def scan_of(name: str, patient: str = "", bodies: bool = False, levels: bool = False) -> ScanFolder:
    place = Path(name)
    return ScanFolder(
        name,
        patient or name,
        place / "ct.nii.gz",
        {"L1": 0.0} if levels else {},
        place / "bodies.nii.gz" if bodies else None,
    )


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Eight scans, empty but for their files."""
    for name in NAMES:
        folder = tmp_path / "scans" / name
        folder.mkdir(parents=True)
        (folder / "ct.nii.gz").touch()
        if name != "h":
            (folder / "bodies.nii.gz").touch()
    (tmp_path / "scans" / "patients.csv").write_text("scan,patient\na,P\nb,P\n", encoding="utf-8")
    return tmp_path / "scans"


class TestDivide:
    def test_scans_of_one_patient_are_in_one_fold(self) -> None:
        fold_of = divide([scan_of(name, "P" if name in "acf" else "") for name in NAMES], 4)
        assert len({fold_of[name] for name in "acf"}) == 1
        assert set(fold_of.values()) == {1, 2, 3, 4}

    def test_scans_with_bodies_are_spread_over_the_folds(self) -> None:
        with_bodies = ("b", "c", "e", "h")
        fold_of = divide([scan_of(name, bodies=name in with_bodies) for name in NAMES], 4)
        assert sorted(fold_of[name] for name in with_bodies) == [1, 2, 3, 4]

    def test_the_order_of_the_scans_does_not_matter(self) -> None:
        found = [scan_of(name, levels=name in "abc") for name in NAMES]
        assert divide(found, 3) == divide(found[::-1], 3)

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_a_number_of_folds_that_patients_do_not_fill_is_refused(self, count: int) -> None:
        with pytest.raises(UsageError, match="2 patients"):
            divide([scan_of("a"), scan_of("b"), scan_of("c", "b")], count)


class TestPairs:
    def test_scans_become_a_table_that_the_training_reads(self, scans: Path, tmp_path: Path) -> None:
        (folder,) = training_pairs(find_scans(scans), tmp_path, shapes_only=("c",))
        assert (folder.values, folder.parts) == ("verse", "body")
        pairs = {pair.name: pair for pair in find_pairs(folder.path)}
        assert pairs["a"].reference == scans / "a" / "bodies.nii.gz"
        assert [name for name, pair in pairs.items() if not pair.named] == ["c"]

    def test_a_list_of_levels_is_enough_to_be_trained_on(self, tmp_path: Path) -> None:
        (tmp_path / "scans" / "a").mkdir(parents=True)
        for file in ("ct.nii.gz", "levels_z.csv"):
            (tmp_path / "scans" / "a" / file).write_text("level,z_mm\nT12,0\nL1,-30\n", encoding="utf-8")
        (folder,) = training_pairs(find_scans(tmp_path / "scans"), tmp_path)
        (pair,) = find_pairs(folder.path)
        assert (pair.reference, pair.levels) == (None, tmp_path / "scans" / "a" / "levels_z.csv")

    def test_without_any_knowledge_there_is_nothing_to_train_on(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="nothing to train on"):
            training_pairs([scan_of("a")], tmp_path)


class Work:
    """Stands in for training, packing and evaluating, and keeps what was asked; may stop it like a kill."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trained: list[tuple[str, str, tuple[str, ...], float]] = []
        self.evaluated: list[tuple[str, str | None]] = []
        self.kill_at = ""
        monkeypatch.setattr(ldct_bmd_lab.cli.folding, "train_network", self.train)
        monkeypatch.setattr(ldct_bmd_lab.training.folds, "pack", self.pack)
        monkeypatch.setattr(ldct_bmd_lab.cli.folding, "network_segmenter", self.segmenter)
        monkeypatch.setattr(ldct_bmd_lab.training.out_of_fold, "evaluate_scan", self.evaluate)

    def train(self, request: TrainingRequest, held_out_elsewhere: bool) -> str:
        configuration = load_configuration(request.configuration)
        names = tuple(pair.name for folder in request.pairs for pair in find_pairs(folder.path))
        self.trained.append((request.folder.name, configuration.name, names, configuration.held_out))
        checkpoint = request.folder / f"{configuration.name}.pt"
        if not checkpoint.exists():
            checkpoint.touch()
        return "trained"

    def pack(self, folder: Path, weights: Path, name: str, start: str | None) -> list[str]:
        assert start == "shipped"
        weights.write_text(f"{name}, packed after {len(self.trained)} trainings", encoding="ascii")
        return []

    def segmenter(self, networks: Networks) -> Given:
        assert networks.weights is not None
        weights = Path(networks.weights)
        given = Given(None)
        given.identity = ModelIdentity(weights.parent.name, weights.read_text(encoding="ascii"))
        return given

    def evaluate(
        self, scan: ScanFolder, segmenter: Given, progress: object, judge_names: bool, fold: int
    ) -> ScanResult:
        if scan.name == self.kill_at:
            raise KeyboardInterrupt
        self.evaluated.append((scan.name, segmenter.identity.name))
        rows: Sequence[object] = (row("L1", judged=judge_names),)
        return scan_result(scan.name, *rows, fold=fold, weights_sha256=segmenter.identity.sha256)  # type: ignore[arg-type]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def folds(scans: Path, *more: object) -> tuple[object, ...]:
    runs, out = scans.parent / "runs", scans.parent / "out"
    return ("folds", scans, "--runs", runs, "--start", "shipped", "-o", out, *more)


def table(scans: Path) -> list[dict[str, str]]:
    with (scans.parent / "out" / "scans.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestCommand:
    def test_every_scan_is_evaluated_with_weights_that_never_saw_its_patient(self, scans: Path, work: Work) -> None:
        done = run(*folds(scans))
        assert done.exit_code == 0, done.output
        rows = table(scans)
        assert [one["scan"] for one in rows] == list(NAMES)
        seen = {folder: set(names) for folder, _, names, _ in work.trained}
        patient = {scan.name: scan.patient for scan in find_scans(scans)}
        for one in rows:
            trained_on = {patient[name] for name in seen[f"fold-{one['fold']}"]}
            assert patient[one["scan"]] not in trained_on
            assert one["weights_sha256"].startswith(f"fold {one['fold']} of 4")
        assert len({one["weights_sha256"] for one in rows}) == 4

    def test_all_scans_of_the_other_folds_are_trained_on(self, scans: Path, work: Work) -> None:
        assert run(*folds(scans, "--network", "fine")).exit_code == 0
        assert {(name, held_out) for _, name, _, held_out in work.trained} == {("fine", 0.0)}
        assert sorted(name for _, _, names, _ in work.trained for name in names) == sorted(3 * "abcdefg")

    def test_a_killed_run_resumes_with_what_is_trained_and_evaluated(self, scans: Path, work: Work) -> None:
        work.kill_at = "g"
        assert run(*folds(scans)).exit_code == 130
        assert not (scans.parent / "out").exists()
        before, work.kill_at = list(work.evaluated), ""
        done = run(*folds(scans))
        assert done.exit_code == 0, done.output
        assert before
        assert sorted(name for name, _ in work.evaluated) == list(NAMES)
        assert len(table(scans)) == len(NAMES)

    def test_a_scan_is_evaluated_anew_where_its_fold_has_other_weights(self, scans: Path, work: Work) -> None:
        work.kill_at = "g"
        assert run(*folds(scans)).exit_code == 130
        for weights in (scans.parent / "runs").glob("fold-*/weights.safetensors"):
            weights.unlink()
        before, work.kill_at = list(work.evaluated), ""
        assert run(*folds(scans)).exit_code == 0
        assert sorted(name for name, _ in work.evaluated) == sorted([*NAMES, *(name for name, _ in before)])

    def test_one_fold_alone_is_trained_for_another_machine(self, scans: Path, work: Work) -> None:
        done = run(*folds(scans, "--fold", "2"))
        assert done.exit_code == 0, done.output
        assert {folder for folder, *_ in work.trained} == {"fold-2"}
        assert (scans.parent / "runs" / "fold-2" / "weights.safetensors").is_file()
        assert not (scans.parent / "out").exists()
        assert not work.evaluated

    def test_a_fold_trained_elsewhere_is_taken_as_it_is(self, scans: Path, work: Work) -> None:
        assert run(*folds(scans, "--fold", "2")).exit_code == 0
        elsewhere = scans.parent / "elsewhere"
        elsewhere.mkdir()
        moved = scans.rename(elsewhere / "scans")
        (moved.parent / "runs").mkdir()
        (scans.parent / "runs" / "fold-2").rename(moved.parent / "runs" / "fold-2")
        assert run(*folds(moved)).exit_code == 0
        assert [folder for folder, *_ in work.trained] == ["fold-2"] * 2 + [
            f"fold-{number}" for number in (1, 1, 3, 3, 4, 4)
        ]

    def test_a_fold_trained_on_other_scans_is_refused(self, scans: Path, work: Work) -> None:
        assert run(*folds(scans, "--fold", "1")).exit_code == 0
        for name in NAMES:
            (scans / name / "bodies.nii.gz").write_bytes(b"others")
        done = run(*folds(scans, "--fold", "1"))
        assert done.exit_code == 2
        assert "on other scans" in " ".join(done.stderr.split())

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (("--network", "middle"), "coarse or fine, not middle"),
            (("--folds", "9"), "can't be divided into 9"),
            (("--fold", "5"), "from 1 to 4"),
            (("--shapes-only", "z"), "no such scan"),
        ],
    )
    def test_a_request_that_makes_no_sense_is_told(
        self, scans: Path, work: Work, more: tuple[str, ...], said: str
    ) -> None:
        done = run(*folds(scans, *more))
        assert done.exit_code == 2
        assert said in " ".join(done.stderr.split())
        assert not work.trained

    def test_the_page_says_that_no_one_model_made_the_figures(self, scans: Path, work: Work) -> None:
        assert run(*folds(scans)).exit_code == 0
        page = (scans.parent / "out" / "scans.html").read_text(encoding="utf-8")
        assert "Out of fold." in page
        assert "4 sets of weights" in page
