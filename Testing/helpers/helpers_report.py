"""One small DICOM scan with its record, for the tests of what is reported of it."""

import atexit
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from helpers_dicom import as_image, datasets, save
from helpers_record import SITE
from helpers_spine import ReadySegmenter, spine_bodies, spine_scan
from ldct_bmd.examination import Examination
from ldct_bmd.labeling import VertebralColumn
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.reporting.dicom import read_source
from ldct_bmd.reporting.outputs import Pixels
from ldct_bmd.scan import CTScan, read_scan

MEASURED_AT = "2024-05-06T07:08:09Z"
SIGNED_AT = "2024-05-07T10:11:12Z"
HEADER = {
    "PatientSex": "F",
    "PatientAge": "063Y",
    "PatientBirthDate": "19610102",
    "PatientID": "P-17",
    "AccessionNumber": "A-1",
    "StudyID": "7",
    "StudyTime": "101112",
    "ReferringPhysicianName": "Referrer^Rita",
    "InstitutionName": "General Hospital",
    "StationName": "CT-ROOM-3",
    "SeriesDescription": "CHEST LOW DOSE",
}
SCRIPT = "<script>alert(1)</script>"
HOSTILE = {
    "html": f'{SCRIPT}"><img src=x onerror=alert(1)>&amp;',
    "formula": '=HYPERLINK("http://evil.example","x")',
    "path": "../../etc/passwd",
    "control": "a\x07\x1b[31mb\u202ec",
    "long": "Lang" * 75,
    "chinese": "王小明",
    "empty": "",
}


@dataclass(frozen=True)
class Case:
    """A scan in ``folder`` and what was measured on it."""

    folder: Path
    scan: CTScan
    column: VertebralColumn
    examination: Examination

    @property
    def pixels(self) -> Pixels:
        """What pictures and DICOM objects are made from."""
        return Pixels(self.scan, self.column, read_source(self.folder, self.examination.scan))


@cache
def case() -> Case:
    """The case whose header is :data:`HEADER`."""
    folder = Path(tempfile.mkdtemp(prefix="ldct-bmd-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_case(folder / "scan")


def make_case(folder: Path, edit: Callable[[Dataset], None] | None = None, **tags: Any) -> Case:
    """Write :func:`spine_scan` as DICOM, upper slices first, and measure it on its true bodies."""
    scan = spine_scan()
    image = as_image(scan.hu, scan.geometry.spacing_mm, scan.geometry.origin_lps_mm)
    made = datasets(image, **(HEADER | tags))
    if edit is not None:
        for dataset in made:
            edit(dataset)
    save(made[::-1], folder)
    read = read_scan(folder)
    measured: MeasuredScan = measure(read, ReadySegmenter(spine_bodies()), SITE)
    return Case(folder, read, measured.column, replace(measured.examination, measured_at=MEASURED_AT))


def with_patient(examination: Examination, **fields: Any) -> Examination:
    """The record with other facts about the patient."""
    return replace(examination, scan=replace(examination.scan, patient=replace(examination.scan.patient, **fields)))


def printed(html: str) -> str:
    """The text of an HTML page, on one line."""
    body = html.partition("<body>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def judged(command: str, path: Path) -> str:
    """What an outside judge says of a file."""
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed (Debian: apt-get install dicom3tools dcmtk)")
    arguments = ["-new"] if command == "dciodvfy" else []
    done = subprocess.run(
        [command, *arguments, str(path)], capture_output=True, text=True, check=False, errors="replace"
    )
    assert done.returncode == 0 or command == "dciodvfy", done.stderr
    return done.stdout + done.stderr
