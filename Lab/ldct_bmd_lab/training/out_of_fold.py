"""Out-of-fold results: each fold's scans evaluated with weights that never saw their patients, in one report."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.ground.progress import Progress
from ldct_bmd.segmentation import Segmenter

from ..evaluation.scans import ScanFolder, ScanResult, ScansSummary, evaluate_scan
from ..evaluation.scans.layout import files_of
from ..evaluation.scans.page import ScansSubject
from ..evaluation.scans.report import write_scans_report
from ..evaluation.scans.run import STAGE, within
from ..ground.journal import Journal
from .folds import FoldsRequest, Train, train_fold
from .start import load_start


@dataclass(frozen=True)
class FoldWork:
    """What a fold is worked on with.

    Attributes:
        train: trains one network as a request says, to its end.
        segmenter: loads weights.
        progress: shows how far a fold's evaluation is.
        say: tells what is done.
    """

    train: Train
    segmenter: Callable[[Path], Segmenter]
    progress: Callable[[], AbstractContextManager[Progress]]
    say: Callable[[str], object]


def evaluate_folds(
    request: FoldsRequest,
    scans: Sequence[ScanFolder],
    fold_of: Mapping[str, int],
    folder: Path,
    subject: ScansSubject,
    work: FoldWork,
    overwrite: bool = False,
) -> tuple[ScansSummary, list[ScanResult]]:
    """Train and evaluate fold by fold, resume where a killed run stopped, and write the report.

    Args:
        fold_of: the fold of each scan, by name.

    Raises:
        UsageError, CannotMeasure: a training fails; what was done is kept.
    """
    journal = Journal(folder, ScanResult, _arguments(request), "evaluation", _inputs(request, scans, fold_of))
    for fold in range(1, request.count + 1):
        segmenter = work.segmenter(trained_fold(request, fold, scans, fold_of, work))
        own = [scan for scan in scans if fold_of[scan.name] == fold]
        with work.progress() as progress:
            for number, scan in enumerate(own):
                if not _is_done(journal.results, scan, fold, segmenter):
                    within_scan = partial(within, progress, number, len(own))
                    named = scan.name not in request.shapes_only
                    journal.add(evaluate_scan(scan, segmenter, within_scan, named, fold))
            progress(STAGE, 1.0)
    results = [journal.results[scan.name] for scan in scans]
    summary = write_scans_report(folder, subject, results, overwrite)
    journal.remove()
    return summary, results


def trained_fold(
    request: FoldsRequest, fold: int, scans: Sequence[ScanFolder], fold_of: Mapping[str, int], work: FoldWork
) -> Path:
    """Return the weights of one fold, trained on the scans of the others."""
    others = [scan for scan in scans if fold_of[scan.name] != fold]
    left_out = ", ".join(name for name, number in fold_of.items() if number == fold)
    work.say(f"Fold {fold} of {request.count} leaves out {left_out}.")
    return train_fold(request, fold, others, work.train)


def _arguments(request: FoldsRequest) -> dict[str, object]:
    return {
        "folds": request.count,
        "networks": list(request.networks),
        "start": load_start(request.training.start or "").sha256,
        "steps": request.training.steps,
        "learning_rate": request.training.learning_rate,
        "version": __version__,
    }


def _inputs(request: FoldsRequest, scans: Sequence[ScanFolder], fold_of: Mapping[str, int]) -> dict[str, list[object]]:
    return {
        scan.name: [fold_of[scan.name], scan.patient, scan.name in request.shapes_only, files_of(scan)]
        for scan in scans
    }


def _is_done(results: Mapping[str, ScanResult], scan: ScanFolder, fold: int, segmenter: Segmenter) -> bool:
    """Return whether a scan was evaluated with these very weights."""
    done = results.get(scan.name)
    return done is not None and (done.fold, done.weights_sha256) == (fold, segmenter.identity.sha256)
