"""``ldct-bmd evaluate`` and ``validate``."""

from pathlib import Path
from typing import Annotated

import typer

from ldct_bmd.cli.commands.options import Device, Method, OutputFolder, Overwrite
from ldct_bmd.cli.extras import extra
from ldct_bmd.cli.terminal import exit_codes, output, progress_bar
from ldct_bmd.ground.errors import UsageError


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
        Path | None,
        typer.Option(metavar="TORSO", help="A label map, or a folder of TotalSegmentator's labels, to draw them from."),
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="VerSe masks whose vertebrae are set into synthetic scans.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the synthetic scans.  \\[default: 0]")] = None,
    scans: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="In place of PAIRS: a folder for each real scan, with ct.nii.gz or DICOM and what is known of it.",
        ),
    ] = None,
    shapes_only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --scans: a scan whose names are not judged; several may do."),
    ] = None,
    trained_on: Annotated[
        bool, typer.Option("--trained-on", help="With --scans: the weights have seen them; the page says so.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to evaluate, in place of those of the package.")
    ] = None,
    method: Method = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Compare segmentation and names with references, and write tables and a page; a killed run resumes."""
    with exit_codes(), extra("train", "ldct-bmd-lab"):
        if scans is not None:
            others = (pairs, values, parts, synthetic, kind, atlas, masks, seed)
            if others != (None,) * len(others):
                raise UsageError.of_text(
                    "Give either --scans or PAIRS or --synthetic, with the options of that one alone."
                )
            from ..evaluating_scans import ScansRequest, evaluate_real_scans, print_scans

            asked = ScansRequest(
                folder=folder,
                scans=scans,
                shapes_only=tuple(shapes_only or ()),
                trained_on=trained_on,
                reference_kind=reference_kind,
                weights=weights,
                method=method,
                device=device,
                overwrite=overwrite,
            )
            with progress_bar() as progress:
                totals, results = evaluate_real_scans(asked, progress)
            print_scans(output(), totals, results, folder)
            return
        if shapes_only or trained_on:
            raise UsageError.of_text("--shapes-only and --trained-on go with --scans.")
        from ..evaluating import EvaluationRequest, evaluate_cases, print_evaluation

        request = EvaluationRequest(
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
            method=method,
            device=device,
            overwrite=overwrite,
        )
        with progress_bar() as progress:
            summary = evaluate_cases(request, progress)
        print_evaluation(output(), summary, folder)


def validate(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="CSV",
            help="patient, level, bmd_predicted, bmd_reference (mg/cm3), and if you like sex, age, scanner, kvp, "
            "repeat, names_certain.",
        ),
    ],
    folder: OutputFolder,
    overwrite: Overwrite = False,
) -> None:
    """Compare predicted BMD with a reference, over patients: agreement, diagnosis, figures and a page."""
    with exit_codes():
        from ..validating import print_study, validate

        with progress_bar() as progress:
            study = validate(table, folder, overwrite, progress)
        print_study(output(), study, folder)
