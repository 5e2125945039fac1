"""The BMD's standard error: what the record states, against what repeated scans of phantom and patient give."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers_record import SITE, examined, with_scan
from helpers_voi import CENTER_LPS_MM, UPRIGHT, grid, offsets_mm, scan_of
from ldct_bmd.calibration import Calibration, FitQuality
from ldct_bmd.calibration.phantom.description import load_phantom
from ldct_bmd.calibration.phantom.rod_fit import expected_hu, fit_rods
from ldct_bmd.calibration.regression import fit_line
from ldct_bmd.calibration.size import size_error_mg_cm3
from ldct_bmd.corrections import change_calibration, exclude_level
from ldct_bmd.densitometry import hu_statistics
from ldct_bmd.examination import Examination, conclude
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.voi import CylinderVOI, voi_weights

REPEATS = 500
PHANTOM = load_phantom("k2hpo4-pad-example")
VOI = CylinderVOI(tuple(CENTER_LPS_MM.tolist()), (12.5, 8.4), UPRIGHT, 9.0)
FIT = FitQuality(0.004, 0.9, -0.0019, 2.0, 0.9995, 5)


def calibrated(rod_hu: np.ndarray) -> Calibration:
    fit = fit_rods(PHANTOM, rod_hu)
    return Calibration("QA", fit.slope, fit.intercept_mg_cm3, "K2HPO4", 120.0, False, "simulated", fit=fit.quality)


@pytest.mark.parametrize("hu", [0.0, 150.0, 300.0])
def test_the_calibrations_part_is_the_spread_over_repeated_phantom_scans(hu):
    rng = np.random.default_rng(1)
    truth = expected_hu(PHANTOM, 0.74, 1.0)
    repeats = [calibrated(truth + rng.normal(0.0, 3.0, len(truth))) for _ in range(REPEATS)]
    stated = np.sqrt(np.mean([c.bmd_error([hu], [0.0]).calibration_mg_cm3 ** 2 for c in repeats]))
    # 500 repeats know their spread to 3 %.
    assert stated == pytest.approx(np.std([c.bmd_mg_cm3(hu) for c in repeats]), rel=0.1)


def test_leaving_out_the_covariance_of_slope_and_intercept_would_be_wrong_by_a_quarter():
    rng = np.random.default_rng(2)
    truth = expected_hu(PHANTOM, 0.74, 1.0)
    fit = calibrated(truth + rng.normal(0.0, 3.0, len(truth))).fit
    without = np.hypot(150.0 * fit.slope_se, fit.intercept_se_mg_cm3)
    assert without > 1.25 * np.sqrt(fit.variance_at(150.0))


def noise(geometry, rng, sd_hu, fwhm_mm):
    """Noise with the ramp of filtered backprojection under a Gaussian kernel."""
    _, rows, columns = geometry.shape
    f = np.hypot(
        np.fft.fftfreq(rows, geometry.spacing_mm[1])[:, None], np.fft.rfftfreq(columns, geometry.spacing_mm[0])[None, :]
    )
    amplitude = np.exp(-2 * (np.pi * fwhm_mm / 2.355 * f) ** 2) * np.sqrt(f + 0.005)
    planes = np.fft.irfft2(np.fft.rfft2(rng.normal(size=geometry.shape)) * amplitude, s=(rows, columns))
    return sd_hu * planes / planes.std()


@pytest.mark.slow
def test_the_stated_standard_error_is_the_spread_of_500_repeats_of_phantom_and_patient():
    geometry = grid((0.9, 0.9, 3.0), (110.0, 100.0, 24.0))
    x, y, _ = offsets_mm(geometry)
    rng = np.random.default_rng(3)
    anatomy = np.where((x / 21) ** 2 + (y / 16) ** 2 < 1, 150.0 + rng.normal(0.0, 60.0, geometry.shape), 50.0)
    truth = expected_hu(PHANTOM, 0.74, 1.0)
    box, weights = voi_weights(VOI, geometry)
    bmd, stated = [], []
    for number in range(REPEATS):
        calibration = calibrated(truth + rng.normal(0.0, 2.0, len(truth)))
        hu = np.rint(anatomy + noise(geometry, rng, 50.0, 1.8)).astype(np.int16)
        bmd.append(calibration.bmd_mg_cm3(float(np.average(hu[box], weights=weights))))
        if number % 5 == 0:  # the stated error scatters little: a fifth of the repeats knows its mean
            statistics = hu_statistics(scan_of(hu, geometry), VOI)
            assert calibration.bmd_mg_cm3(statistics.mean_hu) == pytest.approx(bmd[-1], abs=1e-3)
            stated.append(calibration.bmd_error([statistics.mean_hu], [statistics.standard_error_hu]).total_mg_cm3)
    ratio = np.sqrt(np.mean(np.square(stated))) / np.std(bmd)
    assert ratio == pytest.approx(1.0, abs=0.2)


def test_the_record_states_each_levels_error_and_that_of_the_mean():
    record = examined(calibration=replace(SITE, fit=FIT))
    l1, l2 = (record.measurement(level) for level in ("L1", "L2"))
    noise_hu = [record.quality.voi(level).standard_error_hu for level in ("L1", "L2")]
    assert l1.bmd_error.noise_mg_cm3 == pytest.approx(0.8 * noise_hu[0])
    assert l1.bmd_error.calibration_mg_cm3 == pytest.approx(np.sqrt(FIT.variance_at(l1.mean_hu)))
    assert l1.bmd_error.total_mg_cm3 == pytest.approx(np.sqrt(sum(part**2 for part in l1.bmd_error.parts.values())))
    placement_hu = [record.quality.voi(level).placement_hu for level in ("L1", "L2")]
    size = [size_error_mg_cm3(record.quality.voi(level).size) for level in ("L1", "L2")]
    assert l1.bmd_error.placement_mg_cm3 == pytest.approx(0.8 * placement_hu[0])
    assert l1.bmd_error.size_mg_cm3 == pytest.approx(size[0])
    mean = record.assessment.mean_bmd_error
    assert mean.noise_mg_cm3 == pytest.approx(0.8 * np.hypot(*noise_hu) / 2)
    assert np.hypot(*placement_hu) / 2 <= mean.placement_mg_cm3 / 0.8 <= np.mean(placement_hu)
    # The patient is as large at both.
    assert mean.size_mg_cm3 == pytest.approx(np.mean(size))
    # One calibration's error is common to both levels: the mean does not lessen it.
    assert mean.calibration_mg_cm3 == pytest.approx(np.sqrt(FIT.variance_at((l1.mean_hu + l2.mean_hu) / 2)))
    assert Examination.from_json(record.to_json()) == record


def test_without_a_known_covariance_the_total_is_not_stated():
    record = examined()
    error = record.measurement("L1").bmd_error
    assert error.noise_mg_cm3 > 0.0
    assert (error.calibration_mg_cm3, error.total_mg_cm3) == (None, None)


def test_the_error_follows_a_correction():
    record = examined(calibration=replace(SITE, fit=FIT))
    steeper = change_calibration(record, replace(SITE, slope=1.0, fit=FIT), "Dr. Reader", "2024-05-06")
    assert steeper.measurement("L1").bmd_error.noise_mg_cm3 == pytest.approx(
        record.measurement("L1").bmd_error.noise_mg_cm3 / 0.8
    )
    alone = exclude_level(record, "L2", "cyst", "Dr. Reader", "2024-05-06")
    assert alone.assessment.mean_bmd_error == alone.measurement("L1").bmd_error
    none = exclude_level(alone, "L1", "cyst", "Dr. Reader", "2024-05-06")
    assert none.assessment.mean_bmd_error is None


def test_a_record_without_errors_is_still_read():
    record = examined()
    values = record.to_dict()
    for measurement in values["measurements"]:
        del measurement["bmd_error"]
    del values["assessment"]["mean_bmd_error"]
    del values["calibration_choice"]
    del values["quality"]["tissue"]
    for name in ("provenance", "fit"):
        del values["calibration"][name]
    old = Examination.from_json(json.dumps(values))
    assert old.measurement("L1").bmd_mg_cm3 == record.measurement("L1").bmd_mg_cm3
    assert old.measurement("L1").bmd_error is None


@pytest.mark.parametrize(
    "changes",
    [
        {"slope_se": -0.1},
        {"intercept_se_mg_cm3": float("nan")},
        {"slope_intercept_covariance": 0.01},
        {"r_squared": 1.2},
        {"points": 1},
    ],
)
def test_an_impossible_covariance_is_refused(changes):
    with pytest.raises(UsageError, match="contradict"):
        replace(FIT, **changes)


def test_the_lines_covariance_is_that_of_the_textbook():
    # x = 1, 2, 3, 4 and y = 2, 4, 5, 8: Sxx = 5, Sxy = 9.5, slope 1.9, intercept 0; residuals 0.1, 0.2, -0.7, 0.4;
    # s2 = 0.7 / 2 = 0.35, Var slope = 0.35 / 5 = 0.07, Var intercept = 0.35 (1/4 + 6.25/5) = 0.525, Cov = -2.5 x 0.07.
    line = fit_line([1, 2, 3, 4], [2, 4, 5, 8])
    assert (line.slope, line.intercept) == (pytest.approx(1.9), pytest.approx(0.0, abs=1e-12))
    assert line.covariance == pytest.approx(np.array([[0.07, -0.175], [-0.175, 0.525]]))
    # Student's t on 2 degrees of freedom, 97.5 %: 4.30265.
    assert line.confidence_interval()[0] == pytest.approx((1.9 - 4.30265 * 0.07**0.5, 1.9 + 4.30265 * 0.07**0.5))


@pytest.mark.parametrize(("kvp", "is_stated"), [(120.0, True), (100.0, False), (None, True)])
def test_no_interval_is_stated_where_the_calibration_is_of_another_tube_voltage(kvp, is_stated):
    examination = conclude(with_scan(examined(), kvp=kvp))
    assert (examination.assessment.mean_bmd_error is not None) is is_stated
    assert all((m.bmd_error is not None) is is_stated for m in examination.measurements)
