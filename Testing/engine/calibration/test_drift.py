"""The monthly series of a scanner: control limits, jumps, trends, missed months, and what a scan is told of them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from helpers_qa import SCAN, SCANNER, site_calibration
from helpers_record import column_scan, examined
from ldct_bmd.calibration import Method
from ldct_bmd.calibration.choose import choose_calibration
from ldct_bmd.calibration.drift import LEAST_SIGMA_BMD_MG_CM3, all_series, control_chart, quality_series
from ldct_bmd.calibration.store import StoredCalibration
from ldct_bmd.corrections import change_calibration
from ldct_bmd.examination import conclude
from ldct_bmd.reporting.calibration_plots import drift_picture
from ldct_bmd.words import told

BMD = "BMD of a vertebra of 100 mg/cm³"


def months(slopes, intercepts=None, first=1, **provenance):
    """One calibration a month of 2023 and on, on the 5th."""
    intercepts = [1.0] * len(slopes) if intercepts is None else intercepts
    days = [f"{2023 + (first - 1 + k) // 12}-{(first - 1 + k) % 12 + 1:02d}-05" for k in range(len(slopes))]
    return [
        site_calibration(day, slope, intercept, **provenance)
        for day, slope, intercept in zip(days, slopes, intercepts, strict=True)
    ]


def steady(count, seed=0):
    return (0.74 + np.random.default_rng(seed).normal(0.0, 0.002, count)).tolist()


def alarms_of(series, number):
    return [str(alarm) for alarm in series.alarms(series.points[number].calibration.identifier)]


def test_the_reference_vertebra_has_100_mg_by_the_baseline():
    series = quality_series(months([0.74] * 6), months([0.74])[0])
    assert series.reference_hu == pytest.approx(99.0 / 0.74)
    assert [point.reference_bmd_mg_cm3 for point in series.points] == pytest.approx([100.0] * 6)


def test_a_steady_scanner_gives_no_alarm():
    alarms = [
        quality_series(made, made[0]).alarms(made[-1].identifier)
        for made in (months(steady(18, seed)) for seed in range(20))
    ]
    # The rules together cry wolf about once in 90 points (Champ and Woodall 1987).
    assert sum(bool(found) for found in alarms) <= 2


def test_a_jump_is_an_alarm_at_its_point_and_not_before():
    made = months([*steady(9), 0.77])
    series = quality_series(made, made[0])
    assert any("jump" in alarm and BMD in alarm for alarm in alarms_of(series, 9))
    assert not alarms_of(series, 7)


def test_a_slow_trend_within_the_limits_is_an_alarm():
    drifting = 0.74 + 0.0008 * np.arange(8)
    made = months([*([0.74, 0.741] * 4), *drifting.tolist()])
    found = alarms_of(quality_series(made, made[0]), 15)
    assert any("rising" in alarm for alarm in found)
    assert not any("jump" in alarm and BMD in alarm for alarm in found)


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ([3.5], "a jump, +3.5 sigma"),
        ([-2.5, 0.0, -2.5], "two of three"),
        ([1.5, 1.5, 0.0, 1.5, 1.5], "four of five"),
        ([0.5, 0.6, 0.4, 0.5, 0.6, 0.4, 0.5, 0.6], "8 points in a row"),
        ([-0.6, -0.4, -0.2, 0.1, 0.3, 0.6], "rising"),
        ([0.6, 0.4, 0.2, -0.1, -0.3, -0.6], "falling"),
    ],
)
def test_each_rule_is_told_by_name(tail, said):
    baseline = [0.0, 0.6, -0.6, 0.6, -0.6, 0.0] * 2
    chart = control_chart(told("x"), "", [*baseline, *tail], least_sigma=1.0, runs=True)
    assert (chart.centre, chart.sigma) == (0.0, 1.0)
    assert any(said in str(alarm) for alarm in chart.alarms[-1]), chart.alarms[-1]


@pytest.mark.parametrize("tail", [[2.9], [2.5, 0.0, 0.0], [-2.5, 0.0, 2.5], [1.5, 1.5, 0.0, 1.5, 0.9], [0.5] * 7])
def test_a_near_miss_is_no_alarm(tail):
    baseline = [0.0, 0.6, -0.6, 0.6, -0.6, 0.0] * 2
    assert control_chart(told("x"), "", [*baseline, *tail], least_sigma=1.0, runs=True).alarms[-1] == ()


def test_the_limits_come_from_the_moving_range_of_the_baseline_alone():
    # Ranges 2, 2, 2, ...: sigma = 2 / 1.128; later points do not widen the limits.
    chart = control_chart(told("x"), "", [1.0, -1.0] * 6 + [50.0] * 3, least_sigma=0.1, runs=False)
    assert chart.sigma == pytest.approx(2 / 1.128)
    assert chart.limits == (pytest.approx(-6 / 1.128), pytest.approx(6 / 1.128))


def test_a_baseline_that_is_quiet_by_chance_makes_no_alarm_of_less_than_the_methods_own_precision():
    made = months([*([0.74] * 10), 0.7405])
    series = quality_series(made, made[0])
    assert series.charts[2].sigma == LEAST_SIGMA_BMD_MG_CM3
    assert not alarms_of(series, 10)


def test_too_few_points_make_no_limits():
    made = months(steady(5))
    assert quality_series(made, made[0]).charts == ()


@pytest.mark.parametrize(
    "other",
    [
        {"scanner": replace(SCANNER, serial="1")},
        {"kernel_class": "sharp"},
        {"phantom": "Pad 8"},
        {"filter_type": "TIN"},
        {"method": Method.PAIRS},
    ],
)
def test_what_was_made_otherwise_is_another_series(other):
    made = months(steady(6))
    assert len(quality_series([*made, *months(steady(4), first=7, **other)], made[0]).points) == 6


def test_every_series_of_a_store_is_found_once_the_newest_first():
    one, other = months([0.74] * 3), months([0.74] * 2, first=7, phantom="Pad 8")
    found = all_series([*one[:1], *other, *one[1:]])
    assert [[point.calibration for point in series.points] for series in found] == [other, one]


def test_missed_months_are_told_over_the_turn_of_the_year():
    made = [one for k, one in enumerate(months(steady(16))) if k not in (3, 11, 12)]
    series = quality_series(made, made[0])
    assert series.missed_months == ("2023-04", "2023-12", "2024-01")
    until = quality_series(made, made[0], date(2024, 7, 2))
    assert until.missed_months == ("2023-04", "2023-12", "2024-01", "2024-05", "2024-06")


def stored(calibrations):
    return [StoredCalibration(one, "2024-05-06T00:00:00+00:00", "A. Physicist") for one in calibrations]


def scan():
    plain = column_scan()
    made = replace(
        plain.acquisition, station="CT-ROOM-2", device_serial="4711", kernel="B30f", acquisition_date="20240520"
    )
    return replace(plain, acquisition=made)


def concluded(calibrations):
    calibration, choice = choose_calibration(stored(calibrations), SCAN)
    return conclude(replace(examined(scan(), calibration), calibration_choice=choice))


def codes(record):
    return {finding.code.value for finding in record.findings}


def test_a_scan_measured_with_a_drifted_calibration_is_told_and_its_category_limited():
    calm, jumped = concluded(months(steady(17))), concluded(months([*steady(16), 0.78]))
    assert not codes(calm) & {"calibration_drift", "no_matching_calibration", "calibration_scanner"}
    assert calm.assessment.limited == ()
    assert "calibration_drift" in codes(jumped)
    assert "calibration_drift" in jumped.assessment.limited
    assert jumped.assessment.category is not None
    assert "jump" in next(f.message for f in jumped.findings if f.code.value == "calibration_drift")


def test_a_jump_after_the_scan_does_not_touch_it():
    made = months([*steady(17), 0.78, 0.78])
    assert made[-1].provenance.date > "2024-05-20"
    assert "calibration_drift" not in codes(concluded(made))


def test_missed_months_before_the_scan_are_told():
    record = concluded([one for k, one in enumerate(months(steady(17))) if k not in (5, 15)])
    (found,) = (f for f in record.findings if f.code.value == "calibration_qa_missed")
    assert "2023-06, 2024-04" in found.message


def test_no_match_is_a_finding_and_the_nominal_calibration():
    record = concluded(months(steady(6), scanner=replace(SCANNER, serial="1")))
    assert {"no_matching_calibration", "nominal_calibration"} <= codes(record)
    assert record.calibration.nominal
    assert {"no_matching_calibration", "nominal_calibration"} == set(record.assessment.limited)


def test_a_reader_who_has_the_store_choose_again_gets_its_reason_and_its_findings():
    record = examined()
    stored = [StoredCalibration(one, "2024", "A") for one in months([*steady(8), 0.79], first=9)]
    calibration, choice = choose_calibration(stored, replace(SCAN, scan_date="20240520"))
    after = change_calibration(record, calibration, "Dr. Reader", "2024-06-01", choice)
    assert after.calibration_choice == choice
    assert "calibration_drift" in {finding.code.value for finding in after.findings}


def test_a_reader_who_takes_another_calibration_leaves_the_choice_behind():
    record = concluded(months([*steady(16), 0.78]))
    assert record.calibration_choice is not None
    changed = change_calibration(record, months([0.74], first=17)[0], "Dr. Reader", "2024-05-21")
    assert changed.calibration_choice is None
    assert "calibration_drift" not in codes(changed)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"scanner": replace(SCANNER, serial="1")}, "calibration_scanner"),
        ({"kernel_class": "sharp"}, "calibration_scanner"),
        ({"filter_type": "FLAT"}, "calibration_scanner"),
        ({"filter_type": "TIN"}, "beam_filter_mismatch"),
        ({"kvp": 100.0}, "kvp_mismatch"),
        ({"day": "2024-06-01"}, "calibration_date"),
        ({"valid_until": "2024-05-10"}, "calibration_date"),
    ],
)
def test_a_calibration_that_was_given_but_does_not_fit_the_scan_is_told(made, code):
    found = codes(examined(scan(), site_calibration(**made)))
    assert code in found
    assert not (found & {"calibration_scanner", "beam_filter_mismatch", "kvp_mismatch", "calibration_date"}) - {code}


def test_one_that_fits_the_scan_is_no_finding():
    assert codes(examined(scan(), site_calibration())) == {"other_series"}


def test_the_chart_is_a_png():
    made = months([*steady(9), 0.77])
    assert drift_picture(quality_series(made, made[0])).startswith(b"\x89PNG")
