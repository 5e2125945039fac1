"""The figures of a study, after figures 5 and 6 of the paper: regression and Bland-Altman by level, and ROC curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

from ldct_bmd.rules import ACR

from ..ground.plot_style import AMBER, BLUE, GRID, INK, MUTED, RED, STYLE
from .agreement import Agreement, Pairs, agree
from .diagnosis import LOW_BMD, MEN, OSTEOPOROSIS, TARGETS, TOTAL, WOMEN, Diagnosis
from .estimate import CONFIDENCE
from .moments import Floats
from .readings import MEAN_LEVEL
from .study import ALL, Study
from .wording import with_interval

GROUP_COLORS = {WOMEN: RED, MEN: BLUE, TOTAL: INK}
TARGET_NAMES = {OSTEOPOROSIS: "osteoporosis (< 80 mg/cm³)", LOW_BMD: "low BMD (≤ 120 mg/cm³)"}
ACROSS = 3  # panels in a row
MOST_VECTOR_POINTS = 2000  # of a panel; above, points become a picture inside the SVG
DPI = 200
UNIT = "mg/cm³"
TITLE: dict[str, Any] = {"fontweight": "bold", "pad": 8}
CORNER = 0.1  # of either axis, drawn again where all curves run there


@dataclass(frozen=True)
class Panel:
    """One level of a figure."""

    title: str
    pairs: Pairs
    agreement: Agreement


def write_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Write every figure as SVG and PNG, and return the SVG files by name."""
    mean = Panel("mean of L1 and L2", study.means[TOTAL], study.mean_agreement or agree(MEAN_LEVEL, study.means[TOTAL]))
    levels = [a for a in study.agreement if a.level not in (ALL, MEAN_LEVEL)]
    panels = [Panel(a.level, study.pairs[a.level], a) for a in levels] or [mean]
    out = {}
    with rc_context(STYLE):
        for name, figure in (
            ("regression", _by_level(panels, _regression)),
            ("bland_altman", _by_level(panels, _bland_altman)),
            ("mean_l1_l2", _mean(mean)),
            ("roc", _roc(study.means, study.diagnoses)),
        ):
            out[name] = folder / f"{name}.svg"
            # Laid out once for both files.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            # No date, so that the same study gives the same file.
            figure.savefig(out[name], format="svg", dpi=DPI, metadata={"Date": None})
            figure.savefig(folder / f"{name}.png", format="png", dpi=DPI)
    return out


def _canvas(across: int, down: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(down, across, squeeze=False).ravel())


def _by_level(panels: Sequence[Panel], draw: Callable[[Axes, Panel], None]) -> Figure:
    across = min(len(panels), ACROSS)
    down = -(-len(panels) // across)
    figure, places = _canvas(across, down, 3.6, 3.5)
    for axes, panel in zip(places, panels, strict=False):
        draw(axes, panel)
        axes.set_title(panel.title, **TITLE)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    _same_limits(places[: len(panels)])
    return figure


def _mean(panel: Panel) -> Figure:
    figure, (left, right) = _canvas(2, 1, 4.2, 3.7)
    _regression(left, panel)
    _bland_altman(right, panel)
    for axes in (left, right):
        axes.set_title(panel.title, **TITLE)
    return figure


def _same_limits(places: Sequence[Axes]) -> None:
    """Give all panels the same scales, so that levels can be compared by eye."""
    for get, put in ((Axes.get_xlim, Axes.set_xlim), (Axes.get_ylim, Axes.set_ylim)):
        low, high = zip(*(get(axes) for axes in places), strict=True)
        for axes in places:
            put(axes, min(low), max(high))


def _scatter(axes: Axes, x: Floats, y: Floats) -> None:
    axes.plot(
        x, y, "o", markersize=3.2, markerfacecolor=BLUE, markeredgewidth=0, alpha=0.45 if len(x) > 60 else 0.75,
        rasterized=len(x) > MOST_VECTOR_POINTS, zorder=2,
    )  # fmt: skip


def _regression(axes: Axes, panel: Panel) -> None:
    x, y, found = panel.pairs.reference, panel.pairs.predicted, panel.agreement
    axes.set_xlabel(f"BMD by the reference ({UNIT})")
    axes.set_ylabel(f"BMD predicted ({UNIT})")
    axes.set_aspect("equal")
    if not len(x):
        _say_nothing(axes)
        return
    both = np.concatenate([x, y])
    margin = max(0.06 * float(np.ptp(both)), 1.0)
    low, high = float(both.min()) - margin, float(both.max()) + margin
    for threshold in ACR.limits_mg_cm3:
        if low < threshold < high:
            axes.axvline(threshold, color=GRID, linewidth=0.8, zorder=0)
            axes.axhline(threshold, color=GRID, linewidth=0.8, zorder=0)
    axes.axline((low, low), slope=1.0, color=MUTED, linewidth=0.8, linestyle="--", zorder=1)
    _scatter(axes, x, y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10)))
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    if found.slope is None or found.intercept is None or found.r2 is None:
        return
    grid = np.linspace(float(x.min()), float(x.max()), 60)
    line = OLS(y, add_constant(x)).fit().get_prediction(add_constant(grid)).summary_frame(alpha=1 - CONFIDENCE)
    axes.fill_between(grid, line["obs_ci_lower"], line["obs_ci_upper"], color=AMBER, alpha=0.13, linewidth=0, zorder=0)
    axes.fill_between(grid, line["mean_ci_lower"], line["mean_ci_upper"], color=RED, alpha=0.25, linewidth=0, zorder=1)
    axes.plot(grid, line["mean"], color=RED, linewidth=1.4, zorder=3)
    intercept = round(found.intercept.value, 1)
    equation = f"y = {found.slope.value:.3f} x {'−' if intercept < 0 else '+'} {abs(intercept):.1f}"
    text = f"{equation}\nR² = {found.r2.value:.3f}\nn = {found.n}"
    axes.text(0.04, 0.97, text, transform=axes.transAxes, va="top", fontsize=8.5)


