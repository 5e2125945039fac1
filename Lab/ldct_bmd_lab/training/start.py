"""Weights to start a training from, and to fill a weights file up with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.segmentation.runtime import NetworkShape, StoredNetworks
from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet
from ldct_bmd.segmentation.runtime.on_torch import build
from ldct_bmd.segmentation.weights import COARSE_FINE, PAN2020, read_weights

from .stored import SHIPPED_WEIGHTS

SHIPPED = "shipped"


@dataclass(frozen=True)
class Start:
    """One network's weights.

    Attributes:
        name: of the model that they belong to.
        sha256: of its file.
    """

    network: DenseUNet
    name: str
    sha256: str | None

    def check(self, shape: NetworkShape) -> None:
        """Raise UsageError if a network of ``shape`` can't take these weights."""
        if shape != shape_of(self.network):
            raise UsageError.of_text(
                f"The weights {self.name} are of a network of another shape than the configuration's: "
                "change the configuration, or start from nothing."
            )

    def load_into(self, network: DenseUNet) -> None:
        """Give ``network`` these weights; UsageError if it has another shape."""
        self.check(shape_of(network))
        network.load_state_dict(self.network.state_dict())


def load_start(weights: str | Path) -> StoredNetworks:
    """Read the two networks that ship ("shipped") or those of a file; UsageError if it holds none."""
    return _from_file(SHIPPED_WEIGHTS if str(weights) == SHIPPED else Path(weights), COARSE_FINE)


def load_start_network(weights: str | Path, network: str) -> Start:
    """Load "coarse", "fine" or "pan2020" of the weights that ship ("shipped"), or of a file; UsageError if none."""
    if network in PAN2020:
        if str(weights) == SHIPPED:
            raise UsageError.of_text("No weights of pan2020 ship: name a file of them, or start from nothing.")
        stored = _from_file(Path(weights), PAN2020)
    else:
        stored = load_start(weights)
    return Start(build(stored, network), stored.name, stored.sha256)


def _from_file(path: Path, networks: tuple[str, ...]) -> StoredNetworks:
    if not path.is_file():
        raise UsageError.of_text(f"There are no weights {path}: name a safetensors or ONNX file, or {SHIPPED}.")
    try:
        return read_weights(path, networks)
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error


def shape_of(network: DenseUNet) -> NetworkShape:
    """Return what ``network`` was built from."""
    blocks: list[Any] = list(network.encoder)
    return NetworkShape(
        classes=network.head.out_channels,
        channels=tuple(block.reduce[0].out_channels for block in blocks),
        layers=tuple(len(block.layers) for block in blocks),
    )
