"""A calibration phantom's scan in the scene, a store, and an operator's hands on the dialog."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from panel_fixtures import READER, Database, Hands, load_dicom

from helpers_dicom import as_image, datasets, save
from helpers_record import with_scan
from ldct_bmd.calibration import Calibration, FitQuality, Method, Provenance, Scanner, kernel_class
from ldct_bmd.calibration.phantom.description import PhantomDescription, load_phantom
from ldct_bmd.calibration.provenance import read_date
from ldct_bmd.examination import conclude
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.runner import run
from ldct_bmd.scan import Acquisition
from ldct_bmd_lab.phantom.build import MANUFACTURER
from ldct_bmd_lab.phantom.qa import QAPhantomSpec, build_qa_scan

__all__ = ["broken_volume", "dialog", "found", "pad_files", "phantom_volume", "review"]

SERIAL = "4711"
# The scanner of the phantoms of validation.phantom, ten days before the first of January 2020.
HEADER = {
    "Manufacturer": MANUFACTURER,
    "ManufacturerModelName": "PROCEDURAL TORSO",
    "DeviceSerialNumber": SERIAL,
    "ConvolutionKernel": "STANDARD",
    "KVP": "120",
    "StudyDate": "20191222",
    "AcquisitionDate": "20191222",
}
OWN = replace(load_phantom("k2hpo4-pad-example"), name="Pad 7", example=False, source="certificate 7")
SPEC = QAPhantomSpec(OWN, rotation_deg=(8.0, -6.0, 7.0), shift_mm=(5.0, 5.0, 0.0))


def description_text(phantom: PhantomDescription) -> str:
    """The phantom as its description file."""
    rods = [{key: value for key, value in vars(rod).items() if value is not None} for rod in phantom.rods]
    values = {"schema": "ldct-bmd-phantom/1", **vars(phantom), "equations": phantom.equations.value, "rods": rods}
    return json.dumps({key: value for key, value in values.items() if value is not None})


def day_of(made: Acquisition) -> date:
    """When the scan was made."""
    return read_date(made.acquisition_date or made.study_date or "")


def site_calibrations(
    made: Acquisition,
    days: Iterable[int],
    slopes: Iterable[float] | None = None,
    kvp: float | None = None,
    serial: str = SERIAL,
) -> list[Calibration]:
    """A phantom's calibrations as many days from the scan, of its scanner."""
    days = list(days)
    calibrations = []
    for apart, slope in zip(days, slopes or [0.74] * len(days), strict=True):
        day = (day_of(made) + timedelta(days=apart)).isoformat()
        origin = Provenance(
            Method.PHANTOM,
            Scanner(made.manufacturer, made.model, made.station, serial),
            made.filter_type,
            kernel_class(made.kernel),
            day,
            None,
            "A. Physicist",
            OWN.name,
        )
        fit = FitQuality(0.002, 0.4, -0.0005, 1.0, 0.9999, 5)
        name = f"{OWN.name}, {day}"
        calibrations.append(Calibration(name, slope, 1.0, "K2HPO4", kvp or made.kvp, False, "made up", origin, fit))
    return calibrations


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The phantom's measurement on display, of a scanner that says which one it is."""
    stored, bodies = measured
    stored = replace(stored, examination=conclude(with_scan(stored.examination, device_serial=SERIAL)))
    panel.show_measured(ct, (stored, bodies))
    return panel


@pytest.fixture(scope="session")
def pad_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ...]]:
    """The pad's scan ten days before the patient's on the same scanner, and one with a rod missing."""
    folder = tmp_path_factory.mktemp("pad")
    (folder / "pad7.json").write_text(description_text(OWN), encoding="utf-8")
    files = {"description": (folder / "pad7.json",)}
    for name, spec in (("whole", SPEC), ("broken", replace(SPEC, missing=("A",)))):
        made = build_qa_scan(spec)
        image = as_image(made.hu, made.geometry.spacing_mm, made.geometry.origin_lps_mm)
        files[name] = tuple(sorted(save(datasets(image, **HEADER), folder / name).iterdir()))
    return files


