"""Calibrations as JSON: files that a user keeps or another site sends."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..ground.errors import UsageError
from ..ground.plain import PlainError, from_plain, read_json, to_plain
from ..words import Phrase
from .linear import Calibration
from .nominal import spelled

FILE_SCHEMA = "ldct-bmd-calibration/1"
EXPORT_SCHEMA = "ldct-bmd-calibrations/1"
_WHAT = Phrase("file.calibration")


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file: a JSON object.

    Keys: ``name`` (text), ``slope`` (mg/cm3 per HU), ``intercept_mg_cm3``, ``material`` ("K2HPO4" or "hydroxyapatite")
    and ``kvp`` (number, or null where it is not known) must be there; ``source`` (text: phantom, date, citation),
    ``nominal`` (true or false), ``provenance`` and ``fit`` (objects, see :mod:`.provenance`) and ``schema``
    ("ldct-bmd-calibration/1") may be.

    Args:
        path: the file.

    Raises:
        UsageError: the file can't be read, or is not such a file.
    """
    values = read_json(path, _WHAT)
    if not isinstance(values, dict):
        raise UsageError("calibration_file.not_an_object")
    return calibration_from_dict(values, f"Calibration file {Path(path).name}.")


def load_calibrations(path: Path) -> list[Calibration]:
    """Read an exported file of several calibrations, or a file of one; UsageError if it is neither."""
    values = read_json(path, _WHAT)
    if not isinstance(values, dict) or values.get("schema") != EXPORT_SCHEMA:
        return [load_calibration(path)]
    listed = values.get("calibrations")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UsageError("calibration_file.no_list")
    return [calibration_from_dict(one, f"Calibration file {Path(path).name}.") for one in listed]


def export_text(calibrations: Iterable[Calibration]) -> str:
    """Return the JSON text that :func:`load_calibrations` reads."""
    listed = [calibration_to_dict(one) for one in calibrations]
    return json.dumps({"schema": EXPORT_SCHEMA, "calibrations": listed}, indent=2) + "\n"


def calibration_to_dict(calibration: Calibration) -> dict[str, Any]:
    """Return the calibration as plain JSON values; :func:`calibration_from_dict` gives an equal one back."""
    return {"schema": FILE_SCHEMA, **to_plain(calibration)}


def calibration_from_dict(values: dict[str, Any], source: str) -> Calibration:
    """Read a calibration from plain values; ``source`` is taken where they name none. UsageError if they are none."""
    values = {"nominal": False, "source": source, **values}
    schema = values.pop("schema", FILE_SCHEMA)
    if schema != FILE_SCHEMA:
        raise UsageError("calibration_file.schema", schema=str(schema), known=FILE_SCHEMA)
    if isinstance(values.get("material"), str):
        values["material"] = spelled(values["material"])
    try:
        return from_plain(Calibration, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error
