"""No file is so long that a reader loses the thread."""

from pathlib import Path

import pytest

from places import ROOT

MOST_LINES = 449
FOLDERS = ("LDCTBoneDensity", "Lab", "Standin", "Web", "Testing", "Tools")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_has_fewer_than_450_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
