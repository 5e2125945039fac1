"""HU to BMD: what a calibration may be, where the nominal one comes from, and what a calibration file may hold."""

import json
import math

import numpy as np
import pytest

from ldct_bmd.calibration import (
    K2HPO4_CM2_G,
    NOMINAL,
    WATER_CM2_G,
    WATER_OFFSET_HU,
    Calibration,
    KvpFit,
    entered_calibration,
    load_calibration,
    slope_from_attenuation,
)
from ldct_bmd.ground.errors import UsageError

# Mass attenuation coefficients in cm2/g at 50, 60, 80 and 100 keV: Hubbell and Seltzer, NIST SRD 126, table 3.
ENERGY_KEV = np.array([50.0, 60.0, 80.0, 100.0])
ELEMENTS = {
    "H": (1.008, np.array([0.3355, 0.3260, 0.3091, 0.2944])),
    "O": (15.999, np.array([0.2132, 0.1907, 0.1678, 0.1551])),
    "P": (30.974, np.array([0.4916, 0.3494, 0.2324, 0.1865])),
    "K": (39.098, np.array([0.8679, 0.5678, 0.3251, 0.2345])),
}
# Liquid water in table 4, at the same energies, to check the way of mixing.
WATER_TABLE_4 = np.array([0.2269, 0.2059, 0.1837, 0.1707])


def attenuation(formula: dict[str, int], energy_kev: float) -> float:
    """Bragg's additivity over elements, and a cubic through the four energies in log-log."""
    mass = sum(n * ELEMENTS[element][0] for element, n in formula.items())
    table = sum(n * ELEMENTS[element][0] / mass * ELEMENTS[element][1] for element, n in formula.items())
    cubic = np.polynomial.Polynomial.fit(np.log(ENERGY_KEV), np.log(table), 3)
    return float(np.exp(cubic(math.log(energy_kev))))


def site(**changes) -> Calibration:
    values = {
        "name": "site",
        "slope": 0.8,
        "intercept_mg_cm3": -3.0,
        "material": "K2HPO4",
        "kvp": 120.0,
        "nominal": False,
        "source": "QA phantom",
    }
    return Calibration(**{**values, **changes})


def test_bmd_is_the_straight_line():
    assert site().bmd_mg_cm3(100.0) == pytest.approx(77.0)


def test_additivity_gives_the_tabulated_water():
    mixed = [attenuation({"H": 2, "O": 1}, energy) for energy in ENERGY_KEV]
    assert mixed == pytest.approx(WATER_TABLE_4, rel=1e-3)


def test_the_nominal_slope_follows_from_attenuation_at_70_kev():
    assert attenuation({"K": 2, "H": 1, "P": 1, "O": 4}, 70.0) == pytest.approx(K2HPO4_CM2_G, rel=0.002)
    assert attenuation({"H": 2, "O": 1}, 70.0) == pytest.approx(WATER_CM2_G, rel=0.002)
    assert NOMINAL.slope == pytest.approx(slope_from_attenuation(K2HPO4_CM2_G, WATER_CM2_G), abs=0.0005)


def test_the_nominal_slope_lies_amid_those_of_the_beams_that_120_kvp_can_be():
    k2hpo4, water = {"K": 2, "H": 1, "P": 1, "O": 4}, {"H": 2, "O": 1}
    softest, hardest = (
        slope_from_attenuation(attenuation(k2hpo4, energy), attenuation(water, energy)) for energy in (65.0, 74.0)
    )
    assert softest == pytest.approx(0.67, abs=0.01)
    assert hardest == pytest.approx(0.79, abs=0.01)
    assert softest < NOMINAL.slope < hardest


def test_the_nominal_intercept_is_that_of_a_scanner_with_water_at_0_hu():
    assert NOMINAL.intercept_mg_cm3 == pytest.approx((1000.0 - WATER_OFFSET_HU) * NOMINAL.slope, abs=0.05)


