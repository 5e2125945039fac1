"""Results that are served, each test's own copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers_browser import browser, page_of  # noqa: F401
from helpers_report import HOSTILE
from helpers_web import make_result
from ldct_bmd.reporting.output import Output
from ldct_bmd_web.session import Served


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scan and its result, with a report page."""
    folder = tmp_path_factory.mktemp("made")
    make_result(folder, frozenset({Output.RECORD, Output.HTML}))
    return folder


@pytest.fixture
def served(made: Path, tmp_path: Path) -> Served:
    """A result of one's own."""
    shutil.copytree(made / "result", tmp_path / "result")
    return Served(tmp_path / "result", made / "scan")


@pytest.fixture
def served_list(made: Path, tmp_path: Path) -> Callable[[int], Served]:
    """Makes a folder of results."""

    def make(count: int) -> Served:
        for number in range(count):
            shutil.copytree(made / "result", tmp_path / "list" / f"case{number}")
        return Served(tmp_path / "list", made / "scan")

    return make


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A result whose patient's name and series are a script."""
    folder = tmp_path_factory.mktemp("hostile")
    result = make_result(folder, PatientName=HOSTILE["html"][:60], SeriesDescription=HOSTILE["html"][:60])
    return Served(result, folder / "scan")
