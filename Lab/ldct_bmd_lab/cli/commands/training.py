"""``ldct-bmd train``, ``folds`` and ``pack``."""

from pathlib import Path
from typing import Annotated

import typer

from ldct_bmd.cli.commands.options import Method, Overwrite
from ldct_bmd.cli.extras import extra
from ldct_bmd.cli.terminal import exit_codes, output, say

Torsos = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="TORSO",
        help="A torso to draw scans from: a label map, or a folder of TotalSegmentator's labels; several may do.",
    ),
]
LumbarMesh = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The mean lumbar mesh, set into the atlas as a second anatomy.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="Train up to this step, not the configured one.")]
LearningRate = Annotated[float | None, typer.Option(metavar="X", min=0.0, help="In place of the configured one.")]
TrainingDevice = Annotated[str, typer.Option(metavar="D", help="Where it trains: auto, cpu or cuda.")]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Processes that draw the examples, which are the same for any N."),
]
Threads = Annotated[int | None, typer.Option(metavar="N", min=1, help="Processor threads of the training itself.")]


def train(
    configuration: Annotated[
        str, typer.Argument(metavar="CONFIGURATION", help="coarse, fine, pan2020, or a JSON file like theirs.")
    ],
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoints and logs; a killed run resumes from here.")],
    atlas: Torsos = None,
    lumbar_mesh: LumbarMesh = None,
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
    steps: Steps = None,
    learning_rate: LearningRate = None,
    device: TrainingDevice = "auto",
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Train one network on synthetic or annotated scans, from the start or from where it was stopped."""
    with exit_codes(), extra("train", "ldct-bmd-lab"):
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


def folds(
    scans: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Real scans, a folder each, as evaluate --scans takes them.")
    ],
    runs: Annotated[Path, typer.Option(metavar="DIR", help="What is trained; a killed run resumes from here.")],
    start: Annotated[
        str, typer.Option(metavar="shipped|FILE", help="Weights to start from, which saw none of the scans.")
    ],
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder to write the report to.")
    ] = None,
    count: Annotated[int, typer.Option("--folds", metavar="N", help="How many, by patient.")] = 4,
    only: Annotated[
        int | None,
        typer.Option(
            "--fold", metavar="K", min=1, help="Train this fold alone, without a report: on several machines."
        ),
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="coarse|fine", help="Which to train; both, unless given."),
    ] = None,
    shapes_only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A scan whose names are neither learnt nor judged; several may do."),
    ] = None,
    atlas: Torsos = None,
    lumbar_mesh: LumbarMesh = None,
    steps: Steps = None,
    learning_rate: LearningRate = None,
    reference_kind: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Who read the levels and made the bodies; printed on the page.")
    ] = None,
    device: TrainingDevice = "auto",
    workers: Workers = None,
    threads: Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """Evaluate each real scan with weights trained on the scans of other patients; a killed run resumes."""
    with exit_codes(), extra("train", "ldct-bmd-lab"):
        from ...training.folds import NETWORKS, FoldsRequest
        from ...training.run import TrainingRequest
        from ..evaluating_scans import print_scans
        from ..folding import FoldsCommand, run_folds

        training = TrainingRequest(
            configuration="",  # set for each network and fold, as is the folder
            folder=runs,
            atlases=tuple(atlas or ()),
            lumbar_mesh=lumbar_mesh,
            start=start,
            steps=steps,
            learning_rate=learning_rate,
            device=device,
            workers=workers,
            threads=threads,
        )
        asked = FoldsRequest(runs, training, tuple(networks or NETWORKS), count, tuple(shapes_only or ()))
        done = run_folds(FoldsCommand(scans, folder, asked, only, reference_kind, overwrite))
        if done is not None and folder is not None:
            print_scans(output(), *done, folder)


def pack(
    runs: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the networks were trained in.")],
    weights: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The .safetensors file to write.")],
    name: Annotated[str, typer.Option(help="Name of the model, for the record.")],
    start: Annotated[
        str | None, typer.Option(metavar="shipped|FILE", help="Weights to take a network from that was not trained.")
    ] = None,
    method: Method = None,
) -> None:
    """Put the weights of a method's networks into one file, and next to it into the ONNX file to measure with."""
    with exit_codes(), extra("train", "ldct-bmd-lab"):
        from ldct_bmd.cli.methods import networks_of

        from ...training.run import pack as write

        for origin in write(runs, weights, name, start, networks_of(method or "coarse-fine")):
            say(output(), origin)
        say(output(), f"Written: {weights.name} and, to measure with, {weights.with_suffix('.onnx').name}.")
