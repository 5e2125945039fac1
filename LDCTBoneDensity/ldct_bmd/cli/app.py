"""The commands and their options."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from .calibrating import calibrate
from .terminal import RESEARCH_USE, exit_codes, output, progress_bar, say

app = typer.Typer(
    name="ldct-bmd",
    help=f"Bone mineral density of T12, L1 and L2 from chest CT. {RESEARCH_USE}",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would print what the scan says of the patient.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Input = Annotated[Path, typer.Argument(metavar="INPUT", help="A DICOM folder, or a NIfTI, NRRD or MHA file.")]
OutputFolder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result in DIR.")]
Device = Annotated[str, typer.Option(metavar="D", help="Where the network runs: auto, cpu, cuda or mps.")]


def main() -> None:
    """Run the command line."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ldct-bmd {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@app.command()
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
        str | None, typer.Option(metavar="verse|totalsegmentator", help="Whose label values it has.")
    ] = None,
    segmentation_parts: Annotated[
        str | None, typer.Option(metavar="body|whole", help="What it labels: bodies, or whole vertebrae.")
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    report: Annotated[
        bool, typer.Option("--report", help="Add report.html, report.pdf, tables and, for a DICOM input, dicom/.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record on standard output, nothing else.")] = False,
) -> None:
    """Measure one CT scan and write the result folder."""
    with exit_codes():
        from .measuring import Request, measure_scan
        from .table import print_result

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
            device=device,
            overwrite=overwrite,
            report=report,
        )
        with progress_bar() as progress, _reports_installed():
            examination = measure_scan(request, progress)
        if as_json:
            # ASCII, so that it is the same bytes whatever encoding the terminal has.
            typer.echo(examination.to_json())
        else:
            print_result(output(), examination, folder)


@contextmanager
def _reports_installed() -> Iterator[None]:
    """Say which package a report lacks, and how to install it."""
    from ..errors import UsageError

    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Reports need the package {error.name}, which is not installed: pip install 'ldct-bmd[reports]'."
        ) from error


RecordFile = Annotated[Path, typer.Argument(metavar="RECORD", help="A measurement.json, or the folder it is in.")]
Reader = Annotated[str, typer.Option(metavar="NAME", help="Who does it; kept in the record's history.")]


@app.command(name="report")
def remake_report(
    record: RecordFile,
    input_: Annotated[
        Path | None,
        typer.Option("--input", metavar="SCAN", help="The scan; without it neither pictures nor DICOM objects."),
    ] = None,
    prior: Annotated[
        list[Path] | None, typer.Option(metavar="OLD.json", help="An earlier record of the patient; several may do.")
    ] = None,
    lsc: Annotated[
        float | None, typer.Option(metavar="X", help="The site's least significant change in mg/cm3.")
    ] = None,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Write a de-identified copy, to RECORD's folder deidentified/.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="A folder to write, in place of RECORD's own.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only report a record that is signed with this key.")
    ] = None,
) -> None:
    """Make the report of a record again, after corrections too."""
    with exit_codes(), _reports_installed():
        from .reporting import ReportRequest, make_report

        request = ReportRequest(record, input_, tuple(prior or ()), lsc, deidentify, folder, public_key)
        with progress_bar() as progress:
            written = make_report(request, progress)
        say(output(), f"Written to {written}")


@app.command(name="sign")
def sign_record(
    record: RecordFile,
    reader: Reader,
    organization: Annotated[str | None, typer.Option(metavar="NAME", help="For whom the reader signs.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The site's private Ed25519 key, in PEM.")] = None,
) -> None:
    """Sign a record as reviewed; it takes no correction until it is unsigned."""
    with exit_codes(), _reports_installed():
        from .reporting import sign_record as run

        signature = run(record, reader, organization, key).signature
        if signature is not None:
            say(output(), f"Signed by {signature.reader} at {signature.time}; make the report again to show it.")


@app.command(name="unsign")
def unsign_record(record: RecordFile, reader: Reader) -> None:
    """Take the signature off a record, which its history keeps."""
    with exit_codes(), _reports_installed():
        from .reporting import unsign_record as run

        run(record, reader)
        say(output(), "The signature was taken off; make the report again to show it.")


