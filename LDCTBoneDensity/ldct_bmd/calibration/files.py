"""Calibrations as JSON: files that a user keeps or another site sends."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..ground.errors import UsageError
from .linear import Calibration
from .nominal import spelled
from .provenance import FitQuality, Method, Provenance, Scanner

FILE_SCHEMA = "ldct-bmd-calibration/1"
EXPORT_SCHEMA = "ldct-bmd-calibrations/1"
_REQUIRED_KEYS = ("name", "slope", "intercept_mg_cm3", "material", "kvp")
_OPTIONAL_KEYS = ("source", "nominal", "provenance", "fit", "schema")


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file: a JSON object.

    Keys: ``name`` (text), ``slope`` (mg/cm3 per HU), ``intercept_mg_cm3``, ``material`` ("K2HPO4" or "hydroxyapatite")
    and ``kvp`` (number, or null where it is not known) must be there; ``source`` (text: phantom, date, citation),
    ``nominal`` (true or false), ``provenance`` and ``fit`` (see :class:`Provenance`, :class:`FitQuality`) and
    ``schema`` ("ldct-bmd-calibration/1") may be.

    Raises:
        UsageError: the file can't be read, or is not such a file.
    """
    values = read_json(path, "The calibration file")
    if not isinstance(values, dict):
        raise UsageError("The calibration file must hold one JSON object with name, slope, intercept_mg_cm3 and so on.")
    return calibration_from_dict(values, f"Calibration file {Path(path).name}.")


def load_calibrations(path: Path) -> list[Calibration]:
    """Read an exported file of several calibrations, or a file of one; UsageError if it is neither."""
    values = read_json(path, "The calibration file")
    if not isinstance(values, dict) or values.get("schema") != EXPORT_SCHEMA:
        return [load_calibration(path)]
    listed = values.get("calibrations")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UsageError("The calibration file's calibrations must be a list of objects.")
    return [calibration_from_dict(one, f"Calibration file {Path(path).name}.") for one in listed]


def export_text(calibrations: Iterable[Calibration]) -> str:
    """Return the JSON text that :func:`load_calibrations` reads."""
    listed = [calibration_to_dict(one) for one in calibrations]
    return json.dumps({"schema": EXPORT_SCHEMA, "calibrations": listed}, indent=2) + "\n"


def calibration_to_dict(calibration: Calibration) -> dict[str, Any]:
    """Return the calibration as plain JSON values; :func:`calibration_from_dict` gives an equal one back."""
    return {"schema": FILE_SCHEMA, **asdict(calibration)}


def calibration_from_dict(values: dict[str, Any], source: str) -> Calibration:
    """Read a calibration from plain values; ``source`` is taken where they name none. UsageError if they are none."""
    _check_keys(values)
    nominal = values.get("nominal", False)
    if not isinstance(nominal, bool):
        raise UsageError("The calibration file's nominal must be true or false.")
    return Calibration(
        name=_text(values, "name"),
        slope=_number(values, "slope"),
        intercept_mg_cm3=_number(values, "intercept_mg_cm3"),
        material=spelled(_text(values, "material")),
        kvp=None if values["kvp"] is None else _number(values, "kvp"),
        nominal=nominal,
        source=_text(values, "source") if "source" in values else source,
        provenance=_part(values, "provenance", _provenance),
        fit=_part(values, "fit", _fit),
    )


def read_json(path: Path, what: str) -> Any:
    """Return what a JSON file holds; UsageError, which calls it ``what``, if it can't be read."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{what} can't be read ({error.strerror}); check its path.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} is not UTF-8 text; save it as JSON.") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{what} is not JSON (line {error.lineno}: {error.msg}); correct that line.") from error


def _check_keys(values: dict[str, Any]) -> None:
    missing = [key for key in _REQUIRED_KEYS if key not in values]
    if missing:
        raise UsageError(f"The calibration file lacks {', '.join(missing)}; add it.")
    _check_known(values, (*_REQUIRED_KEYS, *_OPTIONAL_KEYS), "The calibration file")
    if values.get("schema", FILE_SCHEMA) != FILE_SCHEMA:
        raise UsageError(f"The calibration file's schema is {values['schema']!r}; this version reads {FILE_SCHEMA}.")


def _check_known(values: dict[str, Any], allowed: tuple[str, ...], what: str) -> None:
    unknown = sorted(set(values) - set(allowed))
    if unknown:
        raise UsageError(f"{what} has an unknown key ({', '.join(unknown)}); allowed are {', '.join(allowed)}.")


def _part(values: dict[str, Any], key: str, read: Callable[[dict[str, Any]], Any]) -> Any:
    part = values.get(key)
    if part is None:
        return None
    if not isinstance(part, dict):
        raise UsageError(f"The calibration file's {key} must be an object.")
    return read(part)


def _provenance(values: dict[str, Any]) -> Provenance:
    names = tuple(field.name for field in fields(Provenance))
    _check_known(values, names, "The calibration file's provenance")
    if values.get("method") not in [method.value for method in Method]:
        raise UsageError(f"The calibration's method must be one of {', '.join(method.value for method in Method)}.")
    scanner = _part(values, "scanner", _scanner)
    texts = {name: _optional_text(values, name) for name in names if name not in ("method", "scanner")}
    return Provenance(method=Method(values["method"]), scanner=scanner, **texts)


def _scanner(values: dict[str, Any]) -> Scanner:
    names = tuple(field.name for field in fields(Scanner))
    _check_known(values, names, "The calibration file's scanner")
    return Scanner(**{name: _optional_text(values, name) for name in names})


def _fit(values: dict[str, Any]) -> FitQuality:
    names = tuple(field.name for field in fields(FitQuality))
    _check_known(values, names, "The calibration file's fit")
    missing = [name for name in names if name not in values]
    if missing:
        raise UsageError(f"The calibration file's fit lacks {', '.join(missing)}; add it.")
    numbers = {name: _number(values, name) for name in names if name != "points"}
    return FitQuality(**numbers, points=int(_number(values, "points")))


def _number(values: dict[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"The calibration file's {key} must be a number.")
    return float(value)


def _text(values: dict[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str):
        raise UsageError(f"The calibration file's {key} must be text.")
    return value


def _optional_text(values: dict[str, Any], key: str) -> str | None:
    return None if values.get(key) is None else _text(values, key)
