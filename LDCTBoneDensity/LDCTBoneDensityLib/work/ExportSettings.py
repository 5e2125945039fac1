"""What is exported, and where to."""

from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reporting.output import Output


@dataclass(frozen=True)
class ExportSettings:
    """An export as the reader wants it.

    Attributes:
        outputs: what to write.
        folder: of a FOLDER.
        pacs: address of a PACS: https://... for DICOMweb, or TITLE@HOST:PORT.
        tls: encrypt TITLE@HOST:PORT.
        priors: records of earlier examinations.
    """

    outputs: tuple[Output, ...]
    destination: Destination
    folder: Path | None = None
    pacs: str = ""
    tls: bool = False
    deidentify: bool = False
    priors: tuple[Path, ...] = ()


def checkExport(settings: ExportSettings) -> None:
    """Raise UsageError, before any work, for what is not named or can't be written to."""
    if not settings.outputs:
        raise UsageError.of_text(_("Nothing is chosen: tick what to export."))
    if settings.destination is Destination.PACS and not settings.pacs:
        raise UsageError.of_text(_("No PACS is named: write its address, https://... or TITLE@HOST:PORT."))
    if settings.destination is not Destination.FOLDER:
        return
    folder = settings.folder
    if folder is None:
        raise UsageError.of_text(_("No folder is named: choose a new or empty one."))
    if not folder.parent.is_dir():
        raise UsageError.of_text(_("The folder {folder} does not exist: make it first.").format(folder=folder.parent))
    if folder.is_dir() and any(folder.iterdir()) and Output.RECORD not in settings.outputs:
        raise UsageError.of_text(
            _("{folder} is not empty: choose another one, or export the record too, which replaces a result.").format(
                folder=folder
            )
        )
