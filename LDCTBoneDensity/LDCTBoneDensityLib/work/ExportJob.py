"""Laying out an export for the engine's process, and taking what it made."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ldct_bmd.examination import label_map
from ldct_bmd.ground.plain import to_plain

from ..scene.SceneReview import SceneReview
from ..scene.VolumeReader import VolumeReader
from .Destination import BODIES, JOB, OUT, REPORTED, RESULT, VOXELS
from .DicomDatabase import DicomDatabase
from .ExportSettings import ExportSettings


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
        np.save(self.folder / VOXELS, scan.hu)
        np.save(self.folder / BODIES, label_map(review.bodies, scan.geometry.shape))
        files = VolumeReader(review.volumeNode).files(DicomDatabase.current())
        job = {
            "kind": "export",
            "record": review.examination.to_dict(),
            "stored": to_plain(scan.stored_geometry),
            "files": [str(path) for path in files.paths] if files.kind == "dicom" else [],
            "outputs": list(settings.outputs),
            "destination": settings.destination.value,
            "output": str(settings.folder or ""),
            "pacs": settings.pacs,
            "tls": settings.tls,
            "deidentify": settings.deidentify,
            "priors": [str(path) for path in settings.priors],
            REPORTED: review.stored.reported,
        }
        (self.folder / JOB).write_text(json.dumps(job), encoding="utf-8")

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
        result = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        return result[REPORTED]
