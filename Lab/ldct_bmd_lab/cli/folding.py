"""What the command ``folds`` does: train for each fold, evaluate its scans with its weights, write one report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.cli.methods import networks
from ldct_bmd.cli.terminal import messages, progress_bar, say
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.measuring import network_segmenter
from ldct_bmd.segmentation import Segmenter

from ..evaluation.scans import ScanFolder, ScanResult, ScansSummary, evaluate_scan, find_scans
from ..evaluation.scans.layout import files_of
from ..evaluation.scans.page import ScansSubject
from ..evaluation.scans.report import check_scans_folder, write_scans_report
from ..ground.journal import Journal
from ..training.folds import NETWORKS, FoldsRequest, divide, train_fold
from ..training.run import TrainingRequest
from ..training.start import load_start
from .evaluating_scans import STAGE, check_shapes_only, within
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
    """Train and evaluate fold by fold, resume where a killed run stopped, and write the report.

    Raises:
        UsageError, CannotMeasure: the request makes no sense, or a training fails; what was done is kept.
    """
    request = command.request
    folder = _check(command)
    scans = find_scans(command.scans)
    check_shapes_only(request.shapes_only, scans)
    fold_of = divide(scans, request.count)
    if command.only is not None:
        if command.only not in fold_of.values():
            raise UsageError.of_text(f"--fold is a number from 1 to {request.count}.")
        _trained(request, command.only, scans, fold_of)
    if folder is None:
        return None
    model = load_start(request.training.start or "").identity
    arguments = {
        "folds": request.count,
        "networks": list(request.networks),
        "start": model.sha256,
        "steps": request.training.steps,
        "learning_rate": request.training.learning_rate,
        "version": __version__,
    }
    inputs = {
        scan.name: [fold_of[scan.name], scan.patient, scan.name in request.shapes_only, files_of(scan)]
        for scan in scans
    }
    journal = Journal(folder, ScanResult, arguments, "evaluation", inputs)
    for fold in range(1, request.count + 1):
        weights = _trained(request, fold, scans, fold_of)
        own = [scan for scan in scans if fold_of[scan.name] == fold]
        segmenter = network_segmenter(networks(request.training.device, weights))
        with progress_bar() as progress:
            for number, scan in enumerate(own):
                if not _is_done(journal.results, scan, fold, segmenter):
                    within_scan = partial(within, progress, number, len(own))
                    named = scan.name not in request.shapes_only
                    journal.add(evaluate_scan(scan, segmenter, within_scan, named, fold))
            progress(STAGE, 1.0)
    trained = " and ".join(request.networks)
    subject = ScansSubject(
        f"from {command.scans.name}, in {request.count} folds by patient",
        (command.reference_kind or "").strip(),
        f"{model.name}, the {trained} network trained on for each fold",
        folds=True,
    )
    results = [journal.results[scan.name] for scan in scans]
    summary = write_scans_report(folder, subject, results, command.overwrite)
    journal.remove()
    return summary, results


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


def _trained(request: FoldsRequest, fold: int, scans: Sequence[ScanFolder], fold_of: Mapping[str, int]) -> Path:
    others = [scan for scan in scans if fold_of[scan.name] != fold]
    left_out = ", ".join(name for name, number in fold_of.items() if number == fold)
    say(messages(), f"Fold {fold} of {request.count} leaves out {left_out}.")
    return train_fold(request, fold, others, _train)


def _train(request: TrainingRequest) -> None:
    say(messages(), train_network(request, held_out_elsewhere=True))


def _is_done(results: Mapping[str, ScanResult], scan: ScanFolder, fold: int, segmenter: Segmenter) -> bool:
    """Return whether a scan was evaluated with these very weights."""
    done = results.get(scan.name)
    return done is not None and (done.fold, done.weights_sha256) == (fold, segmenter.identity.sha256)
