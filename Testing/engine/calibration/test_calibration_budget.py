"""The uncertainty budget: what averaging lessens and what it does not, and intervals that hold the truth."""

import json
import math

import numpy as np
import pytest

from helpers_qa import PAD, site_calibration
from ldct_bmd.calibration import BMDError, Calibration, FitQuality, Part, entered_calibration
from ldct_bmd.calibration.budget import coverage_factor
from ldct_bmd.calibration.phantom.rod_fit import expected_hu, fit_rods
from ldct_bmd.ground.plain import from_plain, to_plain

SITE = site_calibration()
LEVEL = SITE.bmd_error([150.0], [2.0], [1.5], [3.0], 4.0)
MEAN = SITE.bmd_error([150.0, 150.0], [2.0, 2.0], [1.5, 1.5], [3.0, 3.0], 4.0)


def test_the_mean_of_two_levels_lessens_what_is_drawn_at_each() -> None:
    assert MEAN.noise_mg_cm3 == pytest.approx(LEVEL.noise_mg_cm3 / math.sqrt(2.0))


def test_and_placement_in_part() -> None:
    rng = np.random.default_rng(3)
    of_scan = rng.normal(0.0, math.sqrt(0.4), 200_000)
    means = of_scan + rng.normal(0.0, math.sqrt(0.6), (2, 200_000)).mean(axis=0)
    assert MEAN.placement_mg_cm3 == pytest.approx(LEVEL.placement_mg_cm3 * means.std(), rel=0.01)


@pytest.mark.parametrize("part", [Part.CALIBRATION, Part.SIZE, Part.CONTRAST])
def test_and_not_what_is_common_to_both(part) -> None:
    assert MEAN.parts[part] == pytest.approx(LEVEL.parts[part])


def test_the_total_is_of_all_parts() -> None:
    assert set(LEVEL.parts) == set(Part) - {Part.TRANSFER}
    assert LEVEL.total_mg_cm3 == pytest.approx(math.sqrt(sum(part**2 for part in LEVEL.parts.values())))
    for left_out in ("placement", "size", "contrast"):
        known = {"placement_hu": [1.5], "size_mg_cm3": [3.0], "contrast_mg_cm3": 4.0}
        del known[next(name for name in known if name.startswith(left_out))]
        assert SITE.bmd_error([150.0], [2.0], **known).total_mg_cm3 < LEVEL.total_mg_cm3


def test_without_the_calibrations_own_error_the_interval_is_of_what_is_known() -> None:
    error = entered_calibration(0.8, 0.0, "K2HPO4", 120.0).bmd_error([150.0], [2.0], [1.5])
    assert error.total_mg_cm3 is None
    assert error.half_interval_mg_cm3 == pytest.approx(1.96 * 0.8 * 2.5)


def test_few_rods_widen_the_interval_by_students_t_and_only_as_far_as_they_count() -> None:
    # Student's t, 97.5 %: 3.182 on 3 degrees of freedom.
    assert coverage_factor(1.0, 1.0, 5) == pytest.approx(3.182, abs=1e-3)
    assert coverage_factor(3.0, 1.0, 5) == pytest.approx(1.97, abs=0.01)
    assert coverage_factor(2.0, 0.0, 5) == 1.96


def test_intervals_of_the_line_alone_hold_the_truth_in_95_of_100() -> None:
    rng = np.random.default_rng(11)
    truth, held, by_normal = expected_hu(PAD, 0.74, 1.0), 0, 0
    for _ in range(2000):
        fit = fit_rods(PAD, truth + rng.normal(0.0, 3.0, len(truth)))
        line = Calibration("QA", fit.slope, fit.intercept_mg_cm3, "K2HPO4", 120.0, False, "simulated", fit=fit.quality)
        error, off = line.bmd_error([150.0], [0.0]), abs(line.bmd_mg_cm3(150.0) - (0.74 * 150.0 + 1.0))
        held += off <= error.half_interval_mg_cm3
        by_normal += off <= 1.96 * error.total_mg_cm3
    # 2,000 intervals know their share to 0.5 %.
    assert held / 2000 == pytest.approx(0.95, abs=0.015)
    assert by_normal / 2000 < 0.90


def test_errors_of_before_are_read_and_keep_their_interval() -> None:
    before = {"noise_mg_cm3": 1.2, "calibration_mg_cm3": 0.9, "total_mg_cm3": 1.5}
    error = from_plain(BMDError, json.loads(json.dumps(before)))
    assert error.half_interval_mg_cm3 == 1.96 * 1.5
    assert error.repeated_mg_cm3 == 1.2
    # What a signature of then covers: the new fields are empty.
    assert {name: value for name, value in to_plain(error).items() if value is not None} == before


def test_a_better_phantom_scan_narrows_the_interval() -> None:
    poor = Calibration(
        "poor", 0.74, 1.0, "K2HPO4", 120.0, False, "made up", fit=FitQuality(0.02, 4.0, -0.05, 8.0, 0.99, 5)
    )
    assert poor.bmd_error([150.0], [2.0]).half_interval_mg_cm3 > SITE.bmd_error([150.0], [2.0]).half_interval_mg_cm3
