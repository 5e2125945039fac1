"""A reader's verdicts on suspected fractures and doubtful outlines: what they do to the category and the statement."""

import json
from dataclasses import replace

import pytest

from helpers_record import READER, TIME, body_mask, column_scan, examined
from ldct_bmd.column import rename_level
from ldct_bmd.corrections import edit_body, exclude_level, include_level, move_voi
from ldct_bmd.examination import Examination, conclude, is_intact, sign
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.morphometry import Outline, body_heights
from ldct_bmd.quality import LevelHeights
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.scan import CTScan
from ldct_bmd.verdicts import confirm_fracture, confirm_outline, dismiss_suspicion

BY = {"reader": READER, "time": TIME}


@pytest.fixture(scope="module")
def scan() -> CTScan:
    return column_scan()


@pytest.fixture(scope="module")
def record(scan: CTScan) -> Examination:
    return examined(scan)


def with_wedge(record: Examination, scan: CTScan, level: str) -> Examination:
    """The record that the pipeline would make if the body of ``level`` were wedged."""
    wedge = body_mask(level, hp_mm=26.0, ha_mm=17.0)
    found = body_heights(wedge.inside, wedge.box, scan.geometry)
    heights = tuple(LevelHeights(level, found) if one.level == level else one for one in record.quality.heights)
    return conclude(replace(record, quality=replace(record.quality, heights=heights)))


def with_hole(record: Examination, *levels: str) -> Examination:
    """The record that the pipeline would make if the masks of ``levels`` had holes."""
    outlines = tuple(
        replace(one, outline=Outline(0.1, 0.1)) if one.level in levels else one for one in record.quality.outlines
    )
    return conclude(replace(record, quality=replace(record.quality, outlines=outlines)))


def codes(examination: Examination) -> list[str]:
    return [f.code.value for f in examination.findings]


@pytest.fixture
def suspected(record: Examination, scan: CTScan) -> Examination:
    return with_wedge(record, scan, "L1")


def test_an_open_suspicion_limits_and_does_not_lead(suspected):
    assert suspected.assessment.statement.startswith("Mean trabecular BMD of L1 and L2")
    assert "suspected_fracture" in suspected.assessment.limited
    assert suspected.assessment.category is not None


def test_a_confirmed_fracture_leaves_its_level_out_and_leads(suspected):
    after = confirm_fracture(suspected, "L1", **BY)
    assert after.assessment.levels == ("L2",)
    assert after.assessment.statement.startswith("Vertebral fracture of L1, confirmed by the reader")
    assert after.measurement("L1").excluded.reason == "fracture"
    assert "fracture" in codes(after)
    assert "suspected_fracture" not in codes(after)
    assert (after.history[-1].what, after.history[-1].level) == ("fracture_confirmed", "L1")


def test_a_reader_may_confirm_one_that_nobody_suspected_and_that_is_not_measured(record):
    after = confirm_fracture(record, "T11", **BY)
    assert after.assessment.statement.startswith("Vertebral fracture of T11")
    assert after.assessment.levels == ("L1", "L2")


def test_a_dismissed_suspicion_limits_no_more(suspected, record):
    after = dismiss_suspicion(suspected, "L1", **BY)
    assert after.assessment == record.assessment
    assert "suspected_fracture" not in codes(after)
    assert (after.history[-1].what, after.history[-1].new["fractured"]) == ("suspicion_dismissed", False)


def test_the_last_verdict_counts(suspected):
    confirmed = confirm_fracture(dismiss_suspicion(suspected, "L1", **BY), "L1", **BY)
    assert confirmed.assessment.levels == ("L2",)
    dismissed = dismiss_suspicion(confirmed, "L1", **BY)
    assert dismissed.assessment.levels == ("L1", "L2")
    assert len(dismissed.quality.fracture_readings) == 1


def test_excluding_a_level_as_fractured_is_a_confirmation(suspected):
    after = exclude_level(suspected, "L1", "fracture", **BY)
    assert after.assessment.statement.startswith("Vertebral fracture of L1")
    other = exclude_level(suspected, "L1", "tumour", **BY)
    assert "Vertebral fracture" not in other.assessment.statement


def test_a_level_taken_back_is_to_be_judged_again(suspected):
    after = include_level(confirm_fracture(suspected, "L1", **BY), "L1", **BY)
    assert "suspected_fracture" in codes(after)
    assert after.assessment.levels == ("L1", "L2")


def test_a_verdict_goes_with_its_vertebra_when_it_is_renamed(record):
    after = rename_level(confirm_fracture(record, "L3", **BY), "L3", "L4", **BY)
    assert after.assessment.statement.startswith("Vertebral fracture of L4")


@pytest.mark.parametrize("level", ["T9", "L9"])
def test_what_is_not_there_takes_no_verdict(record, level):
    with pytest.raises(UsageError, match="no vertebra"):
        confirm_fracture(record, level, **BY)


def test_nothing_is_dismissed_that_was_not_suspected(record, suspected):
    with pytest.raises(UsageError, match="No fracture of L2"):
        dismiss_suspicion(record, "L2", **BY)
    with pytest.raises(UsageError, match="dismissed already"):
        dismiss_suspicion(dismiss_suspicion(suspected, "L1", **BY), "L1", **BY)
    with pytest.raises(UsageError, match="confirmed already"):
        confirm_fracture(confirm_fracture(record, "L2", **BY), "L2", **BY)


def test_a_doubtful_outline_is_used_only_after_a_reader_confirmed_it(record):
    doubtful = with_hole(record, "L1")
    assert doubtful.assessment.levels == ("L2",)
    assert "L1 has a doubtful outline" in doubtful.assessment.statement
    assert {"outline_doubtful", "single_lumbar_level"} <= set(codes(doubtful))
    after = confirm_outline(doubtful, "L1", **BY)
    assert after.assessment == record.assessment
    assert after.history[-1].what == "outline_confirmed"


def test_with_two_doubtful_outlines_there_is_no_category(record):
    assert with_hole(record, "L1", "L2").assessment.category is None


def test_a_mask_that_the_reader_drew_and_a_voi_that_the_reader_placed_are_used(record, scan):
    doubtful = with_hole(record, "L1")
    assert edit_body(doubtful, scan, "L1", body_mask("L1"), **BY).assessment.levels == ("L1", "L2")
    voi = doubtful.measurement("L1").voi
    moved = move_voi(doubtful, scan, "L1", replace(voi, height_mm=8.0), READER, TIME, body_mask("L1"))
    assert moved.assessment.levels == ("L1", "L2")


def test_verdicts_survive_the_file_and_leave_names_behind_in_the_deidentified_copy(suspected):
    after = confirm_outline(with_hole(confirm_fracture(suspected, "L1", **BY), "L2"), "L2", **BY)
    assert Examination.from_json(after.to_json()) == after
    assert READER not in deidentified(after).to_json()


def test_a_record_signed_before_there_were_losses_and_outlines_is_still_intact(record):
    """Its heights have no lines and no image's uncertainty, and it holds no losses, outlines or verdicts."""
    heights = tuple(
        replace(one, heights=replace(one.heights, uncertainties_mm=None, lines_lps_mm=()))
        for one in record.quality.heights
    )
    old = replace(record, height_losses=(), quality=replace(record.quality, heights=heights, outlines=()))
    values = sign(old, READER, TIME).to_dict()
    del values["height_losses"], values["quality"]["outlines"], values["quality"]["fracture_readings"]
    for one in values["quality"]["heights"]:
        del one["heights"]["uncertainties_mm"], one["heights"]["lines_lps_mm"]
    assert is_intact(Examination.from_json(json.dumps(values)))
