"""An earlier scan of the patient at hand: the report of a measurement, and of a record, compares at the same place."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from typer.testing import CliRunner, Result

from helpers_report import case, make_case, printed
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.cli import app
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.measuring import measure_as
from ldct_bmd.jobs.spec import InputScan, MeasureSpec, ResultFolder
from ldct_bmd.pipeline import MeasuredScan
from ldct_bmd.reporting.files import RECORD_FILE, write_result

SAME_PLACE = "Change at the same place in both scans"
RECORD_ALONE = "only its record was at hand"


@dataclass(frozen=True)
class Earlier:
    """A scan and the result folder of its measurement."""

    scan: Path
    result: Path

    def at_hand(self) -> InputScan:
        return InputScan(str(self.scan), files=tuple(map(str, sorted(self.scan.iterdir()))))


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    """The same patient two years before."""
    folder = tmp_path_factory.mktemp("earlier")
    series = generate_uid()

    def aged(dataset: Dataset) -> None:
        dataset.StudyDate, dataset.SeriesInstanceUID = "20220102", series

    made = make_case(folder / "scan", aged)
    write_result(MeasuredScan(made.examination, made.column), made.scan, folder / "result")
    return Earlier(folder / "scan", folder / "result")


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("now") / "result"
    write_result(MeasuredScan(case().examination, case().column), case().scan, folder)
    return folder


def report(result: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", str(result), *map(str, arguments)])


def page(folder: Path) -> str:
    return printed((folder / "report.html").read_text(encoding="utf-8"))


def measured_after(earlier: Earlier, scan: InputScan | None, folder: Path) -> str:
    """The report of a measurement with an earlier one, as screening makes it."""
    spec = MeasureSpec(
        InputScan(str(case().folder)),
        result=ResultFolder(str(folder), report=True),
        priors=(str(earlier.result / RECORD_FILE),),
        prior_scans=(scan,),
    )
    measure_as(spec, silent, segmenter=ReadySegmenter(spine_bodies()))
    return page(folder)


def test_a_report_with_the_earlier_scan_says_the_change_at_the_same_place(now: Path, earlier: Earlier) -> None:
    done = report(now, "--input", case().folder, "--prior", earlier.result, "--prior-scan", earlier.scan)
    assert done.exit_code == 0, done.output
    shown = page(now)
    assert SAME_PLACE in shown
    assert RECORD_ALONE not in shown
    # The very same voxels: no change, whatever the registration made of it, but for its error.
    assert "mean L1 and L2 2022-01-02" in shown.partition(SAME_PLACE)[2]


def test_without_it_the_records_are_compared_and_the_report_says_so(now: Path, earlier: Earlier) -> None:
    assert report(now, "--input", case().folder, "--prior", earlier.result).exit_code == 0
    shown = page(now)
    assert SAME_PLACE not in shown
    assert RECORD_ALONE in shown


def test_a_scan_of_none_of_the_records_is_refused(now: Path, earlier: Earlier) -> None:
    refused = report(now, "--input", case().folder, "--prior", earlier.result, "--prior-scan", case().folder)
    assert refused.exit_code == 2
    assert "is the scan of none of the records" in refused.stderr
    alone = report(now, "--prior", earlier.result, "--prior-scan", earlier.scan)
    assert alone.exit_code == 2
    assert "--prior-scan goes with --input" in alone.stderr


def test_a_measurement_finds_the_earlier_scan_where_it_was(earlier: Earlier, tmp_path: Path) -> None:
    shown = measured_after(earlier, earlier.at_hand(), tmp_path / "out")
    assert "Change since earlier examinations" in shown
    assert SAME_PLACE in shown
    assert report(tmp_path / "out").exit_code == 0
    assert "Change since earlier examinations" in page(tmp_path / "out"), "the folder remembers it"


@pytest.mark.parametrize("what", ["gone", "archived", "another"])
def test_if_it_is_not_there_as_it_was_the_records_are_compared(earlier: Earlier, tmp_path: Path, what: str) -> None:
    scan = None
    if what == "gone":
        scan = InputScan(str(tmp_path / "gone"), files=(str(tmp_path / "gone" / "1.dcm"),))
    elif what == "another":
        shutil.copytree(earlier.scan, tmp_path / "other")
        for file in sorted((tmp_path / "other").iterdir())[:3]:
            file.unlink()
        scan = InputScan(str(tmp_path / "other"), files=tuple(map(str, sorted((tmp_path / "other").iterdir()))))
    shown = measured_after(earlier, scan, tmp_path / "out")
    assert SAME_PLACE not in shown
    assert RECORD_ALONE in shown
