"""The panel's sections, each on its own part of the .ui file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import slicer

from ..calibration.CalibrationSection import CalibrationSection
from .AdvancedPanel import AdvancedPanel
from .AssessmentPanel import AssessmentPanel
from .MeasurePanel import MeasurePanel
from .Messages import Messages
from .ReferencePopulation import ReferencePopulation
from .ReportPanel import ReportPanel
from .ScanPanel import ScanPanel
from .VertebraeSection import VertebraeSection
from .WorklistSection import WorklistSection

if TYPE_CHECKING:
    from ..calibration.CalibrationDialog import CalibrationDialog
    from ..calibration.SiteStore import SiteStore
    from ..scene.SliceViews import SliceViews
    from ..work.Runner import Runner


@dataclass(frozen=True)
class Sections:
    """From the top of the panel to its end, and what it says in several of them.

    They know nothing of each other; the panel joins their signals.
    """

    worklist: WorklistSection
    scan: ScanPanel
    measure: MeasurePanel
    vertebrae: VertebraeSection
    assessment: AssessmentPanel
    calibration: CalibrationSection
    report: ReportPanel
    advanced: AdvancedPanel
    messages: Messages


def makeSections(
    ui: Any,
    window: Any,
    dialogPath: str,
    sliceViews: SliceViews,
    runner: Runner,
    reader: str,
    prepareKeys: Callable[[], None],
) -> Sections:
    """Return all sections of a panel.

    Args:
        ui: the widgets of the .ui file.
        window: the widget that they are in.
        dialogPath: the .ui file of the dialog on calibrations.
        runner: searches a phantom.
        reader: the reader's name to begin with.
        prepareKeys: installs what signing with a key needs; UsageError if the user declines.
    """
    own = slicer.util.childWidgetVariables
    population = ReferencePopulation(own(ui.calibrationSection).populationPath)
    report = ReportPanel(own(ui.reportSection), window, reader, prepareKeys, population)

    def newDialog(store: SiteStore) -> CalibrationDialog:
        from ..calibration.CalibrationDialog import CalibrationDialog

        return CalibrationDialog(dialogPath, window, store, slicer.mrmlScene, runner, sliceViews)

    return Sections(
        worklist=WorklistSection(own(ui.worklistSection), window),
        scan=ScanPanel(own(ui.scanSection)),
        measure=MeasurePanel(own(ui.measureSection)),
        vertebrae=VertebraeSection(own(ui.vertebraeSection), window, sliceViews),
        assessment=AssessmentPanel(own(ui.assessmentSection), population),
        calibration=CalibrationSection(own(ui.calibrationSection), report.reader, newDialog),
        report=report,
        advanced=AdvancedPanel(own(ui.advancedSection)),
        messages=Messages(
            (
                (ui.messageLabel, ui.progressBar, ui.cancelButton),
                (ui.reportMessageLabel, ui.reportProgressBar, ui.reportCancelButton),
            )
        ),
    )
