"""Suspected fractures, doubtful outlines and errors: shown, and decided by the reader before the review is signed."""

from dataclasses import replace
from typing import Any

import pytest
import slicer
from panel_fixtures import READER, Hands

from ldct_bmd.examination import conclude
from ldct_bmd.morphometry import BodyHeights


def wedged(heights: BodyHeights) -> BodyHeights:
    """The heights of a body whose front half is crushed."""
    return replace(heights, anterior_mm=0.6 * heights.anterior_mm, middle_mm=0.75 * heights.middle_mm)


@pytest.fixture
def suspected(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The phantom with an L1 that is lower in front than its neighbours let expect."""
    stored, bodies = measured
    quality = stored.examination.quality
    heights = tuple(replace(one, heights=wedged(one.heights)) if one.level == "L1" else one for one in quality.heights)
    examination = conclude(replace(stored.examination, quality=replace(quality, heights=heights)))
    panel.show_measured(ct, (replace(stored, examination=examination), bodies))
    return panel


def choose(hands: Hands, words: str) -> None:
    """Open the menu of the fracture button with the mouse, and choose an entry of it."""
    from slicer_standin import mouse

    mouse.choose_from_menu(hands.ui.fractureButton, words)


def test_a_suspicion_is_shown_at_its_row_and_its_heights_in_the_sagittal_view(suspected: Hands) -> None:
    assert suspected.table.cells("L1")[5].startswith("fracture? 4")
    assert "fracture" not in suspected.table.cells("L2")[5]
    suspected.table.select("L2")
    lines = suspected.panel.sections.vertebrae.views.heights
    assert lines.nodes == []
    suspected.table.select("L1")
    assert [node.GetName() for node in lines.nodes] == ["L1 front", "L1 middle", "L1 back"]
    (found,) = [one.heights for one in suspected.examination.quality.heights if one.level == "L1"]
    lengths = [node.GetMeasurement("length").GetValue() for node in lines.nodes]
    expected = [
        sum((a - b) ** 2 for a, b in zip(top, bottom, strict=True)) ** 0.5 for top, bottom in found.lines_lps_mm
    ]
    assert lengths == pytest.approx(expected, abs=0.01)
    assert [node.GetNthControlPointLabel(0) for node in lines.nodes] == [f"{length:.1f}" for length in expected]
    yellow = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceNode()
    assert all(node.GetDisplayNode().GetNthViewNodeID(0) == yellow.GetID() for node in lines.nodes)
    assert all(node.GetLocked() for node in lines.nodes), "they are not the reader's to move"


def test_an_open_suspicion_limits_the_category_and_is_decided_before_the_signature(suspected: Hands) -> None:
    assert "L1 may be fractured" in suspected.ui.statementLabel.text
    assert suspected.ui.openPointsView.visible
    suspected.click("signButton")
    assert "A fracture of L1 is suspected" in suspected.message
    assert suspected.examination.signature is None
    suspected.table.select("L1")
    choose(suspected, "Fracture, Genant grade 2 (suggested by the heights)")
    assert suspected.table.cells("L1")[5] == "excluded: fracture, grade 2"
    assert suspected.ui.statementLabel.text.startswith("Vertebral fracture of L1, confirmed by the reader")
    assert suspected.examination.assessment.levels == ("L2",)
    suspected.click("signButton")
    assert f"Signed by {READER}" in suspected.ui.signatureLabel.text


def test_a_dismissed_suspicion_limits_nothing_and_stays_in_the_history(suspected: Hands) -> None:
    suspected.table.select("L1")
    choose(suspected, "Not fractured")
    assert suspected.table.cells("L1")[5] == "automatic, no fracture"
    assert [entry.what for entry in suspected.examination.history] == ["suspicion_dismissed"]
    assert "may be fractured" not in suspected.ui.statementLabel.text
    suspected.click("undoButton")
    assert suspected.table.cells("L1")[5].startswith("fracture?")


def test_a_fracture_that_nobody_suspected_can_be_confirmed_on_a_level_without_a_voi(suspected: Hands) -> None:
    suspected.table.select("L3")
    choose(suspected, "Fracture, without a grade")
    assert suspected.table.cells("L3")[5] == "not measured, fracture"
    assert suspected.ui.statementLabel.text.startswith("Vertebral fracture of L3")


def test_a_doubtful_outline_is_used_once_the_reader_finds_it_good(panel: Hands, ct: Any, measured: Any) -> None:
    stored, bodies = measured
    quality = stored.examination.quality
    outlines = tuple(
        replace(one, outline=replace(one.outline, hole_fraction=0.1)) if one.level == "L2" else one
        for one in quality.outlines
    )
    examination = conclude(replace(stored.examination, quality=replace(quality, outlines=outlines)))
    panel.show_measured(ct, (replace(stored, examination=examination), bodies))
    assert panel.examination.assessment.levels == ("L1",)
    panel.table.select("L1")
    assert not panel.ui.outlineButton.enabled
    panel.table.select("L2")
    panel.click("outlineButton")
    assert panel.examination.assessment.levels == ("L1", "L2")


def test_errors_are_listed_and_acknowledged_before_the_signature(panel: Hands, ct: Any, measured: Any) -> None:
    stored, bodies = measured
    quality = replace(stored.examination.quality, names_certain=False, uncertain_levels=())
    panel.show_measured(
        ct, (replace(stored, examination=conclude(replace(stored.examination, quality=quality))), bodies)
    )
    (sentence,) = panel.panel.sections.report.openPoints.texts()
    assert sentence.startswith("Error: ")
    panel.click("signButton")
    assert "Say that you have seen them" in panel.message
    panel.click("seenBox")
    panel.click("signButton")
    assert panel.examination.history[-1].new["acknowledged"] == ["label_uncertain"]
