"""The networks' weights: safetensors with a checksum, no pickle anywhere."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..errors import CannotMeasure
from .levels import CHANNELS, REGIONS
from .network import DenseUNet, NetworkShape
from .segmenter import ModelIdentity

FOLDER = Path(__file__).parent / "model"
WEIGHTS = FOLDER / "vertebrae.safetensors"
CHECKSUM = FOLDER / "vertebrae.safetensors.sha256"
FORMAT = "ldct-bmd/vertebrae/1"


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


def load_model(path: Path | None = None) -> Model:
    """Load the weights at ``path``, or those of the package, whose checksum must be right."""
    source = path or WEIGHTS
    try:
        sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    except OSError as error:
        remedy = "reinstall ldct-bmd" if path is None else "name another file"
        raise CannotMeasure(f"The weights {source.name} cannot be read ({error.strerror}): {remedy}.") from error
    if path is None and sha256 != CHECKSUM.read_text(encoding="ascii").split()[0]:
        raise CannotMeasure("The weights of this installation are damaged (wrong checksum): reinstall ldct-bmd.")
    try:
        with safe_open(str(source), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
        if metadata.get("format") != FORMAT:
            raise KeyError("format")
        networks = {name: _build(_shape(metadata[name]), _part(tensors, name)) for name in ("coarse", "fine")}
    except (SafetensorError, KeyError, RuntimeError, TypeError, json.JSONDecodeError) as error:
        raise CannotMeasure(
            f"{source.name} holds no weights of this software: name a file that ldct-bmd pack wrote, which makes one "
            "of the checkpoints of a training."
        ) from error
    return Model(networks["coarse"], networks["fine"], ModelIdentity(metadata["name"], sha256))


def save_model(path: Path, name: str, networks: dict[str, tuple[NetworkShape, DenseUNet]]) -> None:
    """Write the weights of both networks, in half the precision that they were trained in, and the checksum beside."""
    tensors = {
        f"{part}.{key}": value.half().contiguous()
        for part, (_, network) in networks.items()
        for key, value in network.state_dict().items()
    }
    metadata = {"format": FORMAT, "name": name}
    metadata |= {part: json.dumps(vars(shape)) for part, (shape, _) in networks.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path), metadata)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")


def _part(tensors: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _shape(text: str) -> NetworkShape:
    stored = json.loads(text)
    return NetworkShape(int(stored["classes"]), tuple(stored["channels"]), tuple(stored["layers"]))


def _build(shape: NetworkShape, state: dict[str, torch.Tensor]) -> DenseUNet:
    if shape.classes not in (len(REGIONS), len(CHANNELS)):
        raise KeyError(f"a network of {shape.classes} classes")
    network = DenseUNet(shape)
    network.load_state_dict(state)
    network.eval()
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network
