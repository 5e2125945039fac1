"""Which runtime runs the networks here."""

from collections.abc import Callable
from importlib import import_module

from ...ground.errors import UsageError
from ...ground.threads import environment_threads
from .protocol import Runtime

Make = Callable[[str, int | None], Runtime]
# The fastest first: see Testing/benchmarks/README.md.
_MODULES = ("openvino", "onnxruntime", "torch")
PROCESSOR = ("auto", "cpu")


def find_runtime(device: str = "auto", threads: int | None = None, only: str | None = None) -> Runtime:
    """Return the fastest runtime that is installed and has ``device``.

    Args:
        device: "auto" or "cpu", the processor; another one ("cuda", "mps") is PyTorch's. Where PyTorch is the only
            runtime, "auto" is its fastest device. PyTorch is not imported to look for others: that takes longer than
            measuring a scan.
        threads: None: as many as OMP_NUM_THREADS says, or as the runtime sees fit.
        only: "openvino", "onnxruntime" or "torch"; None: any of them.

    Raises:
        UsageError: there is none, or it does not have the device.
    """
    wanted = _MODULES if device in PROCESSOR else ("torch",)
    for module in wanted:
        if only not in (None, module):
            continue
        try:
            import_module(module)
        except (ImportError, OSError):  # not installed, or a library of it that the system can't load
            continue
        return _make(module)(device, threads or environment_threads())
    if device not in PROCESSOR:
        raise UsageError("segmentation.device_needs_torch", device=device)
    raise UsageError("segmentation.no_runtime")


def _make(module: str) -> Make:
    if module == "openvino":
        from .on_openvino import OpenVINORuntime

        return OpenVINORuntime
    if module == "onnxruntime":
        from .on_onnxruntime import ONNXRuntime

        return ONNXRuntime
    from .on_torch import TorchRuntime

    return TorchRuntime