@app.command()
def send(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A result folder with dicom/ in it.")],
    dicomweb: Annotated[
        str | None, typer.Option(metavar="URL", help="A DICOMweb server, for example https://pacs.example/dicom-web.")
    ] = None,
    dimse: Annotated[str | None, typer.Option(metavar="TITLE@HOST:PORT", help="A PACS, by C-STORE.")] = None,
    title: Annotated[
        str | None, typer.Option(metavar="AET", help="Our own title, with --dimse.  [default: LDCT_BMD]")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt, with --dimse.")] = False,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificates to trust, in PEM.")] = None,
) -> None:
    """Send the DICOM objects of a result folder to a PACS; credentials come from the environment or the keyring."""
    with exit_codes(), _reports_installed():
        from .reporting import SendRequest, send_objects

        stored = send_objects(SendRequest(folder, dicomweb, dimse, title, tls, ca))
        say(output(), f"{len(stored)} objects were stored.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of measurement.json."""
    with exit_codes():
        from ..reporting.schema import schema_text

        typer.echo(schema_text(), nl=False)


@app.command()
def series(input_: Input) -> None:
    """List the series of a DICOM folder, and what stands against measuring each."""
    with exit_codes():
        from ..scan import list_series
        from .table import print_series

        print_series(output(), list_series(input_))


@app.command()
def phantom(folder: OutputFolder) -> None:
    """Write a synthetic torso of known bone density: DICOM slices, vertebral bodies, and the truth beside them."""
    with exit_codes():
        from ..reporting.files import check_output_folder
        from .phantoms import DEMO_SPEC, write_phantom

        check_output_folder(folder, overwrite=False)
        with progress_bar() as progress:
            write_phantom(folder, DEMO_SPEC, progress)
        say(output(), f"Written to {folder}: a phantom, not a patient.")


@app.command()
def demo(folder: OutputFolder, device: Device = "auto", overwrite: Overwrite = False) -> None:
    """Measure a synthetic torso and print its known truth beside what was measured."""
    with exit_codes():
        from ..reporting.files import check_output_folder
        from ..validation.phantom import build_phantom, write_dicom
        from .measuring import Request, measure_scan
        from .phantoms import DEMO_SPEC, truth
        from .table import print_result, print_truth

        check_output_folder(folder, overwrite)
        with tempfile.TemporaryDirectory(prefix="ldct-bmd-demo-") as dicom, progress_bar() as progress:
            made = build_phantom(DEMO_SPEC, progress)
            write_dicom(made, Path(dicom))
            request = Request(
                input_path=Path(dicom),
                folder=folder,
                # What the phantom's HU were made with: the calibration adds no error of its own.
                slope=made.spec.slope,
                intercept=made.spec.intercept_mg_cm3,
                material="K2HPO4",
                calibration_kvp=made.spec.kvp,
                device=device,
                overwrite=overwrite,
            )
            examination = measure_scan(request, progress)
        print_result(output(), examination, folder)
        print_truth(output(), truth(made, examination.quality.requested_levels), examination)


@app.command()
def train(
    configuration: Annotated[
        str, typer.Argument(metavar="CONFIGURATION", help="coarse, fine, pan2020, or a JSON file like theirs.")
    ],
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoints and logs; a killed run goes on from here.")],
    atlas: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Label map of a torso, to draw scans from; several may do."),
    ] = None,
    lumbar_mesh: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The mean lumbar mesh, set into the atlas as a second anatomy.")
    ] = None,
    pairs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PAIRS", help="Annotated scans: a CSV or a folder, as evaluate takes them; several may do."
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(metavar="verse|totalsegmentator", help="Whose label values the pairs have: of all, or one each."),
    ] = None,
    parts: Annotated[
        list[str] | None,
        typer.Option(metavar="body|whole", help="Whether bodies or whole vertebrae are labelled: of all, or one each."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="shipped|FILE", help="Weights to start from: fine-tuning.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Train up to this step, not the configured one.")] = None,
    learning_rate: Annotated[float | None, typer.Option(metavar="X", help="In place of the configured one.")] = None,
    device: Annotated[str, typer.Option(metavar="D", help="Where it trains: auto, cpu or cuda.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that draw the examples, which are the same for any N.")
    ] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Processor threads of the training itself.")] = None,
) -> None:
    """Train one network on synthetic or annotated scans, from the start or from where it was stopped."""
    with exit_codes():
        from ..training.run import TrainingRequest
        from .training import pair_folders, train_network

        request = TrainingRequest(
            configuration=configuration,
            folder=runs,
            atlases=tuple(atlas or ()),
            lumbar_mesh=lumbar_mesh,
            pairs=pair_folders(pairs or [], values or [], parts or []),
            start=start,
            steps=steps,
            learning_rate=learning_rate,
            device=device,
            workers=workers,
            threads=threads,
        )
        trainer = train_network(request)
        say(output(), f"{trainer.configuration.name} is trained to step {trainer.step}: {trainer.checkpoint}.")


@app.command()
def pack(
    runs: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the networks were trained in.")],
    weights: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The safetensors file to write.")],
    name: Annotated[str, typer.Option(help="Name of the model, for the record.")],
    start: Annotated[
        str | None, typer.Option(metavar="shipped|FILE", help="Weights to take a network from that was not trained.")
    ] = None,
) -> None:
    """Put the weights of both networks into one file, with its checksum beside it."""
    with exit_codes():
        from ..training.run import pack as write

        write(runs, weights, name, start)
        say(output(), f"Written: {weights.name}.")


