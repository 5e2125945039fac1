"""The validation's statistics on published worked examples, to the digits that were printed."""

import numpy as np
import pytest
from scipy import stats

from helpers_study import HEADER, by, read_csv, write_csv
from ldct_bmd_lab.agreement.agreement import deming, limits_of_agreement
from ldct_bmd_lab.agreement.correlation import icc_agreement
from ldct_bmd_lab.agreement.diagnosis import Proportion
from ldct_bmd_lab.agreement.folder import validate
from ldct_bmd_lab.agreement.precision import precision
from ldct_bmd_lab.agreement.roc import area, delong
from ldct_bmd_lab.agreement.wording import share

# Bland and Altman, Lancet 1986; 327: 307-310, table: peak expiratory flow rate (l/min) of 17 subjects, twice with each
# of a large and a mini Wright meter.
LARGE = ((494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427),
         (490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421))  # fmt: skip
MINI = ((512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451),
        (525, 415, 508, 444, 500, 625, 460, 390, 642, 432, 420, 605, 227, 467, 268, 370, 443))  # fmt: skip

# The data of DeLong, DeLong and Clarke-Pearson, Biometrics 1988; 44: 837-845 (43 patients without a missing test), as
# the SAS/STAT User's Guide prints them with areas, standard errors and intervals (The LOGISTIC Procedure, example
# "Comparing Receiver Operating Characteristic Curves", number 60.8 in version 14.1):
# albumin, total protein, Krebs-Goplerud score, and whether the patient is called an event.
DELONG = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""

# Pan et al., Eur Radiol 2020, Table 2, as three categories by the reference (rows) and the prediction (columns), each
# osteoporosis, osteopenia, normal: the only split of its counts without a patient two categories off.
PAPER_CATEGORIES = {
    "F": ((39, 4, 0), (1, 64, 12), (0, 2, 56)),
    "M": ((15, 5, 0), (0, 69, 9), (0, 1, 97)),
}
PAPER_TABLE_2 = {
    ("women", "osteoporosis"): (
        0.950,
        0.907,
        0.977,
        "90.70% (39/43)",
        "99.26% (134/135)",
        "97.50% (39/40)",
        "97.10% (134/138)",
    ),
    ("women", "low_bmd"): (
        0.933,
        0.885,
        0.965,
        "90.00% (108/120)",
        "96.55% (56/58)",
        "98.18% (108/110)",
        "82.35% (56/68)",
    ),
    ("men", "osteoporosis"): (
        0.875,
        0.820,
        0.918,
        "75.00% (15/20)",
        "100.00% (176/176)",
        "100.00% (15/15)",
        "97.24% (176/181)",
    ),
    ("men", "low_bmd"): (0.949, 0.908, 0.975, "90.82% (89/98)", "98.98% (97/98)", "98.89% (89/90)", "91.51% (97/106)"),
    ("total", "osteoporosis"): (
        0.927,
        0.896,
        0.951,
        "85.71% (54/63)",
        "99.68% (310/311)",
        "98.18% (54/55)",
        "97.18% (310/319)",
    ),
    ("total", "low_bmd"): (
        0.942,
        0.914,
        0.964,
        "90.37% (197/218)",
        "98.08% (153/156)",
        "98.50% (197/200)",
        "87.93% (153/174)",
    ),
}
BMD_OF_CATEGORY = (60.0, 100.0, 150.0)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> dict[object, dict[str, str]]:
    """diagnosis.csv of a study with the paper's counts."""
    folder = tmp_path_factory.mktemp("paper")
    rows = []
    for sex, counts in PAPER_CATEGORIES.items():
        for i, row in enumerate(counts):
            for j, count in enumerate(row):
                for k in range(count):
                    bmd = (BMD_OF_CATEGORY[j] + 0.01 * k, BMD_OF_CATEGORY[i] + 0.02 * k)
                    # L1 and L2 lie in other categories than their mean, which is what decides.
                    rows += [
                        (f"{sex}{i}{j}{k}", "L1", bmd[0] + 30, bmd[1] + 25, sex),
                        (f"{sex}{i}{j}{k}", "L2", bmd[0] - 30, bmd[1] - 25, sex),
                    ]
    validate(write_csv(folder / "paper.csv", rows, (*HEADER, "sex")), folder / "out")
    return by(read_csv(folder / "out" / "diagnosis.csv"), "group", "target")


def test_the_papers_table_2_comes_out_of_its_counts(paper: dict[object, dict[str, str]]) -> None:
    assert set(paper) == set(PAPER_TABLE_2)
    for key, (_, _, _, *printed) in PAPER_TABLE_2.items():
        row = {name: int(paper[key][name]) for name in ("n", "tp", "fn", "tn", "fp")}
        assert row["n"] == {"women": 178, "men": 196, "total": 374}[key[0]]
        shares = [
            Proportion(row["tp"], row["tp"] + row["fn"]),
            Proportion(row["tn"], row["tn"] + row["fp"]),
            Proportion(row["tp"], row["tp"] + row["fp"]),
            Proportion(row["tn"], row["tn"] + row["fn"]),
        ]
        assert [share(one) for one in shares] == printed
        for name, one in zip(("sensitivity", "specificity", "ppv", "npv"), shares, strict=True):
            assert float(paper[key][name]) == pytest.approx(one.count / one.of, abs=1e-9)


