"""Weights come whole, checked, and without pickle."""

from pathlib import Path

import pytest
import torch
from ldct_bmd.errors import CannotMeasure
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
