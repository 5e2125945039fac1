"""What the review is pointed at: a result, a list, or a scan that is measured first; else a sentence."""

from pathlib import Path

import pytest

import ldct_bmd.jobs.measuring
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import silent
from ldct_bmd_web.opening import served as opened
from ldct_bmd_web.session import Served


def test_a_scan_is_measured_once(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def segmenter(networks: object) -> ReadySegmenter:
        calls.append(networks)
        return ReadySegmenter(spine_bodies())

    monkeypatch.setattr(ldct_bmd.jobs.measuring, "network_segmenter", segmenter)
    for _ in range(2):
        found = opened(made / "scan", None, tmp_path / "new", None, "", silent)
        assert found == Served(tmp_path / "new", made / "scan")
        assert not found.is_list
    assert len(calls) == 1


def test_a_result_and_a_folder_of_results_are_told_apart(served: Served) -> None:
    assert not opened(served.path, served.scan, None, None, "", silent).is_list
    assert opened(served.path.parent, served.scan, None, None, "", silent).is_list


@pytest.mark.parametrize(
    ("name", "pacs", "said"),
    [("nowhere", "", "no file or folder"), ("scan", "", "-o|name the folder"), ("result", "pacs.example", "TITLE")],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence(made: Path, name: str, pacs: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        opened(made / name, None, None, None, pacs, silent)
