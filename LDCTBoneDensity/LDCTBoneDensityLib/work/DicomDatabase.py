"""Slicer's DICOM database, as far as an export needs it."""

from pathlib import Path
from typing import Any

import slicer

from ldct_bmd.ground.errors import UsageError


class DicomDatabase:
    """Takes DICOM objects in, as the DICOM module's own import does."""

    @staticmethod
    def current() -> Any:
        """Return the application's database, None if it has none."""
        return getattr(slicer, "dicomDatabase", None)

    @staticmethod
    def demandOpen() -> None:
        """Raise UsageError where no database is open."""
        database = DicomDatabase.current()
        if database is None or not database.isOpen:
            raise UsageError("database.closed")

    @staticmethod
    def add(folder: Path) -> int:
        """Copy the objects in ``folder`` into the database; return how many. UsageError where one did not get in."""
        import ctk

        DicomDatabase.demandOpen()
        database = slicer.dicomDatabase
        indexer = ctk.ctkDICOMIndexer()
        # Without its background mode, off by default, it returns when all is done.
        indexer.addDirectory(database, str(folder), True)
        indexer.waitForImportFinished()
        files = sorted(folder.iterdir())
        missing = [path.name for path in files if not database.fileForInstance(_instance(path))]
        if missing:
            raise UsageError("database.refused", name=missing[0])
        return len(files)


def _instance(path: Path) -> str:
    import pydicom

    return str(pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
