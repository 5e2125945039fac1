"""Training as a user starts it: a network by name, an atlas, a folder to go on from."""

from dataclasses import replace
from pathlib import Path

import torch

from ..errors import CannotMeasure, UsageError
from ..segmentation.network import DenseUNet
from ..segmentation.weights import save_model
from .configuration import CONFIGURATIONS, TrainingConfiguration
from .loop import Trainer
from .synthetic import load_atlas

ATLAS_CACHE = "atlas.npz"


def train(network: str, atlas: Path, folder: Path, steps: int | None = None, threads: int | None = None) -> Trainer:
    """Train ``network`` ("coarse" or "fine") up to ``steps``, from where ``folder`` left off; return its trainer.

    Raises:
        UsageError: there is no such network, or no atlas.
    """
    configuration = _configuration(network)
    if not atlas.is_file():
        raise UsageError(f"There is no atlas {atlas}: name the label map torso_labels_1mm.nii.gz.")
    if threads is not None:
        torch.set_num_threads(threads)
    if steps is not None:
        configuration = replace(configuration, steps=steps)
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(configuration, load_atlas(atlas, folder / ATLAS_CACHE), folder)
    trainer.run()
    return trainer


def pack(folder: Path, weights: Path, name: str) -> None:
    """Write the averaged weights of both networks trained in ``folder`` to one safetensors file with its checksum."""
    networks = {}
    for network in CONFIGURATIONS:
        checkpoint = folder / f"{network}.pt"
        if not checkpoint.is_file():
            raise CannotMeasure(f"{folder} holds no checkpoint of the {network} network: train it first.")
        shape = CONFIGURATIONS[network].network
        averaged = DenseUNet(shape)
        averaged.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
        networks[network] = (shape, averaged)
    save_model(weights, name, networks)


def _configuration(network: str) -> TrainingConfiguration:
    if network not in CONFIGURATIONS:
        raise UsageError(f"There is no network {network!r}: train {' or '.join(CONFIGURATIONS)}.")
    return CONFIGURATIONS[network]
