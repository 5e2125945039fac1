"""Mirrors CTK `Libs/Widgets/ctkSliderWidget.h`: a slider and a spin box that show one number."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from ..pythonqt.standin import standin


@standin
class ctkSliderWidget(QWidget):
    """`valueChanged(double)` while tracking (the default); minimum 0, maximum 100 until set."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)
    SIGNALS = ("valueChanged(double)", "valueIsChanging(double)", "decimalsChanged(int)")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._box = QDoubleSpinBox()
        self._box.setRange(0, 100)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self.setFocusProxy(self._slider)
        self._tracking = True
        self._slider.valueChanged.connect(lambda steps: self._box.setValue(self._from_steps(steps)))
        self._box.valueChanged.connect(self._on_box)
        self._rescale()

    def _from_steps(self, steps: int) -> float:
        return self._box.minimum + steps * self._box.singleStep

    def _rescale(self) -> None:
        was_blocked = self._slider.blockSignals(True)
        span = self._box.maximum - self._box.minimum
        self._slider.setRange(0, max(0, round(span / self._box.singleStep)))
        self._slider.setValue(round((self._box.value - self._box.minimum) / self._box.singleStep))
        self._slider.blockSignals(was_blocked)

    def _on_box(self, value: float) -> None:
        self._rescale()
        if self._tracking:
            self.valueChanged.emit(value)
        else:
            self.valueIsChanging.emit(value)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setMinimum(self, minimum: float) -> None:
        self._box.setMinimum(minimum)
        self._rescale()

    def setMaximum(self, maximum: float) -> None:
        self._box.setMaximum(maximum)
        self._rescale()

    def setRange(self, minimum: float, maximum: float) -> None:
        self._box.setRange(minimum, maximum)
        self._rescale()

    def setSingleStep(self, step: float) -> None:
        self._box.setSingleStep(step)
        self._rescale()

    def setPageStep(self, step: float) -> None:
        self._slider.setPageStep(max(1, round(step / self._box.singleStep)))

    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    def setSuffix(self, suffix: str) -> None:
        self._box.setSuffix(suffix)

    def setPrefix(self, prefix: str) -> None:
        self._box.setPrefix(prefix)

    def setTracking(self, tracking: bool) -> None:
        self._tracking = tracking

    def reset(self) -> None:
        self.setValue(0.0)

    value = Property(float, lambda self: self._box.value, setValue)
    minimum = Property(float, lambda self: self._box.minimum, setMinimum)
    maximum = Property(float, lambda self: self._box.maximum, setMaximum)
    singleStep = Property(float, lambda self: self._box.singleStep, setSingleStep)
    pageStep = Property(float, lambda self: self._slider.pageStep * self._box.singleStep, setPageStep)
    decimals = Property(int, lambda self: self._box.decimals, setDecimals)
    suffix = Property(str, lambda self: self._box.suffix, setSuffix)
    prefix = Property(str, lambda self: self._box.prefix, setPrefix)
    tracking = Property(bool, lambda self: self._tracking, setTracking)
