"""An export as a spec says: writes, and sends, what was asked for of a reviewed examination."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..anatomy import VERSE_VALUE
from ..examination import Examination
from ..ground.atomic import writing
from ..ground.errors import UsageError
from ..ground.files import read_text
from ..ground.progress import Progress
from ..labeling import VertebralColumn, find_bodies
from ..reporting.bodies import column_of, other_body
from ..reporting.compared import Known, Named, compared_for, lost_in, tell_compared
from ..reporting.dicom import SourceSeries, read_source_files
from ..reporting.files import DICOM_FOLDER
from ..reporting.held import earlier_in
from ..reporting.output import DICOM_OUTPUTS
from ..reporting.outputs import Pixels, write_deidentified, write_outputs
from ..reporting.priors import compare
from ..scan import CTScan
from .earlier import known_in
from .folder import BODIES, OUT, RECORD_FILE, VOXELS, ExportResult, array, lay_result
from .spec import Destination, ExportSpec

_DATABASE = "Slicer's DICOM database"


def export_in(folder: Path, spec: ExportSpec, progress: Progress) -> None:
    """Do the job in ``folder``; the result says which structured report was written."""
    send = _sender(spec) if spec.destination is Destination.PACS else None
    examination = Examination.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"))
    scan = examination.scan.with_voxels(array(folder, VOXELS), spec.stored)
    pixels = Pixels(scan, _column(examination, np.load(folder / BODIES), scan), _source(spec, examination, scan))
    replaces = spec.destination is Destination.FOLDER
    output = Path(spec.folder or "") if replaces else folder / OUT
    home = spec.home or spec.folder
    compared = compared_for(
        examination,
        Named(_named(spec, examination, pixels), None, None if spec.reference is None else Path(spec.reference)),
        None if home is None else Path(home),
        (scan, pixels.column),
        copy=output if spec.deidentify else None,
    )
    comparisons = compared.comparisons
    with writing(output):
        lost = replaces and lost_in(output, compared)
        if spec.deidentify:
            write_deidentified(output, examination, pixels, comparisons, spec.outputs, replaces, progress)
        else:
            earlier = (earlier_in(output) if replaces else None) or spec.earlier
            write_outputs(
                output,
                examination,
                pixels,
                comparisons,
                spec.outputs,
                earlier,
                replaces,
                progress,
                reference=compared.curve,
                compared=compared.file_for(output) if replaces else None,
            )
        tell_compared(compared, lost)
    if send is not None:
        progress("send", 0.0)
        send(sorted((output / DICOM_FOLDER).iterdir()))
    lay_result(folder, ExportResult(None if spec.deidentify else earlier_in(output)))


def _column(examination: Examination, bodies: NDArray[np.uint8], scan: CTScan) -> VertebralColumn:
    present = find_bodies(bodies)
    missing = [v.level for v in examination.vertebrae if VERSE_VALUE[v.level] not in present]
    if missing:
        raise UsageError("export.no_segment", level=missing[0])
    other = other_body(bodies, examination, scan)
    if other is not None:
        raise UsageError("bodies.segment_of_other_body", level=other)
    return column_of(examination, bodies)


def _source(spec: ExportSpec, examination: Examination, scan: CTScan) -> SourceSeries | None:
    if not DICOM_OUTPUTS.intersection(spec.outputs):
        return None
    if scan.source.kind != "dicom" or not spec.files:
        raise UsageError("export.no_dicom_files")
    return read_source_files([Path(file) for file in spec.files], examination.scan, _DATABASE)


def _named(spec: ExportSpec, examination: Examination, pixels: Pixels) -> tuple[Known, ...]:
    known = []
    scans = spec.prior_scans or (None,) * len(spec.priors)
    for path, source in zip(map(Path, spec.priors), scans, strict=True):
        try:
            prior = Examination.from_json(read_text(path))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("export.prior_unreadable", file=path.name) from error
        compare(examination, prior)  # what cannot be compared is told before its scan is read
        known.append(known_in(examination, prior, pixels.scan, pixels.column, path, source))
    return tuple(known)


def _sender(spec: ExportSpec) -> Callable[[list[Path]], object]:
    """Return what sends files; UsageError, before anything is made, if address or credentials are wrong."""
    from ..reporting.pacs import check_address, find_credentials, read_peer, send_dicomweb, send_dimse

    if "://" in spec.pacs:
        check_address(spec.pacs)
        return partial(send_dicomweb, spec.pacs, credentials=find_credentials(spec.pacs))
    return partial(send_dimse, read_peer(spec.pacs), tls=spec.tls)
