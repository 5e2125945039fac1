"""Training as a user starts it: a configuration, what to train on, a folder to go on from."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ldct_bmd.ground.atomic import write_into
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.plain import from_plain
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd.segmentation.runtime import NetworkShape
from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet
from ldct_bmd.segmentation.runtime.on_torch import find_device
from ldct_bmd.segmentation.weights import COARSE_FINE, PAN2020, TRAINED

from ..torso import Atlas, load_atlas
from ..torso.atlas import kept
from ..torso.graft import graft, spine_of
from ..torso.lumbar_mesh import FACES_FILE, VERTICES_FILE, load_lumbar_mesh
from ..torso.totalsegmentator_atlas import FILES, is_totalsegmentator, load_totalsegmentator
from .annotated import AnnotatedFolder, AnnotatedScan, Skipped, hold_out, prepare_pairs, unheard, write_held_out
from .annotated_source import AnnotatedSource
from .configuration import CONFIGURATIONS, Augmentation, TrainingConfiguration, load_configuration
from .examples import MixedSource, Source, SyntheticSource
from .loop import Trainer
from .start import SHIPPED, load_start_network, shape_of
from .stored import save_model

NETWORK = {"regions": "fine", "levels": "coarse"}  # that tells these classes apart
MAX_WORKERS = 12
MIXED_SHARE = 0.5  # of the scans drawn from a torso, those with its spine in the body of a label map
MESH_SHARE = 0.3  # of the scans drawn from an atlas, those with the lumbar mesh in it


@dataclass(frozen=True)
class TrainingRequest:
    """What to train, on what.

    Attributes:
        configuration: a name ("coarse", "fine", ...) or a JSON file.
        folder: checkpoints, log and what was prepared; a killed run goes on from here.
        atlases: torsos to draw synthetic scans from: label maps, or folders that TotalSegmentator's labels are in.
        lumbar_mesh: folder of the mean lumbar mesh, grafted into each label map as a second anatomy.
        pairs: folders of annotated scans, or of signed reviews.
        start: weights to start from: "shipped", or a file; None: none.
        steps, learning_rate: in place of the configuration's.
        device: "auto" (a CUDA GPU, or the processor), "cpu", "cuda", ...
        workers: processes that draw examples; None: as many as a GPU needs, or none.
        threads: of this process; None: as many as there are processors.
    """

    configuration: str
    folder: Path
    atlases: tuple[Path, ...] = ()
    pairs: tuple[AnnotatedFolder, ...] = ()
    start: str | None = None
    steps: int | None = None
    learning_rate: float | None = None
    device: str = "auto"
    workers: int | None = None
    threads: int | None = None
    lumbar_mesh: Path | None = None


@dataclass(frozen=True)
class _Sources:
    """What a run draws from.

    Attributes:
        held_out: the annotated scans that it does not train on.
        origin: what tells the data that it trains on.
    """

    train: Source
    validate: Source | None
    held_out: tuple[AnnotatedScan, ...]
    origin: str


def prepare(request: TrainingRequest, progress: Progress = silent, skipped: Skipped = unheard) -> Trainer:
    """Read what there is to train on and return the trainer, where its checkpoint left off.

    The annotated scans held out are written to the folder as a table, for an evaluation.

    Args:
        skipped: told of each annotated scan that can't be used, in a sentence.

    Raises:
        UsageError: the request makes no sense, or names what is not there.
        CannotMeasure: too many annotated scans, or the weights, can't be used.
    """
    configuration = _configuration(request)
    # Apple's GPUs lack the pooling that the networks are trained with.
    chosen = request.device if request.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    device = find_device(chosen)
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    start = None
    if request.start is not None:
        network = configuration.name if configuration.name in PAN2020 else NETWORK[configuration.classes]
        start = load_start_network(request.start, network)
        start.check(configuration.network)
    request.folder.mkdir(parents=True, exist_ok=True)
    try:
        sources = _sources(request, configuration, progress, skipped)
    except (CannotMeasure, UsageError):
        with suppress(OSError):  # not empty: an earlier run's, or scans that are prepared
            request.folder.rmdir()
        raise
    workers = request.workers
    if workers is None:
        workers = min((os.cpu_count() or 1) - 1, MAX_WORKERS) if device.type == "cuda" else 0
    trainer = Trainer(
        configuration, sources.train, request.folder, sources.validate, device, workers, start, sources.origin
    )
    trainer.resume()
    write_held_out(sources.held_out, request.folder / f"{configuration.name}-held_out.csv")
    return trainer


def pack(
    folder: Path, weights: Path, name: str, start: str | None = None, parts: tuple[str, ...] = COARSE_FINE
) -> list[str]:
    """Write the averaged weights of a method's networks to a safetensors and an ONNX file, with checksums.

    Returns a line for each network on where it came from.

    Args:
        folder: where they were trained.
        start: weights ("shipped", or a file) that a network which was not trained there is taken from.
        parts: the method's networks, COARSE_FINE or PAN2020.

    Raises:
        UsageError: ``start`` is given for the one network of PAN2020, or ``weights`` is no name of a safetensors file.
        CannotMeasure: no network, or with no ``start`` not all, were trained in ``folder``; or they did not start from
            the same weights.
    """
    if start is not None and len(parts) == 1:
        raise UsageError.of_text(f"{parts[0]} is one network, so that nothing is left to take from other weights.")
    if weights.suffix != TRAINED:
        raise UsageError.of_text(f"Name a file that ends in {TRAINED}; the ONNX file is written beside it.")
    states, missing = _trained(folder, parts, start)
    networks = {network: _averaged(network, state) for network, state in states.items()}
    origins = [_origin(network, folder, state) for network, state in states.items()]
    if missing and start is not None:
        other = load_start_network(start, missing[0]).network
        networks[missing[0]] = (shape_of(other), other)
        origins.append(f"{missing[0]}: taken from the weights {start}")
    if not weights.absolute().parent.is_dir():
        raise UsageError.of_text(f"The folder {weights.absolute().parent} does not exist; make it first.")
    write_into(weights.absolute().parent, lambda partial: save_model(partial / weights.name, name, networks))
    return origins


def _trained(folder: Path, parts: tuple[str, ...], start: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return the checkpoints of ``parts`` in ``folder``, and which of them are to be taken from ``start``."""
    files = {network: folder / f"{network}.pt" for network in parts}
    missing = [network for network, checkpoint in files.items() if not checkpoint.is_file()]
    if len(missing) == len(parts) or (missing and start is None):
        raise CannotMeasure.of_text(
            f"{folder} holds no checkpoint of the {' or the '.join(missing)} network: train it first"
            + (", or take it from other weights with --start." if len(missing) < len(parts) else ".")
        )
    states = {
        network: torch.load(checkpoint, map_location="cpu", weights_only=True)
        for network, checkpoint in files.items()
        if network not in missing
    }
    for network, state in states.items():
        if not state["step"]:
            raise CannotMeasure.of_text(
                f"{files[network]} is at step 0, so that it holds nothing learnt: train it first."
            )
    if len({state.get("start") for state in states.values()}) > 1:
        raise CannotMeasure.of_text(
            f"The two networks in {folder} did not start from the same weights: train both from the same ones, or pack "
            "one from a folder of its own and take the other with --start."
        )
    return states, missing


