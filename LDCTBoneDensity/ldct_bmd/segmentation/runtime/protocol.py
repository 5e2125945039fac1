"""What a runtime is given, and what it gives, whichever it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..segmenter import RuntimeIdentity
from .shape import NetworkShape

# Inputs (z, y, x), whose sizes the network can halve, to logits (classes, z, y, x); both float32.
Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class StoredNetworks:
    """Networks as a weights file holds them.

    Attributes:
        name: of the model.
        sha256: of the trained form, a safetensors file, whichever form was read.
        shapes: of each network, by its name.
        tensors: returns the weights by name, which begins with the network's and a dot; float16 or float32.
        graph: the ONNX file, with an input NAME and an output NAME.logits for each network; None: it was trained only.
    """

    name: str
    sha256: str
    shapes: Mapping[str, NetworkShape]
    tensors: Callable[[], Mapping[str, NDArray[np.floating]]]
    graph: bytes | None = None

    def state(self, network: str) -> dict[str, NDArray[np.floating]]:
        """Return the weights of one network by their names in it."""
        start = f"{network}."
        return {key.removeprefix(start): value for key, value in self.tensors().items() if key.startswith(start)}


class Runtime(Protocol):
    """Runs networks."""

    @property
    def identity(self) -> RuntimeIdentity:
        """Which one this is, for the record."""

    def load(self, stored: StoredNetworks, names: Sequence[str]) -> dict[str, Network]:
        """Return the networks ``names``, ready to run, from several threads too."""

    def rest(self, name: str) -> None:
        """Give back the memory that a network needs only while it runs; it can run again."""