@app.command()
def evaluate(
    folder: OutputFolder,
    pairs: Annotated[
        Path | None,
        typer.Argument(metavar="PAIRS", help="A CSV with image,reference[,group][,name], or a folder of pairs."),
    ] = None,
    values: Annotated[
        str | None, typer.Option(metavar="verse|totalsegmentator", help="Whose label values the references have.")
    ] = None,
    parts: Annotated[
        str | None, typer.Option(metavar="body|whole", help="What they label: bodies, or whole vertebrae.")
    ] = None,
    reference_kind: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Who made the references, and of whom; printed on the page.")
    ] = None,
    synthetic: Annotated[
        int | None, typer.Option(metavar="N", help="Draw N synthetic scans never trained on, in place of PAIRS.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="held-out|robustness|no-spine",
            help="Which ones: one scan a patient, N patients in every way to scan, or without a spine.",
        ),
    ] = None,
    atlas: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The torso atlas that the synthetic scans are drawn from.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="VerSe masks whose vertebrae are set into synthetic scans.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the synthetic scans.  [default: 0]")] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to evaluate, in place of those of the package.")
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Compare segmentation and names with references, and write tables and a page; a killed run goes on."""
    with exit_codes():
        from .evaluating import Request, print_evaluation
        from .evaluating import evaluate as run

        request = Request(
            folder=folder,
            pairs=pairs,
            values=values,
            parts=parts,
            reference_kind=reference_kind,
            synthetic=synthetic,
            atlas=atlas,
            masks=masks,
            seed=seed,
            kind=kind,
            weights=weights,
            device=device,
            overwrite=overwrite,
        )
        with progress_bar() as progress:
            summary = run(request, progress)
        print_evaluation(output(), summary, folder)


@app.command()
def validate(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="CSV",
            help="patient, level, bmd_predicted, bmd_reference, and if you like sex, age, scanner, kvp, repeat.",
        ),
    ],
    folder: OutputFolder,
    overwrite: Overwrite = False,
) -> None:
    """Compare predicted BMD with a reference, over patients: agreement, diagnosis, figures and a page."""
    with exit_codes():
        from .validating import print_study, validate_file

        with progress_bar() as progress:
            study = validate_file(table, folder, overwrite, progress)
        print_study(output(), study, folder)


app.add_typer(calibrate)


VirtualPatients = Annotated[int, typer.Option(metavar="N", help="Virtual patients.")]
Seed = Annotated[int, typer.Option(help="Draws the patients and their scans; the same seed, the same file.")]
FieldOfView = Annotated[
    str,
    typer.Option("--field", metavar="chest|trunk", help="Scan T1-L2 as for screening, or T11-L3 alone, much faster."),
]
ExactMasks = Annotated[
    bool, typer.Option("--exact-masks", help="Take the true vertebral bodies in place of the networks'.")
]
Processes = Annotated[int | None, typer.Option(metavar="N", help="Scans at a time.  [default: one a processor]")]
TableFile = Annotated[Path, typer.Option("--output", "-o", metavar="CSV", help="The file to write, for validate.")]


@app.command()
def simulate(
    table: TableFile,
    patients: VirtualPatients = 374,
    seed: Seed = 0,
    field: FieldOfView = "chest",
    exact_masks: ExactMasks = False,
    processes: Processes = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan virtual patients of known BMD in simulation and measure them; a killed run goes on."""
    with exit_codes():
        from .simulating import Request, print_errors, simulate_cohort

        request = Request(table, patients, seed, field, exact_masks, processes, overwrite)
        with progress_bar() as progress:
            results = simulate_cohort(request, progress)
        print_errors(output(), results, table)


@app.command()
def repeatability(
    table: TableFile,
    patients: VirtualPatients = 20,
    repeats: Annotated[int, typer.Option(metavar="N", help="Scans of each patient.")] = 3,
    vary: Annotated[
        str, typer.Option(metavar="WHAT", help="What differs: noise, position, kernel, thickness, dose.")
    ] = "noise,position",
    seed: Seed = 0,
    field: FieldOfView = "chest",
    exact_masks: ExactMasks = False,
    processes: Processes = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan virtual patients again and again in simulation: RMS-SD, RMS-CV and least significant change."""
    with exit_codes():
        from .simulating import Request, print_errors, print_precision, simulate_repeats

        request = Request(table, patients, seed, field, exact_masks, processes, overwrite)
        with progress_bar() as progress:
            results = simulate_repeats(request, repeats, vary, progress)
        print_precision(output(), table)
        print_errors(output(), results, table)
