"""A reader who types what a page says, in a folder of their own, with small inputs under the names of the page."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

import ldct_bmd.jobs.measuring
import ldct_bmd_lab.phantom.demo
from helpers_cli import run
from helpers_dicom import as_image, datasets, save
from helpers_docs import Line, lines
from helpers_pacs import Archive, archive, headers_of, store_reply
from helpers_pacs import Said as Answer
from helpers_qa import PAD, TILTED, site_calibration
from helpers_report import make_case
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.calibration.phantom.description import PhantomDescription
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd.segmentation import Segmenter
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd_lab.phantom.qa import QAPhantomSpec, build_qa_scan
from places import DOCS, ROOT

# Installing is the releases' test; a stand-in's archive takes the place of pacs.example.
NOT_TYPED = ("pip", "python3", ".", "make", "git", "cd", "export", "PythonSlicer")
ARCHIVE = "https://pacs.example/dicom-web"
OWN = replace(PAD, name="Pad 7", example=False, source="certificate 7")
SCANNER = {
    "Manufacturer": "ACME",
    "ManufacturerModelName": "CT 1",
    "DeviceSerialNumber": "4711",
    "ConvolutionKernel": "B30f",
    "StudyDate": "20240506",
    "AcquisitionDate": "20240506",
}
# The demo's torso, coarser and in part: two seconds in place of half a minute.
SMALL_DEMO = replace(
    ldct_bmd_lab.phantom.demo.DEMO_SPEC,
    matrix=(192, 192),
    spacing_mm=(2.0, 2.0, 2.0),
    top_level="T12",
    top_margin_mm=12.0,
    noise_hu=0.0,
)


@dataclass
class Reader:
    """Types commands in ``folder``, and does by hand what a page asks for after those of a program (``then``)."""

    folder: Path
    archive: Archive
    then: dict[str, Callable[[], object]] = field(default_factory=dict)

    def types(self, page: str, leave_out: tuple[str, ...] = ()) -> list[str]:
        """Type all commands of a page but those of these programs; return what each printed."""
        typed = [line for line in lines(DOCS / page) if not self._is_left_out(line, leave_out)]
        assert typed
        return [self._type(line) for line in typed]

    def _is_left_out(self, line: Line, leave_out: tuple[str, ...]) -> bool:
        return line.words[0] in NOT_TYPED or any(one in shlex.join(line.words) for one in leave_out)

    def _type(self, line: Line) -> str:
        if line.words[0] == "ldct-bmd":
            done = run(*map(self._replaced, line.words[1:]))
            assert done.exit_code == 0, f"{line}\n{done.output}"
            printed = done.output
        elif line.words[0] == "cp":
            shutil.copy(ROOT / line.words[1], line.words[2])
            printed = ""
        else:
            printed = subprocess.run(line.words, check=True, capture_output=True, text=True).stdout
        self.then.get(line.words[0], lambda: None)()
        return printed

    def _replaced(self, word: str) -> str:
        if word != ARCHIVE:
            return word
        headers = headers_of(self.folder / "DIR")
        self.archive.stores = Answer(body=json.dumps(store_reply(headers)).encode())
        listed = [{"00080018": {"vr": "UI", "Value": [one.SOPInstanceUID]}} for one in headers]
        self.archive.lists = Answer(body=json.dumps(listed).encode())
        return self.archive.url


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader with nothing but what a page gives them."""
    monkeypatch.chdir(tmp_path)
    for name in ("LDCT_BMD_LANGUAGE", "LDCT_BMD_DEIDENTIFY_KEY", "LDCT_BMD_PACS_USER"):
        monkeypatch.delenv(name, raising=False)
    with archive() as server:
        yield Reader(tmp_path, server)


def segment_with(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Segmenter]) -> None:
    """Let true bodies stand in for the networks', which know no blocks in water."""
    monkeypatch.setattr(ldct_bmd.jobs.measuring, "network_segmenter", lambda networks: make())


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scan of a patient, ``INPUT``, and what is measured on it, ``DIR``."""
    folder = tmp_path_factory.mktemp("patient")
    make_case(folder / "INPUT", **SCANNER)
    with pytest.MonkeyPatch.context() as monkeypatch:
        segment_with(monkeypatch, lambda: ReadySegmenter(spine_bodies()))
        done = run("measure", folder / "INPUT", "-o", folder / "DIR", "--report")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def with_scan(reader: Reader, patient: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader who has the scan."""
    shutil.copytree(patient / "INPUT", "INPUT")
    segment_with(monkeypatch, lambda: ReadySegmenter(spine_bodies()))
    return reader


@pytest.fixture
def with_result(with_scan: Reader, patient: Path) -> Reader:
    """A reader who has measured it too."""
    shutil.copytree(patient / "DIR", "DIR")
    return with_scan


@pytest.fixture
def with_phantom_scan(with_scan: Reader) -> Reader:
    """A reader who also has a QA phantom's scan, ``SCAN``, earlier ones in the store, and pairs of another method."""
    scan = build_qa_scan(QAPhantomSpec(OWN, **TILTED))
    image = as_image(scan.hu, scan.geometry.spacing_mm, scan.geometry.origin_lps_mm)
    save(datasets(image, **SCANNER), with_scan.folder / "SCAN")
    rng = np.random.default_rng(1)
    rows = [f"{hu},{0.75 * hu - 2 + rng.normal(0.0, 3.0)}" for hu in rng.uniform(40.0, 250.0, 40)]
    Path("pairs.csv").write_text("\n".join(["mean_hu,reference_bmd_mg_cm3", *rows]) + "\n")
    before = [site_calibration(f"2023-{month:02d}-05", slope=0.74 + 0.001 * (month % 2)) for month in range(6, 13)]
    CalibrationStore(Path("site.calibrations")).add(before, "2024-01-01T00:00:00Z", "A. Physicist")
    with_scan.then["cp"] = lambda: _describe(OWN, Path("pad.json"))
    return with_scan


@pytest.fixture
def with_small_demo(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader whose synthetic torso is small, and whose networks find its true bodies."""
    monkeypatch.setattr(ldct_bmd_lab.phantom.demo, "DEMO_SPEC", SMALL_DEMO)
    segment_with(monkeypatch, lambda: LabelMapSegmenter(Path("scan/vertebral_bodies.nii.gz"), "verse", "body"))
    return reader


def _describe(phantom: PhantomDescription, path: Path) -> None:
    """Put a certificate's numbers into the copy of the example."""
    copied = json.loads(path.read_text(encoding="utf-8"))
    rods = [{key: value for key, value in vars(rod).items() if value is not None} for rod in phantom.rods]
    copied |= {"name": phantom.name, "source": phantom.source, "rods": rods}
    del copied["example"]
    path.write_text(json.dumps(copied), encoding="utf-8")
