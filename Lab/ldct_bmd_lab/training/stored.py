"""Writing weights: a safetensors file, and beside it the ONNX file that measuring runs."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from ldct_bmd.ground.plain import to_plain
from ldct_bmd.segmentation.runtime import NetworkShape
from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet
from ldct_bmd.segmentation.weights import FORMAT

from .onnx_form import onnx_bytes

SHIPPED_WEIGHTS = Path(__file__).parent / "shipped" / "vertebrae.safetensors"


def save_model(path: Path, name: str, networks: Mapping[str, tuple[NetworkShape, DenseUNet]]) -> None:
    """Write the networks' weights, in half the precision that they were trained in, as both forms.

    Each form gets a file with its checksum beside it.

    Args:
        path: of the safetensors file; the ONNX file is called alike.
        networks: all that a method needs: COARSE_FINE or PAN2020.
    """
    tensors: dict[str, NDArray[np.floating]] = {
        f"{part}.{key}": value.detach().cpu().half().contiguous().numpy()
        for part, (_, network) in networks.items()
        for key, value in network.state_dict().items()
    }
    shapes = {part: shape for part, (shape, _) in networks.items()}
    metadata = {"format": FORMAT, "name": name, "networks": " ".join(sorted(networks))}
    metadata |= {part: json.dumps(to_plain(shape)) for part, shape in shapes.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = _write(path, save(tensors, metadata))
    _write(path.with_suffix(".onnx"), onnx_bytes(shapes, tensors, metadata, digest))


def _write(path: Path, content: bytes) -> str:
    """Write a file and its SHA-256 beside it; return that."""
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    return digest
