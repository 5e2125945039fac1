"""``ldct-bmd report``, ``sign``, ``unsign``, ``send`` and ``schema``."""

from pathlib import Path
from typing import Annotated

import typer

from ...words import text
from ..extras import extra
from ..terminal import exit_codes, messages, output, progress_bar, say
from .options import FHIR, Reference, SegForm

RecordFile = Annotated[Path, typer.Argument(metavar="RECORD", help="A measurement.json, or the folder it is in.")]
Reader = Annotated[str, typer.Option(metavar="NAME", help="Who does it; kept in the record's history.")]


def remake_report(
    record: RecordFile,
    input_: Annotated[
        Path | None,
        typer.Option("--input", metavar="SCAN", help="The scan; without it neither pictures nor DICOM objects."),
    ] = None,
    prior: Annotated[
        list[Path] | None, typer.Option(metavar="OLD.json", help="An earlier record of the patient; several may do.")
    ] = None,
    prior_scan: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="SCAN",
            help="An earlier record's scan, in which the present VOIs are measured too; several may do.",
        ),
    ] = None,
    lsc: Annotated[
        float | None, typer.Option(metavar="X", help="The site's least significant change in mg/cm3.")
    ] = None,
    reference: Reference = None,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Write a de-identified copy, to RECORD's folder deidentified/.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="A folder to write, in place of RECORD's own.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only report a record that is signed with this key.")
    ] = None,
    seg_form: SegForm = None,
    fhir: FHIR = False,
) -> None:
    """Make the report of a record again, after corrections too."""
    with exit_codes(), extra("reports,fhir" if fhir else "reports"):
        from ..reporting import ReportRequest, make_report

        priors, scans = tuple(prior or ()), tuple(prior_scan or ())
        request = ReportRequest(
            record, input_, priors, scans, lsc, reference, deidentify, folder, public_key, seg_form, fhir
        )
        remarks: list[str] = []
        with progress_bar() as progress:
            written = make_report(request, progress, remarks.append)
        say(output(), text("terminal.written", path=written))
        for sentence in remarks:
            say(messages(), sentence, "yellow")


def sign_record(
    record: RecordFile,
    reader: Reader,
    organization: Annotated[str | None, typer.Option(metavar="NAME", help="For whom the reader signs.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The site's private Ed25519 key, in PEM.")] = None,
    fracture: Annotated[
        list[str] | None,
        typer.Option(metavar="LEVEL[=GRADE]", help="Confirm a fracture, with Genant's grade; several may do."),
    ] = None,
    no_fracture: Annotated[
        list[str] | None, typer.Option(metavar="LEVEL", help="Dismiss a suspected fracture; several may do.")
    ] = None,
    no_contrast: Annotated[
        bool, typer.Option("--no-contrast", help="Say that the scan was made without contrast agent.")
    ] = False,
    acknowledge: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Say that you have seen this error; several may do.")
    ] = None,
) -> None:
    """Sign a record as reviewed; it takes no correction until it is unsigned."""
    with exit_codes(), extra("reports"):
        from ...reporting.page.words import time
        from ..reporting import SignRequest
        from ..reporting import sign_record as run

        request = SignRequest(
            record,
            reader,
            organization,
            key,
            fractures=tuple(fracture or ()),
            dismissed=tuple(no_fracture or ()),
            no_contrast=no_contrast,
            acknowledged=tuple(acknowledge or ()),
        )
        signature = run(request).signature
        if signature is not None:
            say(output(), text("signing.signed", reader=signature.reader, time=time(signature.time)))


def unsign_record(record: RecordFile, reader: Reader) -> None:
    """Take the signature off a record, which its history keeps."""
    with exit_codes(), extra("reports"):
        from ..reporting import unsign_record as run

        run(record, reader)
        say(output(), text("signing.unsigned"))


def send(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A result folder with dicom/ in it.")],
    dicomweb: Annotated[
        str | None, typer.Option(metavar="URL", help="A DICOMweb server, for example https://pacs.example/dicom-web.")
    ] = None,
    dimse: Annotated[str | None, typer.Option(metavar="TITLE@HOST:PORT", help="A PACS, by C-STORE.")] = None,
    title: Annotated[
        str | None, typer.Option(metavar="AET", help="Our own title, with --dimse.  \\[default: LDCT_BMD]")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt, with --dimse.")] = False,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificates to trust, in PEM.")] = None,
) -> None:
    """Send the DICOM objects of a result folder to a PACS; credentials come from the environment or the keyring."""
    with exit_codes(), extra("reports"):
        from ..reporting import SendRequest, send_objects

        delivery = send_objects(SendRequest(folder, dicomweb, dimse, title, tls, ca))
        say(output(), delivery.sentence)


def schema() -> None:
    """Print the JSON Schema of measurement.json."""
    with exit_codes():
        from ...reporting.schema import schema_text

        typer.echo(schema_text(), nl=False)
