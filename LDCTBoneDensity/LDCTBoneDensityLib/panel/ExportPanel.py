"""The part of the report's section that exports: what, of which earlier records, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reporting.output import Output
from ldct_bmd.words import text

from ..common.PathField import pathIn
from ..common.Signal import Signal
from ..work.ExportSettings import ExportSettings

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview
    from .ReferencePopulation import ReferencePopulation

# Check box and the output that it stands for.
_FILES = (
    ("recordBox", Output.RECORD),
    ("htmlBox", Output.HTML),
    ("pdfBox", Output.PDF),
    ("tablesBox", Output.TABLES),
    ("fhirBox", Output.FHIR),
)
_OBJECTS = (
    ("segBox", Output.SEG),
    ("srBox", Output.SR),
    ("dicomPdfBox", Output.DICOM_PDF),
    ("captureBox", Output.DICOM_OVERVIEW),
)
_DESTINATIONS = (Destination.FOLDER, Destination.DATABASE, Destination.PACS)
PACS_SETTING, TLS_SETTING = "LDCTBoneDensity/PacsAddress", "LDCTBoneDensity/PacsTls"


class ExportPanel:
    """Collects what the reader wants exported. A PACS's address stays in the application's settings.

    Attributes:
        wanted: emits ExportSettings: an export or a preview.

    Args:
        window: the parent of the file dialog.
        population: what a report compares the patient with.
    """

    def __init__(self, ui: Any, window: Any, population: ReferencePopulation) -> None:
        self.wanted = Signal()
        self._ui, self._window, self._population = ui, window, population
        self._review: SceneReview | None = None
        self._isBusy = False
        self._priors: list[Path] = []  # in the order of the list's rows
        self._segForm: tuple[Output, ...] = ()
        self._home: Path | None = None
        ui.exportPath.setCurrentPath("")  # CTK may have put there what another module keeps
        for words in (text("export.folder"), text("export.database"), text("export.pacs")):
            ui.destinationCombo.addItem(words)
        settings = qt.QSettings()
        ui.pacsEdit.setText(str(settings.value(PACS_SETTING, "") or ""))
        ui.pacsTlsBox.setChecked(str(settings.value(TLS_SETTING, "")).lower() == "true")
        ui.destinationCombo.connect("currentIndexChanged(int)", self._allow)
        ui.pacsEdit.connect("textChanged(QString)", self._allow)
        ui.addPriorButton.connect("clicked(bool)", self._addPriors)
        ui.removePriorButton.connect("clicked(bool)", self._removePriors)
        ui.previewButton.connect("clicked(bool)", self._preview)
        ui.exportButton.connect("clicked(bool)", self._export)
        self._allow()

    def show(self, review: SceneReview | None, isBusy: bool) -> None:
        """Allow what can be exported of ``review``; another's earlier records, folder and form are not this one's."""
        if review is not self._review:
            self._segForm, self._home = (), None
            self._priors.clear()
            self._ui.priorsList.clear()
            self._ui.exportPath.currentPath = ""
        self._review, self._isBusy = review, isBusy
        self._allow()

    def setHome(self, folder: Path, form: tuple[Output, ...]) -> None:
        """Export the review on display as its result folder has it: what its report compares with, ``form`` of SEGs."""
        self._home, self._segForm = folder, form

    def _destination(self) -> Destination:
        return _DESTINATIONS[self._ui.destinationCombo.currentIndex]

    def _hasDicom(self) -> bool:
        return self._review is not None and self._review.examination.scan.source.kind == "dicom"

    def _allow(self, _value: Any = None) -> None:
        ui, destination = self._ui, self._destination()
        isFolder = destination is Destination.FOLDER
        for name, _output in _FILES:
            getattr(ui, name).setEnabled(isFolder)
        for name, _output in _OBJECTS:
            getattr(ui, name).setEnabled(self._hasDicom())
        for field in (ui.exportPathLabel, ui.exportPath):
            field.setVisible(isFolder)
        for field in (ui.pacsLabel, ui.pacsEdit, ui.pacsTlsBox):
            field.setVisible(destination is Destination.PACS)
        ui.pacsTlsBox.setEnabled("://" not in ui.pacsEdit.text)
        ui.noDicomLabel.setVisible(self._review is not None and not self._hasDicom())
        isReady = self._review is not None and not self._isBusy
        ui.previewButton.setEnabled(isReady)
        ui.exportButton.setEnabled(isReady and (isFolder or self._hasDicom()))

    def _outputs(self) -> tuple[Output, ...]:
        boxes = [(getattr(self._ui, name), output) for name, output in (*_FILES, *_OBJECTS)]
        ticked = tuple(output for box, output in boxes if box.enabled and box.checked)
        return (*ticked, *self._segForm) if ticked else ()

    def _settings(self, destination: Destination, outputs: tuple[Output, ...]) -> ExportSettings:
        ui = self._ui
        path = pathIn(ui.exportPath)
        return ExportSettings(
            outputs=outputs,
            destination=destination,
            folder=Path(path) if path else None,
            pacs=ui.pacsEdit.text.strip(),
            tls=ui.pacsTlsBox.checked,
            deidentify=ui.deidentifyBox.checked,
            priors=tuple(self._priors),
            home=self._home,
            # Its title and source may name the site.
            reference=None if ui.deidentifyBox.checked else self._population.path,
        )

    def _preview(self, _checked: bool = False) -> None:
        self.wanted.emit(self._settings(Destination.PREVIEW, (Output.HTML,)))

    def _export(self, _checked: bool = False) -> None:
        settings = self._settings(self._destination(), self._outputs())
        if settings.destination is Destination.PACS:
            stored = qt.QSettings()
            stored.setValue(PACS_SETTING, settings.pacs)
            stored.setValue(TLS_SETTING, settings.tls)
        self.wanted.emit(settings)

    def _addPriors(self, _checked: bool = False) -> None:
        paths = qt.QFileDialog.getOpenFileNames(
            self._window, text("export.priors_title"), "", text("export.priors_filter")
        )
        for path in map(Path, paths):
            if path not in self._priors:
                self._priors.append(path)
                self._ui.priorsList.addItem(f"{path.parent.name}/{path.name}")
                self._ui.priorsList.item(len(self._priors) - 1).setToolTip(str(path))

    def _removePriors(self, _checked: bool = False) -> None:
        for item in self._ui.priorsList.selectedItems():
            row = self._ui.priorsList.row(item)
            self._ui.priorsList.takeItem(row)
            del self._priors[row]
