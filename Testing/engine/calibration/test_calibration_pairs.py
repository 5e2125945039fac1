"""Calibration from paired data: the line, its intervals, what pulls at it, and what it is worth on others."""

import numpy as np
import pytest

from helpers_qa import SCAN
from ldct_bmd.calibration import Method
from ldct_bmd.calibration.make import calibration_from_pairs
from ldct_bmd.calibration.paired_bmd import PairedBMD, fit_pairs, read_pairs
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.reporting.calibration_plots import pairs_picture


def drawn(count=60, seed=0, per_subject=1, subject_sd=0.0, noise=4.0, slope=0.76, intercept=-3.0):
    rng = np.random.default_rng(seed)
    pairs = []
    for subject in range(count // per_subject):
        shift, level_hu = rng.normal(0.0, subject_sd), rng.uniform(40.0, 260.0)
        for k in range(per_subject):
            hu = level_hu + rng.normal(0.0, 10.0)
            bmd = slope * hu + intercept + shift + rng.normal(0.0, noise)
            pairs.append(PairedBMD(len(pairs) + 2, float(hu), float(bmd), ("T12", "L1", "L2")[k], f"S{subject:03d}"))
    return pairs


def written(tmp_path, text):
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_line_is_that_of_least_squares():
    pairs = drawn()
    fitted = fit_pairs(pairs)
    slope, intercept = np.polyfit([p.mean_hu for p in pairs], [p.reference_bmd_mg_cm3 for p in pairs], 1)
    assert (fitted.line.slope, fitted.line.intercept) == (pytest.approx(slope), pytest.approx(intercept))


def test_the_intervals_hold_the_truth_in_95_of_100_samples():
    held = [fit_pairs(drawn(seed=seed)).line.confidence_interval() for seed in range(400)]
    for truth, number in ((0.76, 0), (-3.0, 1)):
        share = np.mean([low <= truth <= high for low, high in (both[number] for both in held)])
        assert share == pytest.approx(0.95, abs=0.035)  # three standard errors of a share of 400


def test_an_outlier_is_named_with_its_row_and_moves_the_line_when_left_out():
    pairs = drawn()
    end = int(np.argmax([pair.mean_hu for pair in pairs]))
    odd = PairedBMD(99, pairs[end].mean_hu, pairs[end].reference_bmd_mg_cm3 - 40.0, "L1", "ODD")
    fitted = fit_pairs([*pairs, odd])
    assert fitted.influential[0] == odd
    assert str(odd) == "row 99 (ODD L1)"
    assert fitted.cooks_distance[-1] == max(fitted.cooks_distance)


def test_cooks_distance_is_how_far_all_predictions_move_without_the_pair():
    pairs = drawn(30)
    fitted = fit_pairs(pairs)
    hu = np.array([pair.mean_hu for pair in pairs])
    without = fit_pairs(pairs[1:]).line
    moved = (fitted.line.slope - without.slope) * hu + fitted.line.intercept - without.intercept
    expected = float((moved**2).sum()) / (2 * fitted.line.residual_sd**2)
    assert fitted.cooks_distance[0] == pytest.approx(expected)


def test_the_cross_validated_error_is_that_on_new_subjects():
    pairs = drawn(90, per_subject=3, subject_sd=6.0, noise=2.0)
    fitted = fit_pairs(pairs)
    assert fitted.subjects == 30
    new = drawn(900, seed=9, per_subject=3, subject_sd=6.0, noise=2.0)
    errors = [p.reference_bmd_mg_cm3 - fitted.line.slope * p.mean_hu - fitted.line.intercept for p in new]
    assert fitted.cross_validated_rmse_mg_cm3 == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.25)
    assert fitted.cross_validated_rmse_mg_cm3 > fitted.line.residual_sd


def test_without_subjects_one_pair_is_left_out_at_a_time():
    pairs = [PairedBMD(p.row, p.mean_hu, p.reference_bmd_mg_cm3) for p in drawn(20)]
    errors = []
    for k, pair in enumerate(pairs):
        line = fit_pairs(pairs[:k] + pairs[k + 1 :]).line
        errors.append(pair.reference_bmd_mg_cm3 - line.slope * pair.mean_hu - line.intercept)
    fitted = fit_pairs(pairs)
    assert fitted.subjects == 0
    assert fitted.cross_validated_rmse_mg_cm3 == pytest.approx(np.sqrt(np.mean(np.square(errors))))


def test_a_file_is_read_whatever_the_order_of_its_columns(tmp_path):
    text = "\ufefflevel,reference_bmd_mg_cm3,mean_hu,note\nL1,100.5,140,x\n\nL2,90,125.25,\n"
    assert read_pairs(written(tmp_path, text)) == (PairedBMD(2, 140.0, 100.5, "L1"), PairedBMD(4, 125.25, 90.0, "L2"))


def test_one_scanner_at_a_time(tmp_path):
    path = written(tmp_path, "mean_hu,reference_bmd_mg_cm3,scanner\n1,2,A\n3,4,B\n")
    with pytest.raises(UsageError, match="2 scanners"):
        read_pairs(path)
    assert [pair.mean_hu for pair in read_pairs(path, "B")] == [3.0]
    with pytest.raises(UsageError, match="no scanner 'C'"):
        read_pairs(path, "C")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hu,bmd\n1,2\n", "lacks the column mean_hu, reference_bmd_mg_cm3"),
        ("mean_hu,reference_bmd_mg_cm3\n1,two\n", "'two' for reference_bmd_mg_cm3 in row 2"),
        ("mean_hu,reference_bmd_mg_cm3\n1,nan\n", "not a number"),
        ("mean_hu,reference_bmd_mg_cm3\n1\n", "not a number"),
        ("", "lacks the column"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, text, told):
    with pytest.raises(UsageError, match=told) as caught:
        read_pairs(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "pairs.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="UTF-8"):
        read_pairs(tmp_path / "pairs.csv")


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        (drawn(9), "needs 10 or more"),
        ([PairedBMD(k, 100.0, 70.0 + k) for k in range(12)], "same mean HU"),
        ([PairedBMD(k, 100.0 + k, 70.0 - k) for k in range(12)], "does not rise"),
    ],
)
def test_pairs_without_a_line_are_refused(pairs, told):
    with pytest.raises(CannotMeasure, match=told):
        fit_pairs(pairs)


def test_a_calibration_from_pairs_says_so():
    calibration = calibration_from_pairs(fit_pairs(drawn(60, per_subject=3)), "K2HPO4", SCAN, "A. Physicist")
    assert calibration.provenance.method is Method.PAIRS
    assert "20 subjects (L1, L2, T12)" in calibration.source
    assert calibration.fit.points == 60
    with pytest.raises(UsageError, match="material"):
        calibration_from_pairs(fit_pairs(drawn()), "chalk", SCAN, "A. Physicist")


def test_pairs_on_a_perfect_line_have_no_influential_one():
    fitted = fit_pairs([PairedBMD(k, 10.0 * k, 7.5 * k) for k in range(12)])
    assert fitted.influential == ()
    assert fitted.line.residual_sd == pytest.approx(0.0, abs=1e-9)


def test_the_residual_plot_is_a_png():
    assert pairs_picture(fit_pairs(drawn())).startswith(b"\x89PNG")
