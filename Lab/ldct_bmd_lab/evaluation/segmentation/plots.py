"""The plots of an evaluation, as SVG."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ldct_bmd.anatomy import LEVELS

from ...ground.plot_style import BLUE, GRID, INK, MUTED, PALE_BLUE, RED, STYLE
from .case import CaseResult, LevelResult
from .overlap import FOUND_DICE
from .summary import WITHIN_HU, ReliabilityBin

RIGHT = LinearSegmentedColormap.from_list("right", ["#eaf3fa", BLUE])
WRONG = LinearSegmentedColormap.from_list("wrong", ["#f8c9bf", RED])
NOT_FOUND, NO_BODY = "not found", "no body"
MOST_POINTS = 40  # of a level that are drawn one by one; the box alone tells more
NARROWEST_HU, WIDEST_HU = 10.0, 60.0


def draw_dice(results: Sequence[CaseResult]) -> str:
    """Return the Dice of complete bodies with the automatic body of the same name, by level."""
    by_level = _by_level(results, lambda row: row.dice_by_name if row.complete else None)
    with rc_context(STYLE):
        figure, axes = _figure(9.0, 3.4)
        _boxes(axes, by_level, FOUND_DICE, 1.0)
        axes.set_ylim(FOUND_DICE - 0.05, 1.02)
        axes.set_ylabel("Dice, by name")
        return _svg(figure)


def draw_voi_differences(results: Sequence[CaseResult]) -> str:
    """Return the differences of the VOI's mean HU: all in a histogram, and by level."""
    by_level = _by_level(results, lambda row: row.voi_difference_hu)
    every = np.concatenate(list(by_level.values())) if by_level else np.zeros(0)
    limit = float(np.clip(1.2 * np.percentile(np.abs(every), 98.0), NARROWEST_HU, WIDEST_HU)) if len(every) else 10.0
    with rc_context(STYLE):
        figure = _canvas(9.0, 3.4)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 2.0), sharey=True)
        for axes in (left, right):
            axes.axhspan(-WITHIN_HU, WITHIN_HU, color=PALE_BLUE, alpha=0.6, linewidth=0)
            axes.axhline(0.0, color=MUTED, linewidth=0.8)
        inside = every[np.abs(every) <= limit]
        left.hist(inside, bins=np.linspace(-limit, limit, 32), orientation="horizontal", color=BLUE)
        left.set_xlabel("VOIs")
        left.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        left.set_ylabel("VOI mean HU, automatic − reference")
        left.set_ylim(-limit * 1.05, limit * 1.05)
        if len(every):
            left.axhline(every.mean(), color=RED, linewidth=1.2, label=f"mean {every.mean():+.1f} HU")
            left.legend(loc="upper right", frameon=False, handlelength=1.2)
        _boxes(right, by_level, -limit, limit)
        return _svg(figure)


