"""The validation's statistics against other libraries, against brute force and against chance itself."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from ldct_bmd_lab.agreement.agreement import Pairs, agree, deming
from ldct_bmd_lab.agreement.correlation import concordance, icc_agreement
from ldct_bmd_lab.agreement.diagnosis import Proportion, compare_categories, diagnose
from ldct_bmd_lab.agreement.moments import measures, sums
from ldct_bmd_lab.agreement.precision import precision
from ldct_bmd_lab.agreement.resampling import bootstrap_measures
from ldct_bmd_lab.agreement.roc import area, delong, logit_limits, p_of_half

Floats = NDArray[np.float64]


def paired(n: int = 80, seed: int = 1, bias: float = 3.0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(110.0, 30.0, n)
    return x, 0.98 * x + bias + rng.normal(0.0, 6.0, n)


def single(x: Floats, y: Floats) -> Pairs:
    return Pairs(x, y, np.arange(len(x)))


def test_regression_and_bias_are_scipys() -> None:
    x, y = paired()
    found = agree("L1", single(x, y))
    line = stats.linregress(x, y)
    assert found.slope.value == pytest.approx(line.slope)
    assert found.slope.se == pytest.approx(line.stderr)
    assert found.intercept.value == pytest.approx(line.intercept)
    assert found.intercept.se == pytest.approx(line.intercept_stderr)
    assert found.r2.value == pytest.approx(line.rvalue**2)
    assert found.p_bias == pytest.approx(stats.ttest_rel(y, x).pvalue)
    assert found.p_proportional == pytest.approx(stats.linregress((x + y) / 2, y - x).pvalue)
    assert found.p_slope_one == pytest.approx(2 * stats.t.sf(abs(line.slope - 1) / line.stderr, len(x) - 2))
    interval = stats.pearsonr(x, y).confidence_interval()
    assert (found.r2.low, found.r2.high) == pytest.approx((interval.low**2, interval.high**2))
    assert found.loa_high.value - found.loa_low.value == pytest.approx(2 * 1.96 * (y - x).std(ddof=1))


def test_bias_is_predicted_less_reference() -> None:
    x = np.array([80.0, 100.0, 120.0, 90.0])
    assert agree("L1", single(x, x + 2.0)).bias.value == pytest.approx(2.0)


def test_deming_is_orthogonal_regression_and_its_errors_the_jackknifes() -> None:
    x, y = paired(25)

    def orthogonal(chosen: NDArray[np.bool_]) -> tuple[float, float]:
        points = np.stack([x[chosen], y[chosen]], axis=1)
        along = np.linalg.svd(points - points.mean(axis=0))[2][0]
        slope = along[1] / along[0]
        return slope, y[chosen].mean() - slope * x[chosen].mean()

    whole = orthogonal(np.ones(25, bool))
    left = np.array([orthogonal(np.arange(25) != i) for i in range(25)])
    errors = np.sqrt(24 / 25 * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    for found, value, error in zip(deming(x, y), whole, errors, strict=True):
        assert found is not None
        assert found.value == pytest.approx(value)
        assert found.se == pytest.approx(error)


def test_measures_from_sums_are_those_from_the_values() -> None:
    x, y = paired()
    found = agree("L1", single(x, y))
    quick = measures(sums(x, y, 50.0).sum(axis=0)[None], 50.0)
    for name in ("slope", "intercept", "r2", "deming_slope", "deming_intercept", "bias", "loa_low", "icc", "ccc"):
        assert getattr(quick, name)[0] == pytest.approx(getattr(found, name).value), name
    assert quick.proportional_slope[0] == pytest.approx(found.proportional.value)
    assert quick.sd_difference[0] == pytest.approx(found.sd_difference)


def test_concordance_is_precision_times_accuracy() -> None:
    """Lin 1989: rho times C_b, from the scale shift and the location shift."""
    x, y = paired()
    sx, sy = x.std(), y.std()
    v, u = sy / sx, (y.mean() - x.mean()) / np.sqrt(sx * sy)
    assert concordance(x, y).value == pytest.approx(np.corrcoef(x, y)[0, 1] * 2 / (v + 1 / v + u**2))


@pytest.mark.parametrize("coefficient", ["icc", "ccc"])
def test_intervals_of_the_coefficients_hold_the_truth_as_often_as_they_say(coefficient: str) -> None:
    """Raters whose bias is drawn anew for ICC(2,1), fixed for the CCC: 95 % within 4 standard errors of 600 draws."""
    rng, draws, n = np.random.default_rng(5), 600, 40
    between, rater, noise, shift = 30.0**2, 3.0**2, 10.0**2, 6.0
    truth = between / (between + rater + noise) if coefficient == "icc" else between / (between + noise + shift**2 / 2)
    inside = 0
    for _ in range(draws):
        t = rng.normal(0.0, np.sqrt(between), n)
        offset = rng.normal(0.0, np.sqrt(rater), 2) if coefficient == "icc" else np.array([0.0, shift])
        x, y = (t + o + rng.normal(0.0, np.sqrt(noise), n) for o in offset)
        found = icc_agreement(np.stack([x, y], axis=1)) if coefficient == "icc" else concordance(x, y)
        inside += found.low <= truth <= found.high
    assert inside / draws == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / draws))


def test_levels_of_one_patient_are_not_taken_for_independent() -> None:
    """Three copies of each pair say no more than one: the bootstrap's interval of the bias stays as wide."""
    x, y = paired(120)
    once = agree("L1", single(x, y))
    thrice = agree("all", Pairs(np.tile(x, 3), np.tile(y, 3), np.tile(np.arange(120), 3)))
    assert thrice.intervals == "bootstrap over patients"
    assert (thrice.n, thrice.patients) == (360, 120)
    width = thrice.bias.high - thrice.bias.low
    assert width == pytest.approx(once.bias.high - once.bias.low, rel=0.1)
    assert thrice.bias.value == pytest.approx(once.bias.value)
    assert thrice.slope.se == pytest.approx(once.slope.se, rel=0.15)


