"""Weights come whole, checked, without pickle, and alike in both forms."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from helpers_weights import BOTH, PAPER, saved
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.segmentation import weights
from ldct_bmd.segmentation.levels import CHANNELS, REGIONS
from ldct_bmd.segmentation.runtime.graph import read_graph
from ldct_bmd.segmentation.weights import COARSE_FINE, load_model, load_pan2020, read_weights
from ldct_bmd_lab.training.stored import SHIPPED_WEIGHTS


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A safetensors file with an ONNX file beside it."""
    return saved(tmp_path / "w.safetensors", "test", BOTH)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return saved(tmp_path / "paper.safetensors", "paper", PAPER)


def both(path: Path) -> tuple[Path, Path]:
    return path, path.with_suffix(".onnx")


def damaged(path: Path, at: int = -1) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    return path


def test_both_forms_hold_the_same_numbers_under_one_identity(trained: Path) -> None:
    one, other = (read_weights(path, COARSE_FINE) for path in both(trained))
    assert (one.name, one.sha256, one.shapes) == (other.name, other.sha256, other.shapes)
    assert one.tensors().keys() == other.tensors().keys()
    assert all(np.array_equal(value, other.tensors()[key]) for key, value in one.tensors().items())
    assert {value.dtype for value in other.tensors().values()} == {np.dtype(np.float16)}


def test_what_ships_is_the_onnx_form_of_the_trained_weights() -> None:
    shipped, trained = read_weights(None, COARSE_FINE), read_weights(SHIPPED_WEIGHTS, COARSE_FINE)
    assert (shipped.name, shipped.sha256, shipped.shapes) == (trained.name, trained.sha256, trained.shapes)
    assert all(np.array_equal(value, shipped.tensors()[key]) for key, value in trained.tensors().items())
    assert weights.WEIGHTS.stat().st_size < 2e6
    assert not list(weights.FOLDER.glob("*.safetensors"))
    assert [shipped.shapes[name].classes for name in COARSE_FINE] == [len(CHANNELS), len(REGIONS)]


def test_the_package_refuses_weights_with_another_checksum(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trained.with_suffix(".onnx")
    monkeypatch.setattr(weights, "WEIGHTS", path)
    monkeypatch.setattr(weights, "CHECKSUM", path.with_name("w.onnx.sha256"))
    assert load_model().identity.name == "test"
    damaged(path)
    with pytest.raises(CannotMeasure, match="The weights of this installation are damaged"):
        load_model()


def test_an_onnx_file_of_one_s_own_whose_weights_were_damaged_is_refused(trained: Path) -> None:
    path = trained.with_suffix(".onnx")
    at = path.read_bytes().index(read_weights(path, COARSE_FINE).tensors()["fine.head.weight"].tobytes())
    with pytest.raises(CannotMeasure, match=r"The weights w\.onnx are damaged"):
        load_model(damaged(path, at))


def test_a_file_that_was_cut_short_is_refused(trained: Path) -> None:
    for path in both(trained):
        whole = path.read_bytes()
        for length in (3, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(CannotMeasure, match=f"{path.name} holds no weights|{path.name} are damaged"):
                load_model(path)


def test_another_program_s_onnx_file_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("fine", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["fine"], ["fine.logits"])
    out = onnx.helper.make_tensor_value_info("fine.logits", onnx.TensorProto.FLOAT, [1])
    foreign = tmp_path / "foreign.onnx"
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [value], [out])), foreign)
    with pytest.raises(CannotMeasure, match=r"foreign\.onnx holds no weights of this software"):
        load_model(foreign)


@pytest.mark.parametrize(
    "content", [b"", b"not weights", b"\x80\x04K\x01.", b"\x08\x08", b"\0" * 8 + b"{}", b"\xff" * 99]
)
def test_what_is_no_weights_file_is_refused(content: bytes, tmp_path: Path) -> None:
    for load in (load_model, load_pan2020):
        path = tmp_path / "w.onnx"
        path.write_bytes(content)
        with pytest.raises(CannotMeasure, match="holds no weights"):
            load(path)


def test_a_missing_weights_file_is_named_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match=r"gone\.onnx cannot be read") as caught:
        load_model(tmp_path / "gone.onnx")
    assert str(tmp_path) not in str(caught.value)


def test_a_file_says_which_networks_it_holds(trained: Path, paper: Path) -> None:
    for path, held in ((paper, "pan2020"), (trained, "coarse fine")):
        with safe_open(str(path), framework="numpy") as file:
            assert file.metadata()["networks"] == held
        assert read_graph(path.with_suffix(".onnx").read_bytes()).metadata["networks"] == held
    assert load_pan2020(paper.with_suffix(".onnx")).identity.name == "paper"


def test_a_file_of_one_method_is_refused_by_the_other(trained: Path, paper: Path) -> None:
    for path in both(paper):
        with pytest.raises(CannotMeasure, match=f"{path.name} holds the one network of Pan et al. 2020, and two"):
            load_model(path)
    # The safetensors file that ships does not say what it holds.
    for path in (*both(trained), weights.WEIGHTS, SHIPPED_WEIGHTS):
        with pytest.raises(CannotMeasure, match="holds the coarse and the fine network, and the method pan2020 needs"):
            load_pan2020(path)


@pytest.mark.parametrize("gone", ["torch", "safetensors"])
def test_weights_as_they_are_trained_need_torch_and_say_so(
    trained: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    assert load_model(trained).identity.runtime.name == "PyTorch"
    monkeypatch.setitem(sys.modules, gone, None)
    with pytest.raises(CannotMeasure, match=r"w\.safetensors holds .* only PyTorch runs: name the ONNX file"):
        load_model(trained)
    assert load_model(trained.with_suffix(".onnx")).identity.name == "test"


def test_a_device_of_torch_s_without_torch_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="'cuda' needs PyTorch"):
        load_model(device="cuda")
