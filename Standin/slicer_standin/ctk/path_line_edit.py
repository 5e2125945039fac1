"""Mirrors CTK `Libs/Widgets/ctkPathLineEdit.h` and `.cpp`: an editable path with a browse button."""

from __future__ import annotations

import re

from PySide6.QtCore import Property, QRegularExpression, QSettings, QSize, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QStyle, QStyleOptionComboBox, QToolButton, QWidget

from ..pythonqt.standin import standin

_MOST_KEPT = 5  # ctkPathLineEditPrivate::sMaxHistory
_EMPTY_LENGTH = 7  # characters that an empty line has room for


def _pattern(name_filters: list[str]) -> str:
    """`nameFiltersToRegExpPattern` of CTK's `ctkUtils.cpp`: what a path must look like to be acceptable."""
    endings = [ending for name_filter in name_filters for ending in re.findall(r"\*\.(\w+)", name_filter)]
    return "(" + "|".join(rf".*\.{ending}?$" for ending in endings) + ")" if endings else ".+"


@standin
class ctkPathLineEdit(QWidget):
    """Emits a path only where it is acceptable: none when the line is cleared, but `validInputChanged(bool)` then."""

    validInputChanged = Signal(bool)
    currentPathChanged = Signal(str)
    SIGNALS = ("validInputChanged(bool)", "currentPathChanged(QString)")

    Dirs, Files, Drives, NoSymLinks = 0x001, 0x002, 0x004, 0x008
    AllEntries, TypeMask = 0x007, 0x00F
    Readable, Writable, Executable, PermissionMask = 0x010, 0x020, 0x040, 0x070
    Modified, Hidden, System, AccessMask = 0x080, 0x100, 0x200, 0x3F0
    AllDirs, CaseSensitive, NoDotAndDotDot, NoDot, NoDotDot = 0x400, 0x800, 0x1000, 0x2000, 0x4000
    NoFilter = -1
    AdjustToContents, AdjustToContentsOnFirstShow, AdjustToMinimumContentsLength = range(3)
    ShowDirsOnly, DontResolveSymlinks, DontConfirmOverwrite, DontUseSheet = 0x01, 0x02, 0x04, 0x08
    DontUseNativeDialog, ReadOnly, HideNameFilterDetails = 0x10, 0x20, 0x40

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = ""
        self._setting_key = ""
        self._name_filters: list[str] = []
        self._filters = self.AllEntries | self.NoDotAndDotDot | self.Readable | self.Executable
        self._options = 0
        self._policy = self.AdjustToContentsOnFirstShow
        self._least_length = 0
        self._hint = self._least_hint = QSize()
        self._has_valid_input = False
        self._combo = QComboBox(self)
        self._combo.setEditable(True)
        self._combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._combo.lineEdit().setValidator(QRegularExpressionValidator(QRegularExpression(_pattern([])), self))
        self._button = QToolButton(self)
        self._button.setText("...")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo, 1)
        layout.addWidget(self._button)
        self.setFocusProxy(self._combo.lineEdit())
        self.retrieveHistory()
        self._combo.lineEdit().textChanged.connect(lambda _text: self._update_has_valid_input())
        self._button.clicked.connect(lambda: self.browse())

    def _update_has_valid_input(self) -> None:
        had_valid_input = self._has_valid_input
        self._has_valid_input = self._combo.lineEdit().hasAcceptableInput()
        if self._has_valid_input:
            self.currentPathChanged.emit(self.currentPath)
        if self._has_valid_input != had_valid_input:
            self.validInputChanged.emit(self._has_valid_input)
        if self._policy == self.AdjustToContents:
            self._hint = QSize()
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As for the path that was there when it was first asked for, unless the policy is another."""
        if not self._hint.isValid():
            self._hint = self._computed_hint(with_contents=True)
        return self._hint

    def minimumSizeHint(self) -> QSize:
        """Of the path too where no least length is set, whatever the header says."""
        if not self._least_hint.isValid():
            self._least_hint = self._computed_hint(with_contents=self._least_length == 0)
        return self._least_hint

    def _computed_hint(self, with_contents: bool) -> QSize:
        """`ctkPathLineEditPrivate::recomputeSizeHint`, with the frame and the arrow as the style says."""
        text, metrics = self._combo.lineEdit().text, self._combo.lineEdit().fontMetrics()
        width = self._least_length * metrics.horizontalAdvance("X")
        if with_contents and self._policy != self.AdjustToMinimumContentsLength:
            empty = _EMPTY_LENGTH * metrics.horizontalAdvance("x")
            width = max(width, metrics.boundingRect(text).width() + 8 if text else empty)
        option = QStyleOptionComboBox()
        option.initFrom(self._combo)
        contents = QSize(width, metrics.height())
        size = self._combo.style().sizeFromContents(QStyle.ContentsType.CT_ComboBox, option, contents, self._combo)
        button = 0 if self._button.isHidden() else self._button.minimumSizeHint.width()
        return QSize(size.width() + button, size.height())

    def comboBox(self) -> QComboBox:
        return self._combo

    def setCurrentPath(self, path: str) -> None:
        self._combo.lineEdit().setText(path)

    def browse(self) -> None:
        pattern, options = ";;".join(self._name_filters), QFileDialog.Option(self._options)
        if not self._filters & self.Files:
            path = QFileDialog.getExistingDirectory(self, "Select a directory...", self.currentPath, options)
        elif self._filters & self.Writable:
            title = "Select a file to save "
            path = QFileDialog.getSaveFileName(self, title, self.currentPath, pattern, "", options)
        else:
            path = QFileDialog.getOpenFileName(self, "Open a file", self.currentPath, pattern, "", options)
        if path:
            self.setCurrentPath(path)

    def _settings_key(self) -> str:
        return f"ctkPathLineEdit/{self._setting_key or self.objectName}"

    def _history(self) -> list[str]:
        kept = QSettings().value(self._settings_key()) or []
        return [kept] if isinstance(kept, str) else list(kept)

    def retrieveHistory(self) -> None:
        """The paths that were kept under the key; the newest is taken where none is there yet."""
        path = self.currentPath
        was_blocked = self.blockSignals(True)
        self._combo.clear()
        self._combo.addItems(self._history()[:_MOST_KEPT])
        if path:
            self.setCurrentPath(path)
        self.blockSignals(was_blocked)
        if not path:
            self._combo.setCurrentIndex(0)

    def addCurrentPathToHistory(self) -> None:
        if not self.currentPath:
            return
        kept = [self.currentPath, *(path for path in self._history() if path != self.currentPath)]
        QSettings().setValue(self._settings_key(), kept)
        self.retrieveHistory()

    def setLabel(self, label: str) -> None:
        self._label = label

    def setFilters(self, filters: int) -> None:
        self._filters = filters

    def setNameFilters(self, filters: list[str]) -> None:
        self._name_filters = list(filters)
        self._combo.lineEdit().setValidator(QRegularExpressionValidator(QRegularExpression(_pattern(filters)), self))

    def setOptions(self, options: int) -> None:
        self._options = options

    def setSettingKey(self, key: str) -> None:
        self._setting_key = key
        self.retrieveHistory()

    def setSizeAdjustPolicy(self, policy: int) -> None:
        self._policy, self._hint = policy, QSize()
        self.updateGeometry()

    def setMinimumContentsLength(self, length: int) -> None:
        self._least_length = length
        if self._policy != self.AdjustToContentsOnFirstShow:
            self._hint = QSize()
            self.updateGeometry()

    def setShowBrowseButton(self, visible: bool) -> None:
        self._button.setVisible(visible)

    def setShowHistoryButton(self, visible: bool) -> None:
        """The history is the combo box's own arrow here."""

    currentPath = Property(str, lambda self: self._combo.currentText, setCurrentPath)
    label = Property(str, lambda self: self._label, setLabel)
    filters = Property(int, lambda self: self._filters, setFilters)
    options = Property(int, lambda self: self._options, setOptions)
    nameFilters = Property("QStringList", lambda self: self._name_filters, setNameFilters)
    settingKey = Property(str, lambda self: self._setting_key, setSettingKey)
    sizeAdjustPolicy = Property(int, lambda self: self._policy, setSizeAdjustPolicy)
    minimumContentsLength = Property(int, lambda self: self._least_length, setMinimumContentsLength)
    showBrowseButton = Property(bool, lambda self: not self._button.isHidden(), setShowBrowseButton)
    showHistoryButton = Property(bool, lambda self: True, setShowHistoryButton)
