"""What a job looks at in an earlier scan of the patient."""

from pathlib import Path

from ..examination import Examination
from ..followup import Carried, NotCarried
from ..labeling import VertebralColumn
from ..reporting.following import follow_at_hand
from ..scan import CTScan
from .spec import InputScan


def carried(
    examination: Examination, scan: CTScan, column: VertebralColumn, record: Path, source: InputScan | None
) -> tuple[Carried | NotCarried, ...] | None:
    """Return what the VOIs find in the scan of an earlier record; None if it is not where ``source`` says."""
    if source is None:
        return None
    files = tuple(map(Path, source.files))
    return follow_at_hand(examination, scan, column, record.parent, files, Path(source.path))
