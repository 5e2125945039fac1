"""Paths in the panel: what is cleared is used no more, and each button opens the dialog that can choose."""

from pathlib import Path
from typing import Any

import pytest
import slicer
from panel_fixtures import Hands

from ldct_bmd.calibration.store import CalibrationStore
from slicer_standin.pythonqt.dialogs import answering


def clear(field: Any) -> None:
    """Select all and delete it, as a user does."""
    line = field.comboBox().lineEdit()
    line.selectAll()
    line.backspace()


def test_a_store_that_was_cleared_is_asked_no_more(panel: Hands, tmp_path: Path) -> None:
    path = tmp_path / "site.calibrations"
    CalibrationStore(path).add([], "2020-01-01T00:00:00Z", "A. Physicist")
    section = panel.panel.sections.calibration
    panel.ui.storePath.setCurrentPath(str(path))
    assert section.wanted("")[1] == str(path)
    clear(panel.ui.storePath)
    assert section.wanted("")[1] == ""
    assert "Nominal" in panel.ui.calibrationLabel.text


def test_a_key_that_was_cleared_is_not_there_at_the_next_start(panel: Hands, tmp_path: Path) -> None:
    import qt

    from LDCTBoneDensityLib.panel.ReportPanel import KEY_SETTING

    panel.ui.keyPath.setCurrentPath(str(tmp_path / "key.pem"))
    assert qt.QSettings().value(KEY_SETTING) == str(tmp_path / "key.pem")
    clear(panel.ui.keyPath)
    assert not qt.QSettings().value(KEY_SETTING)


def test_weights_that_were_cleared_are_the_built_in_ones(panel: Hands, ct: Any, tmp_path: Path) -> None:
    panel.choose(ct)
    panel.ui.weightsPath.setCurrentPath(str(tmp_path / "w.safetensors"))
    assert panel.panel.settings().weights == str(tmp_path / "w.safetensors")
    clear(panel.ui.weightsPath)
    assert panel.panel.settings().weights == ""


def test_a_path_that_another_module_keeps_is_not_taken(application: Any, tmp_path: Path) -> None:
    import ctk

    from slicer_standin.application.modules import load_scripted_module, unload_module

    other = ctk.ctkPathLineEdit()
    other.currentPath = str(tmp_path / "of-another-module")
    other.addCurrentPathToHistory()
    path = Path(slicer.util.modulePath("LDCTBoneDensity"))
    unload_module("LDCTBoneDensity")
    load_scripted_module(path)
    slicer.util.selectModule("LDCTBoneDensity")
    ui = Hands().ui
    for name in ("weightsPath", "calibrationPath", "storePath", "keyPath", "exportPath"):
        assert getattr(ui, name).currentPath == "", name


@pytest.mark.parametrize(
    ("field", "dialog"),
    [
        ("exportPath", "getExistingDirectory"),
        ("storePath", "getSaveFileName"),
        ("weightsPath", "getOpenFileName"),
        ("calibrationPath", "getOpenFileName"),
        ("keyPath", "getOpenFileName"),
    ],
)
def test_each_button_opens_the_dialog_that_can_choose(panel: Hands, tmp_path: Path, field: str, dialog: str) -> None:
    with answering(str(tmp_path / "chosen")) as shown:
        getattr(panel.ui, field).browse()
    assert shown[0].kind == f"QFileDialog.{dialog}"
    getattr(panel.ui, field).setCurrentPath("")
