"""Where the patient stands among people of the same age and sex: in words, and on the population's curve."""

import io
import struct
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...examination import Examination
from ...reference import ReferenceCurve, Standing, Unfit, unfit
from ...words import Catalogue, text
from ..chinese import drawable, drawn_words
from ..priors import Comparison
from .report import Picture, ReferenceView
from .standing import standing_line, stands
from .words import visible

_SIZE_IN, _DPI = (6.2, 3.0), 130
_CURVE, _POINT = "#33516e", "#a63a32"


def reference_view(
    examination: Examination, curve: ReferenceCurve, comparisons: Sequence[Comparison], say: Catalogue
) -> ReferenceView:
    """Return what the report says of the patient and a population."""
    found = stands(examination, curve)
    about = (
        say("reference.population", title=visible(curve.title), population=visible(curve.population)),
        say("reference.calibration", calibration=visible(curve.calibration), material=curve.material),
        say("reference.source", source=visible(" · ".join(filter(None, (curve.source, curve.address))), 1000)),
    )
    line = standing_line(found, curve, say)
    if isinstance(found, Unfit):
        return ReferenceView(line, about, None)
    limits = ("reference.limited",) if examination.assessment.limited else ()
    notes = (*about, *map(say, ("reference.normal", *limits, "reference.no_t_score")))
    return ReferenceView(line, notes, _picture(examination, found, curve, comparisons, say))


def _picture(
    examination: Examination,
    found: Standing,
    curve: ReferenceCurve,
    comparisons: Sequence[Comparison],
    say: Catalogue,
) -> Picture:
    patient = examination.scan.patient
    years, means, sds = map(np.asarray, curve.drawn(patient.sex))
    with drawn_words(curve.title):
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        axes = figure.add_subplot()
        for times, opacity in ((2.0, 0.13), (1.0, 0.22)):
            axes.fill_between(years, means - times * sds, means + times * sds, color=_CURVE, alpha=opacity, lw=0)
        axes.plot(years, means, color=_CURVE, lw=1.4, label=drawable(text("reference.curve", title=curve.title)))
        before = _before(examination, curve, comparisons)
        if before:
            axes.plot(*zip(*before, strict=True), "o", mfc="white", color=_POINT, label=text("reference.before"))
        if patient.age_years is not None:
            here = ([patient.age_years], [found.bmd_mg_cm3])
            axes.plot(*here, "o", color=_POINT, ms=7, label=text("reference.now"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.set_xlabel(text("reference.age"))
        axes.set_ylabel(text("reference.axis"))
        axes.legend(fontsize=8, loc="upper right")
        stream = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(stream, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    png = stream.getvalue()
    width, height = struct.unpack(">II", png[16:24])
    return Picture("reference", "reference", say("reference.caption"), png, width, height)


def _before(
    examination: Examination, curve: ReferenceCurve, comparisons: Sequence[Comparison]
) -> list[tuple[float, float]]:
    """Return age and mean BMD of earlier examinations, as their own records have it; of those that may be compared."""
    age, material = examination.scan.patient.age_years, examination.calibration.material
    return [
        (age - comparison.years, change.then_mg_cm3)
        for comparison in comparisons
        for change in comparison.changes
        if change.is_mean and comparison.years is not None and age is not None
        # Equivalents that differ have no changes.
        if unfit(curve, change.then_mg_cm3, change.levels, material, comparison.then_has_category) is None
    ]
