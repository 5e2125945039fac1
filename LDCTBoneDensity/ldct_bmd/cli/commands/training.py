"""``ldct-bmd train`` and ``pack``."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import exit_codes, output, say
from .options import Method


def train(
    configuration: Annotated[
        str, typer.Argument(metavar="CONFIGURATION", help="coarse, fine, pan2020, or a JSON file like theirs.")
    ],
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoints and logs; a killed run goes on from here.")],
    atlas: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TORSO",
            help="A torso to draw scans from: a label map, or a folder of TotalSegmentator's labels; several may do.",
        ),
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
    reviews: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Results whose signed reviews are learnt from.")
    ] = None,
    scans: Annotated[Path | None, typer.Option(metavar="DIR", help="The scans of --reviews.")] = None,
    start: Annotated[
        str | None, typer.Option(metavar="shipped|FILE", help="Weights to start from: fine-tuning.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Train up to this step, not the configured one.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="X", min=0.0, help="In place of the configured one.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="D", help="Where it trains: auto, cpu or cuda.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Processes that draw the examples, which are the same for any N."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processor threads of the training itself.")
    ] = None,
) -> None:
    """Train one network on synthetic or annotated scans, from the start or from where it was stopped."""
    with exit_codes():
        from ...training.run import TrainingRequest
        from ..training import pair_folders, review_folders, train_network

        request = TrainingRequest(
            configuration=configuration,
            folder=runs,
            atlases=tuple(atlas or ()),
            lumbar_mesh=lumbar_mesh,
            pairs=(
                *pair_folders(pairs or [], values or [], parts or []),
                *review_folders(reviews or [], scans),
            ),
            start=start,
            steps=steps,
            learning_rate=learning_rate,
            device=device,
            workers=workers,
            threads=threads,
        )
        say(output(), train_network(request))


def pack(
    runs: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the networks were trained in.")],
    weights: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The safetensors file to write.")],
    name: Annotated[str, typer.Option(help="Name of the model, for the record.")],
    start: Annotated[
        str | None, typer.Option(metavar="shipped|FILE", help="Weights to take a network from that was not trained.")
    ] = None,
    method: Method = None,
) -> None:
    """Put the weights of a method's networks into one file, with its checksum beside it."""
    with exit_codes():
        from ...training.run import pack as write
        from ..methods import networks_of

        for origin in write(runs, weights, name, start, networks_of(method or "coarse-fine")):
            say(output(), origin)
        say(output(), f"Written: {weights.name}.")