@pytest.fixture
def phantom_volume(database: Database, pad_files: dict[str, tuple[Path, ...]]) -> Any:
    """The pad's volume, as loaded from the DICOM database."""
    return load_dicom(pad_files["whole"], database, "Pad")


@pytest.fixture
def broken_volume(database: Database, pad_files: dict[str, tuple[Path, ...]]) -> Any:
    """The same without rod A."""
    return load_dicom(pad_files["broken"], database, "Broken pad")


@pytest.fixture(scope="session")
def found(application: Any, pad_files: dict[str, tuple[Path, ...]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the engine's job makes of the pad's volume."""
    import slicer

    from LDCTBoneDensityLib.work.PhantomJob import PhantomJob

    files, before = Database(), getattr(slicer, "dicomDatabase", None)
    slicer.dicomDatabase = files
    try:
        volume = load_dicom(pad_files["whole"], files, "Pad")
        job = PhantomJob(tmp_path_factory.mktemp("job"))
        job.lay(volume, OWN, search=True)
        run(job.folder, silent)
        return job.take()
    finally:
        slicer.mrmlScene.Clear(False)
        slicer.dicomDatabase = before


class Dialog:
    """What an operator does with the dialog, and sees of it."""

    def __init__(self, hands: Hands, path: Path) -> None:
        self.hands, self.path = hands, path
        hands.ui.storePath.setCurrentPath(str(path))
        hands.click("calibrationsButton")
        self.dialog = hands.panel.sections.calibration.dialog
        self.ui, self.phantom = self.dialog.ui, self.dialog.phantom

    @property
    def label(self) -> str:
        """What the page on the phantom says."""
        return self.ui.phantomLabel.text

    @property
    def rows(self) -> int:
        return self.ui.rodTree.topLevelItemCount

    def cells(self, row: int) -> list[str]:
        item = self.ui.rodTree.topLevelItem(row)
        return [item.text(column) for column in range(self.ui.rodTree.columnCount)]

    def click(self, name: str) -> None:
        from slicer_standin import mouse

        page = {"retireButton": 0, "findButton": 1, "pointsButton": 1, "keepButton": 1}.get(name)
        if page is not None:
            self.ui.tabs.setCurrentIndex(page)
        mouse.click(getattr(self.ui, name))

    def find(self, volume: Any) -> None:
        """Let the engine find the rods, in its own process."""
        self.ui.phantomVolumeCombo.setCurrentNode(volume)
        self.click("findButton")
        self.hands.wait_until(lambda: not self.phantom.isRunning)

    def take(self, found: Any) -> None:
        """Have the rods found, without waiting for the engine."""
        self.phantom.take(found)
        self.hands.wait()

    def move(self, rod: str, right_mm: float) -> None:
        """Move both points of a rod to the patient's right, and let go."""
        import slicer

        node = self.phantom.markups.node
        for number in range(node.GetNumberOfControlPoints()):
            if node.GetNthControlPointLabel(number) == rod:
                r, a, s = node.GetNthControlPointPositionWorld(number)
                node.SetNthControlPointPositionWorld(number, r + right_mm, a, s)
        node.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)


@pytest.fixture
def dialog(panel: Hands, pad_files: dict[str, tuple[Path, ...]], tmp_path: Path) -> Iterator[Dialog]:
    """The dialog, opened on a store that is not there yet."""
    opened = Dialog(panel, tmp_path / "site.calibrations")
    opened.ui.operatorEdit.setText(READER)
    opened.ui.phantomPath.setCurrentPath(str(pad_files["description"][0]))
    yield opened
    opened.dialog.close()
    opened.ui.tabs.setCurrentIndex(0)
    panel.ui.storePath.setCurrentPath("")
