"""What several tests share: one small scan, as an object and as files, and its measurement."""

from pathlib import Path

import pytest

from helpers_record import SITE
from helpers_spine import ReadySegmenter, spine_bodies, spine_scan, write_volume
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.scan import CTScan
from ldct_bmd.words import current


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with slow tests first: with several processes, none is left alone with a long file at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(autouse=True)
def _face() -> None:
    """Speak as no face, and the environment's language, whatever a test of another file in the same process spoke."""
    current._Process.language = current._Process.face = None


@pytest.fixture(scope="session")
def scan() -> CTScan:
    """T11 to L3, whole, at 1 mm."""
    return spine_scan()


@pytest.fixture(scope="session")
def segmenter() -> ReadySegmenter:
    """Gives the true bodies of ``scan``."""
    return ReadySegmenter(spine_bodies())


@pytest.fixture(scope="session")
def measured(scan: CTScan, segmenter: ReadySegmenter) -> MeasuredScan:
    """``scan`` measured with a calibration that fits it."""
    return measure(scan, segmenter, SITE)


@pytest.fixture(scope="session")
def scan_file(scan: CTScan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``scan`` as a NIfTI file, stored in another orientation."""
    return write_volume(scan.hu, tmp_path_factory.mktemp("scan") / "ct.nii.gz")


@pytest.fixture(scope="session")
def label_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bodies of ``scan`` as a NIfTI file."""
    return write_volume(spine_bodies(), tmp_path_factory.mktemp("labels") / "bodies.nii.gz")