def _configuration(request: TrainingRequest) -> TrainingConfiguration:
    configuration = load_configuration(request.configuration)
    if configuration.fine_tuning is not None and (request.start is not None or _is_fine_tuning(request, configuration)):
        tuning = configuration.fine_tuning
        configuration = replace(configuration, learning_rate=tuning.learning_rate, steps=tuning.steps)
    if request.steps is not None:
        configuration = replace(configuration, steps=request.steps)
    if request.learning_rate is not None:
        configuration = replace(configuration, learning_rate=request.learning_rate)
    return configuration


def _is_fine_tuning(request: TrainingRequest, configuration: TrainingConfiguration) -> bool:
    """Return whether the run that goes on in the folder, if one does, began from weights."""
    checkpoint = request.folder / f"{configuration.name}.pt"
    if not checkpoint.is_file():
        return False
    return torch.load(checkpoint, map_location="cpu", weights_only=True).get("start") is not None


def _sources(
    request: TrainingRequest, configuration: TrainingConfiguration, progress: Progress, skipped: Skipped
) -> _Sources:
    """Return what to train on and what to validate on: annotated scans held out, if there are, else synthetic ones."""
    if not request.atlases and not request.pairs:
        raise UsageError.of_text(
            "There is nothing to train on: name an atlas with --atlas, or annotated scans with --pairs."
        )
    for path in request.atlases:
        if not path.is_file() and not is_totalsegmentator(path):
            raise UsageError.of_text(
                f"There is no atlas {path}: name the label map torso_labels_1mm.nii.gz, or a folder with "
                f"{', '.join(FILES)}."
            )
    spec, share = configuration.spec, configuration.annotated_share
    # Only the coarse network learns names, for which the tool's own outlines are good enough.
    outliner = _outliner(request) if request.pairs and configuration.classes == "levels" else None
    scans = prepare_pairs(request.pairs, spec.spacing_zyx_mm, request.folder / "pairs", progress, skipped, outliner)
    trained_on, validated_on = hold_out(scans, configuration.held_out)
    parts: list[tuple[Source, float]] = []
    held_out: Source | None = None
    if request.atlases:
        synthetic = SyntheticSource(_atlases(request), spec)
        parts.append((synthetic, 1 - share if scans else 1.0))
        held_out = synthetic
    if scans:
        parts.append((AnnotatedSource(tuple(trained_on), spec, configuration.augmentation), share if parts else 1.0))
    if validated_on:
        held_out = AnnotatedSource(tuple(validated_on), spec, _calm(configuration.augmentation))
    return _Sources(MixedSource(tuple(parts)), held_out, tuple(validated_on), _origin_of(request, trained_on))


