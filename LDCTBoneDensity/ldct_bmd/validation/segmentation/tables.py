"""The results as CSV files."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..csv_rows import write_rows
from .case import CaseResult, LevelResult, SurplusBody
from .summary import LevelSummary, Share, Spread


def write_levels(results: Iterable[CaseResult], path: Path) -> None:
    """Write one row per case and reference body."""
    write_rows(path, [_level(case, row) for case in results for row in case.levels])


def write_cases(results: Iterable[CaseResult], path: Path) -> None:
    """Write one row per case."""
    write_rows(path, [_case(result) for result in results])


def write_summary(levels: Iterable[LevelSummary], path: Path) -> None:
    """Write one row per group, kind of body and level."""
    write_rows(path, [_flat(level) for level in levels])


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
    derived = {
        "named_right": row.named_right,
        "voi_difference_hu": row.voi_difference_hu,
        "voi_bias_hu": row.voi_bias_hu,
    }
    return {"case": case.name} | asdict(row) | derived


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
        if isinstance(value, str):
            row[field.name] = value
            continue
        kind = Share if field.type is Share else Spread
        parts = {part.name: getattr(value, part.name, None) for part in fields(kind)}
        row |= {f"{field.name}_{name}": part for name, part in parts.items()}
    return row
