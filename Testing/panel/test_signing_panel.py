"""Who reads, asked once; and a signed review that looks signed on every section."""

from typing import Any

import pytest
import slicer
from panel_fixtures import Hands

from ldct_bmd.reporting.page.words import time
from ldct_bmd.words import text

CORRECTING = (
    "resetButton", "excludeButton", "includeButton", "renameButton", "addButton", "fractureButton", "outlineButton",
    "addBodyButton", "removeBodyButton", "shiftUpButton", "shiftDownButton", "confirmButton", "undoButton",
    "redoButton", "editSegmentButton", "updateButton", "calibrationButton", "applyVOIButton", "measureButton",
)  # fmt: skip


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The panel with the phantom measured, L1 selected."""
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    return panel


def tick_l2(review: Hands) -> None:
    """Click the box of the row of L2, where the tree draws it."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

    tree = review.ui.vertebraTree
    (row,) = tree.findItems("L2", Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    option = QStyleOptionViewItem()
    option.rect = tree.visualItemRect(row)
    option.rect.setLeft(tree.columnViewportPosition(1))
    option.rect.setWidth(tree.columnWidth(1))
    option.features = QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    box = tree.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, tree)
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, box.center())
    review.wait()


def test_a_signed_review_looks_signed_on_every_section(review: Hands) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    review.panel.sections.vertebrae.actions.exclude("cyst")
    review.click("signButton")
    signature = review.examination.signature
    assert [name for name in CORRECTING if getattr(review.ui, name).enabled] == []
    assert review.ui.patientLabel.text.endswith(f"Signed by {signature.reader}, {time(signature.time)}")
    assert review.review.markups.roi("L1").GetLocked()
    assert not review.ui.commentEdit.enabled
    tick_l2(review)
    assert review.examination.measurement("L2").excluded is None
    review.click("signButton")  # off again
    assert review.ui.excludeButton.enabled
    assert review.ui.measureButton.enabled
    with answering("Cyst"):
        tick_l2(review)
    assert review.examination.measurement("L2").excluded is not None, "the box is one again"
    assert not review.review.markups.roi("L1").GetLocked()


def test_the_readers_name_is_asked_once_and_is_not_the_login_name(review: Hands) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    review.ui.readerEdit.setText("")
    with answering("Dr. Asked") as shown:
        review.panel.sections.vertebrae.actions.exclude("cyst")
        review.click("includeButton")
    assert [dialog.title for dialog in shown] == [text("reader.title")]
    assert [entry.reader for entry in review.examination.history] == ["Dr. Asked"] * 2
    assert slicer.app.settings().value("LDCTBoneDensity/Reader") == "Dr. Asked"


def test_nobody_is_asked_while_a_voi_is_dragged(review: Hands) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    review.ui.readerEdit.setText("")
    roi = review.review.markups.roi("L1")
    r, a, s = roi.GetCenter()
    before = review.table.cells("L1")[2]
    roi.SetCenter(r + 3.0, a, s)
    assert review.table.cells("L1")[2] != before, "the numbers follow"
    with answering("Dr. Asked"):
        review.panel.commit()
    assert review.examination.history[-1].reader == "Dr. Asked"


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_sign_and_what_is_said_of_it_are_one_click_from_the_table(review: Hands, size: tuple[int, int]) -> None:
    from PySide6.QtCore import QPoint

    from LDCTBoneDensityLib.common.Reveal import reveal

    def is_in_sight(widget: Any) -> bool:
        return widget.visibleRegion().contains(QPoint(widget.width // 2, widget.height // 2))

    window, ui = slicer.util.mainWindow(), review.ui
    window.resize(*size)
    window.show()
    for section in (ui.worklistSection, ui.calibrationSection, ui.reportSection, ui.advancedSection):
        section.collapsed = True
    reveal(ui.inputSelector)
    review.wait(0.3)
    review.panel.correct(lambda one: one.exclude("L1", "cyst"))
    review.panel.correct(lambda one: one.exclude("L2", "cyst"))  # an error now stands against the signature
    for widget in (ui.vertebraTree.viewport(), ui.toReportButton):
        review.wait_until(lambda widget=widget: is_in_sight(widget))
    review.click("toReportButton")
    for widget in (ui.signButton, ui.openPointsView, ui.seenBox):
        review.wait_until(lambda widget=widget: is_in_sight(widget))
    review.click("signButton")
    assert review.examination.signature is None
    assert ui.reportMessageLabel.text == review.message != ""
    review.wait_until(lambda: is_in_sight(ui.reportMessageLabel))


def test_a_name_without_settings_is_empty(application: Any) -> None:
    from LDCTBoneDensityLib.work.Logic import defaultReader

    assert slicer.app.applicationLogic().GetUserInformation().GetName() in ("", None)
    assert defaultReader() == ""
