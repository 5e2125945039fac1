"""The plots of the names' probabilities, as SVG."""

import io
from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ...ground.plot_style import BLUE, GRID, MUTED, RED, STYLE
from ..confidence import Confidence


def draw_risk_coverage(curves: Mapping[str, Confidence]) -> str:
    """Return the share of wrong names among the surest ones, against how many these are; a line for each group."""
    with rc_context(STYLE):
        figure, axes = _figure()
        for (label, one), color in zip(curves.items(), (BLUE, RED), strict=False):
            points = [(0.0, 0.0), *((point.coverage, point.risk) for point in one.curve)]
            axes.plot(*zip(*points, strict=True), color=color, marker=".", markersize=4, linewidth=1.2, label=label)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(bottom=-0.005)
        axes.set_xlabel("coverage: share of the bodies, surest names first")
        axes.set_ylabel("risk: share of wrong names among them")
        axes.legend(frameon=False, loc="upper left")
        return _svg(figure)


def draw_level_reliability(names: Confidence) -> str:
    """Return the stated probability against the share of right names, by bin with its exact 95 % interval."""
    lowest = min([0.5, *(one.stated for one in names.bins), *(one.right.low or 0.0 for one in names.bins)])
    with rc_context(STYLE):
        figure, axes = _figure()
        axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, linestyle="--")
        for one in names.bins:
            right = one.right
            if right.fraction is not None and right.low is not None and right.high is not None:
                error = [[right.fraction - right.low], [right.high - right.fraction]]
                axes.errorbar(one.stated, right.fraction, error, fmt="o", color=BLUE, markersize=5, linewidth=1.2)
        axes.set(xlim=(lowest - 0.02, 1.02), ylim=(lowest - 0.02, 1.02), aspect="equal")
        axes.set_xlabel("stated probability of the name")
        axes.set_ylabel("share of right names")
        return _svg(figure)


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.4, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.grid(color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
