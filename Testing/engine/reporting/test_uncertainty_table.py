"""The budget in the report: one table, the same numbers as in the record, in both languages."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_record import SITE, examined
from ldct_bmd.calibration import FitQuality
from ldct_bmd.examination import Examination, conclude
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.html import to_html
from ldct_bmd.reporting.page.pdf import to_pdf
from ldct_bmd.reporting.tables import patient_row

FIT = FitQuality(0.004, 0.9, -0.0019, 2.0, 0.9995, 5)


@pytest.fixture(scope="module")
def record() -> Examination:
    return examined(calibration=replace(SITE, fit=FIT))


def before(record: Examination) -> Examination:
    """The record as a version without placement and size concluded it."""
    vois = tuple(replace(one, placement_hu=None, size=None) for one in record.quality.vois)
    return conclude(replace(record, quality=replace(record.quality, vois=vois)))


def test_a_row_for_each_part_and_a_column_for_each_level_and_the_mean(record) -> None:
    table = compose(record).uncertainty
    assert [column.heading for column in table.columns] == [
        "Standard error, mg/cm³",
        "T12",
        "L1",
        "L2",
        "mean L1 and L2",
    ]
    rows = {row[0]: row[1:] for row in table.rows}
    parts = ["image noise", "VOI placement", "calibration", "patient size", "all together", "half the 95 % interval"]
    assert list(rows) == parts
    mean = record.assessment.mean_bmd_error
    assert rows["patient size"][-1] == f"{mean.size_mg_cm3:.1f}"
    assert rows["half the 95 % interval"][-1] == f"{mean.half_interval_mg_cm3:.1f}"
    assert f"± {mean.half_interval_mg_cm3:.1f}" in compose(record).mean_line


def test_it_says_what_change_another_scan_would_show(record) -> None:
    mean = record.assessment.mean_bmd_error
    note = next(note for note in compose(record).uncertainty.notes if "shows a change" in note)
    assert f"more than {2.77 * mean.repeated_mg_cm3:.1f} mg/cm³" in note


def test_a_part_that_is_not_there_has_no_row_and_no_promise_is_made(record) -> None:
    table = compose(before(record)).uncertainty
    assert [row[0] for row in table.rows] == ["image noise", "calibration", "all together", "half the 95 % interval"]
    assert not any("shows a change" in note for note in table.notes)
    assert "VOI placement and patient position are not in it" in " ".join(compose(before(record)).levels.notes)
    assert "VOI placement and patient position are not in it" not in " ".join(compose(record).levels.notes)


def test_without_the_calibrations_error_what_is_known_is_added_up_and_marked() -> None:
    rows = {row[0]: row[1:] for row in compose(examined()).uncertainty.rows}
    known = np.hypot.reduce([float(rows[part][-1]) for part in ("image noise", "VOI placement", "patient size")])
    assert rows["all together"][-1].endswith("*")
    assert float(rows["all together"][-1].rstrip(" *")) == pytest.approx(known, abs=0.15)
    assert all(half.endswith("*") for half in rows["half the 95 % interval"])


@pytest.mark.parametrize(("language", "heading"), [("en", "Uncertainty"), ("zh", "不确定度")])
def test_page_and_pdf_hold_it(record, language, heading) -> None:
    report = compose(record, language=language)
    page = to_html(report)
    assert f"<h2>{heading}</h2>" in page
    assert report.uncertainty.rows[1][0] in page
    assert to_pdf(report).startswith(b"%PDF")


def test_the_table_for_spreadsheets_has_the_interval(record) -> None:
    row, mean = patient_row(record), record.assessment.mean_bmd_error
    assert row["mean_bmd_half_interval_mg_cm3"] == mean.half_interval_mg_cm3
    assert row["mean_bmd_placement_se_mg_cm3"] == mean.placement_mg_cm3
    assert row["mean_bmd_size_se_mg_cm3"] == mean.size_mg_cm3
