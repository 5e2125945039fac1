"""The shipped weights on real scans that no weights are trained on: what must hold whatever the weights."""

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from helpers_cli import run
from ldct_bmd.anatomy import TARGET_LEVELS
from ldct_bmd.segmentation.weights import WEIGHTS
from ldct_bmd_lab.evaluation.scans.report import SCANS
from places import DATA

# By name of the scan: the files of its folder, and where they lie.
FILES = {
    "ircad_17": {name: f"real/test/ircad_17/{name}" for name in ("ct.nii.gz", "levels_z.csv")},
    "abdomen_ct_3mm": {
        "ct.nii.gz": "abdomen_ct_3mm/ct.nii.gz",
        "bodies.nii.gz": "abdomen_ct_3mm/vertebral_bodies.nii.gz",
    },
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"the package has no weights ({WEIGHTS.name})"),
]


@dataclass(frozen=True)
class Report:
    printed: str
    page: str
    summary: dict[str, Any]
    scans: list[dict[str, str]]
    levels: list[dict[str, str]]


@cache
def evaluated() -> Report:
    with TemporaryDirectory() as scratch:
        place, out = Path(scratch) / "scans", Path(scratch) / "out"
        for name, files in FILES.items():
            (place / name).mkdir(parents=True)
            for file, source in files.items():
                (place / name / file).symlink_to(DATA / source)
        done = run("evaluate", "--scans", place, "-o", out)
        assert done.exit_code == 0, done.output
        assert {path.name for path in out.iterdir()} == SCANS.files
        record = json.loads((out / "scans.json").read_text(encoding="utf-8"))
        page = (out / "scans.html").read_text(encoding="utf-8")
        return Report(done.stdout, page, record["summary"], table(out / "scans.csv"), table(out / "levels.csv"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def report() -> Report:
    for source in (source for files in FILES.values() for source in files.values()):
        if not (DATA / source).exists():
            pytest.skip(f"{DATA / source} is not here: the real scans are not part of the project")
    return evaluated()


def test_no_wrong_name_is_called_certain(report: Report) -> None:
    wrong = [row for row in report.levels if row["right"] == "no" and row["found_as"]]
    assert [row for row in wrong if row["certain"] == "yes"] == []
    assert report.summary["wrong_though_certain"] == 0


def test_neither_scan_is_refused_and_every_known_level_has_a_row(report: Report) -> None:
    assert {scan["scan"]: scan["refused"] for scan in report.scans} == dict.fromkeys(FILES, "")
    known = {name: [row["level"] for row in report.levels if row["scan"] == name and row["level"]] for name in FILES}
    assert known["ircad_17"] == ["T11", "T12", "L1", "L2", "L3"]
    assert set(TARGET_LEVELS) <= set(known["abdomen_ct_3mm"])


def test_a_category_is_given_only_where_the_targets_are_certain(report: Report) -> None:
    for scan in report.scans:
        if scan["category"]:
            assert scan["targets_certain"] == "yes"


def test_the_page_and_the_terminal_hold_the_figures(report: Report) -> None:
    right = report.summary["targets_right"]
    assert right["of"] == 2
    for text in (report.page, report.printed):
        assert f"{right['count']} / 2" in text
        assert f"ECE {report.summary['names']['ece']:.3f}" in text
    for scan in report.scans:
        assert scan["scan"] in report.page
        assert f"{float(scan['lowest_probability']):.2f}" in report.page
    assert report.page.count("data:image/jpeg;base64,") == 2
    (abdomen,) = (scan for scan in report.scans if scan["scan"] == "abdomen_ct_3mm")
    assert f"{float(abdomen['mean_dice_by_name']):.3f}" in report.page
