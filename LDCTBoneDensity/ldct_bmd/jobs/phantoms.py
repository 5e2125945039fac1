"""The search for a phantom as a spec says."""

from pathlib import Path

from ..calibration.phantom.find import find_phantom
from ..ground.errors import CannotMeasure
from ..ground.progress import Progress
from .folder import PhantomResult, lay_result
from .measuring import read_source
from .spec import PhantomSpec


def find_in(folder: Path, spec: PhantomSpec, progress: Progress) -> None:
    """Do the job in ``folder``: the rods, or why they were not found, and what the scan is."""
    read = read_source(spec.source, progress, folder, of_patient=False)
    measured = refused = None
    if spec.search:
        try:
            measured = find_phantom(read.scan, spec.phantom, progress)
        except CannotMeasure as error:
            refused = error.phrase
    lay_result(folder, PhantomResult(read.scan.description, measured, refused, read.air, read.remark))
