"""What the engine needs and Slicer does not ship: asked for once, and told when it fails."""

from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest
import slicer
from helpers_segments import true_bodies
from panel_fixtures import Hands

RUNTIME = "onnxruntime>=1.20"


class Packages:
    """What seems to be installed here, and what pip was told to install."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: list[str] = []
        self.told: list[list[str]] = []
        self.constraints = ""
        self.answer = True

    def confirm(self, question: str, *_: Any, **__: Any) -> bool:
        self.asked.append(question)
        return self.answer

    def install(self, arguments: list[str], constraints: Path, **_: Any) -> None:
        self.told.append(arguments)
        self.constraints = constraints.read_text(encoding="utf-8")
        self.gone.clear()


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Packages:
    seeming = Packages()
    check = slicer.packaging.pip_check

    def seems(one: Any, *seen: Any) -> bool:  # Slicer's own asks itself again, for one or a list
        names = {getattr(each, "name", each) for each in (one if isinstance(one, list) else [one])}
        return names.isdisjoint(seeming.gone) and check(one, *seen)

    monkeypatch.setattr(slicer.packaging, "pip_check", seems)
    monkeypatch.setattr(slicer.packaging, "pip_install", seeming.install)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", seeming.confirm)
    return seeming


NOT_SHIPPED = ("onnxruntime", "openvino", "torch", "safetensors", "skimage", "matplotlib", "gdcm", "pylibjpeg")
NOT_SHIPPED += ("reportlab", "jinja2", "fontTools", "pynetdicom", "keyring", "typer", "rich")
BLOCK = """
import importlib.abc, sys

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Nothing())
"""


def block(names: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine's process find none of these; Python runs this file at its start."""
    (folder / "sitecustomize.py").write_text(BLOCK.format(names=names), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.fixture
def shipped_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block(NOT_SHIPPED, tmp_path, monkeypatch)


@pytest.fixture
def with_one_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block(NOT_SHIPPED[1:], tmp_path, monkeypatch)


def test_a_reader_who_declines_is_told_and_nothing_runs(panel: Hands, ct: Any, packages: Packages) -> None:
    packages.gone.add("onnxruntime")
    packages.answer = False
    panel.choose(ct)
    panel.click("measureButton")
    assert len(packages.asked) == 1
    assert RUNTIME in packages.asked[0]
    assert "MB" in packages.asked[0]
    assert "Nothing was installed" in panel.message
    assert packages.told == []
    assert not panel.panel.run.isRunning
    assert panel.ui.measureButton.enabled


def test_what_is_missing_is_installed_once_and_nothing_that_is_there_is_replaced(
    panel: Hands, packages: Packages
) -> None:
    import numpy as np

    installer = panel.panel.run.installer
    packages.gone.add("onnxruntime")
    assert "onnxruntime" in installer.sentence()
    installer.ensure()
    assert packages.told == [[RUNTIME]]
    frozen = packages.constraints.splitlines()
    assert f"numpy=={np.__version__}" in frozen
    assert not any(line.startswith("onnxruntime==") for line in frozen)
    assert installer.sentence() == ""
    installer.ensure()
    assert len(packages.told) == 1


def test_a_version_that_the_engine_cannot_use_is_missing(panel: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    found = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0" if name == "onnxruntime" else found(name))
    monkeypatch.setattr(slicer.packaging, "version", importlib.metadata.version, raising=False)
    assert [package.requirement.name for package in panel.panel.run.installer.missing()] == ["onnxruntime"]


def test_a_folder_of_packages_is_installed_from_and_remembered(
    panel: Hands, packages: Packages, tmp_path: Path
) -> None:
    panel.ui.packagesPath.setCurrentPath(str(tmp_path))
    packages.gone.add("onnxruntime")
    panel.panel.run.installer.ensure()
    assert packages.told == [["--no-index", "--find-links", str(tmp_path), RUNTIME]]
    assert panel.panel.run.installer.forReports().folder == str(tmp_path)
    panel.ui.packagesPath.setCurrentPath("")
    packages.gone.add("onnxruntime")
    panel.panel.run.installer.ensure()
    assert packages.told[1] == [RUNTIME]


def test_a_folder_of_packages_that_is_gone_is_told(panel: Hands, ct: Any, packages: Packages, tmp_path: Path) -> None:
    panel.panel.run.installer.setFolder(str(tmp_path / "gone"))
    packages.gone.add("onnxruntime")
    panel.choose(ct)
    panel.click("measureButton")
    assert "gone does not exist" in panel.message
    assert packages.told == []


def test_nothing_is_asked_for_where_a_segmentation_is_the_source(
    panel: Hands, ct: Any, phantom_files: Any, packages: Packages, shipped_alone: None
) -> None:
    packages.gone.add("onnxruntime")
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    panel.finish_run()
    assert packages.asked == []
    assert panel.examination.measurement("L1") is not None, panel.message


@pytest.mark.slow
def test_the_built_in_network_needs_one_runtime_more_than_what_slicer_ships(
    panel: Hands, ct: Any, with_one_runtime: None
) -> None:
    panel.choose(ct)
    panel.click("measureButton")
    panel.finish_run()
    assert panel.examination is not None, panel.message
    assert panel.examination.software.runtime.name == "ONNX Runtime"


def test_an_installation_that_fails_is_told(
    panel: Hands, ct: Any, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.packaging, "pip_install", fails)
    packages.gone.add("onnxruntime")
    panel.choose(ct)
    panel.click("measureButton")
    assert "could not be installed" in panel.message
    assert not panel.panel.run.isRunning


def test_a_preview_asks_for_what_reports_need_and_not_for_the_network(
    panel: Hands, ct: Any, measured: Any, packages: Packages
) -> None:
    panel.show_measured(ct, measured)
    packages.gone |= {"onnxruntime", "reportlab"}
    packages.answer = False
    panel.click("previewButton")
    assert len(packages.asked) == 1
    assert "To make a report" in packages.asked[0]
    assert "reportlab" in packages.asked[0]
    assert "onnxruntime" not in packages.asked[0]
    assert "Nothing was installed" in panel.message
    assert panel.panel.sections.report.preview.window is None


def test_what_writes_fhir_is_asked_for_where_it_is_wanted_and_nothing_is_written_without_it(
    panel: Hands, ct: Any, measured: Any, packages: Packages, tmp_path: Path
) -> None:
    panel.show_measured(ct, measured)
    packages.gone |= {"fhir.resources"}
    packages.answer = False
    panel.ui.exportPath.currentPath = str(tmp_path / "out")
    panel.ui.fhirBox.setChecked(True)
    panel.click("exportButton")
    panel.ui.fhirBox.setChecked(False)
    assert ["To write FHIR" in question for question in packages.asked] == [True]
    assert "Nothing was installed" in panel.message
    assert not (tmp_path / "out").exists()
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "report.fhir.json").write_text("{}")
    panel.ui.exportPath.currentPath = str(tmp_path / "held")
    panel.click("exportButton")
    assert len(packages.asked) == 2, "the engine would make it again"
