"""What the views show after a measurement, and what never changes by itself."""

from typing import Any

import numpy as np
import pytest
import slicer
from panel_fixtures import Hands


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The panel with the phantom measured."""
    panel.show_measured(ct, measured)
    panel.wait(0.1)
    return panel


def in_view(name: str, ras: np.ndarray) -> bool:
    """Whether a point of space is within the borders of a slice view, whatever its slice."""
    from slicer_standin import mouse

    view = slicer.app.layoutManager().sliceWidget(name).sliceView()
    x, y = mouse.slice_pixel(view, ras.tolist())
    return 0 <= x < view.width and 0 <= y < view.height


def middle(hands: Hands, level: str) -> np.ndarray:
    (found,) = [one.centroid_lps_mm for one in hands.examination.vertebrae if one.level == level]
    return np.array(found) * [-1, -1, 1]


def test_after_a_measurement_the_views_show_the_selected_vertebra_and_its_neighbours_in_a_bone_window(
    review: Hands,
) -> None:
    review.table.select("L1")
    review.wait()
    display = review.panel.volumeNode.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (1800.0, 400.0)
    for name in ("Green", "Yellow"):
        assert all(in_view(name, middle(review, level)) for level in ("T12", "L1", "L2")), name
        extent = min(slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().GetFieldOfView()[:2])
        assert extent == pytest.approx(110.0), "and little else"


def test_3d_looks_at_the_column_upright(review: Hands) -> None:
    camera = slicer.app.layoutManager().threeDWidget(0).threeDView().cameraNode()
    middles = np.array([middle(review, one.level) for one in review.examination.vertebrae])
    assert np.array(camera.GetFocalPoint()) == pytest.approx((middles.min(axis=0) + middles.max(axis=0)) / 2)
    assert camera.GetPosition()[1] > camera.GetFocalPoint()[1], "from the front"
    assert np.array(camera.GetViewUp()) == pytest.approx([0.0, 0.0, 1.0])


def test_the_levels_are_named_in_the_views_of_the_column_and_follow_a_shift(review: Hands) -> None:
    names = review.panel.sections.vertebrae.views.names.node
    labels = [names.GetNthControlPointLabel(i) for i in range(names.GetNumberOfControlPoints())]
    assert labels == [one.level for one in review.examination.vertebrae]
    shown = names.GetDisplayNode()
    views = {name: slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode() for name in ("Red", "Green", "Yellow")}
    assert [name for name, node in views.items() if shown.IsDisplayableInView(node.GetID())] == ["Green", "Yellow"]
    assert shown.IsDisplayableInView(slicer.app.layoutManager().threeDWidget(0).mrmlViewNode().GetID())
    assert names.GetLocked()
    assert not names.GetSaveWithScene()
    review.click("shiftDownButton")
    assert names.GetNthControlPointLabel(0) == review.examination.vertebrae[0].level
    assert names.GetNthControlPointLabel(0) != labels[0]


def test_a_drag_of_the_voi_moves_it_and_does_not_turn_it(review: Hands) -> None:
    from slicer_standin import mouse

    review.table.select("L1")
    review.wait(0.1)
    roi = review.review.markups.roi("L1")
    start, axes = np.array(roi.GetCenterWorld()), review.examination.measurement("L1").voi.axes_lps
    for step in ([6.0, 0.0, 0.0], [0.0, 4.0, 0.0]):
        mouse.drag_in_slice("Red", np.array(roi.GetCenterWorld()), np.array(roi.GetCenterWorld()) + step)
    assert np.abs(np.array(roi.GetCenterWorld()) - start).max() > 2.0
    assert np.array(review.examination.measurement("L1").voi.axes_lps) == pytest.approx(np.array(axes))
    assert not roi.GetDisplayNode().GetRotationHandleVisibility()


def opacities(hands: Hands) -> dict[str, tuple[float, float]]:
    node = hands.review.segmentationNode
    display, segmentation = node.GetDisplayNode(), node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    names = {one: segmentation.GetSegment(one).GetName() for one in ids}
    found = {names[one]: (display.GetSegmentOpacity2DFill(one), display.GetSegmentOpacity3D(one)) for one in ids}
    return {**found, "": (display.GetOpacity2DFill(), display.GetOpacity3D())}


def test_the_opacity_of_segments_never_changes_by_itself(review: Hands) -> None:
    before = opacities(review)
    assert len(set(before.values()) - {before[""]}) == 1, "all segments alike"
    review.table.select("L1")
    review.panel.sections.vertebrae.actions.exclude("cyst")
    assert opacities(review) == before
    review.click("removeBodyButton")
    review.click("undoButton")
    assert opacities(review) == before
    review.click("densityCheckBox")
    review.click("densityCheckBox")
    review.click("obliqueCheckBox")
    review.click("obliqueCheckBox")
    assert opacities(review) == before
