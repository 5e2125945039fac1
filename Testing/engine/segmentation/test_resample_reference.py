"""Resampling is that which the networks were trained with: PyTorch's."""

import numpy as np
import pytest

from ldct_bmd.segmentation.resample import along_z, planes_resized, sampled

torch = pytest.importorskip("torch")
SIZES = [((37, 50), (21, 33)), ((512, 40), (179, 17)), ((12, 9), (12, 20)), ((5, 1), (1, 3))]


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_planes_are_interpolated_as_by_torch(old: tuple[int, int], new: tuple[int, int]) -> None:
    volume = np.random.default_rng(0).normal(0, 500, (3, *old)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(volume)[None], size=new, mode="bilinear", antialias=True
    )[0].numpy()
    # PyTorch's weights are single-precision, which moves them by up to 1e-5.
    assert np.abs(planes_resized(volume, new) - expected).max() < 0.02


@pytest.mark.parametrize(("old", "new"), [(40, 40), (120, 75), (30, 62), (1, 4)])
def test_slices_are_interpolated_as_by_torch(old: int, new: int) -> None:
    volume = np.random.default_rng(0).normal(0, 500, (old, 6, 7)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(volume.reshape(1, 1, old, 42)), size=(new, 42), mode="bilinear", antialias=True
    ).numpy()
    assert np.abs(along_z(volume, new) - expected.reshape(new, 6, 7)).max() < 0.02


@pytest.mark.parametrize("shape", [(9, 8, 7), (2, 5, 1), (1, 1, 4)])
def test_points_are_interpolated_as_by_torch_beyond_the_edges_too(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    volume = rng.normal(0, 500, shape).astype(np.float32)
    index = (rng.random((11, 13, 3)) * (np.array(shape[::-1]) + 4) - 2).astype(np.float32)
    size = np.asarray(shape[::-1], dtype=np.float32)
    expected = torch.nn.functional.grid_sample(
        torch.from_numpy(volume)[None, None],
        torch.from_numpy(((2 * index + 1) / size - 1)[None, None]),
        padding_mode="border",
        align_corners=False,
    ).numpy()[0, 0, 0]
    assert np.abs(sampled(volume, index) - expected).max() < 0.01
