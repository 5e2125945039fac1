"""How the plots of all validations look: colours, fonts, lines."""

from typing import Any

INK, MUTED, GRID = "#1c2733", "#66727f", "#dde3e8"
BLUE, PALE_BLUE, RED, AMBER = "#1f6fb2", "#cfe2f2", "#c63d2f", "#d98e04"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "ldct-bmd",  # the same bytes for the same results
}
