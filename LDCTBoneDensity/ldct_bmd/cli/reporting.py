"""What the commands ``report``, ``sign``, ``unsign`` and ``send`` do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..examination import Examination, missing_signature, sign, unsign
from ..ground.atomic import settle, write_text, writing
from ..ground.clock import now
from ..ground.errors import UsageError
from ..ground.files import read_text
from ..ground.progress import Progress
from ..reference import reference_for
from ..reporting.bodies import read_bodies
from ..reporting.checksums import demand_as_written
from ..reporting.compared import EarlierResult, Known, Named, compared_for, lost_in, tell_compared
from ..reporting.files import RECORD_FILE
from ..reporting.following import follow
from ..reporting.held import asked_for_in, copy_in, outputs_in
from ..reporting.opened import OpenedResult, measured_scan
from ..reporting.output import ALL_OUTPUTS, DICOM_OUTPUTS, REPORT_OUTPUTS
from ..reporting.outputs import (
    Pixels,
    compared_in_copy,
    deidentified_folder,
    dicom_files,
    source_of,
    update_report,
    write_deidentified,
    write_outputs,
)
from ..reporting.priors import Comparison, Prior, compare_all
from ..reporting.signed import refuse_changed
from ..reporting.unchanged import refuse_other_pixels
from ..scan import is_same_scan
from ..verdicts import confirm_fracture, deny_contrast, dismiss_suspicion
from ..words import text
from .on_request import kept, on_request

if TYPE_CHECKING:
    from ..reporting.pacs import Delivery


@dataclass(frozen=True)
class ReportRequest:
    """What the user asked for, as typed."""

    record: Path
    input_path: Path | None = None
    priors: tuple[Path, ...] = ()
    prior_scans: tuple[Path, ...] = ()
    lsc: float | None = None
    reference: Path | None = None
    deidentify: bool = False
    folder: Path | None = None
    public_key: Path | None = None
    seg_form: str | None = None
    fhir: bool = False


@dataclass(frozen=True)
class SendRequest:
    """Where to send the DICOM objects of a result folder."""

    folder: Path
    dicomweb: str | None = None
    dimse: str | None = None
    own_title: str | None = None
    tls: bool = False
    ca: Path | None = None


def read_record(path: Path) -> Examination:
    """Read a record, or the one in a result folder; UsageError if there is none."""
    _settle(path)
    if path.is_dir():
        path = path / RECORD_FILE
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("cli.no_record", file=path) from error
    return Examination.from_json(text)


def remark_on_fonts(remark: Callable[[str], None]) -> None:
    """Tell ``remark`` if a report's Chinese is left to the fonts of whoever opens it."""
    from ..reporting.chinese import lacks_font

    if lacks_font():
        remark(text("terminal.no_font"))


def make_report(request: ReportRequest, progress: Progress, remark: Callable[[str], None]) -> Path:
    """Make the report again and return the folder that it is in; ``remark`` gets a sentence on what was left out."""
    _settle(request.record)
    home = request.record if request.record.is_dir() else request.record.parent
    folder = request.folder or (deidentified_folder(home) if request.deidentify else home)
    # A copy inside the record's folder goes with it: one lock for both.
    with writing(home if folder.resolve().is_relative_to(home.resolve()) else folder):
        return _make_report(request, home, progress, remark)


