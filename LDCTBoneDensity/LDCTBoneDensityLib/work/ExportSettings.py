"""What is exported, and where to."""

from dataclasses import dataclass
from pathlib import Path

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
        reference: the file of a population with whose curve the report compares the patient.
        home: the result folder that the review is of, whose report knows what it compares with; None: ``folder``.
        files: the DICOM files of the scan, if they are not those that its volume was loaded from.
    """

    outputs: tuple[Output, ...]
    destination: Destination
    folder: Path | None = None
    pacs: str = ""
    tls: bool = False
    deidentify: bool = False
    priors: tuple[Path, ...] = ()
    reference: Path | None = None
    home: Path | None = None
    files: tuple[Path, ...] = ()


def writesFhir(settings: ExportSettings) -> bool:
    """Whether FHIR is written: it is wanted, or the folder holds it, so that the engine makes it again."""
    from ldct_bmd.reporting.files import FHIR_FILE

    folder = settings.folder if settings.destination is Destination.FOLDER else None
    return Output.FHIR in settings.outputs or (folder is not None and (folder / FHIR_FILE).is_file())


def checkExport(settings: ExportSettings) -> None:
    """Raise UsageError, before any work, for what is not named or can't be written to."""
    if not settings.outputs:
        raise UsageError("export.nothing")
    if settings.destination is Destination.PACS and not settings.pacs:
        raise UsageError("export.no_pacs")
    if settings.destination is not Destination.FOLDER:
        return
    folder = settings.folder
    if folder is None:
        raise UsageError("export.no_folder")
    if not folder.parent.is_dir():
        raise UsageError("export.no_parent", folder=folder.parent)
    if folder.is_dir() and any(folder.iterdir()) and Output.RECORD not in settings.outputs:
        raise UsageError("export.not_empty", folder=folder)
