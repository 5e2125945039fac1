"""The commands and their options."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
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
            levels=tuple(level.strip().upper() for level in levels.split(",")),
            segmentation_file=segmentation,
            segmentation_values=segmentation_values,
            segmentation_parts=segmentation_parts,
            device=device,
            overwrite=overwrite,
        )
        with progress_bar() as progress:
            examination = measure_scan(request, progress)
        if as_json:
            # ASCII, so that it is the same bytes whatever encoding the terminal has.
            typer.echo(examination.to_json())
        else:
            print_result(output(), examination, folder)


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
    network: Annotated[str, typer.Argument(metavar="coarse|fine", help="Which of the two networks.")],
    atlas: Annotated[Path, typer.Option(metavar="FILE", help="The torso atlas, torso_labels_1mm.nii.gz.")],
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoints and logs; a killed run goes on from here.")],
    steps: Annotated[int | None, typer.Option(help="Train up to this step, not the configured one.")] = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads.")] = None,
) -> None:
    """Train one network on synthetic scans, from the start or from where it was stopped."""
    with exit_codes():
        from ..training.run import train as run

        trainer = run(network, atlas, runs, steps, threads)
        say(output(), f"The {network} network is trained to step {trainer.step}.")


@app.command()
def pack(
    runs: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that both networks were trained in.")],
    weights: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The safetensors file to write.")],
    name: Annotated[str, typer.Option(help="Name of the model, for the record.")],
) -> None:
    """Put the weights of both networks into one file, with its checksum beside it."""
    with exit_codes():
        from ..training.run import pack as write

        write(runs, weights, name)
        say(output(), f"Written: {weights.name}.")