def _make_report(request: ReportRequest, home: Path, progress: Progress, remark: Callable[[str], None]) -> Path:
    examination = read_record(request.record)
    refuse_changed(examination)
    key_compared = request.public_key is not None
    if request.public_key is not None:
        _demand_trust(examination, request.public_key)
    priors = [Prior(read_record(path)) for path in request.priors]
    _check_compared(examination, priors, request)
    keep = kept(request.seg_form)
    asked = {*on_request(request.seg_form, request.fhir), *(asked_for_in(home) & keep)}
    reference_for(request.reference, request.deidentify)  # what is wrong with it is told before the scan is read
    remark_on_fonts(remark)
    pixels = None if request.input_path is None else _pixels(request.input_path, home, examination, progress, remark)
    named = Named(_followed(examination, pixels, priors, request, progress), request.lsc, request.reference)
    seen = None if pixels is None else (pixels.scan, pixels.column)
    if request.deidentify:
        folder = request.folder or deidentified_folder(home)
        compared = compared_for(examination, named, home, seen, copy=folder)
        comparisons = compared.comparisons or compared_in_copy(folder, ())
        write_deidentified(folder, examination, pixels, comparisons, ALL_OUTPUTS.union(asked), kept=keep)
        tell_compared(compared)
        return folder
    compared = compared_for(examination, named, home, seen)
    comparisons, curve = compared.comparisons, compared.curve
    if request.folder is None:
        lost, kept_file, wanted = lost_in(home, compared), compared.file_for(home), REPORT_OUTPUTS.union(asked)
        update_report(home, examination, pixels, comparisons, key_compared, wanted, curve, keep, kept_file)
        tell_compared(compared, lost)
        _copy_again(home, examination, pixels, comparisons, remark)
        return home
    write_outputs(
        request.folder,
        examination,
        pixels,
        comparisons,
        ALL_OUTPUTS.union(asked),
        key_compared=key_compared,
        reference=curve,
        compared=compared.file_for(request.folder),
    )
    tell_compared(compared)
    return request.folder


def _copy_again(
    home: Path,
    examination: Examination,
    pixels: Pixels | None,
    comparisons: Sequence[Comparison],
    remark: Callable[[str], None],
) -> None:
    """Make the de-identified copy in a result folder again; tell that it is of an earlier report if it can't be."""
    copy = copy_in(home)
    if copy is None:
        return
    wanted = {*outputs_in(copy, with_dicom=True), *asked_for_in(copy)}
    lacks_headers = pixels is not None and pixels.source is None and bool(DICOM_OUTPUTS & wanted)
    if pixels is None or lacks_headers or missing_signature(examination) is not None:
        remark(text("output.copy_left"))
        return
    write_deidentified(copy, examination, pixels, compared_in_copy(copy, comparisons), wanted)


@dataclass(frozen=True)
class SignRequest:
    """How a record is signed.

    Attributes:
        key: the file of the site's private key.
        fractures: confirmed ones, as "L1" or, with Genant's grade, "L1=2".
        dismissed: levels that are not fractured.
        no_contrast: the scan was made without contrast agent.
        acknowledged: codes of the errors that the reader has seen.
    """

    record: Path
    reader: str
    organization: str | None = None
    key: Path | None = None
    fractures: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()
    no_contrast: bool = False
    acknowledged: tuple[str, ...] = ()


def sign_record(request: SignRequest) -> Examination:
    """Give the reader's verdicts and sign the record in its file: all of it or nothing."""
    from ..reporting.keys import load_key

    site_key = None if request.key is None else load_key(request.key)

    def signed(examination: Examination) -> Examination:
        for said in request.fractures:
            level, _, grade = said.partition("=")
            if grade and not grade.isdecimal():
                raise UsageError("verdict.no_grade", grade=grade)
            examination = confirm_fracture(examination, level, request.reader, now(), int(grade) if grade else None)
        for level in request.dismissed:
            examination = dismiss_suspicion(examination, level, request.reader, now())
        if request.no_contrast and examination.quality.contrast_denied_by is None:
            examination = deny_contrast(examination, request.reader, now())
        return sign(examination, request.reader, now(), request.organization, site_key, request.acknowledged)

    return _rewritten(request.record, signed)


def unsign_record(path: Path, reader: str) -> Examination:
    """Take the signature off the record in its file."""
    return _rewritten(path, lambda examination: unsign(examination, reader, now()))


def send_objects(request: SendRequest) -> "Delivery":
    """Send the DICOM objects of a result folder, if they are those of its record."""
    from ..reporting.pacs import demand_own, find_credentials, read_peer, send_dicomweb, send_dimse

    if (request.dicomweb is None) == (request.dimse is None):
        raise UsageError("cli.dicomweb_or_dimse")
    settle(request.folder)
    files = dicom_files(request.folder)
    demand_own(files, read_record(request.folder))
    demand_as_written(request.folder, files)
    if request.dicomweb is not None:
        if request.tls or request.own_title is not None:
            raise UsageError("cli.dimse_alone")
        return send_dicomweb(request.dicomweb, files, find_credentials(request.dicomweb), request.ca)
    options = {} if request.own_title is None else {"own_title": request.own_title}
    return send_dimse(read_peer(str(request.dimse)), files, tls=request.tls, ca_bundle=request.ca, **options)


