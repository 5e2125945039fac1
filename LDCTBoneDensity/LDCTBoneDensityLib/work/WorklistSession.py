"""A worklist while a reader works through it in Slicer, whose DICOM database may know where a scan is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import slicer

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reading.going import Going, Shown

__all__ = ["Shown", "WorklistSession"]


class WorklistSession(Going):
    """Rows by urgency, the one that is open, and where each one's files are."""

    def scan(self, number: int) -> Path:
        """Return where the scan of a row is: as the list says, else as Slicer's DICOM database does.

        UsageError if nobody knows.
        """
        try:
            return super().scan(number)
        except UsageError:
            database = getattr(slicer, "dicomDatabase", None)
            uid = self.row(number).facts.series_uid
            files: Sequence[str] = database.filesForSeries(uid) if database is not None and uid else ()
            if not files:
                raise
            return Path(files[0]).parent
