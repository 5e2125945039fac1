"""Running the networks: where patches go, what the geometry is, progress, cancelling, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_spine import spine_scan
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Cancelled
from ldct_bmd.scan import CTScan
from ldct_bmd.segmentation import ModelIdentity, network_segmenter
from ldct_bmd.segmentation.levels import CHANNELS
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd.segmentation.normalize import UNIT_HU
from ldct_bmd.segmentation.weights import Model

BONE_HU = 90.0


class ByThreshold:
    """Calls everything above a threshold one class, the rest background: as local as a network can be."""

    def __init__(self, classes: int, foreground: int) -> None:
        self.classes, self.foreground = classes, foreground
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.sizes.append(x.shape)
        logits = np.full((self.classes, *x.shape), -20.0, dtype=np.float32)
        bone = x > BONE_HU / UNIT_HU
        logits[0] = np.where(bone, 0.0, 10.0)
        logits[self.foreground] = np.where(bone, 10.0, 0.0)
        return logits


@pytest.fixture
def threshold_segmenter(monkeypatch: pytest.MonkeyPatch) -> NetworkSegmenter:
    model = Model(ByThreshold(len(CHANNELS), CHANNELS.index("L1")), ByThreshold(4, 3), ModelIdentity("threshold", "0"))
    monkeypatch.setattr(network_segmenter, "load_model", lambda path, device, threads: model)
    return NetworkSegmenter("cpu")


def bone_scan() -> CTScan:
    """The simple spine with all of its bone at 200 HU and everything else at 0 or below."""
    scan = spine_scan()
    return replace(scan, hu=np.where(scan.hu > BONE_HU, 200, np.minimum(scan.hu, 0)).astype(np.int16))


def test_what_the_fine_network_marks_lies_where_it_is_in_the_scan(threshold_segmenter: NetworkSegmenter) -> None:
    scan = bone_scan()
    seen = threshold_segmenter(scan)
    marked = np.argwhere(seen.class_probability[3] > 0.5)
    centre = seen.geometry.to_lps_mm(marked.mean(axis=0)[::-1])
    bone = np.argwhere(scan.hu > BONE_HU)
    assert np.allclose(centre, scan.geometry.to_lps_mm(bone.mean(axis=0)[::-1]), atol=0.5)
    volume = len(marked) * seen.geometry.voxel_volume_mm3
    assert volume == pytest.approx(len(bone) * scan.geometry.voxel_volume_mm3, rel=0.15)


def test_the_coarse_map_covers_the_body_and_lies_in_place(threshold_segmenter: NetworkSegmenter) -> None:
    scan = bone_scan()
    seen = threshold_segmenter(scan)
    marked = np.argwhere(seen.level_probability[CHANNELS.index("L1")] > 0.5)
    centre = seen.level_geometry.to_lps_mm(marked.mean(axis=0)[::-1])
    bone = np.argwhere(scan.hu > BONE_HU)
    assert np.allclose(
        centre, scan.geometry.to_lps_mm(bone.mean(axis=0)[::-1]), atol=2.5 + 0.5
    )  # half a voxel, and the rounding of five bodies


def test_inputs_have_sizes_that_the_networks_can_halve(threshold_segmenter: NetworkSegmenter) -> None:
    scan = bone_scan()
    threshold_segmenter(
        replace(scan, hu=scan.hu[:101], geometry=replace(scan.geometry, size=(*scan.geometry.size[:2], 101)))
    )
    for network in (threshold_segmenter._model.coarse, threshold_segmenter._model.fine):
        assert all(n % 8 == 0 for size in network.sizes for n in size)  # type: ignore[union-attr]


def test_progress_rises_from_0_to_1_and_raising_in_it_cancels(threshold_segmenter: NetworkSegmenter) -> None:
    seen: list[float] = []

    def watch(stage: str, fraction: float) -> None:
        assert stage == "segment"
        seen.append(fraction)

    threshold_segmenter(bone_scan(), watch)
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert 0.5 < seen[-1] <= 1.0

    def cancel(stage: str, fraction: float) -> None:
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        threshold_segmenter(bone_scan(), cancel)


def test_a_scan_without_a_spine_is_refused(threshold_segmenter: NetworkSegmenter) -> None:
    scan = bone_scan()
    with pytest.raises(CannotMeasure, match="No spine was found"):
        threshold_segmenter(replace(scan, hu=np.minimum(scan.hu, 40)))


def test_a_scan_of_air_is_refused(threshold_segmenter: NetworkSegmenter) -> None:
    scan = bone_scan()
    with pytest.raises(CannotMeasure, match="shows no body"):
        threshold_segmenter(replace(scan, hu=np.full_like(scan.hu, -1000)))
