"""Names on real scans: when one is right, wrong, missed or not judged, and how far probabilities hold."""

import numpy as np
import pytest

from helpers_scans import row, scan_result
from ldct_bmd.labeling import Vertebra, VertebralColumn
from ldct_bmd_lab.evaluation.confidence import JudgedBody, confidence, expected_calibration_error
from ldct_bmd_lab.evaluation.scans import summarize_scans
from ldct_bmd_lab.evaluation.scans.names import certainty, half_height_mm, place
from ldct_bmd_lab.evaluation.scans.result import CHEST
from ldct_bmd_lab.evaluation.scans.summary import judged_bodies

KNOWN = {"T11": 90.0, "T12": 60.0, "L1": 30.0, "L2": 0.0}


def body(level: str, z: float) -> Vertebra:
    return Vertebra(level, (0.0, 0.0, z), 20.0, 0.9, True)


def told(*bodies: Vertebra) -> list[tuple[str | None, str | None, bool]]:
    return [(p.level, p.found and p.found.level, p.misplaced) for p in place(bodies, KNOWN)]


class TestPlaces:
    def test_bodies_within_half_a_body_of_a_level_lie_there(self) -> None:
        found = told(body("T11", 95.0), body("T12", 58.0), body("L1", 30.0), body("L2", -11.0))
        assert found == [(level, level, False) for level in KNOWN]

    def test_names_off_by_one_are_found_under_the_wrong_name(self) -> None:
        found = told(body("T10", 90.0), body("T11", 60.0), body("T12", 30.0), body("L1", 0.0))
        assert found == [("T11", "T10", False), ("T12", "T11", False), ("L1", "T12", False), ("L2", "L1", False)]

    def test_what_the_list_does_not_reach_is_not_judged(self) -> None:
        found = told(body("T10", 120.0), body("T11", 90.0), body("L3", -30.0))
        assert found[-2:] == [(None, "T10", False), (None, "L3", False)]

    def test_a_body_beyond_the_list_with_a_name_of_the_list_is_misplaced(self) -> None:
        assert told(body("L2", -30.0))[-1] == (None, "L2", True)

    def test_a_body_between_two_levels_is_misplaced_and_both_are_missed(self) -> None:
        found = told(body("T11", 90.0), body("T12", 45.0), body("L2", 0.0))
        kept = [("T11", "T11", False), ("T12", None, False), ("L1", None, False), ("L2", "L2", False)]
        assert found == [*kept, (None, "T12", True)]

    def test_of_two_pieces_of_one_body_the_nearer_one_is_taken_and_the_other_misplaced(self) -> None:
        found = told(body("T11", 99.0), body("T12", 88.0), body("L1", 60.0))
        assert found[0] == ("T11", "T12", False)
        assert found[-1] == (None, "T11", True)

    def test_a_body_is_as_high_where_levels_are_left_out_of_the_list(self) -> None:
        whole = half_height_mm("T11", KNOWN)
        assert half_height_mm("T11", {"T11": 90.0, "L1": 30.0}) == pytest.approx(whole)
        assert half_height_mm("T12", {"T12": 60.0, "L1": 30.0}) == pytest.approx(whole)


@pytest.mark.parametrize("column_certain", [True, False])
def test_a_name_is_as_certain_as_its_column_unless_levels_are_told_apart(column_certain: bool) -> None:
    column = VertebralColumn((), np.zeros((1, 1, 1), np.uint8), column_certain, "")
    assert certainty(column, body("L1", 0.0)).certain is column_certain
    column = VertebralColumn((), np.zeros((1, 1, 1), np.uint8), column_certain, "", uncertain=("T3",))
    assert certainty(column, body("L1", 0.0)).certain
    assert not certainty(column, body("T3", 0.0)).certain


