"""Out-of-fold results: real scans divided by patient, weights trained for each fold on the scans of the others."""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ldct_bmd.ground.atomic import write_text
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import to_plain

from ..evaluation.scans import ScanFolder
from ..evaluation.segmentation.references import COLUMNS as PAIR_COLUMNS
from .annotated import AnnotatedFolder
from .configuration import load_configuration
from .run import TrainingRequest, pack, stamp
from .start import load_start

WEIGHTS_FILE, PAIRS_FILE, DONE_FILE = "weights.safetensors", "pairs.csv", "fold.json"
NETWORKS = ("coarse", "fine")
FEWEST = 2


@dataclass(frozen=True)
class FoldsRequest:
    """What to train for each fold, on what.

    Attributes:
        runs: a folder for each fold, with checkpoints and weights; a killed run resumes from here.
        training: start, atlases, steps, device, ... of every fold's training; its configuration, folder and pairs are
            set for each.
        networks: which to train, of "coarse" and "fine"; the others are those of the start.
        count: how many folds.
        shapes_only: scans whose names are not to be learnt.
    """

    runs: Path
    training: TrainingRequest
    networks: tuple[str, ...] = NETWORKS
    count: int = 4
    shapes_only: tuple[str, ...] = ()


Train = Callable[[TrainingRequest], object]


def divide(scans: Sequence[ScanFolder], count: int) -> dict[str, int]:
    """Return the fold, 1 to ``count``, of each scan by name: all scans of one patient in the same one.

    Patients with reference bodies are dealt out first, then those with a list of levels, then the others, so that each
    fold has its share of each; in an order that names alone decide. UsageError if there are too few patients.
    """
    patients = sorted({scan.patient for scan in scans}, key=lambda name: _rank(name, scans))
    if count < FEWEST or count > len(patients):
        raise UsageError.of_text(
            f"{len(patients)} patients can't be divided into {count} folds: give a number from {FEWEST} to the number "
            "of patients."
        )
    fold_of = {patient: number % count + 1 for number, patient in enumerate(patients)}
    return {scan.name: fold_of[scan.patient] for scan in scans}


def train_fold(request: FoldsRequest, fold: int, scans: Sequence[ScanFolder], train: Train) -> Path:
    """Train the networks of one fold on ``scans``, those of the other folds, and return the weights file.

    A fold that is trained to its end is taken as it is, wherever it was trained.

    Args:
        train: trains one network as a request says, to its end.

    Raises:
        UsageError, CannotMeasure: as the training does.
    """
    place = request.runs / f"fold-{fold}"
    place.mkdir(parents=True, exist_ok=True)
    weights, facts = place / WEIGHTS_FILE, _facts(request, scans)
    if _is_trained(place, facts):
        return weights
    _share_prepared(request.runs, place)
    pairs = training_pairs(scans, place, request.shapes_only)
    for network in request.networks:
        # All scans but the fold's own are trained on: those are what it is judged by.
        configuration = replace(load_configuration(network), held_out=0.0)
        described = place / f"{network}.json"
        described.write_text(json.dumps(to_plain(configuration), indent=2) + "\n", encoding="utf-8")
        train(replace(request.training, configuration=str(described), folder=place, pairs=pairs))
    pack(place, weights, f"fold {fold} of {request.count}", request.training.start)
    done = {"trained": facts, WEIGHTS_FILE: _sha256(weights)}
    write_text(place / DONE_FILE, json.dumps(done, indent=2) + "\n")
    return weights


def training_pairs(
    scans: Sequence[ScanFolder], place: Path, shapes_only: Collection[str] = ()
) -> tuple[AnnotatedFolder, ...]:
    """Return ``scans`` as what the training takes; a table of them is written to ``place``.

    Args:
        shapes_only: scans whose names are doubtful.

    Raises:
        UsageError: there is no scan to learn from.
    """
    taught = [scan for scan in scans if scan.bodies is not None or scan.levels is not None]
    if not taught:
        raise UsageError.of_text(
            "No scan outside of a fold has reference bodies or a list of levels, so that there is nothing to train on."
        )
    table = place / PAIRS_FILE
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(PAIR_COLUMNS)
        for scan in taught:
            bodies, levels = (file.absolute() if file else "" for file in (scan.bodies, scan.levels))
            named = "no" if scan.name in shapes_only else "yes"
            writer.writerow((scan.image.absolute(), bodies, "real", scan.name, levels, named))
    return (AnnotatedFolder(table, "verse", "body"),)


def _facts(request: FoldsRequest, scans: Sequence[ScanFolder]) -> dict[str, Any]:
    """Return what a fold's weights depend on, as plain values that are the same on every machine."""
    training = request.training
    return {
        "start": load_start(training.start or "").sha256,
        "networks": list(request.networks),
        "steps": training.steps,
        "learning_rate": training.learning_rate,
        "atlases": [stamp(path) for path in training.atlases],
        "lumbar_mesh": training.lumbar_mesh is not None,
        "shapes_only": sorted(request.shapes_only),
        "scans": {scan.name: _content(scan) for scan in sorted(scans, key=lambda scan: scan.name)},
    }


def _is_trained(place: Path, facts: dict[str, Any]) -> bool:
    """Return whether a fold is trained to its end; UsageError if it is, but on other facts."""
    try:
        done = json.loads((place / DONE_FILE).read_text(encoding="utf-8"))
        if done[WEIGHTS_FILE] != _sha256(place / WEIGHTS_FILE):
            return False
    except (OSError, ValueError, KeyError):
        return False
    if done["trained"] != facts:
        raise UsageError.of_text(
            f"{place} was trained on other scans, or in another way: name another folder with --runs, or remove it."
        )
    return True


def _content(scan: ScanFolder) -> str:
    """Return the SHA-256 of all files of a scan."""
    place = scan.image if scan.image.is_dir() else scan.image.parent
    digest = hashlib.sha256()
    for file in sorted(file for file in place.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(place).as_posix()} {_sha256(file)}\n".encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _rank(patient: str, scans: Sequence[ScanFolder]) -> tuple[int, str]:
    own = [scan for scan in scans if scan.patient == patient]
    kind = 0 if any(scan.bodies for scan in own) else 1 if any(scan.levels_z_mm for scan in own) else 2
    return kind, hashlib.sha256(patient.encode()).hexdigest()


def _share_prepared(runs: Path, place: Path) -> None:
    """Let a fold use the scans and torsos that another fold prepared; it prepares its own where links can't be made."""
    (runs / "pairs").mkdir(exist_ok=True)
    with suppress(OSError):
        if not (place / "pairs").exists():
            (place / "pairs").symlink_to((runs / "pairs").absolute(), target_is_directory=True)
    for prepared in runs.glob("fold-*/atlas-*.npz"):
        with suppress(OSError):  # there already, as a rule
            os.link(prepared, place / prepared.name)
