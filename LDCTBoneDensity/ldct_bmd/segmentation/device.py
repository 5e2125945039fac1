"""Where the networks run, and how precisely."""

import torch

from ..ground.errors import UsageError


def cpu_has_bfloat16() -> bool:
    """Return whether bfloat16 is done by the processor; where it is emulated it is a hundred times slower."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


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
