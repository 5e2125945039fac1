"""The networks on ONNX Runtime."""

import os
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..segmenter import RuntimeIdentity
from .protocol import Network, StoredNetworks


class ONNXRuntime:
    """The processor by ONNX Runtime.

    Args:
        device: it runs on the processor, whatever this says.
        threads: None: as many as there are cores.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None) -> None:
        self.identity = RuntimeIdentity("ONNX Runtime", onnxruntime.__version__, "cpu", "float32")
        self._options = onnxruntime.SessionOptions()
        # Left to itself it ties each thread to a core, which other processes may need.
        self._options.intra_op_num_threads = threads or os.cpu_count() or 1
        self._options.log_severity_level = 3
        self._options.enable_cpu_mem_arena = False  # what one patch needed would be kept until the end

    def load(self, stored: StoredNetworks, names: Sequence[str]) -> dict[str, Network]:
        """Return the networks ``names``, which share a session."""
        session = onnxruntime.InferenceSession(stored.graph, self._options, providers=["CPUExecutionProvider"])
        only_that = onnxruntime.RunOptions()
        only_that.only_execute_path_to_fetches = True

        def network(name: str) -> Network:
            # Every input must be there; those of the other networks lead to nothing.
            others = {one: np.zeros((1, 1, *[stored.shapes[one].stride] * 3), np.float32) for one in stored.shapes}

            def run(values: NDArray[np.float32]) -> NDArray[np.float32]:
                feed = {**others, name: values[None, None]}
                found: NDArray[np.float32] = session.run([f"{name}.logits"], feed, only_that)[0][0]
                return found

            return run

        return {name: network(name) for name in names}

    def rest(self, name: str) -> None:
        """Nothing is kept between two runs: see the options."""
