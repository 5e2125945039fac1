"""The panel fits into a narrow dock, and scrolls without changing what the wheel passes over."""

from dataclasses import replace
from typing import Any

import pytest
from panel_fixtures import Hands

from places import MODULE

LEAST_WIDTH = 360
WRAPPED = ("patient", "message", "requirements", "statement", "reference", "automatic", "calibration", "signature")
SECTIONS = ("worklist", "scan", "measure", "vertebrae", "assessment", "calibration", "report", "advanced")


def test_every_section_fits_into_the_least_width(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    closed = [name for name in SECTIONS if getattr(panel.ui, f"{name}Section").collapsed]
    for name in closed:
        getattr(panel.ui, f"{name}Section").collapsed = False
    panel.wait(0.1)
    # A collapsible section never gets less than its hint: CTK's policy.
    needed = {name: getattr(panel.ui, f"{name}Section").sizeHint().width() for name in SECTIONS}
    for name in closed:
        getattr(panel.ui, f"{name}Section").collapsed = True
    assert {name: width for name, width in needed.items() if width > LEAST_WIDTH} == {}


def test_a_long_text_makes_the_panel_no_wider(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    for name in WRAPPED:
        label = getattr(panel.ui, f"{name}Label")
        label.visible = True
        label.text = "L1 is not used, since a reader has confirmed a fracture; the mean rests on L2 alone. " * 4
    panel.wait(0.1)
    wide = {name: getattr(panel.ui, f"{name}Section").sizeHint().width() for name in SECTIONS}
    assert {name: width for name, width in wide.items() if width > LEAST_WIDTH} == {}


@pytest.mark.parametrize("name", ["LDCTBoneDensity", "Calibrations"])
def test_a_long_path_that_is_kept_from_the_last_time_makes_the_panel_no_wider(application: Any, name: str) -> None:
    import ctk

    from LDCTBoneDensityLib.common.Labels import loadLabelledUI

    widths = {}
    for path in ("", "/a/folder/with/a/long/name" * 10):
        window = loadLabelledUI(str(MODULE / "Resources" / "UI" / f"{name}.ui"))
        fields = window.findChildren(ctk.ctkPathLineEdit)
        for field in fields:
            field.currentPath = path
        widths[path] = [(field.sizeHint().width(), field.minimumSizeHint().width()) for field in fields]
        window.deleteLater()
    short, long = widths.values()
    assert short
    assert long == short


def turn_wheel(widget: Any) -> bool:
    """Turn the wheel over a widget; returns whether it took the event."""
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    middle = QPointF(widget.width / 2, widget.height / 2)
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return bool(event.isAccepted())


@pytest.mark.parametrize("name", ["calibrationCombo", "deviceCombo", "destinationCombo", "worklistFilterCombo"])
def test_the_wheel_does_not_change_a_closed_combo_box(panel: Hands, name: str) -> None:
    combo = getattr(panel.ui, name)
    before = combo.currentIndex
    turn_wheel(combo)
    assert combo.currentIndex == before


def test_the_wheel_does_not_choose_another_volume(panel: Hands, ct: Any) -> None:
    import slicer
    from PySide6.QtWidgets import QComboBox

    slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, ct, "other")
    panel.choose(ct)
    for combo in panel.ui.inputSelector.findChildren(QComboBox):
        turn_wheel(combo)
    assert panel.panel.volumeNode is ct


def test_the_wheel_changes_a_number_only_where_it_is_being_typed(panel: Hands) -> None:
    panel.ui.calibrationCombo.setCurrentIndex(2)  # entered numbers
    before = panel.ui.slopeSpin.value
    turn_wheel(panel.ui.slopeSpin)
    assert panel.ui.slopeSpin.value == before
    panel.ui.calibrationCombo.setCurrentIndex(0)


@pytest.mark.parametrize("reason", ["fracture", "surgery_or_implant", "sclerosis_or_degeneration"])
def test_a_state_is_shown_whole(panel: Hands, ct: Any, measured: Any, reason: str) -> None:
    import qt

    panel.show_measured(ct, measured)
    tree = panel.ui.vertebraTree
    tree.resize(LEAST_WIDTH - 20, tree.height)
    panel.panel.correct(lambda review: review.exclude("L1", reason))
    panel.wait(0.1)
    row, column = panel.table._rows["L1"], 5
    state = row.text(column)
    assert state.startswith("excluded: ")
    needed = qt.QFontMetrics(row.font(column)).boundingRect(
        0, 0, tree.columnWidth(column) - 6, 0, qt.Qt.TextWordWrap, state
    )
    assert tree.wordWrap
    assert needed.width() <= tree.columnWidth(column)
    assert needed.height() <= tree.visualItemRect(row).height()


def test_findings_are_shown_whole_however_many(panel: Hands, ct: Any, measured: Any) -> None:
    """They are scrolled: no sentence is cut, whatever was shown before."""
    stored, _bodies = measured
    few = stored.examination
    many = replace(few, findings=few.findings * 5)
    area, view = panel.ui.findingsArea, panel.panel.sections.scan.findings
    for examination in (few, None, many, None, few, None, many):
        panel.panel.sections.scan.show(ct, examination)
        panel.wait(0.1)
        labels = view._labels
        assert all(label.height >= label.heightForWidth(label.width) for label in labels)
        assert len(labels) == (0 if examination is None else len(examination.findings))
    assert area.verticalScrollBar().maximum > 0


def test_no_button_moves_when_a_correction_brings_findings_and_messages(panel: Hands, ct: Any, measured: Any) -> None:
    """A reader clicks where the button was."""
    from PySide6.QtCore import QPoint

    panel.show_measured(ct, measured)
    panel.table.select("L1")
    names = ("measureButton", "vertebraTree", "excludeButton", "undoButton", "fractureButton", "confirmButton")
    content = panel.ui.measureSection.parentWidget()

    def places() -> dict[str, int]:
        panel.wait(0.1)
        return {name: getattr(panel.ui, name).mapTo(content, QPoint(0, 0)).y() for name in names}

    before, findings = places(), len(panel.examination.findings)
    panel.panel.correct(lambda review: review.exclude("L1", "fracture"))
    panel.panel.correct(lambda review: review.exclude("L2", "cyst"))
    assert len(panel.examination.findings) > findings
    assert places() == before
    panel.panel.correct(lambda review: review.exclude("L2", "no such reason"))
    assert panel.message
    assert places() == before
    panel.panel._note("")
    panel.panel.sections.messages.allow(isRunning=True)
    at_work = places()
    panel.panel.sections.messages.allow(isRunning=False)
    assert all(abs(at_work[name] - before[name]) <= 4 for name in names), "nor while the engine is at work"
