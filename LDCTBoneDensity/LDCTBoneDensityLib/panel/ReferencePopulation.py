"""The population whose curve the patient is compared with: a site's file, kept for all scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reference import ReferenceCurve, load_reference
from ldct_bmd.words import catalogue, current_language

from ..common.PathField import onPathChanged, pathIn
from ..common.Signal import Signal

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

POPULATION_SETTING = "LDCTBoneDensity/ReferencePopulation"


class ReferencePopulation:
    """A line with the file's path, and what the file says of a record.

    Attributes:
        changed: emits nothing: another file, or none.

    Args:
        field: a ctkPathLineEdit.
    """

    def __init__(self, field: Any) -> None:
        self.changed = Signal()
        self._field = field
        self._read: _Read | None = None
        field.setCurrentPath(str(qt.QSettings().value(POPULATION_SETTING, "") or ""))
        onPathChanged(field, self._chosen)

    @property
    def path(self) -> Path | None:
        """The file; None if none is named."""
        path = pathIn(self._field)
        return Path(path) if path else None

    def line(self, examination: Examination) -> str:
        """Return where the patient stands, or why that can't be said; "" if no file is named."""
        path = self.path
        if path is None:
            return ""
        if self._read is None or self._read.stamp != _stamp(path):
            self._read = _read(path)
        if self._read.curve is None:
            return self._read.refusal
        from ldct_bmd.reporting.page.standing import standing_line, stands

        say, curve = catalogue(current_language()), self._read.curve
        line = standing_line(stands(examination, curve), curve, say)
        return line if examination.signature is None else f"{line} {say('report.not_signed')}"

    def _chosen(self, path: str) -> None:
        qt.QSettings().setValue(POPULATION_SETTING, path)
        self._read = None
        self.changed.emit()


@dataclass(frozen=True)
class _Read:
    """What a file held when it was read; ``refusal``: why it has no curve."""

    stamp: tuple[int, int] | None
    curve: ReferenceCurve | None
    refusal: str = ""


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: Path) -> _Read:
    stamp = _stamp(path)
    try:
        return _Read(stamp, load_reference(path))
    except UsageError as error:
        return _Read(stamp, None, str(error))
