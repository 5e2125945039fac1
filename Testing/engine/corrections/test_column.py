"""Names and vertebrae that a reader shifts, adds and takes out."""

from dataclasses import replace

import pytest

from helpers_record import LEVELS, READER, TIME, body_mask, column_scan, examined
from ldct_bmd.column import add_vertebra, remove_vertebra, rename_level, shift_names
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import BodyMask, Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.scan import CTScan
from ldct_bmd.verdicts import confirm_fracture

BY = {"reader": READER, "time": TIME}


@pytest.fixture(scope="module")
def scan() -> CTScan:
    return column_scan()


@pytest.fixture(scope="module")
def record(scan: CTScan) -> Examination:
    return examined(scan)


def names(examination: Examination) -> list[str]:
    return [vertebra.level for vertebra in examination.vertebrae]


def as_measured(examination: Examination) -> Examination:
    """The record without what any correction leaves: its history, and the reader's word on the names."""
    quality = replace(examination.quality, names_remark=examined().quality.names_remark)
    return replace(examination, quality=quality, history=(), automatic=None)


def test_a_body_that_runs_off_the_list_loses_its_name_and_gets_it_back(record: Examination) -> None:
    far = shift_names(exclude_level(record, "L2", "cyst", **BY), 3, **BY)
    assert names(far) == ["L2", "L3", "L4", "L5", "L6"]
    off = shift_names(far, 2, **BY)
    assert names(off) == ["L4", "L5", "L6"]
    assert off.column() == ("L4", "L5", "L6", "+1", "+2")
    assert off.measurement("L6") is not None
    assert len(off.measurements) == 2, "the third runs off the list with its vertebra"
    assert Examination.from_json(off.to_json()) == off
    assert READER not in deidentified(off).to_json()
    back = shift_names(off, -5, **BY)
    assert back.unnamed == ()
    assert as_measured(back) == as_measured(exclude_level(record, "L2", "cyst", **BY))


def test_names_go_up_where_c7_is_in_view(record: Examination) -> None:
    top = shift_names(record, -11, **BY)
    assert names(top)[0] == "C7"
    up = shift_names(confirm_fracture(top, "C7", **BY), -1, **BY)
    assert names(up)[0] == "C7"
    assert up.column()[0] == "-1"
    assert up.assessment.fractured == (), "nothing is said of a vertebra without a name"
    back = shift_names(up, 1, **BY)
    assert names(back) == names(top)
    assert back.assessment.fractured == ("C7",)


def test_at_least_one_vertebra_keeps_a_name(record: Examination) -> None:
    with pytest.raises(UsageError, match="can't be shifted that far"):
        shift_names(record, 9, **BY)


def test_a_false_vertebra_is_taken_out_with_its_numbers(record: Examination) -> None:
    after = remove_vertebra(record, "L2", **BY)
    assert names(after) == ["T11", "T12", "L1", "L3"]
    assert after.measurement("L2") is None
    assert after.assessment.levels == ("L1",)
    assert (after.history[-1].what, after.history[-1].old["level"]) == ("vertebra_removed", "L2")
    closed = rename_level(after, "L3", "L2", **BY)
    assert names(closed) == ["T11", "T12", "L1", "L2"]
    with pytest.raises(UsageError, match="no vertebra named L2"):
        remove_vertebra(after, "L2", **BY)


def test_a_missed_vertebra_is_added_and_measured_as_the_others(record: Examination, scan: CTScan) -> None:
    without = remove_vertebra(record, "L2", **BY)
    after = add_vertebra(without, scan, "L2", body_mask("L2"), **BY)
    assert names(after) == list(LEVELS)
    assert after.measurement("L2").mean_hu == record.measurement("L2").mean_hu
    assert after.assessment.mean_bmd_mg_cm3 == record.assessment.mean_bmd_mg_cm3
    assert after.quality.voi("L2").placed_by == READER


def test_a_vertebra_is_added_between_its_neighbours_and_once(record: Examination, scan: CTScan) -> None:
    with pytest.raises(UsageError, match="already"):
        add_vertebra(record, scan, "L2", body_mask("L2"), **BY)
    without = remove_vertebra(record, "L2", **BY)
    with pytest.raises(UsageError, match="must lie above"):
        add_vertebra(without, scan, "L2", body_mask("T11"), **BY)
    empty = body_mask("L2")
    with pytest.raises(UsageError, match="empty"):
        add_vertebra(without, scan, "L2", BodyMask(empty.box, empty.inside & False), **BY)


def test_the_last_vertebra_stays(record: Examination) -> None:
    left = record
    for level in LEVELS[:-1]:
        left = remove_vertebra(left, level, **BY)
    with pytest.raises(UsageError, match="only vertebra"):
        remove_vertebra(left, LEVELS[-1], **BY)
