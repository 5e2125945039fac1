"""Mirrors CTK `Libs/Widgets/ctkPathLineEdit.h`: an editable path with a browse button."""

from __future__ import annotations

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QToolButton, QWidget

from ..pythonqt.standin import standin


@standin
class ctkPathLineEdit(QWidget):
    """`currentPathChanged(QString)` on every change of the text."""

    validInputChanged = Signal(bool)
    currentPathChanged = Signal(str)
    SIGNALS = ("validInputChanged(bool)", "currentPathChanged(QString)")

    Dirs, Files, Drives, NoSymLinks = 0x001, 0x002, 0x004, 0x008
    AllEntries, TypeMask = 0x007, 0x00F
    Readable, Writable, Executable, PermissionMask = 0x010, 0x020, 0x040, 0x070
    Modified, Hidden, System, AccessMask = 0x080, 0x100, 0x200, 0x3F0
    AllDirs, CaseSensitive, NoDotAndDotDot, NoDot, NoDotDot = 0x400, 0x800, 0x1000, 0x2000, 0x4000
    NoFilter = -1

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo = QComboBox(self)
        self._combo.setEditable(True)
        self._button = QToolButton(self)
        self._button.setText("...")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo, 1)
        layout.addWidget(self._button)
        self.setFocusProxy(self._combo)
        self._label = ""
        self._setting_key = ""
        self._name_filters: list[str] = []
        self._filters = self.AllEntries | self.NoDotAndDotDot | self.Readable
        self._combo.currentTextChanged.connect(self.currentPathChanged.emit)
        self._button.clicked.connect(lambda: self.browse())

    def comboBox(self) -> QComboBox:
        return self._combo

    def setCurrentPath(self, path: str) -> None:
        self._combo.setEditText(path)

    def browse(self) -> None:
        pattern = ";;".join(self._name_filters)
        if not self._filters & self.Files:
            path = QFileDialog.getExistingDirectory(self, self._label, self.currentPath)
        elif self._filters & self.Writable:
            path = QFileDialog.getSaveFileName(self, self._label, self.currentPath, pattern)
        else:
            path = QFileDialog.getOpenFileName(self, self._label, self.currentPath, pattern)
        if path:
            self.setCurrentPath(path)

    def addCurrentPathToHistory(self) -> None:
        if self.currentPath and self._combo.findText(self.currentPath) < 0:
            self._combo.addItem(self.currentPath)

    def setLabel(self, label: str) -> None:
        self._label = label

    def setFilters(self, filters: int) -> None:
        self._filters = filters

    def setNameFilters(self, filters: list[str]) -> None:
        self._name_filters = list(filters)

    def setSettingKey(self, key: str) -> None:
        self._setting_key = key

    def setShowBrowseButton(self, visible: bool) -> None:
        self._button.setVisible(visible)

    def setShowHistoryButton(self, visible: bool) -> None:
        """The history is the combo box's own arrow here."""

    currentPath = Property(str, lambda self: self._combo.currentText, setCurrentPath)
    label = Property(str, lambda self: self._label, setLabel)
    filters = Property(int, lambda self: self._filters, setFilters)
    nameFilters = Property("QStringList", lambda self: self._name_filters, setNameFilters)
    settingKey = Property(str, lambda self: self._setting_key, setSettingKey)
    showBrowseButton = Property(bool, lambda self: not self._button.isHidden(), setShowBrowseButton)
    showHistoryButton = Property(bool, lambda self: True, setShowHistoryButton)