def test_the_nominal_calibration_says_what_it_is():
    assert NOMINAL.nominal
    assert NOMINAL.kvp == 120.0
    assert NOMINAL.material == "K2HPO4"
    assert "nominal" in NOMINAL.name.lower()
    assert "Not for diagnosis" in NOMINAL.source


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"slope": 0.0}, "slope"),
        ({"slope": -0.8}, "slope"),
        ({"slope": math.nan}, "slope"),
        ({"slope": math.inf}, "slope"),
        ({"slope": 80.0}, "slope"),
        ({"intercept_mg_cm3": math.nan}, "intercept"),
        ({"intercept_mg_cm3": 1000.0}, "intercept"),
        ({"material": "chalk"}, "material"),
        ({"kvp": 0.0}, "tube voltage"),
        ({"kvp": math.nan}, "tube voltage"),
        ({"kvp": 120000.0}, "tube voltage"),
        ({"name": " "}, "name"),
    ],
)
def test_an_impossible_calibration_is_refused_with_what_is_wrong(changes, told):
    with pytest.raises(UsageError, match=told):
        site(**changes)


@pytest.mark.parametrize(
    ("calibration_kvp", "scan_kvp", "fit"),
    [
        (120.0, 120.0, KvpFit.FITS),
        (120.0, 120.4, KvpFit.FITS),
        (120.0, 121.0, KvpFit.MISMATCH),
        (120.0, 140.0, KvpFit.MISMATCH),
        (120.0, None, KvpFit.UNKNOWN),
        (None, 120.0, KvpFit.UNKNOWN),
    ],
)
def test_a_calibration_fits_its_own_tube_voltage_only(calibration_kvp, scan_kvp, fit):
    assert site(kvp=calibration_kvp).kvp_fit(scan_kvp) is fit


def test_an_entered_calibration_is_not_nominal_and_names_its_source():
    calibration = entered_calibration(0.9, -4, "k2hpo4", 100)
    assert (calibration.slope, calibration.intercept_mg_cm3, calibration.kvp) == (0.9, -4.0, 100.0)
    assert calibration.material == "K2HPO4"
    assert not calibration.nominal
    assert "ntered" in calibration.source


FILE = {"name": "May", "slope": 0.81, "intercept_mg_cm3": -2.5, "material": "K2HPO4", "kvp": 120}


def written(tmp_path, values) -> object:
    path = tmp_path / "calibration.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return path


def test_a_calibration_file_is_read(tmp_path):
    calibration = load_calibration(written(tmp_path, {**FILE, "source": "QA phantom of May"}))
    assert calibration == Calibration("May", 0.81, -2.5, "K2HPO4", 120.0, False, "QA phantom of May")


def test_a_calibration_file_may_say_that_its_tube_voltage_is_not_known(tmp_path):
    assert load_calibration(written(tmp_path, {**FILE, "kvp": None})).kvp is None


def test_a_file_may_hold_what_a_record_holds_of_its_calibration(tmp_path):
    assert load_calibration(written(tmp_path, {**FILE, "nominal": True})).nominal


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("{", "not JSON"),
        ([1, 2], "one JSON object"),
        ({key: FILE[key] for key in FILE if key != "kvp"}, "lacks kvp"),
        ({**FILE, "slop": 1}, "unknown key"),
        ({**FILE, "slope": "0.8"}, "slope must be a number"),
        ({**FILE, "slope": True}, "slope must be a number"),
        ({**FILE, "name": 5}, "name must be text"),
        ({**FILE, "nominal": "no"}, "true or false"),
        ({**FILE, "slope": -1}, "slope"),
        ({**FILE, "schema": "other/9"}, "schema"),
    ],
)
def test_a_bad_calibration_file_is_refused_in_one_sentence(tmp_path, values, told):
    with pytest.raises(UsageError, match=told) as caught:
        load_calibration(written(tmp_path, values))
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_calibration_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        load_calibration(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        load_calibration(tmp_path / "binary.json")
