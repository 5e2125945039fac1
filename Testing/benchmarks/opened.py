"""One network in one runtime and precision, ready to run on one patch; and a process of its own for each runtime."""

import importlib.metadata
import importlib.util
import io
import multiprocessing
import os
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Run = Callable[[Array], Array]
RUNTIMES = {"torch": "torch", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}  # name -> module
FLOAT32, BFLOAT16 = "float32", "bfloat16"
SAMPLE = 4  # every which voxel of a large output is compared


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


def exported(network: Any, inputs: Array) -> bytes:
    """Return a torch module as an ONNX graph for inputs of this shape."""
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other exporter needs one more package
        torch.onnx.export(network, (torch.from_numpy(inputs),), file, dynamo=False, opset_version=18)
    return file.getvalue()


def opened(runtime: str, precision: str, network: Any, graph: bytes, threads: int) -> Run:
    """Return a network, ready to run: (1, channels, z, y, x) to logits."""
    if runtime == "torch":
        return _in_torch(network, precision, threads)
    return _in_openvino(graph, precision, threads) if runtime == "OpenVINO" else _in_onnxruntime(graph, threads)


def _in_torch(network: Any, precision: str, threads: int) -> Run:
    import torch

    torch.set_num_threads(threads)
    # The engine has its weights that way, nnU-Net not; each is faster in its own.
    channels_last = not all(parameter.is_contiguous() for parameter in network.parameters())

    def run(inputs: Array) -> Array:
        batch = torch.from_numpy(inputs)
        if channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last_3d)
        cast = torch.autocast("cpu", dtype=torch.bfloat16) if precision == BFLOAT16 else nullcontext()
        with torch.inference_mode(), cast:
            return network(batch).float().numpy()

    return run


def _in_onnxruntime(graph: bytes, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (name,) = (one.name for one in session.get_inputs())
    return lambda inputs: session.run(None, {name: inputs})[0]


def _in_openvino(graph: bytes, precision: str, threads: int) -> Run:
    import openvino

    wanted = {
        "INFERENCE_PRECISION_HINT": {FLOAT32: "f32", BFLOAT16: "bf16"}[precision],
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    request = core.compile_model(core.read_model(graph), "CPU", wanted).create_infer_request()
    return lambda inputs: request.infer([inputs])[0]


@dataclass(frozen=True)
class Task:
    """A network on one shape of patch.

    Attributes:
        module: a torch module; None in the processes of other runtimes, which do without torch.
        gflop: of one patch, a multiplication and an addition counted as two.
        repeats: runs in a turn, of which the median counts.
    """

    name: str
    module: Any
    shape: tuple[int, ...]
    parameters: int
    gflop: float
    repeats: int = 1

    def inputs(self) -> Array:
        """Return the same noise each time."""
        return np.random.default_rng(1).standard_normal(self.shape, dtype=np.float32)


def task(name: str, module: Any, shape: tuple[int, ...], repeats: int = 1) -> Task:
    """Return a task with its parameters and operations counted."""
    import copy

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # On the device that holds no numbers: shapes alone are counted.
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        copy.deepcopy(module).to("meta")(torch.empty(shape, device="meta"))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Task(name, module, shape, parameters, counter.get_total_flops() / 1e9, repeats)


class Worker:
    """A runtime in a process of its own, which waits while another has its turn."""

    def __init__(self, runtime: str, tasks: list[Task], graphs: list[bytes], threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        os.environ["OMP_NUM_THREADS"] = str(threads)  # read when the process loads its libraries
        if runtime != "torch":
            tasks = [replace(one, module=None) for one in tasks]
        self._process = context.Process(target=_serve, args=(other, runtime, tasks, graphs, threads), daemon=True)
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
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection, runtime: str, tasks: list[Task], graphs: list[bytes], threads: int) -> None:
    runs: dict[tuple[int, str], Run] = {}
    while True:
        try:
            kind, number, precision = pipe.recv()
        except EOFError:  # the parent is gone
            return
        task = tasks[number]
        try:
            if (number, precision) not in runs:
                runs[number, precision] = opened(runtime, precision, task.module, graphs[number], threads)
            run, inputs = runs[number, precision], task.inputs()
            pipe.send(_sample(run(inputs)) if kind == "output" else _median_seconds(run, inputs, task.repeats))
        except Exception as error:  # noqa: BLE001 (told by the parent, which raises it)
            pipe.send(RuntimeError(f"{runtime} {precision}, {task.name}: {error}"))


def _median_seconds(run: Run, inputs: Array, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(inputs)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _sample(logits: Array) -> tuple[Array, NDArray[np.uint8]]:
    places = (0, slice(None), *(slice(None, None, SAMPLE) for _ in logits.shape[2:]))
    return np.ascontiguousarray(logits[places]), logits[0].argmax(axis=0).astype(np.uint8)
