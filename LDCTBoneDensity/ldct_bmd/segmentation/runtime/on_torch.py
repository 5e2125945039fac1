"""The networks on PyTorch: on a graphics card, or where nothing else is installed."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...ground.errors import UsageError
from ..segmenter import RuntimeIdentity
from .dense_unet import DenseUNet
from .protocol import Network, StoredNetworks


class TorchRuntime:
    """PyTorch on one of its devices.

    Args:
        device: "auto" (the fastest there is), "cpu", "cuda", "mps" or another name that PyTorch knows.
        threads: of the whole process; None: as they are.

    Raises:
        UsageError: the device is not available.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        self.device = find_device(device)
        self.identity = RuntimeIdentity("PyTorch", str(torch.__version__), self.device.type, "float32")
        if threads is not None:
            torch.set_num_threads(threads)

    def load(self, stored: StoredNetworks, names: Sequence[str]) -> dict[str, Network]:
        """Return the networks ``names`` on the device."""
        return {name: self._network(build(stored, name)) for name in names}

    def rest(self, name: str) -> None:
        """Nothing is kept between two runs."""

    def _network(self, network: DenseUNet) -> Network:
        network.eval()
        network.to(self.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

        def run(values: NDArray[np.float32]) -> NDArray[np.float32]:
            batch = torch.from_numpy(np.ascontiguousarray(values))[None, None].to(self.device)
            # As precise as on a processor, and the same bits each time.
            exact = torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
            with torch.inference_mode(), exact:
                found: NDArray[np.float32] = network(batch)[0].float().cpu().numpy()
            return found

        return run


def build(stored: StoredNetworks, name: str) -> DenseUNet:
    """Return one of the networks with its weights, as float32; ValueError if they are of another shape."""
    network = DenseUNet(stored.shapes[name])
    state = {key: torch.from_numpy(value.astype(np.float32)) for key, value in stored.state(name).items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError("the weights are not of the network's shape") from error
    return network


def find_device(name: str) -> torch.device:
    """Return the device of this name, or for "auto" the fastest there is; UsageError if it is not available."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError("segmentation.no_device", device=name) from error
    return device
