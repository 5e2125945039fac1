"""Finding a phantom with no click, wherever it lies; and refusing what is none, each in its own words."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_qa import PAD, SOLID, TILTED, UNDER_A_PATIENT, random_spec
from ldct_bmd.calibration.phantom.find import find_phantom, measure_at_points
from ldct_bmd.calibration.phantom.points import straight_points
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.reporting.calibration_plots import phantom_picture
from ldct_bmd_lab.phantom.qa import QAPhantomSpec, build_qa_scan, true_rod_hu
from ldct_bmd_lab.phantom.shapes import rotation

BATCHES, PER_BATCH = 20, 10


def check(spec, slope_tolerance=0.01, intercept_tolerance=2.0):
    found = find_phantom(build_qa_scan(spec), spec.phantom)
    assert found.fit.slope == pytest.approx(spec.slope, rel=slope_tolerance)
    assert found.fit.intercept_mg_cm3 == pytest.approx(spec.intercept_mg_cm3, abs=intercept_tolerance)
    return found


def test_the_same_spec_gives_the_same_voxels_and_another_seed_others():
    one, again, other = (build_qa_scan(random_spec(1, seed=seed)).hu for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


@pytest.mark.parametrize("number", range(3))
def test_a_tilted_shifted_noisy_pad_gives_the_calibration_it_was_made_with(number):
    found = check(random_spec(number))
    assert found.found_by == "search"
    assert [rod.name for rod in found.rods] == ["A", "B", "C", "D", "E"]


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_200_random_pads_are_all_found_with_slope_within_1_percent_and_intercept_within_2_mg(batch):
    for number in range(batch * PER_BATCH, (batch + 1) * PER_BATCH):
        check(random_spec(number))


def test_the_rods_are_measured_where_they_are():
    spec = random_spec(4)
    found = find_phantom(build_qa_scan(spec), PAD)
    turn = rotation(*spec.rotation_deg)
    for rod, described, hu in zip(found.rods, PAD.rods, true_rod_hu(spec), strict=True):
        for point in (rod.start_lps_mm, rod.end_lps_mm):
            across = turn.T @ (np.array(point) - spec.shift_mm)
            off = np.hypot(across[0] * (-1 if spec.turned else 1) - described.x_mm, across[1] - described.y_mm)
            assert off < 2.0  # the wall margin is 3 mm
            assert abs(across[2]) < PAD.rod_length_mm / 2
        assert rod.mean_hu == pytest.approx(hu, abs=4.0)
        assert rod.sd_hu == pytest.approx(30.0, rel=0.2)


def test_a_solid_phantom_is_found_too():
    check(random_spec(5, SOLID), slope_tolerance=0.02)  # its rods span half the range


def test_the_pad_is_found_under_a_patient():
    check(QAPhantomSpec(PAD, **UNDER_A_PATIENT))


@pytest.mark.slow
def test_a_patient_without_a_phantom_is_refused():
    for phantom in (PAD, SOLID):
        with pytest.raises(CannotMeasure, match="no calibration phantom"):
            find_phantom(build_qa_scan(QAPhantomSpec(phantom, with_phantom=False, **UNDER_A_PATIENT)), phantom)


def test_an_empty_table_is_refused():
    with pytest.raises(CannotMeasure, match="no calibration phantom"):
        find_phantom(build_qa_scan(QAPhantomSpec(PAD, with_phantom=False)), PAD)


@pytest.mark.parametrize("name", ["A", "C", "E"])
def test_a_missing_rod_is_named(name):
    with pytest.raises(CannotMeasure, match=f"Rod {name} of .* is missing"):
        find_phantom(build_qa_scan(QAPhantomSpec(PAD, missing=(name,), **TILTED)), PAD)


@pytest.mark.parametrize(("shift", "name"), [(70.0, "E"), (-70.0, "A")])
def test_a_rod_out_of_view_is_named(shift, name):
    spec = QAPhantomSpec(PAD, rotation_deg=(5.0, 3.0, 2.0), shift_mm=(shift, 0.0, 0.0))
    with pytest.raises(CannotMeasure, match=f"Rod {name} of .* lies outside the field of view"):
        find_phantom(build_qa_scan(spec), PAD)


def test_rods_in_another_order_are_refused():
    with pytest.raises(CannotMeasure, match="another order"):
        find_phantom(build_qa_scan(QAPhantomSpec(PAD, order=("A", "B", "D", "C", "E"), **TILTED)), PAD)


def test_a_pad_that_is_turned_end_for_end_is_no_other_order():
    check(QAPhantomSpec(PAD, turned=True, **TILTED))


def test_another_phantom_is_refused():
    wider = replace(PAD, rods=tuple(replace(rod, x_mm=1.3 * rod.x_mm) for rod in PAD.rods))
    scan = build_qa_scan(QAPhantomSpec(wider, size=(220, 96, 32), **TILTED))
    with pytest.raises(CannotMeasure, match="another phantom"):
        find_phantom(scan, PAD)
    with pytest.raises(CannotMeasure, match="another phantom"):
        find_phantom(build_qa_scan(QAPhantomSpec(PAD, **TILTED)), SOLID)


def test_another_certificate_is_refused_with_the_rod_that_does_not_fit():
    denser = replace(
        PAD,
        rods=tuple(replace(r, mineral_mg_cm3=r.mineral_mg_cm3 * (1.15 if r.name == "D" else 1)) for r in PAD.rods),
    )
    with pytest.raises(CannotMeasure, match=r"rod D is \+\d+ HU off"):
        find_phantom(build_qa_scan(QAPhantomSpec(denser, **TILTED)), PAD)


def test_each_refusal_is_one_line():
    with pytest.raises(CannotMeasure) as caught:
        find_phantom(build_qa_scan(QAPhantomSpec(PAD, size=(176, 96, 3))), PAD)
    assert "\n" not in str(caught.value)


def test_beam_hardening_shifts_the_intercept_by_about_its_own_size_and_shows_in_the_residuals():
    without, hardened = (
        find_phantom(build_qa_scan(QAPhantomSpec(PAD, beam_hardening_hu=hu, **TILTED)), PAD).fit for hu in (0.0, 12.0)
    )
    assert hardened.slope == pytest.approx(without.slope, rel=0.01)
    assert 2.0 < hardened.intercept_mg_cm3 - without.intercept_mg_cm3 < 0.74 * 12.0
    assert hardened.quality.residual_sd_mg_cm3 > 2 * without.quality.residual_sd_mg_cm3


def axis_points(spec, w_mm=40.0):
    """Two points in each rod, on its axis, in LPS."""
    turn = rotation(*spec.rotation_deg)
    return {
        rod.name: [(turn @ np.array([rod.x_mm, rod.y_mm, w]) + spec.shift_mm).tolist() for w in (-w_mm, w_mm)]
        for rod in PAD.rods
    }


def test_points_in_the_rods_take_the_place_of_the_search():
    spec = QAPhantomSpec(PAD, **TILTED)
    scan = build_qa_scan(spec)
    by_hand = measure_at_points(scan, PAD, axis_points(spec))
    assert by_hand.found_by == "points"
    assert by_hand.fit.slope == pytest.approx(spec.slope, rel=0.01)
    assert by_hand.fit.intercept_mg_cm3 == pytest.approx(spec.intercept_mg_cm3, abs=2.0)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda points: points.pop("C"), "Rod C needs two points"),
        (lambda points: points.update(Z=[(0, 0, 0)]), "a rod Z"),
        (lambda points: points["A"].append((0, 0, 0)), "Rod A needs two points"),
        (lambda points: points.update(A=[(0, 0, 0), (40, 0, 1)]), "degrees off"),
    ],
)
def test_points_that_are_not_two_for_each_rod_are_refused(spoil, told):
    spec = QAPhantomSpec(PAD, size=(176, 96, 8))
    points = axis_points(spec, 10.0)
    spoil(points)
    with pytest.raises(UsageError, match=told):
        measure_at_points(build_qa_scan(spec), PAD, points)


def test_points_that_are_2_mm_off_still_do():
    spec = QAPhantomSpec(PAD)
    beside = {name: [(x + 1.5, y - 1.5, z) for x, y, z in ends] for name, ends in axis_points(spec).items()}
    fit = measure_at_points(build_qa_scan(spec), PAD, beside).fit
    assert fit.slope == pytest.approx(spec.slope, rel=0.01)


def test_the_points_that_a_user_starts_from_lie_in_a_phantom_that_lies_straight_in_the_middle():
    spec = QAPhantomSpec(PAD)
    scan = build_qa_scan(spec)
    fit = measure_at_points(scan, PAD, straight_points(PAD, scan.geometry)).fit
    assert fit.slope == pytest.approx(spec.slope, rel=0.01)


def test_points_beside_the_rods_are_refused():
    spec = QAPhantomSpec(PAD)
    beside = {name: [(x + 20.0, y, z) for x, y, z in ends] for name, ends in axis_points(spec).items()}
    with pytest.raises(CannotMeasure, match=r"Rod|rods"):
        measure_at_points(build_qa_scan(spec), PAD, beside)


def test_the_picture_is_a_png_and_the_same_each_time():
    scan = build_qa_scan(random_spec(2))
    found = find_phantom(scan, PAD)
    picture = phantom_picture(found, scan)
    assert picture.startswith(b"\x89PNG")
    assert picture == phantom_picture(found, scan)
