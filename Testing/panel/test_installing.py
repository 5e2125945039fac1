"""What the engine needs and Slicer does not ship: asked for once, and told when it fails."""

import importlib.util
import sys
import types
from typing import Any

import pytest
import slicer
from panel_fixtures import Hands


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Modules that seem not to be installed; a test puts names in and takes them out."""
    gone: set[str] = set()
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in gone else found(name, *a))
    return gone


def test_a_reader_who_declines_is_told_and_nothing_runs(
    panel: Hands, ct: Any, without: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, *a, **k: asked.append(text))
    without.add("skimage")
    panel.choose(ct)
    panel.click("measureButton")
    assert len(asked) == 1
    assert "scikit-image" in asked[0]
    assert "MB" in asked[0]
    assert "Nothing was installed" in panel.message
    assert not panel.panel.run.isRunning
    assert panel.ui.measureButton.enabled


def test_what_is_missing_is_installed_once_and_torch_by_its_own_extension(
    panel: Hands, without: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[Any] = []

    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation: bool, torchVersionRequirement: str) -> object:
            installed.append(("torch", torchVersionRequirement))
            without.discard("torch")
            return object()

    def pip_ensure(requirements: list[str], **_: Any) -> None:
        installed.extend(requirements)
        without.clear()

    fake = types.ModuleType("PyTorchUtils")
    fake.PyTorchUtilsLogic = PyTorchUtilsLogic  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "PyTorchUtils", fake)
    monkeypatch.setattr(slicer.packaging, "pip_ensure", pip_ensure)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *a, **k: True)
    without |= {"torch", "skimage"}
    panel.panel.run.installer.ensure()
    assert installed == [("torch", ">=2.6"), "scikit-image>=0.22"]
    assert panel.panel.run.installer.sentence() == ""


def test_without_the_pytorch_extension_the_panel_says_where_to_get_it(
    panel: Hands, ct: Any, without: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *a, **k: True)
    without.add("torch")
    panel.choose(ct)
    panel.click("measureButton")
    assert "Extensions Manager" in panel.message


def test_an_installation_that_fails_is_told(
    panel: Hands, ct: Any, without: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from subprocess import CalledProcessError

    def fails(*_: Any, **__: Any) -> None:
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.packaging, "pip_ensure", fails)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *a, **k: True)
    without.add("onnxruntime")
    panel.choose(ct)
    panel.click("measureButton")
    assert "could not be installed" in panel.message
    assert not panel.panel.run.isRunning


def test_a_preview_asks_for_what_reports_need_and_not_for_the_network(
    panel: Hands, ct: Any, measured: Any, without: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, *a, **k: asked.append(text))
    panel.show_measured(ct, measured)
    without |= {"torch", "reportlab"}
    panel.click("previewButton")
    assert len(asked) == 1
    assert "To make a report" in asked[0]
    assert "reportlab" in asked[0]
    assert "torch" not in asked[0]
    assert "Nothing was installed" in panel.message
    assert panel.panel.sections.report.preview.window is None
