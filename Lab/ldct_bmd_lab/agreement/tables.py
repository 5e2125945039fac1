"""The results as CSV files."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..ground.csv_rows import write_rows
from .agreement import Agreement
from .diagnosis import CATEGORIES, Categories, Diagnosis
from .estimate import Estimate
from .precision import Precision
from .study import Study


def write_agreement(study: Study, path: Path) -> None:
    """Write one row a level and one for all."""
    write_rows(path, [_flat(row) for row in study.agreement])


def write_diagnosis(study: Study, path: Path) -> None:
    """Write one row a group and target."""
    write_rows(path, [_diagnosis(row) for row in study.diagnoses])


def write_categories(study: Study, path: Path) -> None:
    """Write the three-class tables, one row a group, the patients with one level last."""
    write_rows(path, [_categories(row) for row in (*study.categories, study.single)])


def write_subgroups(study: Study, path: Path) -> None:
    """Write the agreement over all vertebrae of each subgroup."""
    header = ["by", "group", "p_bias_between_groups", *_without_level(study.agreement[-1])]
    rows = [
        {"by": one.by, "group": group.level, "p_bias_between_groups": one.p_bias} | _without_level(group)
        for one in study.subgroups
        for group in one.groups
    ]
    write_rows(path, rows, header)


def write_precision(study: Study, path: Path) -> None:
    """Write one row a level with repeated scans."""
    write_rows(path, [_flat(row) for row in study.precision], header=[field.name for field in fields(Precision)])


def write_missing(study: Study, path: Path) -> None:
    """Write one row a value that is missing."""
    rows = [
        {"line": m.line, "patient": m.patient, "level": m.level, "repeat": m.repeat, "missing": m.missing}
        for m in study.missing
    ]
    write_rows(path, rows, header=["line", "patient", "level", "repeat", "missing"])


def write_record(path: Path, schema: str, about: dict[str, Any]) -> None:
    """Write what the results were made from, as JSON."""
    path.write_text(json.dumps({"schema": schema} | about, indent=2) + "\n", encoding="utf-8")


def _without_level(agreement: Agreement) -> dict[str, Any]:
    return {name: value for name, value in _flat(agreement).items() if name != "level"}


def _diagnosis(row: Diagnosis) -> dict[str, Any]:
    out: dict[str, Any] = {"group": row.group, "target": row.target, "n": row.n}
    out |= {name: getattr(row, name) for name in ("tp", "fn", "tn", "fp")}
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        out |= _estimate(name, getattr(row, name).estimate, se=False)
    for name in ("auc_decision", "auc"):
        found = getattr(row, name)
        out |= _estimate(name, None if found is None else found.delong)
        bootstrap = None if found is None else found.bootstrap
        out[f"{name}_bootstrap_low"] = None if bootstrap is None else bootstrap.low
        out[f"{name}_bootstrap_high"] = None if bootstrap is None else bootstrap.high
        out[f"{name}_p"] = None if found is None else found.p
    return out


def _categories(row: Categories) -> dict[str, Any]:
    out: dict[str, Any] = {"group": row.group, "n": row.agreeing.of}
    for reference, counts in zip(CATEGORIES, row.counts, strict=True):
        for predicted, count in zip(CATEGORIES, counts, strict=True):
            out[f"{reference.value}_called_{predicted.value}"] = count
    out |= _estimate("same_category", row.agreeing.estimate, se=False)
    out |= _estimate("kappa_linear", row.kappa_linear, se=False)
    out["kappa_linear_p"] = row.p
    return out | _estimate("kappa_quadratic", row.kappa_quadratic, se=False)


def _flat(row: Agreement | Precision) -> dict[str, Any]:
    """Return the fields as columns; an estimate takes four."""
    out: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if isinstance(value, Estimate) or "Estimate" in str(field.type):
            out |= _estimate(field.name, value)
        else:
            out[field.name] = value
    return out


def _estimate(name: str, estimate: Estimate | None, se: bool = True) -> dict[str, Any]:
    value = None if estimate is None else estimate.value
    out = {name: value}
    for part in ("low", "high", *(["se"] if se else [])):
        out[f"{name}_{part}"] = None if estimate is None else getattr(estimate, part)
    return out
