"""The results as CSV files: a row per scan, a row per level."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...ground.csv_rows import write_rows
from .result import LevelRow, ScanResult
from .summary import height_errors_mm

PLACES = ("anterior", "middle", "posterior")


def write_scans(results: Iterable[ScanResult], path: Path) -> None:
    """Write one row per scan."""
    write_rows(path, [_scan(result) for result in results])


def write_level_rows(results: Iterable[ScanResult], path: Path) -> None:
    """Write one row per known level, and per found body at no known level."""
    write_rows(path, [_level(result, row) for result in results for row in result.levels], ("scan", "level"))


def wrong_names(result: ScanResult) -> str:
    """Return which bodies were found under which wrong name."""
    return ", ".join(misnamed(row) for row in result.levels if row.wrong_name)


def misnamed(row: LevelRow) -> str:
    """Return a wrong name in words."""
    return f"{row.found_as} at no level" if row.level is None else f"{row.level} as {row.found_as}"


def suspected(result: ScanResult) -> str:
    """Return the levels at which a fracture is suspected, by the names that they were given."""
    return ", ".join(row.found_as or "" for row in result.suspected)


def _scan(result: ScanResult) -> dict[str, Any]:
    outlines = [row.outline for row in result.levels if row.outline is not None]
    differences = [d for outline in outlines if (d := outline.voi_difference_hu) is not None]
    x, y, z = result.spacing_mm
    return {
        "scan": result.name,
        "patient": result.patient,
        "fold": result.fold,
        "weights_sha256": result.weights_sha256,
        "spacing_x_mm": x,
        "spacing_y_mm": y,
        "spacing_z_mm": z,
        "refused": result.refused,
        "found": len(result.found),
        "known_levels": sum(row.level is not None for row in result.levels),
        "judged": any(row.judged for row in result.levels),
        "targets_right": result.targets_right,
        "chest_right": result.chest_right,
        "all_right": result.all_right,
        "targets_certain": result.targets_certain,
        "lowest_probability": result.lowest_probability,
        "wrong_though_certain": len(result.wrong_though_certain),
        "wrong_names": wrong_names(result),
        "missed": ", ".join(result.missed),
        "names_remark": result.names_remark,
        "category": result.category,
        "bodies_with_heights": sum(row.heights_mm[0] is not None for row in result.levels),
        "suspected_count": len(result.suspected),
        "suspected": suspected(result),
        "reference_bodies": len(outlines),
        "mean_dice_by_name": sum(o.dice_by_name for o in outlines) / len(outlines) if outlines else None,
        "worst_voi_difference_hu": max(differences, key=abs, default=None),
        "reference_problem": result.reference_problem,
    }


def _level(result: ScanResult, row: LevelRow) -> dict[str, Any]:
    outline, errors = row.outline, height_errors_mm(row)
    measured = dict(zip((f"{place}_mm" for place in PLACES), row.heights_mm, strict=True))
    reference = dict(zip((f"reference_{place}_mm" for place in PLACES), row.reference_heights_mm, strict=True))
    return {
        "scan": result.name,
        "fold": result.fold,
        "weights_sha256": result.weights_sha256,
        "level": row.level,
        "found_as": row.found_as,
        "judged": row.judged,
        "right": row.right,
        "probability": row.probability,
        "certain": row.certain,
        "complete": row.complete,
        "known_z_mm": row.known_z_mm,
        "offset_mm": row.offset_mm,
        "verdict": row.verdict,
        "outlined_as": None if outline is None else outline.found_as,
        "dice_by_name": None if outline is None else outline.dice_by_name,
        "dice_of_found": None if outline is None else outline.dice_of_found,
        "surface_distance_mm": None if outline is None else outline.surface_distance_mm,
        "hausdorff95_mm": None if outline is None else outline.hausdorff95_mm,
        "voi_hu": None if outline is None else outline.voi_hu,
        "reference_voi_hu": None if outline is None else outline.reference_voi_hu,
        "voi_difference_hu": None if outline is None else outline.voi_difference_hu,
        "voi_distance_mm": None if outline is None else outline.voi_distance_mm,
        **measured,
        **reference,
        **dict(zip((f"{place}_error_mm" for place in PLACES), errors, strict=True)),
        "reference_loss": row.reference_loss,
        "suspected": row.suspected,
    }