def _bland_altman(axes: Axes, panel: Panel) -> None:
    x, y, found = panel.pairs.reference, panel.pairs.predicted, panel.agreement
    axes.set_xlabel(f"mean of both ({UNIT})")
    axes.set_ylabel(f"predicted − reference ({UNIT})")
    if not len(x):
        _say_nothing(axes)
        return
    axes.axhline(0.0, color=GRID, linewidth=0.8, zorder=0)
    mean, difference = (x + y) / 2, y - x
    _scatter(axes, mean, difference)
    margin = max(0.06 * float(np.ptp(mean)), 1.0)
    # Room on the right for the numbers.
    axes.set_xlim(float(mean.min()) - margin, float(mean.max()) + 4.0 * margin)
    shown = [(found.bias, "-", RED), (found.loa_low, ":", INK), (found.loa_high, ":", INK)]
    reach = [float(np.abs(difference).max())]
    for estimate, style, color in shown:
        if estimate is None:
            continue
        axes.axhline(estimate.value, color=color, linewidth=1.3, linestyle=style, zorder=3)
        if estimate.low is not None and estimate.high is not None:
            axes.axhspan(estimate.low, estimate.high, color=color, alpha=0.10, linewidth=0, zorder=1)
            reach += [abs(estimate.low), abs(estimate.high)]
        label = f"{estimate.value:+.1f}".replace("-", "−")
        axes.annotate(label, (1.0, estimate.value), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                      textcoords="offset points", ha="right", va="bottom", fontsize=8, color=color)  # fmt: skip
    limit = 1.15 * max(*reach, 1.0)
    axes.set_ylim(-limit, limit)
    axes.text(0.04, 0.97, f"n = {found.n}", transform=axes.transAxes, va="top", fontsize=8.5)


def _roc(means: Mapping[str, Pairs], diagnoses: Sequence[Diagnosis]) -> Figure:
    figure, places = _canvas(len(TARGETS), 1, 4.2, 3.9)
    for axes, target in zip(places, TARGETS, strict=True):
        axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, linestyle="--")
        shown = [one for one in diagnoses if one.target == target and one.auc is not None]
        for one in shown:
            _curve(axes, one, means[one.group])
        axes.set_title(TARGET_NAMES[target], **TITLE)
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("sensitivity")
        axes.set_aspect("equal")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        if not shown:
            _say_nothing(axes)
            continue
        legend = axes.legend(loc="lower right", title="AUC (95 % CI)", alignment="left", framealpha=1.0)
        legend.get_frame().set_linewidth(0.0)
        if all(_in_corner(one) for one in shown):
            corner = axes.inset_axes((0.44, 0.42, 0.5, 0.5))
            for one in shown:
                _curve(corner, one, means[one.group], clip_dot=True)
            # A little room, so that the curves don't hide behind the frame.
            corner.set(xlim=(-0.02 * CORNER, CORNER), ylim=(1 - CORNER, 1 + 0.02 * CORNER))
            corner.tick_params(labelsize=7)
            corner.set(xticks=(0, CORNER / 2, CORNER), yticks=(1 - CORNER, 1 - CORNER / 2, 1))
            axes.indicate_inset((0.0, 1 - CORNER, CORNER, CORNER), edgecolor=MUTED)
    return figure


def _in_corner(one: Diagnosis) -> bool:
    return one.auc is not None and one.auc.delong.value > 1 - CORNER**2 * 2


def _curve(axes: Axes, one: Diagnosis, pairs: Pairs, clip_dot: bool = False) -> None:
    ill = [TARGETS[one.target](ACR.categorize(float(value))) for value in pairs.reference]
    false, true, _ = roc_curve(ill, -pairs.predicted, drop_intermediate=False)
    color, width = GROUP_COLORS[one.group], 1.8 if one.group == TOTAL else 1.2
    label = f"{one.group}: {with_interval(None if one.auc is None else one.auc.delong, 3)}"
    axes.plot(false, true, color=color, linewidth=width, label=label)
    axes.plot(one.fp / (one.fp + one.tn), one.tp / (one.tp + one.fn), "o", color=color, markersize=5,
              markeredgecolor="white", zorder=4, clip_on=clip_dot)  # fmt: skip


def _say_nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "too few patients", transform=axes.transAxes, ha="center", color=MUTED)