def _outliner(request: TrainingRequest) -> NetworkSegmenter:
    """Return what outlines bodies that a list names: the weights that the run starts from, or those that ship."""
    return NetworkSegmenter(weights=Path(request.start) if request.start not in (None, SHIPPED) else None)


def _origin_of(request: TrainingRequest, trained_on: Sequence[AnnotatedScan]) -> str:
    # A prepared scan's folder is named by its files and their kind of labels.
    mesh = _mesh_stamp(request.lumbar_mesh) if request.atlases and request.lumbar_mesh else None
    facts = [[stamp(path) for path in request.atlases], mesh, sorted(scan.folder.name for scan in trained_on)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _calm(augmentation: Augmentation) -> Augmentation:
    """Return where pieces are cut out and what lies beyond the scan, without any variation."""
    return Augmentation(about=augmentation.about, beyond=augmentation.beyond)


def _atlases(request: TrainingRequest) -> tuple[tuple[Atlas, float], ...]:
    """Return the anatomies to draw from, with their shares; they are kept in the run's folder.

    Each body of each torso is drawn as often as any other. Of a folder's, a part is set into the first label map, which
    goes on above it.
    """
    anatomies: list[tuple[Atlas, float]] = []
    bodies: tuple[Atlas, Path] | None = None
    for path in sorted(request.atlases, key=Path.is_dir):
        cache = request.folder / f"atlas-{stamp(path)}.npz"
        if path.is_dir():
            torso = kept(cache, partial(load_totalsegmentator, path))
            share = float(len(torso.axis_levels))
            anatomies.append((torso, share if bodies is None else share * (1.0 - MIXED_SHARE)))
            if bodies is not None:
                cache = request.folder / f"atlas-{stamp(bodies[1])}-spine-{stamp(path)}.npz"
                anatomies.append((kept(cache, partial(_with_spine, bodies[0], torso)), share * MIXED_SHARE))
            continue
        atlas = load_atlas(path, cache)
        bodies = bodies or (atlas, path)
        share = float(len(atlas.axis_levels))
        mesh = request.lumbar_mesh
        anatomies.append((atlas, share if mesh is None else share * (1.0 - MESH_SHARE)))
        if mesh is not None:
            cache = request.folder / f"atlas-{stamp(path)}-lumbar-mesh-{_mesh_stamp(mesh)}.npz"
            anatomies.append((kept(cache, partial(_with_mesh, atlas, mesh)), share * MESH_SHARE))
    return tuple(anatomies)


def _with_spine(atlas: Atlas, torso: Atlas) -> Atlas:
    return graft(atlas, spine_of(torso))


def _with_mesh(atlas: Atlas, mesh: Path) -> Atlas:
    return graft(atlas, load_lumbar_mesh(mesh))


def stamp(path: Path) -> str:
    """Return what tells a file or a torso's folder from others by what is in it, so that a copy is the same."""
    if path.is_dir():
        return hashlib.sha256("".join(stamp(path / name) for name in FILES).encode()).hexdigest()[:16]
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _mesh_stamp(mesh: Path) -> str:
    files = [mesh / name for name in (VERTICES_FILE, FACES_FILE)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UsageError.of_text(f"{mesh} does not hold the lumbar mesh: it lacks {' and '.join(missing)}.")
    return hashlib.sha256("".join(stamp(file) for file in files).encode()).hexdigest()[:16]


def _origin(network: str, folder: Path, state: Mapping[str, Any]) -> str:
    steps = f" of {state['configuration']['steps']}" if "configuration" in state else ""
    start = state.get("start")
    begun = f"from the weights with SHA-256 {start[:12]}..." if start else "from no weights"
    return f"{network}: {folder}, step {state['step']}{steps}, started {begun}"


def _averaged(network: str, state: Mapping[str, Any]) -> tuple[NetworkShape, DenseUNet]:
    shape = CONFIGURATIONS[network].network
    if "configuration" in state:
        shape = from_plain(NetworkShape, state["configuration"]["network"])
    averaged = DenseUNet(shape)
    averaged.load_state_dict(state["average"])
    return shape, averaged
