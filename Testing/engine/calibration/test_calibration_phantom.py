"""From the HU of a phantom's rods to a calibration: the equations, and what a description may be."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers_qa import PAD, SCAN, SOLID
from ldct_bmd.calibration.make import calibration_from_phantom
from ldct_bmd.calibration.phantom.description import Equations, PhantomDescription, Rod, load_phantom
from ldct_bmd.calibration.phantom.measure import PhantomMeasurement, RodMeasurement
from ldct_bmd.calibration.phantom.rod_fit import expected_hu, fit_rods
from ldct_bmd.ground.errors import CannotMeasure, UsageError

# Three rods with 0, 100 and 200 mg/cm3 K2HPO4 and 1000 mg/cm3 water each, at 0, 150 and 330 HU. By hand:
#   HU - water = -1000, -850, -670, mean -840; about the mean of 100 mg/cm3, Sxx = 2 x 100^2 = 20000 and
#   Sxy = (-100)(-160) + 0 (-10) + 100 (170) = 33000, so sigma_ref = 33000 / 20000 = 1.65 HU per mg/cm3 and
#   beta_ref = -840 - 1.65 x 100 = -1005 HU; residuals -1000 + 1005 = 5, -850 + 840 = -10, -670 + 675 = 5 HU.
#   sigma_CT = 1.65 - 0.2174 = 1.4326, beta_CT = -1005 + 999.6 = -5.4;
#   slope = 1 / 1.4326 = 0.6980315510, intercept = 5.4 / 1.4326 = 3.769370375 mg/cm3.
#   s2 = (25 + 100 + 25) / (3 - 2) = 150; Var sigma = 150 / 20000 = 0.0075, Var beta = 150 (1/3 + 100^2 / 20000) = 125,
#   Cov = -100 x 0.0075 = -0.75. d slope = -sigma^-2 d sigma = -0.4872480462 d sigma, so SE slope = 0.4872480462 x
#   0.0866025404 = 0.0421969186; d intercept = -0.6980315510 d beta + beta sigma^-2 d sigma = -0.6980315510 d beta
#   - 2.631139449 d sigma, Var intercept = 0.4872480462 x 125 + 6.922894800 x 0.0075
#   - 2 x 0.6980315510 x 2.631139449 x 0.75 = 60.90600577 + 0.05192171 - 2.75492749 = 58.20299999.
THREE = PhantomDescription(
    "By hand",
    "K2HPO4",
    Equations.MINDWAYS,
    (Rod("0", -40, 0, 20, 0.0, 1000.0), Rod("100", 0, 0, 20, 100.0, 1000.0), Rod("200", 40, 0, 20, 200.0, 1000.0)),
    100.0,
    "worked example",
)


def test_the_mindways_equations_give_the_worked_example():
    fit = fit_rods(THREE, [0.0, 150.0, 330.0])
    assert fit.slope == pytest.approx(0.698031551, rel=1e-8)
    assert fit.intercept_mg_cm3 == pytest.approx(3.769370375, rel=1e-8)
    assert fit.residuals_hu == pytest.approx((5.0, -10.0, 5.0), abs=1e-9)
    assert fit.quality.slope_se == pytest.approx(0.0421969186, rel=1e-6)
    assert fit.quality.intercept_se_mg_cm3 == pytest.approx(58.203**0.5, rel=1e-6)
    assert fit.quality.residual_sd_mg_cm3 == pytest.approx(150**0.5 / 1.4326, rel=1e-6)


def test_the_water_in_the_rods_matters():
    wetter = replace(THREE, rods=(*THREE.rods[:2], replace(THREE.rods[2], water_mg_cm3=1010.0)))
    # HU - water of the last rod falls by 10: sigma_ref by 10 x 100 / 20000 = 0.05.
    assert 1.0 / fit_rods(wetter, [0.0, 150.0, 330.0]).slope == pytest.approx(1.4326 - 0.05, rel=1e-9)


def test_a_solid_phantom_is_a_plain_line():
    # HU = 1.25 rho - 5, so BMD = 0.8 HU + 4.
    fit = fit_rods(SOLID, [-5.0, 120.0, 245.0])
    assert (fit.slope, fit.intercept_mg_cm3) == (pytest.approx(0.8), pytest.approx(4.0))


@pytest.mark.parametrize("phantom", [PAD, SOLID])
def test_what_a_scanner_shows_leads_back_to_its_calibration(phantom):
    fit = fit_rods(phantom, expected_hu(phantom, 0.71, -4.0))
    assert (fit.slope, fit.intercept_mg_cm3) == (pytest.approx(0.71), pytest.approx(-4.0))


def test_rods_whose_hu_fall_are_refused():
    with pytest.raises(CannotMeasure, match="do not rise"):
        fit_rods(SOLID, [200.0, 100.0, 0.0])


@pytest.mark.parametrize("name", ["k2hpo4-pad-example", "hydroxyapatite-example"])
def test_the_shipped_descriptions_say_that_they_are_examples(name):
    assert load_phantom(name).example
    assert "EXAMPLE" in load_phantom(name).source


def measured(phantom) -> PhantomMeasurement:
    hu = expected_hu(phantom, 0.74, 0.5) + np.linspace(-1.0, 1.0, len(phantom.rods))
    rods = tuple(
        RodMeasurement(rod.name, value, 30.0, 0.5, 100.0, 8, (0.0, 0.0, 0.0), (0.0, 0.0, 100.0), 25)
        for rod, value in zip(phantom.rods, hu, strict=True)
    )
    return PhantomMeasurement(phantom, rods, fit_rods(phantom, hu), 3.0, "search")


def test_a_calibration_keeps_where_it_comes_from():
    own = replace(PAD, name="Pad 7", example=False)
    calibration = calibration_from_phantom(measured(own), SCAN, "A. Physicist", 30)
    assert not calibration.nominal
    provenance = calibration.provenance
    assert (provenance.scanner, provenance.kernel_class) == (SCAN.scanner, "smooth")
    assert (provenance.date, provenance.valid_until) == ("2024-05-20", "2024-06-19")
    assert (provenance.operator, provenance.phantom, calibration.kvp) == ("A. Physicist", "Pad 7", 120.0)
    assert calibration.fit.points == 5


def test_the_densities_of_an_example_never_make_more_than_a_nominal_calibration():
    assert calibration_from_phantom(measured(PAD), SCAN, "A. Physicist").nominal


def test_a_certificate_that_has_run_out_is_refused():
    old = replace(PAD, calibrated_until="2024-05-19")
    with pytest.raises(CannotMeasure, match=r"certificate of .* ended on 2024-05-19"):
        calibration_from_phantom(measured(old), SCAN, "A. Physicist")
    assert calibration_from_phantom(measured(replace(PAD, calibrated_until="2024-05-20")), SCAN, "A. Physicist")


FILE = {
    "schema": "ldct-bmd-phantom/1",
    "name": "Pad 7",
    "source": "certificate 7",
    "material": "K2HPO4",
    "equations": "mindways",
    "rod_length_mm": 100,
    "rods": [
        {"name": name, "x_mm": x, "y_mm": 0, "diameter_mm": 20, "mineral_mg_cm3": m, "water_mg_cm3": 1000}
        for name, x, m in (("A", -40, 0), ("B", 0, 100), ("C", 40, 200))
    ],
}


def written(tmp_path, values):
    path = tmp_path / "phantom.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_a_phantom_file_is_read(tmp_path):
    phantom = load_phantom(written(tmp_path, {**FILE, "residual_limit_hu": 6}))
    assert (phantom.name, len(phantom.rods), phantom.residual_limit_hu, phantom.example) == ("Pad 7", 3, 6.0, False)


def rods(**changes):
    return {**FILE, "rods": [{**FILE["rods"][0], **changes}, *FILE["rods"][1:]]}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({key: FILE[key] for key in FILE if key != "schema"}, "schema"),
        ({key: FILE[key] for key in FILE if key != "rods"}, "lacks rods"),
        ({**FILE, "rods": FILE["rods"][:2]}, "need 3 or more"),
        ({**FILE, "colour": "red"}, "unknown key"),
        ({**FILE, "material": "chalk"}, "material"),
        ({**FILE, "equations": "magic"}, "equations"),
        ({**FILE, "rod_length_mm": "long"}, "must be a number"),
        ({**FILE, "rod_length_mm": 15}, "shorter than two end margins"),
        ({**FILE, "residual_limit_hu": -1}, "positive"),
        (rods(name="B"), "a name of their own"),
        (rods(x_mm=-10), "overlap"),
        (rods(diameter_mm=6), "too thin"),
        (rods(mineral_mg_cm3=None), "lacks mineral_mg_cm3"),
        (rods(water_mg_cm3=None), "needs a water_mg_cm3"),
        ({**FILE, "equations": "line"}, "must not have a water_mg_cm3"),
    ],
)
def test_a_bad_phantom_file_is_refused_in_one_sentence(tmp_path, values, told):
    with pytest.raises(UsageError, match=told) as caught:
        load_phantom(written(tmp_path, values))
    assert "\n" not in str(caught.value)


def test_a_phantom_that_is_not_there_is_refused_with_the_examples():
    with pytest.raises(UsageError, match="hydroxyapatite-example"):
        load_phantom("no-such-phantom.json")
