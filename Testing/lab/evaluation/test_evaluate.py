"""Evaluation against references: what one scan gives, and the sums over many."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_evaluate import GRADIENT_HU_MM, HEIGHT, HU, LOWEST, Given, X, Y, bodies, case, level, result, scan
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter
from ldct_bmd.segmentation.weights import WEIGHTS
from ldct_bmd_lab.evaluation.segmentation import Case, CaseResult, LevelResult, SurplusBody, evaluate_case, summarize
from ldct_bmd_lab.evaluation.segmentation.names import name_confidence
from ldct_bmd_lab.evaluation.segmentation.overlap import surface_distances
from ldct_bmd_lab.evaluation.segmentation.references import ReferencePair, read_case
from ldct_bmd_lab.evaluation.segmentation.summary import LevelSummary, ScanSummary, share, spread
from places import DATA

VOXEL = 1e-6  # arithmetic alone


def by_level(result: CaseResult) -> dict[str, LevelResult]:
    return {row.level: row for row in result.levels}


def test_the_same_bodies_agree_in_everything() -> None:
    found = evaluate_case(case(), Given(bodies()))
    assert [row.level for row in found.levels] == list(LOWEST)
    assert found.names_right
    assert not found.surplus
    for row in found.levels:
        assert (row.complete, row.dice_by_name, row.dice_of_found) == (True, 1.0, 1.0)
        assert (row.surface_distance_mm, row.hausdorff95_mm) == (0.0, 0.0)
        assert (row.voi_difference_hu, row.voi_distance_mm) == (0.0, 0.0)
        assert (row.anterior_mm, row.middle_mm, row.posterior_mm) == (0.0, 0.0, 0.0)


def test_a_shift_by_a_tenth_of_the_width_gives_the_dice_and_the_hu_of_that_shift() -> None:
    found = evaluate_case(case(), Given(bodies(x=4)))
    for row in found.levels:
        assert row.dice_by_name == pytest.approx(36 / 40, abs=VOXEL)
        assert row.voi_distance_mm == pytest.approx(4.0, abs=VOXEL)
        # Partial volume is sampled to 0.5 % of the VOI, whose HU spread over some 20 mm.
        assert row.voi_difference_hu == pytest.approx(4.0 * GRADIENT_HU_MM, abs=0.1)
        assert row.reference_voi_hu == pytest.approx(HU[row.level], abs=0.1)


def test_names_off_by_one_are_told_apart_from_the_outline() -> None:
    shifted = {"T12": "T11", "L1": "T12", "L2": "L1", "L3": "L2"}
    found = evaluate_case(case(), Given(bodies(shifted)))
    assert found.names_right is False
    assert found.wrong_though_certain
    rows = by_level(found)
    assert {level: row.found_as for level, row in rows.items()} == shifted
    for row in rows.values():
        assert (row.dice_by_name, row.dice_of_found, row.surface_distance_mm) == (0.0, 1.0, 0.0)
    # What a reader of L1 would be given is the HU of L2.
    assert rows["L1"].voi_difference_hu == pytest.approx(HU["L2"] - HU["L1"], abs=0.1)
    assert rows["L1"].voi_distance_mm == pytest.approx(32.0, abs=VOXEL)
    assert rows["L3"].voi_difference_hu is None


def test_of_two_merged_bodies_one_is_not_found() -> None:
    merged = bodies({"L2": "L1"})
    merged[LOWEST["L2"] : LOWEST["L1"], Y, X] = VERSE_VALUE["L1"]
    found = evaluate_case(case(), Given(merged))
    rows = by_level(found)
    assert rows["L1"].dice_of_found == pytest.approx(2 * HEIGHT / (HEIGHT + 2 * HEIGHT + 8), abs=VOXEL)
    assert (rows["L1"].found, rows["L2"].found) == (True, False)
    assert found.names_right is False


def test_the_other_half_of_a_split_body_is_surplus_and_no_false_body() -> None:
    halves = bodies()
    halves[LOWEST["L2"] : LOWEST["L2"] + HEIGHT // 3, Y, X] = VERSE_VALUE["L4"]
    found = evaluate_case(case(), Given(halves))
    assert [(body.name, body.overlaps) for body in found.surplus] == [("L4", "L2")]
    assert found.false_bodies == ()


def test_a_piece_of_a_body_under_another_name_is_a_wrong_name() -> None:
    halves = bodies()
    halves[LOWEST["L2"] : LOWEST["L2"] + HEIGHT // 3, Y, X] = VERSE_VALUE["L4"]
    found = evaluate_case(case(), Given(halves))
    assert found.wrong_names == (("L2", "L4"),)
    assert found.names_right is False
    assert found.wrong_though_certain


def test_a_false_body_among_the_others_makes_the_names_wrong() -> None:
    assert evaluate_case(case(bodies({"L2": ""})), Given(bodies())).names_right is False
    assert evaluate_case(case(bodies({"L3": ""})), Given(bodies())).names_right


def test_a_false_body_is_within_the_reference_or_beyond_it() -> None:
    reference = bodies({"T12": "", "L2": ""})
    found = evaluate_case(case(reference), Given(bodies()))
    places = {body.name: body.beyond_reference for body in found.false_bodies}
    assert places == {"T12": True, "L2": False}


def test_c7_is_no_false_body_where_a_reference_leaves_the_neck_out() -> None:
    reference = bodies({"T12": "", "L1": "T1", "L2": "T2", "L3": "T3"})
    labels = bodies({"T12": "C7", "L1": "T1", "L2": "T2", "L3": "T3"})
    assert evaluate_case(case(reference), Given(labels)).surplus == ()
    assert [row.level for row in evaluate_case(case(labels), Given(labels)).levels] == ["T1", "T2", "T3"]


def test_a_cut_body_has_no_voi_and_may_be_missed_but_not_misnamed() -> None:
    reference = case(cut=frozenset({VERSE_VALUE["L3"]}))
    missed = evaluate_case(reference, Given(bodies({"L3": ""})))
    row = by_level(missed)["L3"]
    assert (row.complete, row.found, row.reference_voi_hu) == (False, False, None)
    assert missed.names_right
    assert evaluate_case(reference, Given(bodies({"L3": "L4"}))).names_right is False


def test_a_scan_that_cannot_be_measured_has_nothing_found_and_says_why() -> None:
    found = evaluate_case(case(), Given(None))
    assert found.failure == "No spine was found."
    assert found.names_right is False
    assert [(row.found, row.dice_by_name) for row in found.levels] == [(False, 0.0)] * len(LOWEST)
    assert all(row.reference_voi_hu is not None for row in found.levels)  # they count as not measured


def test_without_a_vertebra_in_view_every_body_found_is_false() -> None:
    nothing = np.zeros_like(bodies())
    found = evaluate_case(case(nothing), Given(bodies({"L3": "", "T12": "C7"})))
    assert [body.name for body in found.false_bodies] == ["C7", "L1", "L2"]
    assert found.names_right is None


def test_the_truth_is_that_of_the_scan_without_noise() -> None:
    noisy = replace(scan(), hu=scan().hu + np.float32(7.0))
    given = Case("one", "group", noisy, bodies(), noise_free_hu=scan().hu)
    for row in evaluate_case(given, Given(bodies())).levels:
        assert row.voi_difference_hu == 0.0
        assert row.voi_bias_hu == pytest.approx(7.0, abs=0.01)


def test_arrays_of_another_grid_are_a_defect() -> None:
    with pytest.raises(ValueError, match="shape"):
        case(bodies()[1:])


def test_distances_between_surfaces_are_in_mm() -> None:
    one, other = np.zeros((2, 8, 10, 10), dtype=bool)
    one[1], other[3] = True, True
    assert surface_distances(one, other, (3.0, 1.0, 1.0)) == (6.0, 6.0)


def test_a_thin_spike_moves_the_mean_and_not_the_95_percent_hausdorff_distance() -> None:
    one = np.zeros((40, 20, 20), dtype=bool)
    one[:20, 5:15, 5:15] = True
    other = one.copy()
    other[20:24, 10, 10] = True  # 4 of some 900 surface voxels, at 1 to 4 mm
    surface = [int((m & ~_eroded(m)).sum()) for m in (one, other)]
    mean_mm, hausdorff95_mm = surface_distances(one, other, (1.0, 1.0, 1.0))
    # The voxel under the spike is no surface any more: its neighbours are 1 mm away.
    assert mean_mm == pytest.approx((1 + 2 + 3 + 4 + 1) / sum(surface), abs=VOXEL)
    assert hausdorff95_mm == 0.0


def _eroded(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    kept = padded.copy()
    for axis in range(3):
        kept &= np.roll(padded, 1, axis) & np.roll(padded, -1, axis)
    return kept[1:-1, 1:-1, 1:-1]


def test_an_empty_mask_has_no_surface() -> None:
    with pytest.raises(ValueError, match="empty"):
        surface_distances(np.zeros((3, 3, 3), dtype=bool), np.ones((3, 3, 3), dtype=bool), (1.0, 1.0, 1.0))


def scans_of(summary_group: str, *results: CaseResult) -> ScanSummary:
    return next(row for row in summarize(results).scans if row.group == summary_group)


def level_of(results: list[CaseResult], level: str, bodies: str = "complete", group: str = "all") -> LevelSummary:
    rows = summarize(results).levels
    (row,) = (r for r in rows if (r.group, r.bodies, r.level) == (group, bodies, level))
    return row


def test_the_interval_of_a_share_is_exact() -> None:
    none_wrong = share([True] * 300)
    assert (none_wrong.count, none_wrong.of, none_wrong.fraction, none_wrong.high) == (300, 300, 1.0, 1.0)
    assert none_wrong.low == pytest.approx(0.025 ** (1 / 300), abs=1e-9)  # Clopper and Pearson 1934
    assert share([]).fraction is None


def test_a_spread_leaves_out_what_was_not_measured() -> None:
    found = spread([1.0, None, 2.0, 6.0])
    assert found is not None
    assert (found.n, found.mean, found.median) == (3, 3.0, 2.0)
    assert found.sd == pytest.approx(7.0**0.5)
    one = spread([4.0])
    assert one is not None
    assert one.sd is None
    assert spread([None]) is None


def test_a_wrong_name_is_dangerous_only_where_it_was_called_certain() -> None:
    wrong = (level("L1", "T12"), level("L2", "L1"))
    row = scans_of(
        "all",
        result("a"),
        result("b", levels=wrong),
        result("c", levels=wrong, names_certain=False),
        result("d", levels=(level("L1"), level("L2", None))),
    )
    assert (row.names_right.count, row.names_right.of) == (1, 4)
    assert (row.names_right_where_certain.count, row.names_right_where_certain.of) == (1, 3)
    assert row.wrong_though_certain == 1


def test_scans_without_a_vertebra_count_apart() -> None:
    false = SurplusBody("L1", 20.0, None, False)
    empty = result("a", levels=(), failure="No spine was found.", name_probability=None, names_certain=False)
    row = scans_of("all", empty, result("b", levels=(), surplus=(false,)), result("c"))
    assert (row.scans, row.names_right.of, row.nothing_found) == (3, 1, 0)
    assert (row.clean_without_spine.count, row.clean_without_spine.of) == (1, 2)
    assert row.false_bodies == 1


def test_groups_are_summed_up_apart_and_together() -> None:
    missed = (level("L1", None, group="grafts"), level("L2", group="grafts"))
    results = [result("a", "atlas", levels=(level("L1", group="atlas"),)), result("b", "grafts", levels=missed)]
    assert [row.group for row in summarize(results).scans] == ["all", "atlas", "grafts"]
    assert [level_of(results, "L1", group=g).found.count for g in ("all", "atlas", "grafts")] == [1, 1, 0]


def test_bodies_can_be_summed_up_in_another_group_than_their_scan() -> None:
    given = case(level_groups={"L2": "atlas"})
    found = evaluate_case(given, Given(bodies()))
    assert {row.level: row.group for row in found.levels} == dict.fromkeys(LOWEST, "group") | {"L2": "atlas"}
    assert [row.group for row in summarize([found]).scans] == ["all", "group"]
    assert level_of([found], "all", group="atlas").found.of == 1


def test_cut_bodies_are_summed_up_apart() -> None:
    results = [result("a", levels=(level("L1"), level("L2", None, complete=False)))]
    assert level_of(results, "all").found.of == 1
    assert level_of(results, "all", "cut").found.count == 0
    assert level_of(results, "T12-L2", "all").found.of == 2


def test_a_missed_body_counts_with_a_dice_of_zero_and_as_a_voi_not_measured() -> None:
    row = level_of([result("a"), result("b", levels=(level("L1", None),))], "L1")
    assert row.dice_by_name is not None
    assert row.dice_of_found is not None
    assert (row.dice_by_name.mean, row.dice_of_found.mean) == (0.45, 0.9)
    assert (row.measured.count, row.measured.of) == (1, 2)


def test_voi_differences_within_four_hu_are_counted_both_ends_included() -> None:
    differences = (-4.5, -4.0, 0.0, 4.0, 9.0)
    results = [result(str(d), levels=(level("L1", difference_hu=d),)) for d in differences]
    row = level_of(results, "L1")
    assert row.voi_difference_hu is not None
    assert row.voi_difference_hu.mean == pytest.approx(0.9)
    assert (row.within_4_hu.count, row.within_4_hu.of) == (3, 5)


def test_the_stated_probability_is_set_against_scans_without_a_wrong_name() -> None:
    wrong = (level("L1", "T12"),)
    results = [
        result("a", name_probability=1.0),
        result("b", name_probability=0.992),
        result("c", name_probability=0.6, levels=wrong),
        result("d", name_probability=0.5, levels=(level("L1"), level("L2", None))),  # missed, not misnamed
        result("e", name_probability=0.55, levels=(level("L1", None),)),  # nothing to name
    ]
    low, high = summarize(results).reliability
    assert (low.low, low.high, low.right.count, low.right.of) == (0.5, 0.7, 1, 2)
    assert low.stated_mean == pytest.approx(0.55)
    assert (high.low, high.right.count, high.right.of) == (0.99, 2, 2)


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.is_file(), reason="the package has no weights")
def test_the_abdomen_agrees_with_its_model_made_reference() -> None:
    folder = DATA / "abdomen_ct_3mm"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: the real scans are not part of the project")
    pair = ReferencePair("abdomen", "abdomen", folder / "ct.nii.gz", folder / "vertebral_bodies.nii.gz")
    found = evaluate_case(read_case(pair, "verse", "body"), NetworkSegmenter(device="cpu"))
    assert found.names_right
    assert [(row.level, row.complete) for row in found.levels] == [
        ("T12", False),
        *((f"L{i}", True) for i in range(1, 6)),
    ]
    assert not found.false_bodies
    rows = by_level(found)
    assert np.mean([rows[level].dice_by_name for level in ("T12", "L1", "L2")]) >= 0.85
    for name in ("L1", "L2"):  # T12 is cut
        difference = rows[name].voi_difference_hu
        assert difference is not None
        assert abs(difference) <= 6, name


def test_each_name_has_its_own_say_in_whether_probabilities_hold() -> None:
    right = replace(level("L1"), probability=0.9)
    wrong = replace(level("L2", "L3"), probability=0.9)
    missed = level("L3", None)
    found = name_confidence([result("a", levels=(right, wrong, missed)), result("b", levels=(right, right))])
    assert found is not None
    assert (found.scans, found.bodies, found.wrong) == (2, 4, 1)
    assert found.ece == pytest.approx(0.9 - 0.75)
    assert evaluate_case(case(), Given(bodies())).levels[0].probability == 1.0
