"""``ldct-bmd measure`` and ``series``."""

from pathlib import Path
from typing import Annotated

import typer

from ..extras import extra
from ..terminal import exit_codes, messages, output, progress_bar, say
from .options import FHIR, Device, Input, Method, OutputFolder, Overwrite, Reference, Rules, SegForm


def measure(
    input_: Input,
    folder: OutputFolder,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="Measure this DICOM series, not the best one.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A calibration file, in place of the nominal one.")
    ] = None,
    slope: Annotated[float | None, typer.Option(help="BMD = slope x HU + intercept: mg/cm3 per HU.")] = None,
    intercept: Annotated[float | None, typer.Option(help="mg/cm3 at 0 HU.")] = None,
    material: Annotated[str | None, typer.Option(help="Equivalent material: K2HPO4 or hydroxyapatite.")] = None,
    calibration_kvp: Annotated[float | None, typer.Option(metavar="KV", help="Tube voltage it holds for.")] = None,
    calibration_store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Pick the calibration that fits the scan from this store.")
    ] = None,
    later_calibration: Annotated[
        bool, typer.Option("--later-calibration", help="Take one made after the scan where none is before it.")
    ] = False,
    levels: Annotated[str, typer.Option(metavar="T12,L1,L2", help="Which vertebrae to measure.")] = "T12,L1,L2",
    segmentation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A ready label map, in place of the network.")
    ] = None,
    segmentation_values: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Whose label values it has: verse, totalsegmentator, spineps, cads, cads-552, totalspineseg, or a "
            "JSON file of them (nnU-Net's dataset.json, or {name: value}).",
        ),
    ] = None,
    segmentation_parts: Annotated[
        str | None, typer.Option(metavar="body|whole", help="What it labels: bodies, or whole vertebrae.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights that ldct-bmd pack wrote, not the shipped ones.")
    ] = None,
    method: Method = None,
    device: Device = "auto",
    rules: Rules = None,
    overwrite: Overwrite = False,
    report: Annotated[
        bool, typer.Option("--report", help="Add report.html, report.pdf, tables and, for a DICOM input, dicom/.")
    ] = False,
    seg_form: SegForm = None,
    fhir: FHIR = False,
    reference: Reference = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record on standard output, nothing else.")] = False,
) -> None:
    """Measure one CT scan and write the result folder."""
    with exit_codes():
        from ..measuring import Request, measure_scan
        from ..table import print_result

        request = Request(
            input_path=input_,
            folder=folder,
            series_uid=series,
            calibration_file=calibration,
            slope=slope,
            intercept=intercept,
            material=material,
            calibration_kvp=calibration_kvp,
            calibration_store=calibration_store,
            later_calibration=later_calibration,
            levels=tuple(level.strip().upper() for level in levels.split(",")),
            segmentation_file=segmentation,
            segmentation_values=segmentation_values,
            segmentation_parts=segmentation_parts,
            weights=weights,
            method=method,
            device=device,
            overwrite=overwrite,
            report=report,
            seg_form=seg_form,
            fhir=fhir,
            reference=reference,
            rules=rules,
        )
        remarks: list[str] = []
        with progress_bar() as progress, extra("reports,fhir" if fhir else "reports"):
            examination = measure_scan(request, progress, remarks.append)
        if as_json:
            # ASCII, so that it is the same bytes whatever encoding the terminal has.
            typer.echo(examination.to_json())
        else:
            print_result(output(), examination, folder)
        for sentence in remarks:
            say(messages(), sentence, "yellow")


def series(input_: Input) -> None:
    """List the series of a DICOM folder, and what stands against measuring each."""
    with exit_codes():
        from ...scan import list_series
        from ..table import print_series

        print_series(output(), list_series(input_))
