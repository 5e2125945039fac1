"""The same patients under other conditions: the change of outline, names and density."""

from dataclasses import replace

import pytest

from helpers_evaluate import LOWEST, Given, bodies, case, level, result, scan
from ldct_bmd.calibration import NOMINAL
from ldct_bmd_lab.evaluation.segmentation import Case, evaluate_case
from ldct_bmd_lab.evaluation.segmentation.conditions import compare_conditions


def test_a_scan_is_compared_with_the_one_that_it_names() -> None:
    usual = result("usual", levels=(level("L1"), level("L2"), level("L3", complete=False)))
    worse = replace(
        result("worse", "thick"),
        levels=tuple(replace(row, dice_by_name=row.dice_by_name - 0.1) for row in usual.levels),
        compared_with="usual",
    )
    alone = replace(result("alone", "thin"), compared_with="nobody")
    (change,) = compare_conditions([usual, worse, alone])
    assert (change.group, change.scans) == ("thick", 1)
    assert change.dice is not None
    assert change.dice.mean == pytest.approx(-0.1)
    assert (change.names_kept.count, change.names_kept.of) == (1, 1)


@pytest.mark.parametrize("name", [None, "L3"], ids=["lost", "renamed"])
def test_a_name_that_is_lost_or_changes_is_not_kept(name: str | None) -> None:
    usual = result("usual")
    first, second = usual.levels
    other = replace(
        usual,
        name="other",
        levels=(first, replace(second, found_as=name, found=name is not None)),
        compared_with="usual",
    )
    (change,) = compare_conditions([usual, other])
    assert (change.names_kept.count, change.names_kept.of) == (0, 1)


def test_the_density_changes_by_what_the_place_of_the_voi_makes_of_the_truth() -> None:
    usual = evaluate_case(case(name="usual", noise_free_hu=scan().hu), Given(bodies()))
    noisy = replace(scan(), hu=scan().hu + 30)
    shifted = evaluate_case(
        Case("shifted", "moved", noisy, bodies(), noise_free_hu=scan().hu, compared_with="usual"), Given(bodies(x=6))
    )
    (change,) = compare_conditions([usual, shifted])
    assert change.bmd_mg_cm3 is not None
    assert change.bmd_mg_cm3.n == len(LOWEST)
    # 6 mm along a rise of 1 HU per mm; partial volume is sampled to 0.5 % of the VOI, whose HU spread over some 20 mm.
    assert change.bmd_mg_cm3.mean == pytest.approx(6 * NOMINAL.slope, abs=0.1)
    assert (change.within_4_mg_cm3.count, change.within_4_mg_cm3.of) == (0, len(LOWEST))
    # The reference's bodies stay where they were.
    still = change.reference_within_4_mg_cm3
    assert (still.count, still.of) == (len(LOWEST), len(LOWEST))


def test_a_reference_that_moves_in_the_bone_tells_that_the_method_does() -> None:
    usual = evaluate_case(case(name="usual", noise_free_hu=scan().hu), Given(bodies()))
    other = Case("other", "moved", scan(), bodies(x=6), noise_free_hu=scan().hu, compared_with="usual")
    (change,) = compare_conditions([usual, evaluate_case(other, Given(bodies()))])
    assert (change.within_4_mg_cm3.count, change.reference_within_4_mg_cm3.count) == (len(LOWEST), 0)
