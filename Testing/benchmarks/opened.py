"""One network in one runtime and precision, ready to run on one patch; and a process of its own for each runtime."""

import copy
import importlib.metadata
import importlib.util
import io
import multiprocessing
import os
import statistics
import time
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.segmentation.runtime import Network, NetworkShape, StoredNetworks

Array = NDArray[np.float32]
RUNTIMES = {"torch": "torch", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}  # name -> module
FLOAT32, BFLOAT16 = "float32", "bfloat16"
SAMPLE = 4  # every which voxel of the logits is compared
ONLY = "network"


@dataclass(frozen=True)
class Graph:
    """An ONNX file, which can hold several networks, in what the engine's runtimes take."""

    content: bytes
    shapes: Mapping[str, NetworkShape] = field(default_factory=lambda: {ONLY: NetworkShape(1, (1,), (1,))})
    network: str = ONLY

    def stored(self) -> StoredNetworks:
        """Return it as the engine's runtimes take it."""
        return StoredNetworks("", "", self.shapes, dict, self.content)


@dataclass(frozen=True)
class Task:
    """A network on one shape of patch.

    Attributes:
        module: a torch module; None in the processes of other runtimes, which do without torch.
        graph: the same network; None in the process of torch.
        shape: of the patch, (z, y, x).
        gflop: of one patch, a multiplication and an addition counted as two.
        repeats: runs in a turn, of which the median counts.
    """

    name: str
    module: Any
    graph: Graph | None
    shape: tuple[int, ...]
    parameters: int
    gflop: float
    repeats: int = 1

    def inputs(self) -> Array:
        """Return the same noise each time."""
        return np.random.default_rng(1).standard_normal(self.shape, dtype=np.float32)


def task(name: str, module: Any, shape: tuple[int, ...], repeats: int = 1, graph: Graph | None = None) -> Task:
    """Return a task with its parameters and operations counted; without a graph the module is exported."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # On the device that holds no numbers: shapes alone are counted.
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        copy.deepcopy(module).to("meta")(torch.empty((1, 1, *shape), device="meta"))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    exported = graph or Graph(_exported(module, shape))
    return Task(name, module, exported, shape, parameters, counter.get_total_flops() / 1e9, repeats)


def _exported(module: Any, shape: tuple[int, ...]) -> bytes:
    import torch

    file, names = io.BytesIO(), {"input_names": [ONLY], "output_names": [f"{ONLY}.logits"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other exporter needs one more package
        torch.onnx.export(module, (torch.zeros(1, 1, *shape),), file, dynamo=False, opset_version=17, **names)
    return file.getvalue()


def installed() -> dict[str, str]:
    """Return the runtimes that there are, with their versions."""
    return {
        name: importlib.metadata.version(module)
        for name, module in RUNTIMES.items()
        if importlib.util.find_spec(module) is not None
    }


def precisions(runtime: str) -> list[str]:
    """Return what a runtime computes in on this processor; bfloat16 only where the processor itself does it."""
    if runtime == "OpenVINO":
        import openvino

        does = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    elif runtime == "torch":
        import torch

        asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        does = any(getattr(torch.cpu, name, lambda: False)() for name in asked)
    else:
        does = False  # ONNX Runtime's kernels for a processor compute in float32
    return [FLOAT32, BFLOAT16] if does else [FLOAT32]


def opened(runtime: str, precision: str, task: Task, threads: int) -> Network:
    """Return a network, ready to run, in the engine's own runtimes where these have the precision."""
    if runtime == "torch":
        return _in_torch(task.module, precision, threads)
    if task.graph is None:
        raise ValueError(f"no graph of {task.name}")
    if runtime == "OpenVINO":
        from ldct_bmd.segmentation.runtime.on_openvino import OpenVINORuntime

        loaded = OpenVINORuntime(threads=threads, precision=precision)
    else:
        from ldct_bmd.segmentation.runtime.on_onnxruntime import ONNXRuntime

        loaded = ONNXRuntime(threads=threads)
    return loaded.load(task.graph.stored(), [task.graph.network])[task.graph.network]


def _in_torch(network: Any, precision: str, threads: int) -> Network:
    import torch

    torch.set_num_threads(threads)
    # The engine has its weights that way, nnU-Net not; each is faster in its own.
    channels_last = not all(parameter.is_contiguous() for parameter in network.parameters())

    def run(values: Array) -> Array:
        batch = torch.from_numpy(values)[None, None]
        if channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last_3d)
        cast = torch.autocast("cpu", dtype=torch.bfloat16) if precision == BFLOAT16 else nullcontext()
        with torch.inference_mode(), cast:
            return network(batch)[0].float().numpy()

    return run


class Worker:
    """A runtime in a process of its own, which waits while another has its turn."""

    def __init__(self, runtime: str, tasks: list[Task], threads: int) -> None:
        self.runtime = runtime
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        os.environ["OMP_NUM_THREADS"] = str(threads)  # read when the process loads its libraries
        left_out = {"graph": None} if runtime == "torch" else {"module": None}
        taken = [replace(one, **left_out) for one in tasks]
        self._process = context.Process(target=_serve, args=(other, runtime, taken, threads), daemon=True)
        self._process.start()
        other.close()

    def seconds(self, number: int, precision: str) -> float:
        """Run a task once more, and return the seconds."""
        return self._ask("time", number, precision)

    def output(self, number: int, precision: str) -> tuple[Array, NDArray[np.uint8]]:
        """Return a sample of a task's logits, and every voxel's class."""
        return self._ask("output", number, precision)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()

    def _ask(self, *question: Any) -> Any:
        self._pipe.send(question)
        try:
            answer = self._pipe.recv()
        except EOFError as error:
            raise RuntimeError(f"the process of {self.runtime} ended: is there enough memory?") from error
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection, runtime: str, tasks: list[Task], threads: int) -> None:
    runs: dict[tuple[int, str], Network] = {}
    while True:
        try:
            kind, number, precision = pipe.recv()
        except EOFError:  # the parent is gone
            return
        task = tasks[number]
        try:
            if (number, precision) not in runs:
                runs[number, precision] = opened(runtime, precision, task, threads)
            run, inputs = runs[number, precision], task.inputs()
            pipe.send(_sample(run(inputs)) if kind == "output" else _median_seconds(run, inputs, task.repeats))
        except Exception as error:  # noqa: BLE001 (told by the parent, which raises it)
            pipe.send(RuntimeError(f"{runtime} {precision}, {task.name}: {error}"))


def _median_seconds(run: Network, inputs: Array, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(inputs)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _sample(logits: Array) -> tuple[Array, NDArray[np.uint8]]:
    places = (slice(None), *(slice(None, None, SAMPLE) for _ in logits.shape[1:]))
    return np.ascontiguousarray(logits[places]), logits.argmax(axis=0).astype(np.uint8)
