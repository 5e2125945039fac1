"""What leaves the panel by hand: numbers to the clipboard and to a table, and a script's way in."""

import re
from pathlib import Path
from typing import Any

import pytest
import slicer
from helpers_segments import true_bodies
from panel_fixtures import Hands, PhantomFiles

from places import ROOT


def test_the_numbers_go_to_the_clipboard_as_a_spreadsheet_takes_them(panel: Hands, ct: Any, measured: Any) -> None:
    import qt

    panel.show_measured(ct, measured)
    panel.click("copyButton")
    names, *rows = [line.split("\t") for line in qt.QApplication.clipboard().text().splitlines()]
    told = {row[names.index("level")]: float(row[names.index("bmd_mg_cm3")]) for row in rows}
    assert told == {m.level: m.bmd_mg_cm3 for m in panel.examination.measurements}
    assert "clipboard" in panel.message


def test_the_table_in_the_scene_holds_the_numbers_as_they_are_now(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    panel.click("tableButton")
    panel.panel.correct(lambda review: review.exclude("L1", "fracture"))
    panel.click("tableButton")
    (table,) = slicer.util.getNodesByClass("vtkMRMLTableNode")
    levels = [table.GetCellText(row, table.GetColumnIndex("level")) for row in range(table.GetNumberOfRows())]
    assert levels == [m.level for m in panel.examination.measurements]
    hu = table.GetTable().GetColumnByName("mean_hu")
    assert [hu.GetValue(row) for row in range(len(levels))] == [m.mean_hu for m in panel.examination.measurements]
    row = levels.index("L1")
    assert table.GetCellText(row, table.GetColumnIndex("excluded_reason")) == "fracture"


def test_a_review_stands_under_the_study_of_its_scan(panel: Hands, ct: Any, measured: Any) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "P1")
    study = hierarchy.CreateStudyItem(patient, "CT chest")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(ct), study)
    panel.show_measured(ct, measured)
    panel.click("tableButton")
    review = panel.review
    (table,) = slicer.util.getNodesByClass("vtkMRMLTableNode")
    for node in (review.node, review.segmentationNode, review.markups.roi("L1"), review.markups.cylinder("L1"), table):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study, node.GetName()


def test_what_the_engine_wrote_is_kept_for_a_report(panel: Hands, ct: Any) -> None:
    panel.ui.logEdit.clear()
    panel.panel.run._runner._take(b"a library's warning")
    panel.panel.run._runner._take(b'{"stage": "read", "fraction": 0.5}')
    assert panel.ui.logEdit.plainText == "a library's warning"


def test_what_the_engine_put_back_after_a_killed_run_is_shown_until_the_next_action(panel: Hands, ct: Any) -> None:
    run, messages = panel.panel.run, panel.ui.messageLabel
    run._runner._take(b'{"remark": "The earlier content is back."}')
    assert messages.text == "The earlier content is back."
    run.exported.emit("Written.")
    assert messages.text == "The earlier content is back. Written."
    run.failed.emit("The disk is full.")
    assert messages.text.startswith("The earlier content is back. ")
    panel.panel._note("")
    assert messages.text == ""


def test_the_script_of_the_readme_measures_what_is_in_the_scene(
    panel: Hands,
    ct: Any,
    phantom_files: PhantomFiles,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from LDCTBoneDensityLib.work.Logic import Logic
    from LDCTBoneDensityLib.work.MeasureJob import MeasureSettings

    source = true_bodies(ct, phantom_files)
    measure = Logic.measure  # the phantom's true bodies in place of the network
    monkeypatch.setattr(
        Logic,
        "measure",
        lambda self, node, settings=None: measure(self, node, MeasureSettings(segmentationNode=source)),
    )
    text = (ROOT / "docs" / "tutorial" / "slicer.md").read_text(encoding="utf-8")
    (script,) = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "LDCTBoneDensityLogic" in block
    ]
    exec(compile(script, str(Path("slicer.md")), "exec"), {})
    assert capsys.readouterr().out.startswith("CT ")
