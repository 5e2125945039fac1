"""A phantom's scan in the stand-in's scene, its measurement, and a reader's hands on the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.runner import run
from ldct_bmd_lab.phantom import PhantomSpec, build_phantom, write_dicom, write_label_map

__all__ = ["Database", "Hands", "PhantomFiles", "ct", "database", "measured", "panel", "phantom_files", "shift"]

READER = "Dr. Reader"
SECTIONS = ("calibrationSection", "reportSection", "advancedSection")
RUN_S = 240.0  # a run on a busy machine, with the engine's start
SPEC = PhantomSpec(
    bmd_mg_cm3={"T12": 130.0, "L1": 118.0, "L2": 110.0, "L3": 108.0},
    matrix=(150, 150),
    position_mm=(0.0, -25.0, 0.0),
    spacing_mm=(0.9, 0.9, 1.0),
    top_level="T12",
    bottom_level="L3",
    table=False,
)


@dataclass(frozen=True)
class PhantomFiles:
    """A phantom as its scanner and a reader would give it."""

    dicom: tuple[Path, ...]
    label_file: Path
    bodies: NDArray[np.uint8]


@dataclass
class Database:
    """Stands in for ctkDICOMDatabase, as far as the module asks it."""

    files: dict[str, Path] = field(default_factory=dict)
    isOpen: bool = True

    def fileForInstance(self, sopInstanceUID: str) -> str:
        return str(self.files.get(sopInstanceUID, ""))

    def filesForSeries(self, seriesUID: str, hits: int = -1) -> list[str]:
        of_series = [
            str(path)
            for path in self.files.values()
            if str(pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"]).SeriesInstanceUID) == seriesUID
        ]
        return of_series if hits < 0 else of_series[:hits]


@pytest.fixture(scope="session")
def phantom_files(tmp_path_factory: pytest.TempPathFactory) -> PhantomFiles:
    """T12 to L2 of a phantom, as DICOM and with its true bodies."""
    folder = tmp_path_factory.mktemp("phantom")
    phantom = build_phantom(SPEC)
    dicom = tuple(write_dicom(phantom, folder / "dicom"))
    return PhantomFiles(dicom, write_label_map(phantom, folder / "bodies.nii.gz"), phantom.bodies)


@pytest.fixture
def database(application: Any, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty DICOM database."""
    import slicer

    empty = Database()
    monkeypatch.setattr(slicer, "dicomDatabase", empty, raising=False)
    return empty


@pytest.fixture
def ct(database: Database, phantom_files: PhantomFiles) -> Any:
    """The phantom's volume node, as loaded from the DICOM database."""
    return load_dicom(phantom_files.dicom, database, "CT")


def load_dicom(paths: tuple[Path, ...], database: Database, name: str) -> Any:
    """Load slices as Slicer's DICOM plugin does: voxels by ITK, the instance UIDs as an attribute."""
    import slicer

    image, uids = _read(paths)
    node = volume_node(image, name)
    database.files.update(zip(uids, paths, strict=True))
    node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


@cache
def _read(paths: tuple[Path, ...]) -> tuple[sitk.Image, tuple[str, ...]]:
    """Voxels and instance UIDs of slices: most tests load the same ones."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    headers = (pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]) for path in paths)
    return reader.Execute(), tuple(str(header.SOPInstanceUID) for header in headers)


def volume_node(image: sitk.Image, name: str) -> Any:
    """A volume node with an image's voxels and grid."""
    import slicer

    to_ras = np.diag([-1.0, -1.0, 1.0])
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = np.eye(4)
    matrix[:3, :3] = to_ras @ np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = to_ras @ np.array(image.GetOrigin())
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    slicer.util.updateVolumeFromArray(node, sitk.GetArrayFromImage(image))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevel(600, 150)
    return node


@pytest.fixture(scope="session")
def measured(application: Any, phantom_files: PhantomFiles, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the engine's job makes of the phantom and its true bodies: stored review, and bodies by level."""
    import slicer

    from ldct_bmd.examination import bodies_in
    from LDCTBoneDensityLib.scene.VertebraSegments import VertebraSegments
    from LDCTBoneDensityLib.work.MeasureJob import MeasureJob, MeasureSettings

    files = Database()
    before = getattr(slicer, "dicomDatabase", None)
    slicer.dicomDatabase = files
    try:
        volume = load_dicom(phantom_files.dicom, files, "CT")
        source = VertebraSegments.create(volume, bodies_in(phantom_files.bodies))
        folder = tmp_path_factory.mktemp("job")
        job = MeasureJob(folder)
        job.layMeasurement(volume, MeasureSettings(segmentationNode=source))
        run(folder, silent)
        return job.takeMeasurement(volume)
    finally:
        slicer.mrmlScene.Clear(False)
        slicer.dicomDatabase = before


def shift(roi: Any, right_mm: float) -> None:
    """Move an ROI along R, as its coordinates in the Markups module would."""
    r, a, s = roi.GetCenter()
    roi.SetCenter(r + right_mm, a, s)


class Hands:
    """What a reader does with the panel, and sees of it."""

    def __init__(self) -> None:
        import slicer

        self.widget = slicer.modules.LDCTBoneDensityWidget.widget
        self.panel = self.widget.panel
        self.ui = self.widget.ui
        self.table = self.panel.sections.vertebrae.table

    @property
    def review(self) -> Any:
        return self.panel.review

    @property
    def examination(self) -> Any:
        return self.panel.review.examination

    def bodies_are_all_there(self) -> bool:
        """Whether every vertebra of the record has the body that it was measured on."""
        return set(self.review.bodies) == set(self.examination.column())

    @property
    def message(self) -> str:
        """What the panel says happened; "" where it says nothing."""
        return self.ui.messageLabel.text

    def choose(self, volume: Any, source: Any = None) -> None:
        """Select a volume, and a segmentation to take the vertebrae from."""
        self.panel.parameters.inputVolume = volume
        self.panel.parameters.sourceSegmentation = source

    def show_measured(self, volume: Any, measured: Any) -> None:
        """Have a volume measured, without waiting for the engine."""
        self.choose(volume)
        self.panel.run.measured.emit(self.panel.logic.accept(volume, *measured))
        self.wait()

    def wait(self, seconds: float = 0.0) -> None:
        from slicer_standin import mouse

        mouse.process_events(seconds)

    def wait_until(self, condition: Callable[[], Any], seconds: float = RUN_S) -> None:
        from slicer_standin import mouse

        mouse.process_until(condition, seconds)

    def click(self, name: str) -> None:
        """Click a button of the panel."""
        from slicer_standin import mouse

        mouse.click(getattr(self.ui, name))

    def wait_until_gone(self, folder: Path) -> None:
        """Wait for a job's folder to be removed: by its owner, or by a process that sweeps it at that very moment."""
        self.wait_until(lambda: not folder.exists())

    def finish_run(self) -> None:
        self.wait_until(lambda: not self.panel.run.isRunning)


@pytest.fixture
def panel(application: Any, database: Database) -> Iterator[Hands]:
    """The module's panel on display, with nothing in the scene."""
    import slicer

    slicer.util.selectModule("LDCTBoneDensity")
    hands = Hands()
    hands.ui.readerEdit.setText(READER)
    hands.ui.deidentifyBox.setChecked(False)  # as a reader left it, the panel keeps it
    for section in SECTIONS:
        getattr(hands.ui, section).collapsed = False
    yield hands
    hands.panel.run.abandon()
    slicer.mrmlScene.Clear(False)
    hands.wait()
