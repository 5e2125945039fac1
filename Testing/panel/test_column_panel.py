"""Names and vertebrae on the panel: shifted off the list and back, confirmed, taken out, added by drawing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer
from panel_fixtures import Hands

from ldct_bmd.examination import conclude


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The phantom measured, L1 selected."""
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    panel.wait(0.1)
    return panel


def names(hands: Hands) -> list[str]:
    return [vertebra.level for vertebra in hands.examination.vertebrae]


def segments(hands: Hands) -> dict[str, str]:
    """Segment IDs by the names that a reader sees."""
    segmentation = hands.review.segmentationNode.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    return {segmentation.GetSegment(one).GetName(): one for one in ids}


def test_a_body_shifted_off_the_list_keeps_its_segment_and_gets_its_name_back(review: Hands) -> None:
    before, found = names(review), segments(review)
    last = found[before[-1]]
    numbers = review.table.cells("L1")[2:4]
    for _ in range(4):  # what is below L2 runs off the list
        review.click("shiftDownButton")
    assert names(review) == ["L3", "L4", "L5", "L6"]
    assert segments(review)["no name"] == last
    off = [one.key for one in review.examination.unnamed]
    assert [review.table.cells(key)[0] for key in off] == ["no name"] * (len(before) - 4)
    assert review.table.cells("L3")[4] == "confirmed"
    assert review.table.cells("L5")[2:4] == numbers
    for _ in range(4):
        review.click("shiftUpButton")
    assert names(review) == before
    assert segments(review) == found
    assert review.table.cells("L1")[2:4] == numbers
    assert review.bodies_are_all_there()


def test_an_unnamed_body_is_saved_with_the_scene_and_shifted_back_later(review: Hands, ct: Any) -> None:
    before = names(review)
    for _ in range(4):
        review.click("shiftDownButton")
    review.panel.logic.forget(ct)  # as when the scene was loaded again
    review.panel.setVolume(ct)
    for _ in range(4):
        review.click("shiftUpButton")
    assert names(review) == before
    assert review.bodies_are_all_there()


def test_names_that_a_reader_vouches_for_show_as_confirmed(panel: Hands, ct: Any, measured: Any) -> None:
    stored, bodies = measured
    quality = replace(stored.examination.quality, names_certain=False, uncertain_levels=())
    examination = conclude(replace(stored.examination, quality=quality))
    panel.show_measured(ct, (replace(stored, examination=examination), bodies))
    assert panel.table.cells("L1")[0] == "L1?"
    assert panel.table.cells("L1")[4].endswith("%")
    panel.click("confirmButton")
    assert panel.table.cells("L1")[0] == "L1"
    assert panel.table.cells("L1")[4:] == ["confirmed", "automatic, name confirmed"]
    panel.click("undoButton")
    assert panel.table.cells("L1")[0] == "L1?"


def test_a_false_body_is_taken_out_and_undo_brings_it_back(review: Hands) -> None:
    before, found = names(review), segments(review)
    review.click("removeBodyButton")
    assert "L1" not in names(review)
    assert "L1" not in segments(review)
    assert review.examination.assessment.levels == ("L2",)
    assert review.review.markups.roi("L1") is None
    review.click("undoButton")
    assert names(review) == before
    assert set(segments(review)) == set(found)
    assert review.bodies_are_all_there()


def test_a_missed_vertebra_is_drawn_and_measured(review: Hands) -> None:
    from slicer_standin import mouse

    node, volume, numbers = review.review.segmentationNode, review.panel.volumeNode, review.table.cells("L1")[2:4]
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, segments(review)["L1"], volume).copy()
    review.click("removeBodyButton")
    mouse.choose_from_menu(review.ui.addBodyButton, "L1")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    drawn = editor.currentSegmentID()
    assert drawn == segments(review)["L1"]
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, drawn, volume)
    slicer.util.selectModule("LDCTBoneDensity")
    review.click("updateButton")
    assert review.table.cells("L1")[2:4] == numbers
    assert [entry.what for entry in review.examination.history] == ["vertebra_removed", "vertebra_added"]
    assert review.examination.assessment.levels == ("L1", "L2")
