"""``ldct-bmd phantom`` and ``demo``."""

from typing import Annotated

import typer

from ldct_bmd.cli.commands.options import Device, OutputFolder, Overwrite
from ldct_bmd.cli.terminal import exit_codes, output, progress_bar, say

Pad = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        metavar="PHANTOM",
        help="A scan of this calibration phantom in place of the torso: its description, or an example's name.",
    ),
]


def phantom(folder: OutputFolder, calibration: Pad = None) -> None:
    """Write a synthetic torso of known bone density: DICOM slices, vertebral bodies, and the truth next to them."""
    with exit_codes():
        from ldct_bmd.calibration.phantom.description import load_phantom
        from ldct_bmd.reporting.files import check_output_folder

        from ...phantom.demo import DEMO_SPEC, write_pad, write_phantom

        check_output_folder(folder, overwrite=False)
        if calibration is None:
            with progress_bar() as progress:
                write_phantom(folder, DEMO_SPEC, progress)
        else:
            write_pad(folder, load_phantom(calibration))
        say(output(), f"Written to {folder}: a phantom, not a patient.")


def demo(folder: OutputFolder, device: Device = "auto", overwrite: Overwrite = False) -> None:
    """Measure a synthetic torso and print its known truth next to what was measured."""
    with exit_codes():
        from ldct_bmd.cli.measuring import Request, measure_scan
        from ldct_bmd.cli.table import print_result
        from ldct_bmd.ground.scratch import temporary_folder
        from ldct_bmd.reporting.files import check_output_folder

        from ...phantom import build_phantom, write_dicom
        from ...phantom.demo import DEMO_SPEC, truth
        from ..truth import print_truth

        check_output_folder(folder, overwrite)
        with temporary_folder() as dicom, progress_bar() as progress:
            made = build_phantom(DEMO_SPEC, progress)
            write_dicom(made, dicom)
            request = Request(
                input_path=dicom,
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
