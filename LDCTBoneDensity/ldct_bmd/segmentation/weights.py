"""The networks' weights: an ONNX file as it ships, or a safetensors file as training writes it; no pickle anywhere.

Both hold the same numbers and the same metadata, and are known by the SHA-256 of the safetensors file.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure, UsageError
from ..ground.files import read_regular
from ..ground.plain import from_plain, plain_json
from .levels import CHANNELS, REGIONS
from .runtime import Network, NetworkShape, StoredNetworks, find_runtime
from .runtime.graph import read_graph
from .segmenter import ModelIdentity

FOLDER = Path(__file__).parent / "model"
WEIGHTS = FOLDER / "vertebrae.onnx"
CHECKSUM = FOLDER / "vertebrae.onnx.sha256"
FORMAT = "ldct-bmd/vertebrae/1"
TRAINED = ".safetensors"
# What the metadata of an ONNX file has beside that of the safetensors file: both SHA-256.
TRAINED_SHA256, GRAPH_SHA256 = "trained_sha256", "graph_sha256"
# The networks that each method needs.
COARSE_FINE = ("coarse", "fine")
PAN2020 = ("pan2020",)
METHODS = {"coarse-fine": COARSE_FINE, "pan2020": PAN2020}


@dataclass(frozen=True)
class Model:
    """The two networks, ready for inference.

    Attributes:
        coarse: the whole scan at 5 mm to :data:`.levels.CHANNELS`.
        fine: 2 x 2 x 1 mm patches along the spine to :data:`.levels.REGIONS`.
        rest: see :meth:`.runtime.Runtime.rest`.
    """

    coarse: Network
    fine: Network
    identity: ModelIdentity
    rest: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Pan2020Model:
    """The one network of Pan et al. 2020, ready for inference.

    Attributes:
        network: 2 x 2 x 1 mm patches about the middle of the body to :data:`.levels.REGIONS`.
    """

    network: Network
    identity: ModelIdentity


def load_model(path: Path | None = None, device: str = "auto", threads: int | None = None) -> Model:
    """Load the two networks at ``path``, or those of the package, whose checksum must be right.

    Args:
        device, threads: see :func:`.runtime.find_runtime`.

    Raises:
        CannotMeasure: the file cannot be read or is damaged, or holds something else, as the network of another method.
        UsageError: nothing that can run them is installed, or it does not have the device.
    """
    networks, identity, rest = _load(path, COARSE_FINE, device, threads)
    return Model(networks["coarse"], networks["fine"], identity, rest)


def load_pan2020(path: Path, device: str = "auto", threads: int | None = None) -> Pan2020Model:
    """Load the network of Pan et al. 2020 at ``path``; what is raised as of :func:`load_model`."""
    networks, identity, _ = _load(path, PAN2020, device, threads)
    return Pan2020Model(networks["pan2020"], identity)


def _load(
    path: Path | None, wanted: tuple[str, ...], device: str, threads: int | None
) -> tuple[dict[str, Network], ModelIdentity, Callable[[str], None]]:
    stored = read_weights(path, wanted)
    try:
        runtime = find_runtime(device, threads, only="torch" if stored.graph is None else None)
    except UsageError as error:
        if stored.graph is None and path is not None and error.code == "segmentation.no_runtime":
            raise CannotMeasure("segmentation.weights_need_torch", file=path.name) from error
        raise
    try:
        networks = runtime.load(stored, wanted)
    except (LookupError, ValueError) as error:
        raise CannotMeasure("segmentation.no_weights", file=(path or WEIGHTS).name) from error
    return networks, ModelIdentity(stored.name, stored.sha256, runtime.identity), runtime.rest


def read_weights(path: Path | None, wanted: tuple[str, ...]) -> StoredNetworks:
    """Return the networks ``wanted`` of the file at ``path``, which must hold these and no others.

    Args:
        path: an ONNX or a safetensors file; None: the ONNX file of the package.

    Raises:
        CannotMeasure: it cannot be read, is damaged, or holds something else.
    """
    source = path or WEIGHTS
    try:
        content = read_regular(source)
    except OSError as error:
        if path is None:
            raise CannotMeasure("segmentation.own_weights_not_read", reason=error.strerror) from error
        raise CannotMeasure("segmentation.weights_not_read", file=path.name, reason=error.strerror) from error
    if path is None and hashlib.sha256(content).hexdigest() != CHECKSUM.read_text(encoding="ascii").split()[0]:
        raise CannotMeasure("segmentation.own_weights_damaged")
    # A safetensors file begins with the length of a JSON object in 8 bytes, then that object.
    read = _read_trained if content[8:9] == b"{" else _read_onnx
    try:
        return read(content, source.name, wanted)
    except (LookupError, ArithmeticError, TypeError, ValueError, MemoryError, struct.error) as error:
        raise CannotMeasure("segmentation.no_weights", file=source.name) from error


def _read_onnx(content: bytes, file: str, wanted: tuple[str, ...]) -> StoredNetworks:
    parts = read_graph(content)
    _check_metadata(parts.metadata, file, wanted)
    if hashlib.sha256(parts.graph).hexdigest() != parts.metadata[GRAPH_SHA256]:
        raise CannotMeasure("segmentation.weights_damaged", file=file)
    return _stored(parts.metadata, parts.metadata[TRAINED_SHA256], lambda: parts.tensors, content)


def _read_trained(content: bytes, file: str, wanted: tuple[str, ...]) -> StoredNetworks:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise CannotMeasure("segmentation.weights_need_torch", file=file) from error
    metadata = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]]).get("__metadata__", {})
    _check_metadata(metadata, file, wanted)
    try:
        tensors = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError("not whole") from error
    return _stored(metadata, hashlib.sha256(content).hexdigest(), lambda: tensors)


def _check_metadata(metadata: Mapping[str, str], file: str, wanted: tuple[str, ...]) -> None:
    """Raise KeyError if a file is none of this software, and CannotMeasure if it is one for another method."""
    if metadata.get("format") != FORMAT:
        raise KeyError("format")
    held = tuple(metadata.get("networks", " ".join(COARSE_FINE)).split())
    if held == wanted:
        return
    if held == PAN2020:
        raise CannotMeasure("segmentation.weights_of_pan2020", file=file)
    if held == COARSE_FINE:
        raise CannotMeasure("segmentation.weights_of_coarse_and_fine", file=file)
    raise KeyError("networks")


def _stored(
    metadata: Mapping[str, str],
    sha256: str,
    tensors: Callable[[], Mapping[str, NDArray[np.floating]]],
    graph: bytes | None = None,
) -> StoredNetworks:
    held = metadata.get("networks", " ".join(COARSE_FINE)).split()
    shapes = {name: from_plain(NetworkShape, plain_json(metadata[name])) for name in held}
    for shape in shapes.values():
        if shape.classes not in (len(REGIONS), len(CHANNELS)):
            raise KeyError(f"a network of {shape.classes} classes")
    return StoredNetworks(metadata["name"], sha256, shapes, tensors, graph)
