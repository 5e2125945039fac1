"""A job as it lies in a folder: the spec, arrays next to it, and in the end the result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..calibration.phantom.measure import PhantomMeasurement
from ..ground.atomic import write_text
from ..ground.errors import UsageError
from ..ground.plain import PlainError, from_plain, read_json, to_plain
from ..reporting.output import EarlierReport
from ..scan import Geometry, ScanDescription
from ..words import Phrase
from .spec import ExportSpec, MeasureSpec, PhantomSpec, Spec

JOB_FILE, RESULT_FILE = "job.json", "result.json"
RECORD_FILE = "measurement.json"
VOXELS, BODIES, LABELS = "hu.npy", "bodies.npy", "labels.npy"
OUT = "out"  # what goes on from here to a preview, a database or a PACS
_KINDS: Mapping[str, type[Spec]] = {"measure": MeasureSpec, "phantom": PhantomSpec, "export": ExportSpec}
_WHAT = Phrase("job.spec")
Result = TypeVar("Result")


@dataclass(frozen=True)
class MeasureResult:
    """What a measurement found besides the record and the bodies; see :class:`.scan.volume.VolumeScan`.

    Attributes:
        stored: the scan's grid before reorientation.
        left_out: why the report of a result folder has no DICOM objects.
    """

    stored: Geometry
    air: tuple[float, float] | None = None
    remark: Phrase | None = None
    left_out: Phrase | None = None


@dataclass(frozen=True)
class PhantomResult:
    """What a search found: the rods, or why not; both None if there was none."""

    scan: ScanDescription
    measured: PhantomMeasurement | None = None
    refused: Phrase | None = None
    air: tuple[float, float] | None = None
    remark: Phrase | None = None


@dataclass(frozen=True)
class ExportResult:
    """The structured report that was written; None if there is none."""

    reported: EarlierReport | None = None


def lay(folder: Path, spec: Spec, arrays: Mapping[str, NDArray[Any]] | None = None) -> None:
    """Lay a job into ``folder``; ``arrays`` by the names of their files. OSError if it cannot be written."""
    for name, array in (arrays or {}).items():
        np.save(folder / name, array)
    kind = next(name for name, known in _KINDS.items() if isinstance(spec, known))
    (folder / JOB_FILE).write_text(json.dumps({"kind": kind, **to_plain(spec)}), encoding="utf-8")


def load(folder: Path) -> Spec:
    """Return the job that was laid into ``folder``; UsageError if there is none, or one of another version."""
    values = read_json(folder / JOB_FILE, _WHAT)
    kind = _KINDS.get(values.pop("kind", "")) if isinstance(values, dict) else None
    if kind is None:
        raise UsageError("job.unknown", kinds=tuple(_KINDS))
    try:
        return from_plain(kind, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error


def array(folder: Path, name: str) -> NDArray[Any]:
    """Return an array of the job, which is not read before it is used."""
    return np.load(folder / name, mmap_mode="r")


def lay_result(folder: Path, result: MeasureResult | PhantomResult | ExportResult) -> None:
    """Write what a job found."""
    write_text(folder / RESULT_FILE, json.dumps(to_plain(result)))


def load_result(folder: Path, kind: type[Result]) -> Result:
    """Return what a job found."""
    return from_plain(kind, read_json(folder / RESULT_FILE, _WHAT), _WHAT)
