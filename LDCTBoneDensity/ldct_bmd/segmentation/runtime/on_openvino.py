"""The networks on OpenVINO."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from ..segmenter import RuntimeIdentity
from .protocol import Network, StoredNetworks

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
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": _HINT[precision]}
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads

    def load(self, stored: StoredNetworks, names: Sequence[str]) -> dict[str, Network]:
        """Return the networks ``names``, compiled."""
        core = openvino.Core()
        model = core.read_model(stored.graph, b"")
        return {name: self._network(core, model, name) for name in names}

    def _network(self, core: openvino.Core, model: openvino.Model, name: str) -> Network:
        inputs = [one for one in model.get_parameters() if name in one.output(0).get_names()]
        outputs = [one for one in model.get_results() if f"{name}.logits" in one.input_value(0).get_names()]
        compiled = core.compile_model(openvino.Model(outputs, inputs, name), "CPU", self._options)
        request = compiled.create_infer_request()

        def run(values: NDArray[np.float32]) -> NDArray[np.float32]:
            found: NDArray[np.float32] = request.infer({0: values[None, None]})[0][0]
            return found

        return run
