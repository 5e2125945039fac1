"""The engine's part of an export: writes what was asked for of a reviewed examination, as the command line does."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.ground.progress import Progress
from ldct_bmd.labeling import Vertebra, VertebralColumn
from ldct_bmd.reporting.bodies import other_body
from ldct_bmd.reporting.dicom import EarlierReport, SourceSeries, read_source_files
from ldct_bmd.reporting.files import DICOM_FOLDER
from ldct_bmd.reporting.outputs import (
    DICOM_OUTPUTS,
    Output,
    Pixels,
    earlier_in,
    write_deidentified,
    write_outputs,
)
from ldct_bmd.reporting.priors import Comparison, compare
from ldct_bmd.scan import CTScan, Geometry

from .Destination import BODIES, OUT, REPORTED, RESULT, VOXELS, Destination


def exportJob(folder: Path, job: dict[str, Any], progress: Progress) -> None:
    """Write, and send, what the job names; the result says which structured report was written."""
    send = _sender(job) if job["destination"] == Destination.PACS else None
    examination = Examination.from_json(json.dumps(job["record"]))
    stored = from_plain(Geometry, job["stored"])
    scan = examination.scan.with_voxels(np.load(folder / VOXELS, mmap_mode="r"), stored)
    wanted = frozenset(Output(value) for value in job["outputs"])
    pixels = Pixels(scan, _column(examination, np.load(folder / BODIES), scan), _source(job, examination, scan, wanted))
    comparisons = _comparisons(job, examination)
    isFolder = job["destination"] == Destination.FOLDER
    output = Path(job["output"]) if isFolder else folder / OUT
    if job["deidentify"]:
        write_deidentified(output, examination, pixels, comparisons, wanted, isFolder, progress)
    else:
        earlier = (earlier_in(output) if isFolder else None) or _earlier(job)
        write_outputs(output, examination, pixels, comparisons, wanted, earlier, isFolder, progress)
    report = None if job["deidentify"] else earlier_in(output)
    if send is not None:
        progress("send", 0.0)
        send(sorted((output / DICOM_FOLDER).iterdir()))
    (folder / RESULT).write_text(json.dumps({REPORTED: to_plain(report)}), encoding="utf-8")


def _column(examination: Examination, bodies: np.ndarray, scan: CTScan) -> VertebralColumn:
    present = np.bincount(bodies.ravel(), minlength=max(VERSE_VALUE.values()) + 1) > 0
    missing = [v.level for v in examination.vertebrae if not present[VERSE_VALUE[v.level]]]
    if missing:
        raise UsageError.of_text(
            f"{missing[0]} has no segment as it was measured: press Update to take it as it is drawn, or measure again."
        )
    other = other_body(bodies, examination, scan)
    if other is not None:
        raise UsageError("bodies.segment_of_other_body", level=other)
    return VertebralColumn(
        tuple(
            Vertebra(v.level, v.centroid_lps_mm, v.volume_ml, v.confidence, v.complete) for v in examination.vertebrae
        ),
        bodies,
        examination.quality.names_certain,
        examination.quality.names_remark,
        examination.quality.uncertain_levels,
    )


def _source(
    job: dict[str, Any], examination: Examination, scan: CTScan, wanted: frozenset[Output]
) -> SourceSeries | None:
    if not wanted & DICOM_OUTPUTS:
        return None
    files = [Path(file) for file in job["files"]]
    if scan.source.kind != "dicom" or not files:
        raise UsageError.of_text(
            "No DICOM object can be made: the DICOM files of this volume are not at hand. Load the scan from Slicer's "
            "DICOM database and measure it, or export without DICOM."
        )
    return read_source_files(files, examination.scan, "Slicer's DICOM database")


def _comparisons(job: dict[str, Any], examination: Examination) -> tuple[Comparison, ...]:
    made = []
    for path in map(Path, job["priors"]):
        try:
            prior = Examination.from_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError.of_text(
                f"{path.name} can't be read; choose the measurement.json of an earlier result."
            ) from error
        made.append(compare(examination, prior, tell_date=not job["deidentify"]))
    return tuple(sorted(made, key=lambda comparison: comparison.years or 0.0))


def _earlier(job: dict[str, Any]) -> EarlierReport | None:
    return None if job[REPORTED] is None else from_plain(EarlierReport, job[REPORTED])


def _sender(job: dict[str, Any]) -> Callable[[list[Path]], object]:
    """Return what sends files; UsageError, before anything is made, where address or credentials are wrong."""
    from ldct_bmd.reporting.pacs import check_address, find_credentials, read_peer, send_dicomweb, send_dimse

    address = job["pacs"]
    if "://" in address:
        check_address(address)
        return partial(send_dicomweb, address, credentials=find_credentials(address))
    return partial(send_dimse, read_peer(address), tls=job["tls"])
