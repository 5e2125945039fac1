"""Fixtures of the panel's tests: the stand-in for 3D Slicer, and what runs in it."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from ldct_bmd.words import speak
from places import MODULE

MISSING = [name for name in ("slicer_core", "PySide6") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []

if not MISSING:
    from panel_fixtures import *  # noqa: F403

    from slicer_standin.fixtures import *  # noqa: F403


@pytest.fixture(scope="session")
def scripted_modules() -> list[Path]:
    """What the stand-in finds at start-up."""
    return [MODULE / "LDCTBoneDensity.py"]


def pytest_report_header() -> str:
    """Says why the panel's tests are left out."""
    return f"panel tests left out: {', '.join(MISSING)} not installed (pip install .[panel])" if MISSING else ""


@pytest.fixture(autouse=True)
def _face() -> None:
    """Speak as the panel, whatever a test of another file in the same process spoke as."""
    speak(face="panel")
