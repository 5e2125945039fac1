"""From the options of ``ldct-bmd folds`` to its report."""

from dataclasses import dataclass
from pathlib import Path

from ldct_bmd.cli.methods import networks
from ldct_bmd.cli.terminal import messages, progress_bar, say
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.measuring import network_segmenter

from ..evaluation.scans import ScanResult, ScansSummary, find_scans
from ..evaluation.scans.page import ScansSubject
from ..evaluation.scans.report import check_scans_folder
from ..training.folds import NETWORKS, FoldsRequest, divide
from ..training.out_of_fold import FoldWork, evaluate_folds, trained_fold
from ..training.run import TrainingRequest
from ..training.start import load_start
from .evaluating_scans import check_shapes_only
from .training import train_network


@dataclass(frozen=True)
class FoldsCommand:
    """What the user asked for, as typed; :func:`run_folds` says what is wrong with it.

    Attributes:
        folder: where the report goes.
        only: the one fold to train, without any report; None: all, and the report.
    """

    scans: Path
    folder: Path | None
    request: FoldsRequest
    only: int | None = None
    reference_kind: str | None = None
    overwrite: bool = False


def run_folds(command: FoldsCommand) -> tuple[ScansSummary, list[ScanResult]] | None:
    """Train the folds that are asked for, and evaluate and report where all are.

    Raises:
        UsageError, CannotMeasure: the request makes no sense, or a training fails; what was done is kept.
    """
    request = command.request
    folder = _check(command)
    scans = find_scans(command.scans)
    check_shapes_only(request.shapes_only, scans)
    fold_of = divide(scans, request.count)
    work = FoldWork(
        _train,
        lambda weights: network_segmenter(networks(request.training.device, weights)),
        progress_bar,
        lambda sentence: say(messages(), sentence),
    )
    if command.only is not None:
        if command.only not in fold_of.values():
            raise UsageError.of_text(f"--fold is a number from 1 to {request.count}.")
        trained_fold(request, command.only, scans, fold_of, work)
    if folder is None:
        return None
    model = load_start(request.training.start or "")
    trained = " and ".join(request.networks)
    subject = ScansSubject(
        f"from {command.scans.name}, in {request.count} folds by patient",
        (command.reference_kind or "").strip(),
        f"{model.name}, the {trained} network trained on for each fold",
        folds=True,
    )
    return evaluate_folds(request, scans, fold_of, folder, subject, work, command.overwrite)


def _check(command: FoldsCommand) -> Path | None:
    """Return the folder for the report; None where none is asked for."""
    request = command.request
    unknown = [name for name in request.networks if name not in NETWORKS]
    if unknown or not request.networks:
        raise UsageError.of_text(f"--network is {' or '.join(NETWORKS)}, not {''.join(unknown[:1]) or 'none'}.")
    if request.training.start is None:
        raise UsageError.of_text("Name the weights to start from with --start: they must have seen none of the scans.")
    if command.only is not None:
        return None
    if command.folder is None:
        raise UsageError.of_text("Name the folder for the report with -o, or train a single fold with --fold.")
    check_scans_folder(command.folder, command.overwrite)
    return command.folder


def _train(request: TrainingRequest) -> None:
    say(messages(), train_network(request, held_out_elsewhere=True))
