"""Results on real scans, made up."""

from collections.abc import Mapping
from pathlib import Path

from ldct_bmd_lab.evaluation.scans import LevelRow, ScanResult


def row(level: str | None, found_as: str | None = "", probability: float = 0.9, **fields: object) -> LevelRow:
    """A known level, found under its name unless ``found_as`` says otherwise."""
    seen = level if found_as == "" else found_as
    given: dict[str, object] = {"judged": True, "certain": False}
    if seen is not None:
        given["probability"] = probability
    return LevelRow(level, seen, **(given | fields))  # type: ignore[arg-type]


def scan_result(name: str, *levels: LevelRow, **fields: object) -> ScanResult:
    given: dict[str, object] = {
        "patient": name,
        "spacing_mm": (0.7, 0.7, 1.0),
        "refused": "",
        "names_remark": "counted",
        "category": None,
        "reference_problem": "",
        "weights_sha256": "ab" * 32,
        "levels": levels,
    }
    return ScanResult(name, **(given | fields))  # type: ignore[arg-type]


def write_levels(folder: Path, z_mm: Mapping[str, float]) -> None:
    rows = "".join(f"{level},{z}\n" for level, z in z_mm.items())
    (folder / "levels_z.csv").write_text(f"level,z_mm\n{rows}", encoding="utf-8")
