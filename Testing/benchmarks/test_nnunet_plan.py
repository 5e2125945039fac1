"""The nnU-Net that this engine's networks are timed next to is the one that was published."""

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import nnunet  # noqa: E402


def test_it_has_as_many_parameters_as_that_of_the_plan() -> None:
    # nnU-Net's PlainConvUNet of the plan, 27 classes, without the heads of deep supervision.
    assert sum(p.numel() for p in nnunet.random_network().parameters()) == pytest.approx(31.2e6, rel=0.01)


def test_it_halves_five_times_and_returns_a_logit_for_each_structure() -> None:
    network = nnunet.random_network()
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 64, 64, 64)).shape == (1, 27, 64, 64, 64)


@pytest.mark.parametrize(
    ("voxels", "step", "patches"),
    [((128, 128, 128), 0.5, 1), ((129, 128, 128), 0.5, 2), ((233, 233, 233), 0.5, 27), ((320, 128, 64), 0.5, 4)],
)
def test_a_window_slides_as_nnunet_slides_it(voxels: tuple[int, int, int], step: float, patches: int) -> None:
    z, y, x = (1.5 * n for n in voxels)
    assert nnunet.tiles((z, y, x), step) == patches
