"""The summary of a programme as one HTML file."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..ground.clock import now
from ..ground.errors import UsageError
from ..reference import ReferenceCurve, unfit
from ..reporting.chinese import drawable, drawn_words
from ..rules import ACR
from ..words import catalogue, current_language, text
from .summary import AGE_GROUPS, HIDDEN_UNDER, GroupRow, Monthly, Point, Summary

TEMPLATE = "summary.html.j2"
_COLORS = {"F": "#b03060", "M": "#3060a0"}
_OTHER = "#707070"
_DPI = 110


def summary_html(summary: Summary, deidentified: bool, reference: ReferenceCurve | None = None) -> str:
    """Return the page; nothing is loaded from elsewhere, and no script runs.

    Args:
        reference: a population whose curves are drawn through the BMD by age; of what may be compared with it only,
            as in a report.

    Raises:
        UsageError: BMD of the programme is in other equivalents than the population's.
    """
    if reference is not None and set(summary.materials) - {reference.material}:
        raise UsageError("reference.other_material", material=reference.material, materials=summary.materials)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = []
    named = [row.name for row in summary.scanners] + ([] if reference is None else [reference.title])
    with drawn_words(" ".join(named)):
        if any(point.age_years is not None for point in summary.points):
            points = _comparable(summary.points, reference)
            title = text("summary.by_age")
            if len(points) < len(summary.points):
                title = text("summary.by_age_compared", title=title, shown=len(points), of=len(summary.points))
            pictures.append((title, _data_url(_by_age(points, reference))))
        for title, label, followed in (
            ("summary.by_month", "summary.mean_bmd", {row.name: row.bmd for row in summary.scanners}),
            ("summary.tissue_by_month", "summary.soft_tissue", {row.name: row.soft_tissue for row in summary.scanners}),
        ):
            if any(one.months for one in followed.values()):
                pictures.append((text(title), _data_url(_by_month(followed, text(label)))))
    return environment.get_template(TEMPLATE).render(
        summary=summary,
        pictures=pictures,
        deidentified=deidentified,
        made_at=now(),
        say=catalogue(current_language()),
        ages=_ages,
        count=_hidden if deidentified else str,
        states=[(state.value, count) for state, count in summary.states.items()],
        total=sum(summary.states.values()),
    )


def _comparable(points: tuple[Point, ...], reference: ReferenceCurve | None) -> tuple[Point, ...]:
    """Return the points whose mean may be compared with a population; all, without one."""
    if reference is None:
        return points
    return tuple(p for p in points if unfit(reference, p.mean_bmd_mg_cm3, p.levels, p.material, p.has_category) is None)


def _hidden(count: int) -> str:
    return text("summary.under", least=HIDDEN_UNDER) if 0 < count < HIDDEN_UNDER else str(count)


def _ages(row: GroupRow) -> str:
    if row.ages is None:
        return "-"
    low, end = row.ages
    if row.ages == AGE_GROUPS[0]:
        return text("summary.ages.under", high=end)
    if row.ages == AGE_GROUPS[-1]:
        return text("summary.ages.from", low=low)
    return text("summary.ages", low=low, high=end - 1)


def _by_age(points: tuple[Point, ...], reference: ReferenceCurve | None) -> Figure:
    figure = Figure(figsize=(8.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for sex in sorted({point.sex or "" for point in points}):
        shown = [p for p in points if (p.sex or "") == sex and p.age_years is not None]
        ages, means = [p.age_years for p in shown], [p.mean_bmd_mg_cm3 for p in shown]
        label = text(f"summary.sex.{sex}") if sex in _COLORS else text("summary.sex.other")
        axes.plot(ages, means, ".", color=_COLORS.get(sex, _OTHER), label=label, alpha=0.6)  # type: ignore[arg-type]
    if reference is not None:
        for sex in _COLORS:
            _draw_reference(axes, reference, sex)
    for limit in ACR.limits_mg_cm3:
        axes.axhline(limit, color="#888", linewidth=0.8, linestyle="--")
    axes.set_xlabel(text("summary.age"))
    axes.set_ylabel(text("summary.mean_bmd"))
    axes.legend()
    return figure


def _draw_reference(axes: Axes, reference: ReferenceCurve, sex: str) -> None:
    years, means, sds = reference.drawn(sex)
    if years:
        label = text("reference.curve_of", title=drawable(reference.title), sex=text(f"summary.sex.{sex}"))
        axes.plot(years, means, color=_COLORS[sex], linewidth=1.3, label=label)
        low, high = ([m + sign * sd for m, sd in zip(means, sds, strict=True)] for sign in (-1.0, 1.0))
        axes.fill_between(years, low, high, color=_COLORS[sex], alpha=0.1, linewidth=0)


def _by_month(scanners: Mapping[str, Monthly], label: str) -> Figure:
    months = sorted({month for one in scanners.values() for month in one.months})
    figure = Figure(figsize=(8.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, one in scanners.items():
        places = [months.index(month) for month in one.months]
        axes.plot(places, one.means, "o-", label=drawable(name), markersize=4)
        marked = [k for k, found in enumerate(one.chart.alarms) if found]
        axes.plot([places[k] for k in marked], [one.means[k] for k in marked], "o", color="#d02020", zorder=3)
    axes.set_xticks(range(len(months)), months, rotation=60, fontsize=8)
    axes.set_ylabel(label)
    axes.legend(fontsize=8)
    return figure


def _data_url(figure: Figure) -> str:
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
