"""Which series, and which acquisition of it, a result is opened with."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helpers_record import column_scan, examined
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting import opened
from ldct_bmd.scan import CTScan

OWN = examined()
UID = "1.2.3"


def other_images() -> CTScan:
    scan = column_scan()
    return replace(scan, source=replace(scan.source, sop_instance_uids=("9.9",)))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A folder of DICOM files: what is read by each address, and how often the list was asked for."""
    held = SimpleNamespace(scans={}, listed=0, read=[])

    def read_scan(path: Path, address: str | None, progress: Any) -> CTScan:
        held.read.append(address)
        if address not in held.scans:
            raise UsageError("scan.no_such_series", where="x", series=str(address), known=[])
        scan: CTScan = held.scans[address]
        return scan

    def list_series(path: Path) -> list[SimpleNamespace]:
        held.listed += 1
        return [SimpleNamespace(series_uid=address) for address in held.scans if "#" in address or len(held.scans) == 1]

    monkeypatch.setattr(opened, "read_scan", read_scan)
    monkeypatch.setattr(opened, "list_series", list_series)
    return held


def test_the_headers_of_a_series_that_is_there_are_read_once(folder: SimpleNamespace) -> None:
    folder.scans = {UID: column_scan()}
    assert opened.measured_scan(Path("x"), OWN).source.series_uid == UID
    assert (folder.read, folder.listed) == ([UID], 0)


def test_of_several_acquisitions_the_one_that_was_measured_is_taken(folder: SimpleNamespace) -> None:
    folder.scans = {UID: other_images(), f"{UID}#1": other_images(), f"{UID}#2": column_scan()}
    found = opened.measured_scan(Path("x"), OWN)
    assert found.source.sop_instance_uids == OWN.scan.source.sop_instance_uids
    assert folder.read == [UID, f"{UID}#1", f"{UID}#2"]


def test_images_that_were_not_measured_are_refused(folder: SimpleNamespace) -> None:
    folder.scans = {f"{UID}#1": other_images(), f"{UID}#2": other_images()}
    with pytest.raises(UsageError, match="images"):
        opened.measured_scan(Path("x"), OWN)


def test_another_series_is_refused(folder: SimpleNamespace) -> None:
    folder.scans = {"4.5.6": column_scan()}
    with pytest.raises(UsageError, match="series"):
        opened.measured_scan(Path("x"), OWN)
