"""Contrast agent in the panel: where the aorta was measured, and the reader's word that there was none."""

from dataclasses import replace
from typing import Any

import pytest
import slicer
from panel_fixtures import READER, Hands

from ldct_bmd.calibration.vessel import VesselDisc
from ldct_bmd.corrections import with_bmd_anew
from ldct_bmd.examination.conclude import conclude, contrast_of


@pytest.fixture
def bright(panel: Hands, ct: Any, measured: Any) -> Hands:
    """A measurement whose aorta is bright, as with contrast agent."""
    stored, bodies = measured
    record = stored.examination
    x, y, z = record.measurement("L1").voi.center_lps_mm
    discs = tuple(VesselDisc((x + 18.0, y - 40.0, z + up), 6.0, 130.0) for up in (12.0, 0.0, -12.0))
    tissue = replace(record.quality.tissue, vessel_hu=130.0, vessel=discs)
    seen = replace(record, quality=replace(record.quality, tissue=tissue))
    seen = replace(seen, contrast=contrast_of(seen.scan.acquisition, tissue))
    panel.show_measured(ct, (replace(stored, examination=conclude(with_bmd_anew(seen))), bodies))
    return panel


def points() -> list[list[float]]:
    """Where the scene shows the aorta, RAS in mm."""
    node = slicer.mrmlScene.GetNodesByName("Aorta").GetItemAsObject(0)
    if node is None:
        return []
    return [list(node.GetNthControlPointPositionVector(n)) for n in range(node.GetNumberOfControlPoints())]


def test_the_views_show_where_the_aorta_was_measured_whatever_the_reader_says(bright: Hands) -> None:
    discs = bright.examination.quality.tissue.vessel
    there = [pytest.approx([-x, -y, z]) for x, y, z in (disc.center_lps_mm for disc in discs)]
    assert points() == there
    bright.click("contrastButton")
    assert points() == there


def test_the_readers_word_gives_the_bmd_without_and_can_be_taken_back(bright: Hands) -> None:
    before = bright.examination
    assert before.contrast is not None
    bright.click("contrastButton")
    after = bright.examination
    shift = before.calibration.slope * before.contrast.shift_hu
    assert after.assessment.mean_bmd_mg_cm3 == pytest.approx(before.assessment.mean_bmd_mg_cm3 + shift)
    assert after.quality.contrast_denied_by == READER
    assert bright.ui.contrastButton.text == "Contrast agent after all"
    bright.click("contrastButton")
    assert bright.examination.assessment == before.assessment
    bright.click("undoButton")
    assert bright.examination.assessment == after.assessment


def test_without_a_sign_of_contrast_agent_nobody_is_asked(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    assert not panel.ui.contrastButton.visible


def test_a_signed_review_is_not_asked_either(bright: Hands) -> None:
    bright.click("signButton")
    assert not bright.ui.contrastButton.enabled
