"""The results of a study as one page that needs nothing else: tables, figures, and how to read them."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ldct_bmd import __version__

from .agreement import BOOTSTRAP, FEWEST_RESAMPLED, NO_INTERVALS, Agreement
from .diagnosis import CATEGORIES, OSTEOPOROSIS, TOTAL, Categories, Diagnosis
from .precision import Precision
from .readings import MEAN_LEVEL
from .resampling import RESAMPLES
from .roc import Area
from .study import ALL, Study
from .subgroups import LEVEL_AND_SEX
from .wording import NOTHING, apart, number, p_value, share, share_interval, with_error, with_interval

TEMPLATE = Path(__file__).with_name("validation.html.j2")
SIGNIFICANT = 0.05  # two-tailed, as in the paper
MOST_LISTED = 100
ENOUGH_FOR_SHAPE = 10  # pairs; what fewer look like says little
ENOUGH_FREEDOM = 30  # degrees of freedom that a precision study should have (ISCD)
ENOUGH_RESAMPLED = 40  # patients from which the bootstrap's intervals are as wide as they should be
ENOUGH_OF_A_KIND = 20  # ill and healthy patients that an area's interval is good from
GROUP_NAMES = {
    "sex": "Sex",
    "age": "Age",
    "scanner": "Scanner",
    "kvp": "Tube voltage",
    "names": "Names of the vertebrae",
    LEVEL_AND_SEX: "Level and sex",
}


def make_page(study: Study, source: str, sha256: str, figures: Mapping[str, bytes]) -> str:
    """Return the page as HTML; all text from outside is escaped."""
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    diagnosed = next(row for row in study.categories if row.group == TOTAL)
    shown = [(_level_name(row.level), row) for row in study.agreement]
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        source=source,
        sha256=sha256,
        version=__version__,
        simulated=study.simulated,
        patients=len(study.patients),
        sexes=_sexes(study),
        rows=len(study.readings),
        pairs=sum(row.n for row in study.agreement if row.level == ALL),
        diagnosed=diagnosed.agreeing.of,
        resamples=RESAMPLES,
        remarks=_remarks(study),
        agreement=[_agreement_row(name, row) for name, row in shown],
        more=[_more_row(name, row) for name, row in shown],
        bootstrapped=any(row.intervals == BOOTSTRAP for _, row in shown),
        diagnosis=[_diagnosis_row(row) for row in study.diagnoses],
        categories=[_category_table(row) for row in study.categories],
        category_names=[category.value for category in CATEGORIES],
        single=_category_table(study.single),
        single_count=study.single.agreeing.of,
        subgroups=[
            {
                "name": GROUP_NAMES[one.by],
                "rows": [_subgroup_row(group) for group in one.groups],
                "p": p_value(one.p_bias),
                "tested": one.by != LEVEL_AND_SEX,
                "untested": ", ".join(one.untested),
            }
            for one in study.subgroups
        ],
        precision=[_precision_row(row) for row in study.precision],
        missing=[(m.line or NOTHING, m.patient, m.level, m.repeat or NOTHING, m.missing) for m in study.missing][
            :MOST_LISTED
        ],
        left_off=max(len(study.missing) - MOST_LISTED, 0),
        figures={name: _data_uri(svg) for name, svg in figures.items()},
    )


def _sexes(study: Study) -> str:
    counts = {sex: sum(patient.sex == sex for patient in study.patients) for sex in ("F", "M", None)}
    if counts[None] == len(study.patients):
        return "sex not given"
    parts = [_many(counts["F"], "woman", "women"), _many(counts["M"], "man", "men")]
    return ", ".join(parts + ([f"{counts[None]} of unknown sex"] if counts[None] else []))


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _level_name(level: str) -> str:
    return {ALL: "all vertebrae", MEAN_LEVEL: "mean of L1 and L2"}.get(level, level)


def _agreement_row(name: str, row: Agreement) -> tuple[tuple[str, str], ...]:
    return (
        (name, ""),
        (str(row.n), ""),
        apart(row.bias, 1, signed=True),
        (p_value(row.p_bias), ""),
        (number(row.sd_difference, 1), ""),
        apart(row.loa_low, 1, signed=True),
        apart(row.loa_high, 1, signed=True),
        apart(row.r2, 3),
        apart(row.slope, 3),
        apart(row.intercept, 1, signed=True),
    )


def _more_row(name: str, row: Agreement) -> tuple[tuple[str, str], ...]:
    return (
        (name, ""),
        (with_error(row.slope, 3), ""),
        (p_value(row.p_slope_one), ""),
        (with_error(row.intercept, 1), ""),
        (p_value(row.p_intercept_zero), ""),
        apart(row.deming_slope, 3),
        apart(row.deming_intercept, 1, signed=True),
        apart(row.icc, 3),
        apart(row.ccc, 3),
        apart(row.proportional, 3, signed=True),
        (p_value(row.p_proportional), ""),
        (p_value(row.p_normal), ""),
    )


def _subgroup_row(row: Agreement) -> tuple[str, ...]:
    return (
        row.level,
        str(row.patients),
        str(row.n),
        with_interval(row.r2, 3),
        with_interval(row.slope, 3),
        with_interval(row.bias, 1, signed=True),
        with_interval(row.loa_low, 1, signed=True),
        with_interval(row.loa_high, 1, signed=True),
    )


def _diagnosis_row(row: Diagnosis) -> dict[str, Any]:
    return {
        "group": f"{row.group} (n = {row.n})",
        "first": row.target == OSTEOPOROSIS,
        "target": _target(row),
        "auc": _area(row.auc),
        "decision": _area(row.auc_decision),
        "cells": [(share(one), share_interval(one)) for one in (row.sensitivity, row.specificity, row.ppv, row.npv)],
    }


def _area(area: Area | None) -> tuple[str, str]:
    if area is None:
        return NOTHING, ""
    resampled = apart(area.bootstrap, 3)[1]
    below = [f"bootstrap {resampled}"] if resampled else []
    return with_interval(area.delong, 3), ", ".join([*below, f"p {_told(area.p)}"])


def _category_table(row: Categories) -> dict[str, Any]:
    return {
        "group": row.group,
        "n": row.agreeing.of,
        "counts": row.counts,
        "same": f"{share(row.agreeing)}, 95 % {share_interval(row.agreeing)}",
        "linear": with_interval(row.kappa_linear, 3),
        "quadratic": with_interval(row.kappa_quadratic, 3),
        "p": p_value(row.p),
    }


def _precision_row(row: Precision) -> tuple[str, ...]:
    return (
        "mean of L1 and L2" if row.level == MEAN_LEVEL else row.level,
        str(row.patients),
        str(row.scans),
        number(row.mean, 1),
        with_interval(row.rms_sd, 2),
        with_interval(row.rms_cv, 2),
        number(row.change, 2),
        number(row.change_percent, 2),
    )


def _remarks(study: Study) -> list[str]:
    """Return what a reader must not overlook, one sentence each."""
    out = []
    for row in study.agreement:
        if row.level == ALL or row.n == 0:
            continue
        name = _level_name(row.level)
        if row.p_bias is not None and row.p_bias < SIGNIFICANT and row.bias is not None:
            way = "above" if row.bias.value > 0 else "below"
            size = number(abs(row.bias.value), 1)
            out.append(f"{name}: predictions lie {size} mg/cm³ {way} the reference on average (p {_told(row.p_bias)}).")
        if row.p_proportional is not None and row.p_proportional < SIGNIFICANT:
            out.append(
                f"{name}: the difference changes with BMD (p {_told(row.p_proportional)}): "
                "the limits of agreement are too wide at one end and too narrow at the other."
            )
        if row.n >= ENOUGH_FOR_SHAPE and row.p_normal is not None and row.p_normal < SIGNIFICANT:
            out.append(
                f"{name}: the differences are not normally distributed (p {_told(row.p_normal)}): "
                "look for outliers before trusting the limits of agreement."
            )
    if study.not_pooled:
        who = "1 patient has" if study.not_pooled == 1 else f"{study.not_pooled} patients have"
        out.append(
            f"{who} no complete pair but the row {MEAN_LEVEL}: counted in the mean of L1 and L2 and in the diagnosis, "
            f"left out of {_level_name(ALL)} and of the subgroups, where a mean would stand beside single vertebrae."
        )
    pooled = next(row for row in study.agreement if row.level == ALL)
    if pooled.intervals == NO_INTERVALS:
        out.append(
            f"{_level_name(ALL)}: no intervals and no p-values, as fewer than {FEWEST_RESAMPLED} patients are too few "
            "to resample."
        )
    elif pooled.intervals == BOOTSTRAP and pooled.patients < ENOUGH_RESAMPLED:
        out.append(
            f"{_level_name(ALL)}: only {pooled.patients} patients to resample: the intervals are somewhat too narrow."
        )
    out += [
        f"{GROUP_NAMES[one.by]}: the groups differ in bias (p {_told(one.p_bias)}, one of {len(study.subgroups)} "
        f"comparisons, uncorrected; patients: {', '.join(f'{row.level} {row.patients}' for row in one.groups)})."
        for one in study.subgroups
        if one.p_bias is not None and one.p_bias < SIGNIFICANT
    ]
    out += _few_of_a_kind(study.diagnoses)
    few = [f"{_level_name(row.level)} {row.freedom}" for row in study.precision if row.freedom < ENOUGH_FREEDOM]
    if few:
        out.append(
            f"Precision rests on few degrees of freedom ({', '.join(few)}): {ENOUGH_FREEDOM} are usual "
            "(15 patients scanned three times, or 30 twice)."
        )
    uncertain = sum(patient.names_certain is False for patient in study.patients)
    if uncertain:
        who = "1 patient has" if uncertain == 1 else f"{uncertain} patients have"
        out.append(
            f"{who} uncertain names of vertebrae: the software gives no category until a reader confirms the names, "
            "and a value may be a neighbour's. They are counted here as they are; the subgroups show them apart."
        )
    count = sum(1 for m in study.missing if m.missing == "bmd_predicted")
    if count:
        out.append(
            f"{_many(count, 'row has', 'rows have')} no prediction: results hold only for what could be measured."
        )
    if study.unused_columns:
        out.append(f"Columns that were not used: {', '.join(study.unused_columns)}.")
    out += [f"Patient {patient.name}: {patient.note}." for patient in study.patients if patient.note]
    return out


def _few_of_a_kind(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Return one sentence on the areas that rest on few ill or healthy patients."""
    few = []
    for row in diagnoses:
        ill, healthy = row.sensitivity.of, row.specificity.of
        if row.auc is not None and min(ill, healthy) < ENOUGH_OF_A_KIND:
            kind = "ill" if ill <= healthy else "healthy"
            few.append(f"{row.group}, {_target(row)}: {min(ill, healthy)} {kind}")
    if not few:
        return []
    return [f"Few ill or healthy patients, so that the intervals of AUCs are rough ({'; '.join(few)})."]


def _target(row: Diagnosis) -> str:
    return "osteoporosis" if row.target == OSTEOPOROSIS else "low BMD"


def _told(p: float) -> str:
    return p_value(p) if p < 0.001 else f"= {p_value(p)}"


def _data_uri(svg: bytes) -> str:
    # As an image, so that the ids in one figure don't meet those in another.
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
