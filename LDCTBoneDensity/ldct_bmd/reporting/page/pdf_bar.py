"""The colour bar of the PDF."""

from reportlab.graphics.shapes import Drawing, Line, Polygon, Rect, String
from reportlab.lib.colors import HexColor, black, white

from .fonts import BOLD, REGULAR, font_of, plain
from .report import ColourBar

_HEIGHT, _BOTTOM, _TALL = 44.0, 14.0, 16.0


def bar_drawing(bar: ColourBar, width: float, unit: str) -> Drawing:
    """Return the bar ``width`` points wide, the value marked and written above it."""
    drawing = Drawing(width, _HEIGHT)
    scale = width / (bar.high - bar.low)
    top = _BOTTOM + _TALL

    def x(value: float) -> float:
        return (value - bar.low) * scale

    def write(at: float, height: float, text: str, size: float, color: object, font: str = REGULAR) -> None:
        anchor = "start" if at < 0.06 * width else "end" if at > 0.94 * width else "middle"
        name = font_of(text) or font
        drawing.add(String(at, height, plain(text), fontName=name, fontSize=size, fillColor=color, textAnchor=anchor))

    for part in bar.parts:
        wide = x(part.high) - x(part.low)
        color = HexColor(part.color)
        drawing.add(Rect(x(part.low), _BOTTOM, wide, _TALL, fillColor=color, strokeColor=black, strokeWidth=0.5))
        write((x(part.low) + x(part.high)) / 2, 4, part.label, 8.5, black)
    for tick in bar.ticks:
        write(x(tick), 4, f"{tick:.0f}", 8, black, BOLD)
    write(width, 4, unit, 7.5, black)
    marker = x(bar.marker)
    drawing.add(Line(marker, _BOTTOM - 1, marker, top, strokeColor=white, strokeWidth=3.5))
    drawing.add(Line(marker, _BOTTOM - 1, marker, top + 1, strokeColor=black, strokeWidth=1.6))
    drawing.add(Polygon([marker - 4, top + 6, marker + 4, top + 6, marker, top], fillColor=black, strokeColor=black))
    write(marker, top + 7.5, bar.value_text, 9, black, BOLD)
    return drawing