def _demand_trust(examination: Examination, public_key: Path) -> None:
    from ..reporting.keys import SignatureCheck, check_signature, load_public_key

    check = check_signature(examination, load_public_key(public_key))
    if check is not SignatureCheck.KEY_TRUSTED:
        refusals = {
            SignatureCheck.UNSIGNED: UsageError("report.unsigned"),
            SignatureCheck.CHANGED: UsageError("report.changed"),
            SignatureCheck.KEY_FOREIGN: UsageError("report.key_foreign"),
        }
        raise refusals.get(check, UsageError("report.no_key"))


def _check_compared(examination: Examination, priors: Sequence[Prior], request: ReportRequest) -> None:
    """Raise UsageError if what is named cannot be compared with: before the scan is read."""
    if request.lsc is not None and not 0.0 < request.lsc < 1000.0:
        raise UsageError("cli.lsc")
    if request.lsc is not None and not request.priors:
        raise UsageError("cli.lsc_without_prior")
    if request.prior_scans and request.input_path is None:
        raise UsageError("cli.prior_scan_without_input")
    compare_all(examination, priors, request.lsc, tell_date=not request.deidentify)


def _followed(
    examination: Examination,
    pixels: Pixels | None,
    priors: Sequence[Prior],
    request: ReportRequest,
    progress: Progress,
) -> tuple[Known, ...]:
    """Return the priors, those whose scans were named with what the current VOIs found there; one scan at a time."""
    records = [path / RECORD_FILE if path.is_dir() else path for path in request.priors]
    made = [Known(EarlierResult(record), prior) for record, prior in zip(records, priors, strict=True)]
    for place in request.prior_scans if pixels is not None else ():
        for number, one in enumerate(made):
            there = one.at.record.parent, one.prior.examination
            opened = None if one.prior.carried is not None else _opened(place, *there, progress)
            if opened is not None and pixels is not None:
                found = follow(examination, pixels.scan, pixels.column, opened)
                made[number] = Known(EarlierResult(one.at.record, place), Prior(one.prior.examination, found))
                break
        else:
            raise UsageError("cli.prior_scan_of_none", place=place.name or place)
    return tuple(made)


def _opened(place: Path, folder: Path, examination: Examination, progress: Progress) -> OpenedResult | None:
    """Return the scan at ``place`` and its bodies if the record in ``folder`` is of it."""
    try:
        scan = measured_scan(place, examination, progress)
    except UsageError:
        return None
    if not is_same_scan(scan.description, examination.scan):
        return None
    column = read_bodies(folder, examination, scan)
    refuse_other_pixels(examination, scan, column)
    return OpenedResult(examination, scan, column)


def _pixels(
    path: Path, home: Path, examination: Examination, progress: Progress, remark: Callable[[str], None]
) -> Pixels:
    from ..reporting.dicom import NoDICOMObjects

    scan = measured_scan(path, examination, progress)
    column = read_bodies(home, examination, scan)
    if examination.voxels_sha256 is None:
        remark(text("output.no_digest"))
    try:
        return Pixels(scan, column, source_of(path, scan))
    except NoDICOMObjects as refusal:
        remark(str(refusal))
        return Pixels(scan, column, None)


def _rewritten(path: Path, change: Callable[[Examination], Examination]) -> Examination:
    """Change the record in its file, which holds the old or the new one whole at any moment."""
    _settle(path)
    path = path / RECORD_FILE if path.is_dir() else path
    with writing(path.parent):
        changed = change(read_record(path))
        write_text(path, changed.to_json() + "\n")
    return changed


def _settle(record: Path) -> None:
    """Put a result folder back that a killed process had moved out of its place, be it named or a record in it."""
    if not record.exists():
        settle(record)
        settle(record.parent)


def paths(values: Sequence[Path] | None) -> tuple[Path, ...]:
    """Return the values of an option that may be given several times."""
    return tuple(values or ())
