"""The population whose curve the patient is compared with: a site's file, kept for all scenes."""

from __future__ import annotations

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
        self._curve: ReferenceCurve | None = None
        self._refusal = ""
        field.setCurrentPath(str(qt.QSettings().value(POPULATION_SETTING, "") or ""))
        self._load()
        onPathChanged(field, self._chosen)

    @property
    def path(self) -> Path | None:
        """The file; None if none is named."""
        path = pathIn(self._field)
        return Path(path) if path else None

    def line(self, examination: Examination) -> str:
        """Return where the patient stands, or why that can't be said; "" if no file is named."""
        if self._curve is None:
            return self._refusal
        from ldct_bmd.reporting.page.standing import standing_line, stands

        return standing_line(stands(examination, self._curve), self._curve, catalogue(current_language()))

    def _chosen(self, path: str) -> None:
        qt.QSettings().setValue(POPULATION_SETTING, path)
        self._load()
        self.changed.emit()

    def _load(self) -> None:
        self._curve, self._refusal = None, ""
        if self.path is None:
            return
        try:
            self._curve = load_reference(self.path)
        except UsageError as error:
            self._refusal = str(error)
