"""The networks' weights: safetensors with a checksum, no pickle anywhere."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..ground.errors import CannotMeasure
from ..ground.files import read_regular, spelled
from ..ground.plain import from_plain, plain_json, to_plain
from .levels import CHANNELS, REGIONS
from .network import DenseUNet, NetworkShape
from .segmenter import ModelIdentity

FOLDER = Path(__file__).parent / "model"
WEIGHTS = FOLDER / "vertebrae.safetensors"
CHECKSUM = FOLDER / "vertebrae.safetensors.sha256"
FORMAT = "ldct-bmd/vertebrae/1"
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
    """

    coarse: DenseUNet
    fine: DenseUNet
    identity: ModelIdentity


@dataclass(frozen=True)
class Pan2020Model:
    """The one network of Pan et al. 2020, ready for inference.

    Attributes:
        network: 2 x 2 x 1 mm patches about the middle of the body to :data:`.levels.REGIONS`.
    """

    network: DenseUNet
    identity: ModelIdentity


def load_model(path: Path | None = None) -> Model:
    """Load the two networks at ``path``, or those of the package, whose checksum must be right.

    Raises:
        CannotMeasure: the file cannot be read or is damaged, or holds something else, as the network of another method.
    """
    networks, identity = _load(path, COARSE_FINE)
    return Model(networks["coarse"], networks["fine"], identity)


def load_pan2020(path: Path) -> Pan2020Model:
    """Load the network of Pan et al. 2020 at ``path``; CannotMeasure if the file cannot be read or holds another."""
    networks, identity = _load(path, PAN2020)
    return Pan2020Model(networks["pan2020"], identity)


def _load(path: Path | None, wanted: tuple[str, ...]) -> tuple[dict[str, DenseUNet], ModelIdentity]:
    """Return the networks ``wanted`` of the file at ``path``, which must hold these and no others."""
    source = path or WEIGHTS
    try:
        sha256 = hashlib.sha256(read_regular(source)).hexdigest()
    except OSError as error:
        if path is None:
            raise CannotMeasure("segmentation.own_weights_not_read", reason=error.strerror) from error
        raise CannotMeasure("segmentation.weights_not_read", file=path.name, reason=error.strerror) from error
    if path is None and sha256 != CHECKSUM.read_text(encoding="ascii").split()[0]:
        raise CannotMeasure("segmentation.own_weights_damaged")
    try:
        with spelled(source) as name, safe_open(name, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
        if metadata.get("format") != FORMAT:
            raise KeyError("format")
        held = tuple(metadata.get("networks", " ".join(COARSE_FINE)).split())
        if held != wanted and held in (COARSE_FINE, PAN2020):
            raise _other_method(source.name, held)
        networks = {name: _build(_shape(metadata[name]), _part(tensors, name)) for name in wanted}
    except (SafetensorError, LookupError, ArithmeticError, TypeError, RuntimeError, ValueError, MemoryError) as error:
        raise CannotMeasure("segmentation.no_weights", file=source.name) from error
    return networks, ModelIdentity(metadata["name"], sha256)


def _other_method(file: str, held: tuple[str, ...]) -> CannotMeasure:
    if held == PAN2020:
        return CannotMeasure("segmentation.weights_of_pan2020", file=file)
    return CannotMeasure("segmentation.weights_of_coarse_and_fine", file=file)


def save_model(path: Path, name: str, networks: dict[str, tuple[NetworkShape, DenseUNet]]) -> None:
    """Write the networks' weights, in half the precision that they were trained in, and the checksum beside.

    Args:
        networks: all that a method needs: COARSE_FINE or PAN2020.
    """
    tensors = {
        f"{part}.{key}": value.half().contiguous()
        for part, (_, network) in networks.items()
        for key, value in network.state_dict().items()
    }
    metadata = {"format": FORMAT, "name": name, "networks": " ".join(sorted(networks))}
    metadata |= {part: json.dumps(to_plain(shape)) for part, (shape, _) in networks.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path), metadata)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")


def _part(tensors: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _shape(text: str) -> NetworkShape:
    return from_plain(NetworkShape, plain_json(text))


def _build(shape: NetworkShape, state: dict[str, torch.Tensor]) -> DenseUNet:
    if shape.classes not in (len(REGIONS), len(CHANNELS)):
        raise KeyError(f"a network of {shape.classes} classes")
    network = DenseUNet(shape)
    network.load_state_dict(state)
    network.eval()
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network
