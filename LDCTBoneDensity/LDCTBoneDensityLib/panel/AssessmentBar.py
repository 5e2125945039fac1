"""The mean BMD on a scale with the marks of the categories."""

from typing import Any

import qt

from ldct_bmd.rules import RuleSet, rules_of
from ldct_bmd.words import text

from ..common.Words import bmdWord, categoryWord, withUnit

WIDTH, HEIGHT, MARGIN = 336, 62, 14
LOWEST, HIGHEST = 10.0, 180.0  # mg/cm³: on a wider scale "osteopenia" is cut off. The mean is written out.
_BAR_TOP, _BAR_HEIGHT, _POINTER = 22, 20, 6
_COLORS = {
    "osteoporosis": (204, 92, 84),
    "osteopenia": (240, 190, 90),
    "normal": (98, 164, 122),
    "not_osteoporosis": (98, 164, 122),
}
_PALE = (190, 190, 190)
_INK, _MARK = (25, 25, 25), (128, 128, 128)


class AssessmentBar:
    """Draws the scale onto a label. Words and marks say what the colours do.

    Args:
        label: a QLabel.
    """

    def __init__(self, label: Any) -> None:
        self._label = label
        self._shown: tuple[float | None, str | None, float | None, RuleSet | None] | None = None
        label.setMinimumHeight(HEIGHT)
        label.setAlignment(qt.Qt.AlignHCenter)

    def show(
        self, mean: float | None, category: str | None, automatic: float | None, rules: RuleSet | None = None
    ) -> None:
        """Show a mean BMD (mg/cm3), its category by a rule set, and the automatic mean where a reader changed it."""
        if (mean, category, automatic, rules) == self._shown:
            return
        self._shown = (mean, category, automatic, rules)
        self._label.setVisible(mean is not None)
        if mean is None:
            return
        words = text("assessment.bar", bmd=withUnit(mean), category=categoryWord(category))
        self._label.setToolTip(words)
        self._label.setAccessibleDescription(words)
        self._label.setPixmap(self._picture(mean, category, automatic, rules_of(rules)))

    def _picture(self, mean: float, category: str | None, automatic: float | None, rules: RuleSet) -> Any:
        pixmap = qt.QPixmap(WIDTH, HEIGHT)
        pixmap.fill(qt.QColor(0, 0, 0, 0))
        painter = qt.QPainter(pixmap)
        ink = self._label.palette.color(qt.QPalette.WindowText)
        edges = [LOWEST, *rules.limits_mg_cm3, HIGHEST]
        for low, high, name in zip(edges, edges[1:], rules.categories, strict=False):
            rectangle = qt.QRect(_x(low), _BAR_TOP, _x(high) - _x(low), _BAR_HEIGHT)
            # Without a category the scale is pale: the number stands, what it means is not said.
            painter.fillRect(rectangle, qt.QColor(*(_COLORS[name.value] if category is not None else _PALE)))
            painter.setPen(qt.QColor(*_INK))
            painter.drawText(rectangle, qt.Qt.AlignCenter, categoryWord(name.value))
        painter.setPen(ink)
        for mark in rules.limits_mg_cm3:
            painter.drawLine(_x(mark), _BAR_TOP - 2, _x(mark), _BAR_TOP + _BAR_HEIGHT + 3)
            painter.drawText(_about(_x(mark), _BAR_TOP + _BAR_HEIGHT + 3, 40), qt.Qt.AlignCenter, f"{mark:g}")
        if automatic is not None and automatic != mean:
            painter.setPen(qt.QColor(*_MARK))
            _drawPointer(painter, _x(automatic), filled=False)
        painter.setPen(ink)
        _drawPointer(painter, _x(mean), filled=True)
        painter.drawText(_about(_x(mean), 0, 90), qt.Qt.AlignCenter, bmdWord(mean))
        painter.end()
        return pixmap


def _x(bmd: float) -> int:
    part = (min(max(bmd, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
    return round(MARGIN + part * (WIDTH - 2 * MARGIN))


def _about(x: int, top: int, width: int) -> Any:
    left = min(max(x - width // 2, 0), WIDTH - width)
    return qt.QRect(left, top, width, 14)


def _drawPointer(painter: Any, x: int, filled: bool) -> None:
    """Draw a triangle that stands on the bar with its tip."""
    for k in range(_POINTER + 1):
        y = _BAR_TOP - 1 - k
        if filled or k == _POINTER:
            painter.drawLine(x - k, y, x + k, y)
        else:
            painter.drawPoint(x - k, y)
            painter.drawPoint(x + k, y)
