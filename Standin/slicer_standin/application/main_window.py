"""The main window: mirrors `Base/QTApp/qSlicerMainWindow.h`, `Base/QTGUI/qSlicerModuleSelectorToolBar.h` and
`qSlicerModulePanel.cxx`, with the panel left of the views.
"""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QComboBox, QMainWindow, QScrollArea, QSplitter, QToolBar, QWidget

from ..pythonqt.standin import standin


@standin
class qSlicerModuleSelectorToolBar(QToolBar):
    """Chooses the module that the panel shows."""

    moduleSelected = Signal(str)
    SIGNALS = ("moduleSelected(QString)",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo = QComboBox(self)
        self._selected = ""
        self.addWidget(self._combo)
        self._combo.activated.connect(lambda i: self.selectModule(self._combo.itemText(i)))

    def _add(self, name: str) -> None:
        """A module with a panel was loaded."""
        if self._combo.findText(name) < 0:
            self._combo.addItem(name)

    def _remove(self, name: str) -> None:
        self._combo.removeItem(self._combo.findText(name))

    def selectModule(self, name: str) -> None:
        if slicer.app.moduleManager().module(name) is None:
            raise RuntimeError(f"no module '{name}'")
        if name == self._selected:
            return
        self._selected = name
        self._combo.setCurrentIndex(self._combo.findText(name))
        self.moduleSelected.emit(name)

    selectedModule = Property(str, lambda self: self._selected, selectModule)


@standin
class qSlicerMainWindow(QMainWindow):
    """`slicer.util.mainWindow()` finds it by its object name."""

    initialWindowShown = Signal()
    SIGNALS = ("initialWindowShown()",)

    def __init__(self, viewport: QWidget) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("Stand-in for 3D Slicer")
        self._module: Any = None
        self._selector = qSlicerModuleSelectorToolBar(self)
        self._selector.moduleSelected.connect(self._show_module)
        self.addToolBar(self._selector)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        splitter = QSplitter()
        splitter.addWidget(self._scroll)
        splitter.addWidget(viewport)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([480, 900])
        self.setCentralWidget(splitter)
        self.statusBar()

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        return self._selector

    def _show_module(self, name: str) -> None:
        """qSlicerModulePanel::setModule: the old module leaves, the new one enters."""
        if self._module is not None:
            old = self._scroll.takeWidget()
            if old is not None:
                old.exit()
                old.setVisible(False)
        self._module = slicer.app.moduleManager().module(name)
        widget = self._module.widgetRepresentation()
        widget.layout().setContentsMargins(0, 0, 0, 0)
        self._scroll.setWidget(widget)
        widget.setVisible(True)
        widget.enter()

    def _close_module(self) -> None:
        """Take the panel's module out, for a test that unloads it."""
        widget = self._scroll.takeWidget()
        if widget is not None:
            widget.exit()
            widget.setVisible(False)
        self._module = None
        self._selector._selected = ""