class TestScan:
    def test_targets_are_right_as_far_as_they_are_known(self) -> None:
        assert scan_result("a", row("T11", "T10"), row("T12")).targets_right is True
        assert scan_result("a", row("T12"), row("L1", "T12")).targets_right is False
        assert scan_result("a", row("T12"), row("L1", None)).targets_right is False
        assert scan_result("a", row("T11")).targets_right is None

    def test_a_chest_counts_only_where_all_of_it_is_known(self) -> None:
        assert scan_result("a", *(row(level) for level in CHEST)).chest_right is True
        assert scan_result("a", *(row(level) for level in CHEST[1:])).chest_right is None
        assert scan_result("a", row("T1", "T2"), *(row(level) for level in CHEST[1:])).chest_right is False

    def test_a_wrong_name_that_is_certain_is_told_and_a_missed_level_is_none(self) -> None:
        result = scan_result("a", row("L1", "T12", certain=True), row("L2", None), row(None, "L2", certain=True))
        assert [one.found_as for one in result.wrong_though_certain] == ["T12", "L2"]
        assert summarize_scans([result]).wrong_though_certain == 2

    def test_a_scan_is_certain_if_the_targets_that_it_names_are(self) -> None:
        upper, lower = row("T3", certain=False), row("L1", certain=True)
        assert scan_result("a", upper, lower).targets_certain
        assert not scan_result("a", upper, row("L1", certain=False)).targets_certain
        assert not scan_result("a", upper).targets_certain
        assert not scan_result("a").targets_certain

    def test_names_that_are_not_judged_count_nowhere(self) -> None:
        result = scan_result("a", row("L1", "T12", judged=False, certain=True), row("L2", judged=False))
        summary = summarize_scans([result])
        assert (result.targets_right, summary.judged, summary.names) == (None, 0, None)
        assert not result.wrong_though_certain

    def test_a_suspicion_is_set_against_the_references_own_heights(self) -> None:
        low = row("T7", suspected="T7 may be fractured.", heights_mm=(15.0, 18.0, 20.0))
        told = [
            scan_result("a", row("T7", **vars_of(low, (17.0, 19.0, 20.0)))),
            scan_result("b", row("T7", **vars_of(low, (14.0, 19.0, 20.0)))),
            scan_result("c", low, row("T8", heights_mm=(20.0, 20.0, 20.0))),
        ]
        summary = summarize_scans(told)
        assert (summary.suspected.count, summary.suspected.of) == (3, 4)
        assert (summary.contradicted.count, summary.contradicted.of) == (1, 2)


def vars_of(one: object, reference: tuple[float, float, float]) -> dict[str, object]:
    kept = {name: getattr(one, name) for name in ("suspected", "heights_mm")}
    return kept | {"reference_heights_mm": reference}


def judged(*probabilities_and_right: tuple[float, bool], scan: str = "a") -> list[JudgedBody]:
    return [JudgedBody(scan, "L1", probability, right) for probability, right in probabilities_and_right]


class TestProbabilities:
    def test_the_error_is_the_distance_of_stated_and_observed(self) -> None:
        stated = np.array([0.9] * 10 + [0.6] * 10)
        right = np.array([True] * 9 + [False] + [True] * 8 + [False] * 2)
        assert expected_calibration_error(stated, right) == pytest.approx(0.5 * 0.0 + 0.5 * 0.2)

    def test_equal_probabilities_are_never_parted_however_they_are_ordered(self) -> None:
        stated = np.full(100, 0.8)
        right = np.arange(100) < 80
        assert expected_calibration_error(stated, right) == pytest.approx(0.0, abs=1e-12)
        found = confidence(judged(*((0.8, bool(flag)) for flag in right)))
        assert found is not None
        assert len(found.bins) == 1

    def test_ten_bins_hold_as_many_bodies_each(self) -> None:
        rng = np.random.default_rng(1)
        found = confidence(judged(*((float(p), True) for p in rng.uniform(0.5, 1.0, 200))))
        assert found is not None
        assert [one.right.of for one in found.bins] == [20] * 10

    def test_risk_grows_from_the_surest_names_to_all(self) -> None:
        found = confidence(judged((0.99, True), (0.95, True), (0.9, False), (0.8, True)))
        assert found is not None
        assert [(point.coverage, point.risk) for point in found.curve] == [
            (0.25, 0.0),
            (0.5, 0.0),
            (0.75, pytest.approx(1 / 3)),
            (1.0, 0.25),
        ]
        assert found.coverage_without_error == 0.5

    def test_a_sure_wrong_name_leaves_nothing_without_error(self) -> None:
        found = confidence(judged((0.99, False), (0.95, True)))
        assert found is not None
        assert found.coverage_without_error == 0.0

    def test_the_interval_draws_scans_and_not_bodies(self) -> None:
        # Bodies of a scan are right or wrong together: two scans say far less than their forty bodies.
        bodies = judged(*[(0.5, True)] * 20, scan="a") + judged(*[(0.5, False)] * 20, scan="b")
        found = confidence(bodies)
        assert found is not None
        assert found.ece == pytest.approx(0.0)
        assert (found.ece_low, found.ece_high) == (pytest.approx(0.0), pytest.approx(0.5))

    def test_missed_levels_have_no_probability(self) -> None:
        results = [scan_result("a", row("L1", None), row("L2"))]
        assert [one.name for one in judged_bodies(results)] == ["L2"]
        assert confidence(judged_bodies(results, ("L1",))) is None
