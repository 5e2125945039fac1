"""What a killed run leaves, and that the next one goes on with it."""

from pathlib import Path

import pytest

from helpers_evaluate import level, result
from ldct_bmd.ground.errors import UsageError
from ldct_bmd_lab.evaluation.segmentation import CaseResult, SurplusBody
from ldct_bmd_lab.ground.journal import Journal


def open_journal(target: Path, seed: int = 1) -> Journal[CaseResult]:
    return Journal(target, CaseResult, {"seed": seed}, "evaluation")


def test_results_are_there_again_to_the_last_digit(tmp_path: Path) -> None:
    kept = [
        result("a", levels=(level("L1", difference_hu=1 / 3), level("L2", None))),
        result("b", failure="Nothing.", name_probability=None, surplus=(SurplusBody("L1", 2.5, None, True),)),
    ]
    journal = open_journal(tmp_path / "out")
    for one in kept:
        journal.add(one)
    assert list(open_journal(tmp_path / "out").results.values()) == kept


def test_a_line_torn_by_a_kill_is_done_again(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "out")
    for name in ("a", "b"):
        journal.add(result(name))
    (file,) = tmp_path.glob(".out*/results.jsonl")
    file.write_text(file.read_text()[:-40])
    journal = open_journal(tmp_path / "out")
    assert list(journal.results) == ["a"]
    journal.add(result("b"))
    assert list(open_journal(tmp_path / "out").results) == ["a", "b"]


def test_other_arguments_are_refused_and_lose_nothing(tmp_path: Path) -> None:
    open_journal(tmp_path / "out", seed=1).add(result("a"))
    with pytest.raises(UsageError, match=r"unfinished evaluation .* with other arguments"):
        open_journal(tmp_path / "out", seed=2)
    assert list(open_journal(tmp_path / "out", seed=1).results) == ["a"]


def test_nothing_is_left_once_the_work_is_written(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "out.csv")
    journal.add(result("a"))
    journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_only_results_whose_inputs_changed_or_left_are_dropped(tmp_path: Path) -> None:
    def opened(**inputs: int) -> Journal[CaseResult]:
        return Journal(tmp_path / "out", CaseResult, {"seed": 1}, "evaluation", inputs)

    journal = opened(a=1, b=1, c=1)
    for name in ("a", "b", "c"):
        journal.add(result(name))
    assert list(opened(a=1, b=2, d=1).results) == ["a"]
    assert list(opened(a=1, b=2, c=1, d=1).results) == ["a"]