def test_few_patients_of_several_levels_have_no_interval_and_no_p() -> None:
    x, y = paired(36)
    nine = agree("all", Pairs(x[:27], y[:27], np.repeat(np.arange(9), 3)))
    assert nine.intervals == "none"
    assert nine.bias.value == pytest.approx((y - x)[:27].mean())
    assert (nine.bias.low, nine.bias.high, nine.bias.se, nine.p_bias, nine.slope.low) == (None,) * 5
    ten = agree("all", Pairs(x[:30], y[:30], np.repeat(np.arange(10), 3)))
    assert ten.intervals == "bootstrap over patients"
    assert ten.p_bias == pytest.approx(2 * stats.t.sf(abs(ten.bias.value) / ten.bias.se, 9))
    assert ten.p_slope_one == pytest.approx(2 * stats.t.sf(abs(ten.slope.value - 1) / ten.slope.se, 9))


@pytest.mark.parametrize("levels", [1, 3])
def test_rounding_is_no_significance(levels: int) -> None:
    x, _ = paired(36)
    found = agree("all", Pairs(x, x + 2.1, np.repeat(np.arange(36 // levels), levels)))
    assert found.bias.value == pytest.approx(2.1)
    tests = (found.p_bias, found.p_normal, found.p_proportional, found.p_slope_one, found.p_intercept_zero)
    assert tests == (None,) * 5


def test_kappa_without_variance_has_no_interval() -> None:
    reference = np.array([60.0, 70.0, 90.0, 100.0, 130.0, 140.0])
    kappa = compare_categories("total", single(reference, reference)).kappa_linear
    assert (kappa.value, kappa.low, kappa.high) == (1.0, None, None)


def test_the_bootstrap_is_the_same_each_time() -> None:
    x, y = paired(30)
    patients = np.repeat(np.arange(10), 3)
    first, second = (bootstrap_measures(x, y, patients) for _ in range(2))
    assert np.array_equal(first.slope, second.slope)


def test_too_few_or_constant_values_give_no_line_and_no_error() -> None:
    two = agree("L1", single(np.array([80.0, 90.0]), np.array([81.0, 92.0])))
    assert (two.n, two.slope, two.bias.value) == (2, None, 1.5)
    flat = agree("L1", single(np.full(5, 80.0), np.arange(5.0)))
    assert flat.slope is None
    none = agree("L1", single(np.zeros(0), np.zeros(0)))
    assert (none.n, none.bias) == (0, None)


def test_perfect_agreement_is_no_division_by_zero() -> None:
    x = np.array([60.0, 80.0, 100.0, 120.0, 150.0])
    found = agree("L1", single(x, x))
    assert found.slope.value == pytest.approx(1.0)
    assert found.r2.value == pytest.approx(1.0)
    assert found.ccc.value == pytest.approx(1.0)
    assert found.icc.value == pytest.approx(1.0)
    assert found.loa_low.value == found.loa_high.value == 0.0
    assert found.p_bias is None


def test_delong_counts_ties_half_and_has_the_variance_of_all_pairs() -> None:
    rng = np.random.default_rng(3)
    ill, well = rng.integers(0, 8, 23).astype(float) + 2, rng.integers(0, 8, 31).astype(float)
    order = (ill[:, None] > well) + 0.5 * (ill[:, None] == well)
    value, variance = delong(ill, well)
    assert value == pytest.approx(roc_auc_score([1] * 23 + [0] * 31, np.concatenate([ill, well])))
    assert variance == pytest.approx(order.mean(axis=1).var(ddof=1) / 23 + order.mean(axis=0).var(ddof=1) / 31)
    found = area(ill, well)
    assert found.bootstrap.low == pytest.approx(found.delong.low, abs=0.03)
    assert found.bootstrap.high == pytest.approx(found.delong.high, abs=0.03)


def test_where_every_pair_is_ranked_right_the_interval_is_not_a_point() -> None:
    """Of 10 disjoint pairs all right: Clopper-Pearson's lower limit is 0.025 to the power 1/10."""
    found = area(np.arange(10.0) + 100, np.arange(30.0))
    assert found.delong.value == 1.0
    assert found.delong.low == pytest.approx(stats.binomtest(10, 10).proportion_ci().low)
    assert (found.bootstrap.low, found.bootstrap.high) == (None, None)


def test_the_interval_of_an_area_close_to_1_holds_the_truth() -> None:
    """Normal scores, 63 ill and 311 healthy, area 0.97: value +- 1.96 SE holds it in 90 % of samples, too few."""
    rng, samples, truth = np.random.default_rng(7), 2000, 0.97
    shift = np.sqrt(2) * stats.norm.ppf(truth)
    inside = 0
    for _ in range(samples):
        low, high = logit_limits(*delong(rng.normal(shift, 1.0, 63), rng.normal(0.0, 1.0, 311)))
        inside += low <= truth <= high
    assert inside / samples > 0.92


def test_the_printed_limits_are_those_of_the_logit_scale() -> None:
    rng = np.random.default_rng(8)
    found = area(rng.normal(2.5, 1.0, 30), rng.normal(0.0, 1.0, 60)).delong
    middle = (special.logit(found.low) + special.logit(found.high)) / 2
    assert middle == pytest.approx(special.logit(found.value))
    assert found.high < 1.0


def test_p_of_an_area_counts_arrangements_of_the_ranks() -> None:
    """4 ill over 5 healthy, all ranked right: 2 of the 126 arrangements are as far from 1/2."""
    ill, well = np.arange(4.0) + 10, np.arange(5.0)
    assert area(ill, well).p == pytest.approx(2 / 126)
    # With a tie between two ill ones, and one between two healthy ones: no other arrangement is as far.
    assert area(np.array([10.0, 10.0, 11.0, 12.0]), np.array([0.0, 0.0, 1.0, 2.0, 3.0])).p == pytest.approx(2 / 126)
    assert area(np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 0.0])).p == pytest.approx(
        stats.fisher_exact([[3, 0], [1, 3]]).pvalue
    )
    assert p_of_half(np.zeros(5), np.zeros(5)) == 1.0


@pytest.mark.parametrize("kind", ["values", "ties", "decision"])
@pytest.mark.parametrize("sizes", [(4, 12), (15, 40)])
def test_p_of_an_area_of_one_half_is_small_no_more_often_than_it_says(kind: str, sizes: tuple[int, int]) -> None:
    """Below 0.05 in no more than 5 % of 200 samples, and 3 standard errors."""
    rng, samples = np.random.default_rng(9), 200
    small = 0
    for _ in range(samples):
        ill, well = (rng.normal(0.0, 1.0, size) for size in sizes)
        if kind != "values":
            ill, well = ((np.round(2 * one) if kind == "ties" else (one > 0).astype(float)) for one in (ill, well))
        small += p_of_half(ill, well) < 0.05
    assert small / samples < 0.05 + 3 * np.sqrt(0.05 * 0.95 / samples)


def test_a_lower_bmd_is_more_disease() -> None:
    reference = np.array([50.0, 60.0, 70.0, 90.0, 100.0, 130.0, 140.0])
    found = diagnose("total", "osteoporosis", single(reference, reference + 1.0))
    assert found.auc.delong.value == 1.0
    upside_down = diagnose("total", "osteoporosis", single(reference, 200.0 - reference))
    assert upside_down.auc.delong.value == 0.0


def test_thresholds_are_the_assessments() -> None:
    """80 and 120 themselves are osteopenia, on unrounded values."""
    reference = np.array([79.97, 80.0, 120.0, 120.01])
    found = compare_categories("total", single(reference, reference))
    assert found.counts == ((1, 0, 0), (0, 2, 0), (0, 0, 1))


def test_nobody_ill_gives_no_area_and_no_sensitivity() -> None:
    reference = np.array([130.0, 140.0, 150.0])
    found = diagnose("men", "osteoporosis", single(reference, reference - 60.0))
    assert found.auc is None
    assert found.sensitivity.estimate is None
    assert (found.specificity.count, found.specificity.of) == (2, 3)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_weighted_kappa_is_scikit_learns(weights: str) -> None:
    x, y = paired(150, bias=-4.0)
    found = compare_categories("total", single(x, y))
    cuts = [80.0, 120.0]
    expected = cohen_kappa_score(np.digitize(x, cuts), np.digitize(y, cuts), weights=weights)
    kappa = found.kappa_linear if weights == "linear" else found.kappa_quadratic
    assert kappa.value == pytest.approx(expected)


def test_exact_intervals_are_scipys() -> None:
    for count, of in ((0, 12), (7, 12), (12, 12), (310, 311)):
        exact = stats.binomtest(count, of).proportion_ci(method="exact")
        found = Proportion(count, of).estimate
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_precision_pools_by_degrees_of_freedom() -> None:
    """Glueer 1995: 3 scans weigh twice as much as 2. Variances 4 (3 scans) and 1 (2 scans): sqrt((8 + 1) / 3)."""
    found = precision("L1", [[98.0, 100.0, 102.0], [50.0, 50.0 + np.sqrt(2)], [77.0]])
    assert (found.patients, found.scans, found.freedom) == (2, 5, 3)
    assert found.rms_sd.value == pytest.approx(np.sqrt(3.0))
    cv = [(200.0 / 100.0) ** 2, (100.0 / (50.0 + np.sqrt(0.5))) ** 2]
    assert found.rms_cv.value == pytest.approx(np.sqrt((2 * cv[0] + cv[1]) / 3))
    assert found.change == pytest.approx(2.77 * np.sqrt(3.0), rel=1e-3)
    assert found.change_percent == pytest.approx(2.77 * found.rms_cv.value, rel=1e-3)
    limits = np.sqrt(3 * 3.0 / stats.chi2.ppf([0.975, 0.025], 3))
    assert (found.rms_sd.low, found.rms_sd.high) == pytest.approx(tuple(limits))


def test_no_repeats_no_precision() -> None:
    assert precision("L1", [[98.0], [50.0]]) is None
