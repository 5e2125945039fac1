"""The networks give the same on every runtime, and which one ran is known."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from helpers_spine import ReadySegmenter, spine_bodies, spine_scan
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.pipeline import measure
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd.segmentation.runtime import NetworkShape, find_runtime
from ldct_bmd.segmentation.weights import COARSE_FINE, load_model, read_weights
from ldct_bmd_lab.training.stored import SHIPPED_WEIGHTS
from places import HELPERS, MODULE

RUNTIMES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "torch": "PyTorch"}
# Of float32 sums in another order, through some thirty layers; logits reach 45. OpenVINO normalises the least exactly.
LOGITS = {"openvino": 0.008, "onnxruntime": 0.003, "torch": 0.0}


def scan_like(*shape: int) -> np.ndarray:
    """Input with edges and noise, of the size that the networks are given."""
    rng = np.random.default_rng(0)
    z, y, x = np.indices(shape)
    bone = (np.hypot(y - shape[1] / 2, x - shape[2] / 2) < 9) & (z % 28 < 22)
    return (np.where(bone, 0.7, 0.1) + rng.normal(0, 0.2, shape)).astype(np.float32)


INPUTS = {"coarse": scan_like(56, 48, 64), "fine": scan_like(64, 80, 80)}


@pytest.mark.parametrize("module", RUNTIMES)
def test_every_runtime_gives_the_logits_of_the_trained_weights_and_the_same_bits_after_a_rest(module: str) -> None:
    pytest.importorskip(module)
    trained = find_runtime("cpu", only="torch").load(read_weights(SHIPPED_WEIGHTS, COARSE_FINE), COARSE_FINE)
    runtime = find_runtime("cpu", only=module)
    networks = runtime.load(read_weights(None, COARSE_FINE), COARSE_FINE)
    assert runtime.identity.precision == "float32"
    for name, inputs in INPUTS.items():
        logits = networks[name](inputs)
        assert np.abs(logits - trained[name](inputs)).max() <= LOGITS[module]
        runtime.rest(name)
        assert np.array_equal(logits, networks[name](inputs))


def test_sizes_may_change_from_one_input_to_the_next() -> None:
    for module in RUNTIMES:
        network = find_runtime("cpu", only=module).load(read_weights(None, COARSE_FINE), ("fine",))["fine"]
        assert [network(scan_like(*size)).shape for size in ((8, 16, 24), (16, 8, 8), (8, 16, 24))] == [
            (4, 8, 16, 24),
            (4, 16, 8, 8),
            (4, 8, 16, 24),
        ]


@pytest.mark.parametrize("module", RUNTIMES)
def test_several_threads_may_run_a_network(module: str) -> None:
    network = find_runtime("cpu", threads=1, only=module).load(read_weights(None, COARSE_FINE), ("fine",))["fine"]
    inputs = [scan_like(16, 16, 8 * n) for n in range(1, 5)]
    expected = [network(one) for one in inputs]
    with ThreadPoolExecutor(4) as pool:
        assert all(map(np.array_equal, pool.map(network, inputs), expected))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say where a thread may run")
@pytest.mark.parametrize("threads", [None, 1])
@pytest.mark.parametrize("module", RUNTIMES)
def test_no_thread_is_tied_to_a_core(module: str, threads: int | None) -> None:
    """Two workers whose networks are tied to the same core take turns on it, while the other cores wait."""
    network = find_runtime("cpu", threads, only=module).load(read_weights(None, COARSE_FINE), ("fine",))["fine"]
    inputs = scan_like(32, 32, 32)
    network(inputs)  # compiled by now
    everywhere, seen, ended = os.sched_getaffinity(0), set(), Event()

    def look() -> None:
        while not ended.wait(0.001):
            for thread in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # it has ended
                    seen.add(frozenset(os.sched_getaffinity(int(thread.name))))

    looking = Thread(target=look)
    looking.start()
    for _ in range(10):
        network(inputs)
    ended.set()
    looking.join()
    assert seen == {frozenset(everywhere)}


def test_the_first_that_is_installed_runs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in RUNTIMES.items():
        identity = load_model(device="cpu").identity.runtime
        assert identity is not None
        assert (identity.name, identity.device) == (name, "cpu")
        assert version(module).startswith(identity.version.partition("+")[0])
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match="Nothing that runs the networks is installed"):
        load_model()


def test_the_record_says_what_ran_the_networks() -> None:
    identity = load_model(device="cpu").identity
    software = measure(spine_scan(), ReadySegmenter(spine_bodies(), identity)).examination.software
    assert (software.model_name, software.model_sha256) == (identity.name, identity.sha256)
    assert software.runtime == identity.runtime is not None


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "nonsense"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match="is not available here"):
        NetworkSegmenter(device)


def test_the_network_is_a_dense_u_net_with_growth_rate_8() -> None:
    torch = pytest.importorskip("torch")
    from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet

    network = DenseUNet(NetworkShape(4, (12, 16), (2, 3)))
    assert [layer[0].in_channels for layer in network.encoder[1].layers] == [12, 20, 28]
    assert all(layer[0].out_channels == 8 for layer in network.encoder[1].layers)
    assert network.encoder[1].reduce[0].kernel_size == (1, 1, 1)
    assert network(torch.zeros(1, 1, 4, 6, 8)).shape == (1, 4, 4, 6, 8)


SEGMENT = """
import sys
sys.path[:0] = sys.argv[1:]
import ldct_bmd.labeling.assemble, ldct_bmd.labeling.counted, ldct_bmd.segmentation.pan2020
from helpers_spine import spine_scan
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
try:
    NetworkSegmenter(threads=1)(spine_scan())
except CannotMeasure as refusal:
    assert refusal.code == "segmentation.no_spine", refusal  # cylinders need not look like one
assert not {"torch", "safetensors", "onnx"} & set(sys.modules)
"""


def test_nothing_of_torch_is_imported_where_another_runtime_is_there() -> None:
    places = [str(MODULE), str(HELPERS)]
    done = subprocess.run([sys.executable, "-c", SEGMENT, *places], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_is_told_to_the_makers_of_a_runtime(tmp_path: Path) -> None:
    """Imported alone, OpenVINO reports that from a file in the home folder on."""
    pytest.importorskip("openvino")
    program = (
        "import sys, ldct_bmd.segmentation.runtime.on_openvino as ours; "
        "from openvino.tools.ovc import telemetry_stub; "
        "print([name for name in sys.modules if name.startswith('openvino_telemetry')])"
    )
    home = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run([sys.executable, "-c", program], env=home, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
