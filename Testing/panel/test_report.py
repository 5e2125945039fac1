"""Export from the panel, the reader's comment, and the module's own test."""

import json
import unittest
from pathlib import Path
from typing import Any

import slicer
from ldct_bmd.examination import Examination
from ldct_bmd.reporting.files import RESULT_FILES
from panel_fixtures import Hands


def test_the_exported_folder_holds_the_corrected_record(panel: Hands, ct: Any, measured: Any, tmp_path: Path) -> None:
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    panel.panel.actions.exclude("fracture")
    folder = tmp_path / "out"
    panel.ui.exportPath.currentPath = str(folder)
    panel.click("exportButton")
    panel.finish_run()
    assert str(folder) in panel.message
    assert {path.name for path in folder.iterdir()} >= set(RESULT_FILES)
    record = Examination.from_json((folder / "measurement.json").read_text(encoding="utf-8"))
    assert record.measurements == panel.examination.measurements
    assert record.history == panel.examination.history


def test_a_folder_with_other_files_is_not_replaced(panel: Hands, ct: Any, measured: Any, tmp_path: Path) -> None:
    panel.show_measured(ct, measured)
    (tmp_path / "thesis.txt").write_text("years of work")
    panel.ui.exportPath.currentPath = str(tmp_path)
    panel.click("exportButton")
    panel.finish_run()
    assert "stays as it is" in panel.message
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_comment_stays_with_its_examination(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    panel.ui.commentEdit.setPlainText("Old fracture of L1.")
    assert json.loads(panel.review.node.GetText())["comment"] == "Old fracture of L1."
    panel.panel.parameters.inputVolume = None
    assert panel.ui.commentEdit.plainText == ""
    panel.panel.parameters.inputVolume = ct
    assert panel.ui.commentEdit.plainText == "Old fracture of L1."


def test_the_modules_own_test_passes(application: Any) -> None:
    from LDCTBoneDensityLib.SelfTest import SelfTest

    SelfTest(unittest.TestCase()).run()
    assert slicer.mrmlScene.GetFirstNodeByName("Self test") is not None
