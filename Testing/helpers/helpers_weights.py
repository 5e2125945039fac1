"""Weights files of small networks that learnt nothing."""

from pathlib import Path

import torch

from ldct_bmd.segmentation.levels import CHANNELS, REGIONS
from ldct_bmd.segmentation.runtime import NetworkShape
from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet
from ldct_bmd_lab.training.stored import save_model

COARSE = NetworkShape(len(CHANNELS), (4, 8), (1, 1))
FINE = NetworkShape(len(REGIONS), (4, 8), (1, 2))
BOTH = {"coarse": COARSE, "fine": FINE}
PAPER = {"pan2020": FINE}


def saved(path: Path, name: str, shapes: dict[str, NetworkShape]) -> Path:
    """Write a safetensors file and the ONNX file beside it; return the path of the former."""
    torch.manual_seed(0)
    save_model(path, name, {part: (shape, DenseUNet(shape)) for part, shape in shapes.items()})
    return path