def draw_confusion(results: Sequence[CaseResult]) -> str:
    """Return how often each reference level was found under each name; complete and cut bodies."""
    rows = [row for case in results for row in case.levels if row.found or row.complete]
    names = {row.level for row in rows} | {row.found_as for row in rows}
    false = [body.name for case in results for body in case.false_bodies]
    levels = [level for level in LEVELS if level in names | set(false)]
    down, across = [*levels, *([NO_BODY] if false else [])], [*levels, NOT_FOUND]
    counts = np.zeros((len(down), len(across)), dtype=int)
    for row in rows:
        counts[down.index(row.level), across.index(row.found_as or NOT_FOUND)] += 1
    for name in false:
        counts[down.index(NO_BODY), across.index(name)] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with rc_context(STYLE):
        side = 1.2 + 0.3 * len(across)
        figure, axes = _figure(max(side, 3.2), max(0.7 + 0.27 * len(down), 2.4))
        diagonal = np.eye(*counts.shape, dtype=bool)
        diagonal[len(levels) :] = False
        for mask, colors in ((diagonal, RIGHT), (~diagonal, WRONG)) if counts.any() else ():
            shown = np.ma.masked_where(~mask | (counts == 0), shares)
            axes.imshow(shown, cmap=colors, vmin=0.0, vmax=1.0, aspect="auto")
        for i, j in np.argwhere(counts):
            axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=_on(shares[i, j]))
        axes.set_xticks(range(len(across)), across, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(down)), down)
        axes.set_xlabel("automatic name")
        axes.set_ylabel("reference")
        axes.set_xticks(np.arange(len(across) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(len(down) - 1) + 0.5, minor=True)
        axes.grid(which="minor", color=GRID, linewidth=0.5)
        axes.tick_params(which="both", length=0)
        return _svg(figure)


def draw_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """Return the probability that the labelling stated against the share of scans in which no name was wrong."""
    lowest = min([0.5, *(one.stated_mean for one in bins)])
    with rc_context(STYLE):
        figure, axes = _figure(3.6, 3.4)
        axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, linestyle="--")
        for one in bins:
            share = one.right
            if share.fraction is not None and share.low is not None and share.high is not None:
                error = [[share.fraction - share.low], [share.high - share.fraction]]
                axes.errorbar(one.stated_mean, share.fraction, error, fmt="o", color=BLUE, markersize=5, linewidth=1.2)
        axes.set(xlim=(lowest - 0.02, 1.02), ylim=(lowest - 0.02, 1.02), aspect="equal")
        axes.set_xlabel("stated probability of the names")
        axes.set_ylabel("scans without a wrong name")
        axes.grid(color=GRID, linewidth=0.5)
        return _svg(figure)


def _by_level(
    results: Sequence[CaseResult], value: Callable[[LevelResult], float | None]
) -> dict[str, NDArray[np.float64]]:
    values: dict[str, list[float]] = {level: [] for level in LEVELS}
    for case in results:
        for row in case.levels:
            if (one := value(row)) is not None:
                values[row.level].append(one)
    return {level: np.array(v) for level, v in values.items() if v}


def _boxes(axes: Axes, by_level: dict[str, NDArray[np.float64]], low: float, high: float) -> None:
    """Draw a box for each level, and its values one by one where they are few; count those outside."""
    for place, values in enumerate(by_level.values()):
        few = len(values) <= MOST_POINTS
        if len(values) >= 5:
            axes.boxplot(
                np.clip(values, low, high),
                positions=[place],
                widths=0.6,
                showfliers=not few,
                patch_artist=True,
                manage_ticks=False,
                boxprops={"facecolor": PALE_BLUE, "edgecolor": BLUE},
                whiskerprops={"color": BLUE},
                capprops={"color": BLUE},
                medianprops={"color": INK, "linewidth": 1.4},
                flierprops={"marker": ".", "markersize": 3, "markeredgecolor": BLUE},
            )
        if few:
            offsets = 0.18 * np.sin(2.4 * np.arange(len(values)))  # spread, and the same each time
            inside = (values >= low) & (values <= high)
            axes.plot(place + offsets[inside], values[inside], ".", color=BLUE, markersize=6, alpha=0.8)
        for outside, edge, marker in ((values > high, high, "^"), (values < low, low, "v")):
            if outside.any():
                axes.plot(place, edge, marker, color=RED, markersize=6, clip_on=False)
                axes.annotate(
                    str(np.count_nonzero(outside)),
                    (place, edge),
                    (5, 0),
                    textcoords="offset points",
                    color=RED,
                    va="center",
                )
    labels = [f"{level}\n{len(values)}" for level, values in by_level.items()]
    axes.set_xticks(range(len(by_level)), labels)
    axes.set_xlim(-0.7, max(len(by_level), 1) - 0.3)
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _on(share: float) -> str:
    return "white" if share > 0.55 else INK


def _canvas(width_in: float, height_in: float) -> Figure:
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def _figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    figure = _canvas(width_in, height_in)
    return figure, figure.add_subplot()


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
