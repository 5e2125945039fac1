"""Measuring with a site's store: the scan picks its calibration, and the record says which and why."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpers_qa import site_calibration
from helpers_record import SITE
from helpers_spine import ReadySegmenter
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.calibration.choose import choose_calibration
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd.cli.measuring import Request, measure_scan
from ldct_bmd.examination import Examination
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import silent
from ldct_bmd.pipeline import measure
from ldct_bmd.scan import CTScan


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "site.calibrations"
    CalibrationStore(path).add([site_calibration()], "2024-05-06T00:00:00+00:00", "A. Physicist")
    return path


def test_the_scans_own_calibration_and_its_reason_are_in_the_record(
    scan: CTScan, segmenter: ReadySegmenter, store: Path
) -> None:
    header = replace(
        scan.acquisition, station="CT-ROOM-2", device_serial="4711", kernel="B30f", acquisition_date="20240520"
    )
    scan = replace(scan, acquisition=header)
    calibration, choice = choose_calibration(CalibrationStore(store).all(), conditions(scan.acquisition))
    record = measure(scan, segmenter, calibration, calibration_choice=choice).examination
    assert record.calibration == site_calibration()
    assert record.calibration_choice == choice
    assert "14 days before the scan" in str(choice.reason)
    assert record.measurement("L1").bmd_error.total_mg_cm3 > record.measurement("L1").bmd_error.noise_mg_cm3
    assert record.quality.tissue is not None
    assert Examination.from_json(record.to_json()) == record


def test_a_file_that_does_not_name_its_scanner_gets_the_nominal_one_and_a_finding(
    scan_file: Path, label_file: Path, store: Path, tmp_path: Path
) -> None:
    request = Request(
        scan_file,
        tmp_path / "out",
        calibration_store=store,
        segmentation_file=label_file,
        segmentation_values="verse",
        segmentation_parts="body",
    )
    record = measure_scan(request, silent)
    assert record.calibration == NOMINAL
    assert not record.calibration_choice.matched
    assert "no_matching_calibration" in {finding.code.value for finding in record.findings}
    assert "no_matching_calibration" in record.assessment.limited


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"slope": 0.8, "intercept": 0.0, "material": "K2HPO4", "calibration_kvp": 120.0}, "not both"),
        ({"calibration_store": None, "later_calibration": True}, "--later-calibration"),
        ({"calibration_store": Path("no-such-store")}, "no calibration store"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused_before_the_scan_is_read(
    store: Path, tmp_path: Path, changes: dict, told: str
) -> None:
    request = replace(Request(tmp_path / "no-scan", tmp_path / "out", calibration_store=store), **changes)
    with pytest.raises(UsageError, match=told):
        measure_scan(request, silent)


def test_a_given_calibration_leaves_no_choice_in_the_record(scan: CTScan, segmenter: ReadySegmenter) -> None:
    assert measure(scan, segmenter, SITE).examination.calibration_choice is None
