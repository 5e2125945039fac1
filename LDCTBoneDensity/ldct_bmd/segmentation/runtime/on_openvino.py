"""The networks on OpenVINO."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..segmenter import RuntimeIdentity
from .protocol import Network, StoredNetworks


@contextmanager
def _unreported() -> Iterator[None]:
    """Hide what OpenVINO tells its makers by as it is imported: where patients are measured nothing is reported."""
    reporting = "openvino_telemetry"
    is_new = reporting not in sys.modules
    if is_new:
        sys.modules[reporting] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if is_new:
            del sys.modules[reporting]


with _unreported():
    import openvino

# bfloat16 keeps names and VOIs, but moves the Dice of single bodies by up to 0.006, and OpenVINO claims it for every
# processor with AVX512, where many only emulate it (Testing/benchmarks/README.md). Unasked, OpenVINO would take it.
PRECISION = "float32"
_HINT = {"float32": "f32", "bfloat16": "bf16"}


class OpenVINORuntime:
    """The processor by OpenVINO.

    Args:
        device: it runs on the processor, whatever this says.
        threads: None: as many as there are cores.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None, precision: str = PRECISION) -> None:
        self.identity = RuntimeIdentity("OpenVINO", openvino.__version__.split("-")[0], "cpu", precision)
        self._options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _HINT[precision],
            # Else each process ties its threads to the first cores, and two workers take turns on one of them.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._networks: dict[str, _Compiled] = {}

    def load(self, stored: StoredNetworks, names: Sequence[str]) -> dict[str, Network]:
        """Return the networks ``names``, which are compiled while the caller goes on, as by reading the scan."""
        core = openvino.Core()
        model = core.read_model(stored.graph, b"")
        compiling = ThreadPoolExecutor(max_workers=1)
        networks = {name: _Compiled(compiling.submit(self._request, core, model, name)) for name in names}
        self._networks |= networks
        compiling.shutdown(wait=False)
        return dict(networks)

    def rest(self, name: str) -> None:
        """Give back some 200 MB."""
        if name in self._networks:
            self._networks[name].rest()

    def _request(self, core: openvino.Core, model: openvino.Model, name: str) -> openvino.InferRequest:
        inputs = [one for one in model.get_parameters() if name in one.output(0).get_names()]
        outputs = [one for one in model.get_results() if f"{name}.logits" in one.input_value(0).get_names()]
        compiled = core.compile_model(openvino.Model(outputs, inputs, name), "CPU", self._options)
        return compiled.create_infer_request()


@dataclass(frozen=True)
class _Compiled:
    """A network that is compiled, or is about to be."""

    request: "Future[openvino.InferRequest]"
    lock: Lock = field(default_factory=Lock)  # a request takes one input at a time

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        with self.lock:
            found: NDArray[np.float32] = self.request.result().infer({0: inputs[None, None]})[0][0]
        return found

    def rest(self) -> None:
        """Give back the memory of the last run."""
        with self.lock:
            self.request.result().get_compiled_model().release_memory()
