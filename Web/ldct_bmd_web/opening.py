"""What ``ldct-bmd review`` was pointed at: a result, a list of results, or a scan that is measured first."""

from pathlib import Path

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import Progress
from ldct_bmd.reporting.files import RECORD_FILE
from ldct_bmd.worklist import read_worklist

from .session import Served


def served(
    path: Path,
    scan: Path | None,
    folder: Path | None,
    key: Path | None,
    pacs: str,
    progress: Progress,
    reference: Path | None = None,
) -> Served:
    """Return what to serve; a scan whose result is not in ``folder`` yet is measured.

    Raises:
        UsageError: there is nothing at ``path``, or the options do not go together.
        CannotMeasure: the scan cannot be measured.
    """
    if not path.exists():
        raise UsageError("web.no_path", path=path)
    # What is imported here takes longer than a reader should wait who does not need it.
    if pacs:
        from ldct_bmd.reporting.pacs import check_address, read_peer

        (check_address if "://" in pacs else read_peer)(pacs)
    if reference is not None:
        from ldct_bmd.reference import load_reference

        load_reference(reference)  # what is wrong with it is said now
    site_key = None
    if key is not None:
        from ldct_bmd.reporting.keys import load_key

        site_key = load_key(key)
    if folder is not None:
        if not (folder / RECORD_FILE).is_file():
            from ldct_bmd.cli.measuring import Request, measure_scan

            measure_scan(Request(path, folder), progress)
        return Served(folder, path, site_key, pacs, reference)
    if not _holds_results(path):
        raise UsageError("web.no_output", path=path)
    return Served(path, scan, site_key, pacs, reference)


def _holds_results(path: Path) -> bool:
    """Whether there is a result, or a list of results; UsageError if a list cannot be read."""
    if path.is_file() and path.suffix == ".json":
        return bool(read_worklist(path).rows)
    if not path.is_dir():
        return False
    if (path / RECORD_FILE).is_file():
        return True
    try:
        return bool(read_worklist(path).rows)
    except UsageError as error:
        if error.code == "worklist.no_results":
            return False
        raise
