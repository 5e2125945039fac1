"""What a job looks at in an earlier scan of the patient."""

from pathlib import Path

from ..examination import Examination
from ..labeling import VertebralColumn
from ..reporting.compared import EarlierResult, Known
from ..reporting.following import follow_at_hand
from ..reporting.priors import Prior
from ..scan import CTScan
from .spec import InputScan


def known_in(
    examination: Examination,
    prior: Examination,
    scan: CTScan,
    column: VertebralColumn,
    record: Path,
    source: InputScan | None,
) -> Known:
    """Return an earlier record with what the current VOIs find in its scan, if that is where ``source`` says."""
    if source is None:
        return Known(EarlierResult(record), Prior(prior))
    at = EarlierResult(record, Path(source.path), tuple(map(Path, source.files)))
    found = follow_at_hand(examination, scan, column, record.parent, at.files, Path(source.path))
    return Known(at, Prior(prior, found))
