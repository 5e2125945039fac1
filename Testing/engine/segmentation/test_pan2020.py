"""The method of Pan et al. 2020: one network about the middle of the body, and names that are counted, never sure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers_column import column
from helpers_spine import spine_scan
from ldct_bmd.column import confirm_names
from ldct_bmd.findings import FindingCode
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.labeling import VertebralColumn, label
from ldct_bmd.labeling.counted import counted_names
from ldct_bmd.pipeline import measure
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source
from ldct_bmd.segmentation import ClassBodies, ModelIdentity, pan2020
from ldct_bmd.segmentation.normalize import UNIT_HU
from ldct_bmd.segmentation.pan2020 import Pan2020Segmenter
from ldct_bmd.segmentation.resample import grid
from ldct_bmd.segmentation.weights import Pan2020Model

CHEST = (*(f"T{i}" for i in range(1, 13)), "L1", "L2")
CLASS_OF = {level: 3 if level[0] == "L" else 1 if int(level[1:]) <= 6 else 2 for level in CHEST}
BONE_HU = 90.0


class ByThreshold:
    """Calls bone in the upper part of a patch T7-T12 and in the lower part lumbar; the border is given in slices."""

    def __init__(self, border: int) -> None:
        self.border = border
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.sizes.append(x.shape)
        bone = x > BONE_HU / UNIT_HU
        logits = np.full((4, *x.shape), -20.0, dtype=np.float32)
        logits[0] = np.where(bone, 0.0, 10.0)
        lumbar = (np.arange(bone.shape[0]) < self.border)[:, None, None] & bone
        logits[3] = np.where(lumbar, 10.0, 0.0)
        logits[2] = np.where(bone & ~lumbar, 10.0, 0.0)
        return logits


def segmenter(monkeypatch: pytest.MonkeyPatch, border: int = 1000) -> Pan2020Segmenter:
    model = Pan2020Model(ByThreshold(border), ModelIdentity("threshold", "0"))
    monkeypatch.setattr(pan2020, "load_pan2020", lambda path, device: model)
    return Pan2020Segmenter("cpu", Path("any"))


def bone_scan() -> CTScan:
    """The simple spine with all of its bone at 200 HU and everything else at 0 or below."""
    scan = spine_scan()
    return replace(scan, hu=np.where(scan.hu > BONE_HU, 200, np.minimum(scan.hu, 0)).astype(np.int16))


def seen_as(classes: list[int], bridge: tuple[int, ...] = ()) -> tuple[CTScan, ClassBodies]:
    """A scan of bodies, and the paper's network's answer: each body is wholly of the class given, from the top."""
    foreground, numbers = column([18.0 + i * 0.5 for i in range(len(classes))], bridge=bridge)
    geometry = Geometry(
        (100, 150, len(foreground)), (0.8, 0.8, 1.0), (10.0, -20.0, 300.0), ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    )
    scan = CTScan(np.zeros(geometry.shape, np.int16), geometry, Acquisition(), Patient(), Source("file"))
    probability = np.zeros((4, *foreground.shape), dtype=np.float16)
    for number, name in enumerate(classes, start=1):
        probability[name, numbers == number] = 1
    spur = (foreground > 0) & (numbers == 0)
    probability[classes[0], spur] = 1
    probability[0, foreground == 0] = 1
    return scan, ClassBodies(grid(geometry, (2.0, 2.0, 1.0)), probability)


def levels_of(found: VertebralColumn) -> tuple[str, ...]:
    return tuple(v.level for v in found.vertebrae)


def test_lumbar_bodies_are_counted_from_the_top_and_thoracic_ones_from_the_bottom() -> None:
    scan, seen = seen_as([CLASS_OF[level] for level in CHEST])
    found = label(seen, scan)
    assert levels_of(found) == CHEST
    # Each lies in its place: the mask is the body, not its neighbour.
    z = [v.centroid_lps_mm[2] for v in found.vertebrae]
    assert z == sorted(z, reverse=True)
    assert all(3.0 < v.volume_ml < 40.0 for v in found.vertebrae)


def test_the_paper_s_own_failure_is_shown_and_said_seven_bodies_called_t7_to_t12_make_thirteen_thoracic_ones() -> None:
    scan, seen = seen_as([CLASS_OF[level] if level != "L1" else 2 for level in CHEST])
    found = label(seen, scan)
    right, _ = seen_as([CLASS_OF[level] for level in CHEST])
    truth = label(seen_as([CLASS_OF[level] for level in CHEST])[1], right)
    assert levels_of(found) == (*CHEST[:12], "L1")  # the uppermost of the thirteen has no name
    called = found.vertebra("T12")
    true_l1 = truth.vertebra("L1")
    assert called is not None
    assert true_l1 is not None
    assert called.centroid_lps_mm == pytest.approx(true_l1.centroid_lps_mm)
    assert not found.names_certain
    assert "13 bodies seem thoracic" in str(found.remark)
    assert all(v.confidence == 0.0 for v in found.vertebrae)


def test_no_name_is_ever_certain_and_the_remark_says_why() -> None:
    scan, seen = seen_as([CLASS_OF[level] for level in CHEST])
    found = label(seen, scan)
    assert not found.names_certain
    assert not any(found.certain(level) for level in CHEST)
    assert "uncertain" in str(found.remark)
    assert "no rib or sacrum" in str(found.remark)


def test_where_no_border_is_in_view_the_count_says_so() -> None:
    scan, seen = seen_as([1, 1, 2, 2, 2])
    found = label(seen, scan)
    assert levels_of(found) == ("T8", "T9", "T10", "T11", "T12")
    assert "no body seems lumbar" in str(found.remark)
    assert {v.confidence for v in found.vertebrae} == {0.0}


def test_the_majority_of_its_voxels_names_a_body() -> None:
    scan, seen = seen_as([2, 2, 3, 3])
    body = np.argwhere(seen.class_probability[3] > 0)
    upper = body[body[:, 0] > np.median(body[:, 0])]
    some = tuple(upper[::3].T)
    seen.class_probability[3][some], seen.class_probability[2][some] = 0, 1
    found = label(seen, scan)
    assert levels_of(found) == ("T11", "T12", "L1", "L2")
    assert 0.5 < found.vertebrae[0].confidence < 0.8  # a third of L1 disagrees


def test_bodies_that_touch_are_told_apart() -> None:
    scan, seen = seen_as([2, 2, 2, 3, 3], bridge=(2,))
    assert levels_of(label(seen, scan)) == ("T10", "T11", "T12", "L1", "L2")


@pytest.mark.parametrize("lumbar", [[True, False], [False, True, False], [True, True, True, False, False]])
def test_lumbar_bodies_above_thoracic_ones_are_refused(lumbar: list[bool]) -> None:
    with pytest.raises(CannotMeasure, match="not in their order"):
        counted_names(lumbar)


def test_names_end_at_t1_and_l5() -> None:
    names = counted_names([False] * 14 + [True] * 6)
    assert names[:3] == [None, None, "T1"]
    assert names[-2:] == ["L5", None]


def test_nothing_or_one_body_alone_is_refused() -> None:
    scan, seen = seen_as([2, 3])
    seen.class_probability[1:, : seen.class_probability.shape[1] // 2] = 0
    seen.class_probability[0] = 1 - seen.class_probability[1:].sum(axis=0)
    with pytest.raises(CannotMeasure, match="Only one body"):
        label(seen, scan)
    seen.class_probability[1:], seen.class_probability[0] = 0, 1
    with pytest.raises(CannotMeasure, match="No vertebra was found"):
        label(seen, scan)


def test_the_network_sees_patches_of_64_by_160_by_160_and_marks_what_lies_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = bone_scan()
    found = segmenter(monkeypatch)
    seen = found(scan)
    sizes = found._model.network.sizes
    assert set(sizes) == {(64, 160, 160)}
    assert len(sizes) == 1 + int(np.ceil((scan.geometry.shape[0] - 64) / 40))
    assert seen.class_probability.shape[1:] == seen.geometry.shape
    marked = np.argwhere(seen.class_probability[3] > 0.5)
    bone = np.argwhere(scan.hu > BONE_HU)
    assert np.allclose(
        seen.geometry.to_lps_mm(marked.mean(axis=0)[::-1]), scan.geometry.to_lps_mm(bone.mean(axis=0)[::-1]), atol=0.7
    )
    volume = len(marked) * seen.geometry.voxel_volume_mm3
    assert volume == pytest.approx(len(bone) * scan.geometry.voxel_volume_mm3, rel=0.15)


def test_a_field_wider_than_the_crop_is_cropped_about_the_body_wherever_it_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = bone_scan()
    air = ((0, 0), (0, 300), (400, 0))
    hu = np.pad(scan.hu, air, constant_values=-1000)
    x, y, z = scan.geometry.size
    origin = scan.geometry.to_lps_mm(np.array([-400.0, 0.0, 0.0]))
    wide = replace(scan.geometry, size=(x + 400, y + 300, z), origin_lps_mm=tuple(float(v) for v in origin))
    seen = segmenter(monkeypatch)(replace(scan, hu=hu, geometry=wide))
    assert max(seen.geometry.size[:2]) <= 160
    marked = np.argwhere(seen.class_probability[3] > 0.5)
    bone = np.argwhere(scan.hu > BONE_HU)
    assert np.allclose(
        seen.geometry.to_lps_mm(marked.mean(axis=0)[::-1]), scan.geometry.to_lps_mm(bone.mean(axis=0)[::-1]), atol=0.7
    )


def test_a_scan_of_fewer_slices_than_a_patch_is_seen_and_nothing_is_found_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = spine_scan()
    short = replace(scan, hu=scan.hu[:40], geometry=replace(scan.geometry, size=(*scan.geometry.size[:2], 40)))
    seen = segmenter(monkeypatch)(short)
    assert seen.geometry.size[2] == 40
    assert seen.class_probability.shape[1] == 40


def test_a_scan_of_air_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = spine_scan()
    with pytest.raises(CannotMeasure, match="shows no body"):
        segmenter(monkeypatch)(replace(scan, hu=np.full_like(scan.hu, -1000)))


def test_a_measurement_names_the_method_and_gives_no_category_before_a_reader_confirms_the_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = spine_scan()
    examination = measure(scan, segmenter(monkeypatch)).examination  # all of them are lumbar to this network
    assert examination.software.model_name == "threshold (Pan et al. 2020)"
    assert {m.level for m in examination.measurements} == {"L1", "L2"}
    assert examination.assessment.category is None
    assert FindingCode.LABEL_UNCERTAIN in {f.code for f in examination.findings}
    confirmed = confirm_names(examination, "Dr. Reader", "2026-01-01T00:00:00+00:00")
    assert confirmed.assessment.category is not None