def test_the_papers_aucs_are_those_of_the_decision(paper: dict[object, dict[str, str]]) -> None:
    """Each equals (sensitivity + specificity) / 2: the ROC analysis was fed yes and no."""
    for key, (auc, *_) in PAPER_TABLE_2.items():
        row = paper[key]
        assert round(float(row["auc_decision"]), 3) == auc
        mean = (float(row["sensitivity"]) + float(row["specificity"])) / 2
        assert float(row["auc_decision"]) == pytest.approx(mean, abs=1e-9)


def test_the_papers_intervals_are_clopper_pearson_on_auc_times_n(paper: dict[object, dict[str, str]]) -> None:
    """Not valid for an area, which is no proportion of n patients: the tool gives DeLong's, which are other ones."""
    for key, (_, low, high, *_) in PAPER_TABLE_2.items():
        row = paper[key]
        n, auc = int(row["n"]), float(row["auc_decision"])
        exact = (stats.beta.ppf(0.025, auc * n, n - auc * n + 1), stats.beta.ppf(0.975, auc * n + 1, n - auc * n))
        assert tuple(round(limit, 3) for limit in exact) == (low, high)
        given = (float(row["auc_decision_low"]), float(row["auc_decision_high"]))
        assert max(abs(given[0] - low), abs(given[1] - high)) > 0.001


def test_bland_and_altman_1986_agreement() -> None:
    difference = np.subtract(LARGE[0], MINI[0]).astype(float)
    bias, low, high = limits_of_agreement(difference, multiple=2.0)
    sd = difference.std(ddof=1)
    assert (round(bias.value, 1), round(sd, 1)) == (-2.1, 38.8)
    assert round(bias.se, 1) == 9.4
    assert (round(bias.low, 1), round(bias.high, 1)) == (-22.0, 17.8)
    assert round(low.se, 1) == round(high.se, 1) == 16.3
    # The paper goes on from its rounded numbers: limits -79.7 and 75.5, their intervals with t = 2.12.
    assert (low.value, high.value) == pytest.approx((-79.7, 75.5), abs=0.1)
    assert (low.low, low.high, high.low, high.high) == pytest.approx((-114.3, -45.1, 40.9, 110.1), abs=0.2)


def test_bland_and_altman_1986_repeatability() -> None:
    """Coefficients of repeatability, 2 SD of the differences between repeats: 56.4 for the mini meter."""
    found = precision("mini", [tuple(pair) for pair in zip(*MINI, strict=True)])
    assert found is not None
    of_difference = np.sqrt(2) * found.rms_sd.value
    assert round(of_difference, 1) == 28.2
    assert 2 * round(of_difference, 1) == pytest.approx(56.4)
    assert found.change == pytest.approx(1.96 * of_difference, rel=1e-4)


@pytest.mark.parametrize(
    ("column", "printed"),
    [
        (0, (0.7366, 0.0927, 0.5549, 0.9182)),
        (1, (0.6478, 0.1000, 0.4518, 0.8439)),
        (2, (0.7258, 0.1028, 0.5243, 0.9273)),
    ],
    ids=["albumin", "total protein", "K-G score"],
)
def test_delong_1988_areas(column: int, printed: tuple[float, ...]) -> None:
    data = np.array(DELONG.split(), dtype=float).reshape(-1, 4)
    score = 10 - data[:, 2] if column == 2 else data[:, column]
    event = data[:, 3] == 1
    value, variance = delong(score[event], score[~event])
    se = np.sqrt(variance)
    # SAS prints the limits of the plain scale.
    plain = (value, se, value - 1.959964 * se, value + 1.959964 * se)
    assert tuple(round(float(number), 4) for number in plain) == printed
    found = area(score[event], score[~event])
    assert found is not None
    assert (found.delong.value, found.delong.se) == pytest.approx((value, se))


def test_ncss_deming_regression() -> None:
    """NCSS manual, chapter 303, data DemingReg1 (R's SimplyAgree prints the same): error variances 4 to 1.

    Twice y has an error variance equal to that of x, which is the case that the validation takes.
    """
    x = np.array([7, 8.3, 10.5, 9, 5.1, 8.2, 10.2, 10.3, 7.1, 5.9])
    y = np.array([7.9, 8.2, 9.6, 9, 6.5, 7.3, 10.2, 10.6, 6.3, 5.2])
    slope, intercept = deming(x, 2 * y)
    assert slope is not None
    assert intercept is not None
    found = [[part / 2 for part in (one.value, one.se, one.low, one.high)] for one in (slope, intercept)]
    assert found[0] == pytest.approx([1.001194, 0.1872, 0.5696, 1.4328], abs=5e-5)
    assert found[1] == pytest.approx([-0.08974, 1.7220, -4.0607, 3.8810], abs=3e-4)


def test_shrout_and_fleiss_1979_icc() -> None:
    """Psychol Bull 1979; 86: 420-428, table 2: ICC(2,1) = .29; the interval is that of R's psych::ICC."""
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    found = icc_agreement(ratings)
    assert found is not None
    assert round(found.value, 2) == 0.29
    assert (round(found.low, 3), round(found.high, 3)) == (0.019, 0.761)
