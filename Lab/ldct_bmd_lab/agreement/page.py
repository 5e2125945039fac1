"""The results of a study as one page that needs nothing else: tables, figures, and how to read them."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ldct_bmd import __version__

from .agreement import BOOTSTRAP, Agreement
from .diagnosis import CATEGORIES, OSTEOPOROSIS, TOTAL, Categories, Diagnosis
from .precision import Precision
from .readings import MEAN_LEVEL
from .remarks import GROUP_NAMES, level_name, many, remarks, target_name, told
from .resampling import RESAMPLES
from .roc import Area
from .study import ALL, Study
from .subgroups import LEVEL_AND_SEX
from .wording import NOTHING, apart, number, p_value, share, share_interval, with_error, with_interval

TEMPLATE = Path(__file__).with_name("validation.html.j2")
MOST_LISTED = 100


def make_page(study: Study, source: str, sha256: str, figures: Mapping[str, bytes]) -> str:
    """Return the page as HTML; all text from outside is escaped."""
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    diagnosed = next(row for row in study.categories if row.group == TOTAL)
    shown = [(level_name(row.level), row) for row in study.agreement]
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
        remarks=remarks(study),
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
    parts = [many(counts["F"], "woman", "women"), many(counts["M"], "man", "men")]
    return ", ".join(parts + ([f"{counts[None]} of unknown sex"] if counts[None] else []))


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
        "target": target_name(row),
        "auc": _area(row.auc),
        "decision": _area(row.auc_decision),
        "cells": [(share(one), share_interval(one)) for one in (row.sensitivity, row.specificity, row.ppv, row.npv)],
    }


def _area(area: Area | None) -> tuple[str, str]:
    if area is None:
        return NOTHING, ""
    resampled = apart(area.bootstrap, 3)[1]
    below = [f"bootstrap {resampled}"] if resampled else []
    return with_interval(area.delong, 3), ", ".join([*below, f"p {told(area.p)}"])


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


def _data_uri(svg: bytes) -> str:
    # As an image, so that the ids in one figure don't meet those in another.
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
