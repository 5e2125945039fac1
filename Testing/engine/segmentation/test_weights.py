"""Weights come whole, checked, and without pickle."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.segmentation import weights
from ldct_bmd.segmentation.levels import CHANNELS, REGIONS
from ldct_bmd.segmentation.network import DenseUNet, NetworkShape

COARSE = NetworkShape(len(CHANNELS), (4, 8), (1, 1))
FINE = NetworkShape(len(REGIONS), (4, 8), (1, 2))


@pytest.fixture
def networks() -> dict[str, tuple[NetworkShape, DenseUNet]]:
    torch.manual_seed(0)
    return {"coarse": (COARSE, DenseUNet(COARSE)), "fine": (FINE, DenseUNet(FINE))}


def test_saved_weights_give_the_same_output_when_loaded(networks, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save_model(path, "test", networks)
    model = weights.load_model(path)
    assert model.identity.name == "test"
    inputs = torch.randn(1, 1, 8, 8, 8)
    for name, loaded in (("coarse", model.coarse), ("fine", model.fine)):
        with torch.no_grad():
            expected = networks[name][1].eval()(inputs)
            # Half precision on disk: 11 bits, over a few layers.
            assert torch.allclose(loaded(inputs), expected, atol=2e-2, rtol=2e-2)


def test_the_package_refuses_weights_with_another_checksum(networks, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "w.safetensors"
    weights.save_model(path, "test", networks)
    monkeypatch.setattr(weights, "WEIGHTS", path)
    monkeypatch.setattr(weights, "CHECKSUM", path.with_name("w.safetensors.sha256"))
    assert weights.load_model().identity.name == "test"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CannotMeasure, match="damaged"):
        weights.load_model()


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x04K\x01."])
def test_what_is_no_weights_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(CannotMeasure, match="holds no weights"):
        weights.load_model(path)


def test_a_missing_weights_file_is_named_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match=r"gone\.safetensors cannot be read") as caught:
        weights.load_model(tmp_path / "gone.safetensors")
    assert str(tmp_path) not in str(caught.value)


def test_the_shipped_weights_are_small_and_whole() -> None:
    assert weights.WEIGHTS.stat().st_size < 10e6
    model = weights.load_model()
    assert model.coarse.head.out_channels == len(CHANNELS)
    assert model.fine.head.out_channels == len(REGIONS)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "paper.safetensors"
    weights.save_model(path, "paper", {"pan2020": (FINE, DenseUNet(FINE))})
    return path


def test_a_file_says_which_networks_it_holds(networks, paper: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.safetensors"
    weights.save_model(both, "both", networks)
    for path, held in ((paper, "pan2020"), (both, "coarse fine")):
        with safe_open(str(path), framework="pt") as file:
            assert file.metadata()["networks"] == held
    assert weights.load_pan2020(paper).identity.name == "paper"


def test_a_file_of_one_method_is_refused_by_the_other(networks, paper: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match=r"paper\.safetensors holds the one network of Pan et al\. 2020, and two"):
        weights.load_model(paper)
    both = tmp_path / "both.safetensors"
    weights.save_model(both, "both", networks)
    for path in (both, weights.WEIGHTS):  # those that ship do not say what they hold
        with pytest.raises(CannotMeasure, match="holds the coarse and the fine network, and the method pan2020 needs"):
            weights.load_pan2020(path)


def test_what_is_no_weights_file_is_refused_for_the_paper_s_method_too(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(CannotMeasure, match="holds no weights"):
        weights.load_pan2020(path)
