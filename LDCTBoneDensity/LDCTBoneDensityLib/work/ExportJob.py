"""Laying out an export for the engine's process, and taking what it made."""

from pathlib import Path
from typing import Any

from ldct_bmd.examination import Examination, label_map
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.files import read_text
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.jobs.folder import BODIES, OUT, RECORD_FILE, VOXELS, ExportResult, lay, load_result
from ldct_bmd.jobs.spec import ExportSpec, InputScan
from ldct_bmd.reporting.output import EarlierReport

from ..scene.SceneReview import SceneReview
from ..scene.VolumeReader import VolumeReader
from .DicomDatabase import DicomDatabase
from .ExportSettings import ExportSettings
from .Runner import fromAnywhere


class ExportJob:
    """One job in a folder of its own.

    Args:
        folder: where arrays and results go; it must exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lay(self, review: SceneReview, settings: ExportSettings) -> None:
        """Write all that the engine needs; UsageError or CannotMeasure if it can't."""
        scan = review.scan()
        files = settings.files or _filesOf(review)
        reported = review.stored.reported
        spec = ExportSpec(
            stored=scan.stored_geometry,
            outputs=settings.outputs,
            destination=settings.destination,
            files=tuple(map(fromAnywhere, files)),
            folder=None if settings.folder is None else fromAnywhere(settings.folder),
            pacs=settings.pacs,
            tls=settings.tls,
            deidentify=settings.deidentify,
            priors=tuple(map(fromAnywhere, settings.priors)),
            prior_scans=tuple(map(_scanOf, settings.priors)),
            reference=None if settings.reference is None else fromAnywhere(settings.reference),
            home=None if settings.home is None else fromAnywhere(settings.home),
            earlier=None if reported is None else from_plain(EarlierReport, reported),
        )
        bodies = label_map(review.bodies, scan.geometry.shape)
        lay(self.folder, spec, {VOXELS: scan.hu, BODIES: bodies})
        (self.folder / RECORD_FILE).write_text(review.examination.to_json(), encoding="utf-8")

    @property
    def page(self) -> Path:
        """The page that was made for a preview."""
        return self.folder / OUT / "report.html"

    @property
    def objects(self) -> Path:
        """The folder of the DICOM objects that were made for a database."""
        return self.folder / OUT / "dicom"

    def takeReported(self) -> dict[str, Any] | None:
        """Return the structured report that was written, None if there was none."""
        return to_plain(load_result(self.folder, ExportResult).reported)


def _scanOf(prior: Path) -> InputScan | None:
    """Return the scan of an earlier record as Slicer's database holds it; None if it does not."""
    database = DicomDatabase.current()
    if database is None:
        return None
    try:
        uid = Examination.from_json(read_text(prior)).scan.source.series_uid
    except (OSError, UnicodeDecodeError, UsageError):
        return None  # the engine's process tells what is wrong with it
    files = tuple(database.filesForSeries(uid)) if uid else ()
    return InputScan(str(Path(files[0]).parent), files=files) if files else None


def _filesOf(review: SceneReview) -> tuple[Path, ...]:
    """Return the DICOM files that the review's volume was loaded from; none if it was not."""
    files = VolumeReader(review.volumeNode).files(DicomDatabase.current())
    return files.paths if files.kind == "dicom" else ()
