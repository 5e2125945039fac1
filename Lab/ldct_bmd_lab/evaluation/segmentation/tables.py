"""The results as CSV files."""

from collections.abc import Iterable, Sequence
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any

from ...ground.csv_rows import write_rows
from .case import CaseResult, LevelResult, SurplusBody
from .summary import LevelSummary, Share, Spread

DERIVED = ("named_right", "voi_difference_hu", "voi_bias_hu")  # of a level's result


def write_levels(results: Iterable[CaseResult], path: Path) -> None:
    """Write one row per case and reference body."""
    header = ("case", *(field.name for field in fields(LevelResult)), *DERIVED)
    write_rows(path, [_level(case, row) for case in results for row in case.levels], header)


def write_cases(results: Iterable[CaseResult], path: Path) -> None:
    """Write one row per case."""
    write_rows(path, [_case(result) for result in results])


def write_summary(levels: Iterable[LevelSummary], path: Path) -> None:
    """Write one row per group, kind of body and level."""
    header = [column for field in fields(LevelSummary) for column in _columns(field)]
    write_rows(path, [_flat(level) for level in levels], header)


def wrong_names(case: CaseResult) -> str:
    """Return which bodies were found under which wrong name."""
    return ", ".join(f"{true} as {called}" for true, called in case.wrong_names)


def not_found(case: CaseResult) -> str:
    """Return which complete bodies were not found."""
    return ", ".join(row.level for row in case.levels if row.complete and not row.found)


def listed(bodies: Sequence[SurplusBody]) -> str:
    """Return the automatic names and volumes of bodies."""
    return ", ".join(f"{body.name} ({body.volume_ml:.1f} ml)" for body in bodies)


def _level(case: CaseResult, row: LevelResult) -> dict[str, Any]:
    return {"case": case.name} | asdict(row) | {name: getattr(row, name) for name in DERIVED}


def _case(case: CaseResult) -> dict[str, Any]:
    x, y, z = case.spacing_mm
    return {
        "case": case.name,
        "group": case.group,
        "spacing_x_mm": x,
        "spacing_y_mm": y,
        "spacing_z_mm": z,
        "reference_bodies": len(case.levels),
        "complete": sum(row.complete for row in case.levels),
        "found": sum(row.found for row in case.levels),
        "complete_not_found": not_found(case),
        "names_right": case.names_right,
        "wrong_names": wrong_names(case),
        "names_certain": case.names_certain,
        "wrong_though_certain": case.wrong_though_certain,
        "name_probability": case.name_probability,
        "false_bodies": listed(case.false_bodies),
        "split_or_merged": listed([body for body in case.surplus if body.overlaps is not None]),
        "mean_dice": sum(row.dice_by_name for row in case.levels) / len(case.levels) if case.levels else None,
        "failure": case.failure,
        "names_remark": case.names_remark,
    }


def _flat(level: LevelSummary) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields(level):
        value = getattr(level, field.name)
        parts = _parts(field)
        row |= zip(_columns(field), [getattr(value, part, None) for part in parts] or [value], strict=True)
    return row


def _columns(field: Field[Any]) -> list[str]:
    """Return the columns that a field of the sums fills."""
    return [f"{field.name}_{part}" for part in _parts(field)] or [field.name]


def _parts(field: Field[Any]) -> list[str]:
    """Return the parts that a field's value has; none if it is a plain value."""
    kind = Share if field.type == Share else Spread if field.type == (Spread | None) else None
    return [] if kind is None else [part.name for part in fields(kind)]
