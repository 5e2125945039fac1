"""Names of the bodies that the networks saw: what they are counted from, and what makes them uncertain."""

import numpy as np
import pytest

from helpers_column import SPACING_ZYX_MM, column, fill_disc
from helpers_networks import LEVELS, levels_of, seen_by_networks, usual_heights
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.labeling import label, sacrum
from ldct_bmd.labeling.assemble import joined_bodies
from ldct_bmd.labeling.usual import NAMES, THORACIC
from ldct_bmd.scan import CTScan, Geometry
from ldct_bmd.segmentation import NetworkBodies
from ldct_bmd.segmentation.levels import CHANNELS, SACRUM


def test_bodies_get_the_names_that_the_coarse_network_votes_for() -> None:
    scan, seen, _ = seen_by_networks()
    found = label(seen, scan)
    assert levels_of(found) == LEVELS
    assert found.names_certain
    assert "last rib" in str(found.remark)
    assert sorted(np.unique(found.bodies)) == [0, *sorted(VERSE_VALUE[level] for level in LEVELS)]


def test_one_wrong_vote_shifts_no_name() -> None:
    scan, seen, _ = seen_by_networks(votes=("T11", "T12", "T12", "L2", "L3"))
    assert levels_of(label(seen, scan)) == LEVELS


def test_votes_that_the_last_rib_contradicts_make_the_names_uncertain() -> None:
    # Every body is taken for the one below it, but the second one bears a rib: it is no L1.
    scan, seen, _ = seen_by_networks(votes=("T12", "L1", "L2", "L3", "L4"))
    assert not label(seen, scan).names_certain


def test_ribs_decide_where_the_votes_do_not() -> None:
    # Every body is taken for the one above it, as when a class boundary is off by one; the last rib says otherwise.
    scan, seen, _ = seen_by_networks(votes=("T11", "T12", "T12", "L1", "L2"))
    assert levels_of(label(seen, scan)) == LEVELS


def test_names_that_no_rib_confirms_are_uncertain_however_clear_the_votes() -> None:
    scan, seen, _ = seen_by_networks(ribs=())
    found = label(seen, scan)
    assert not found.names_certain


@pytest.mark.parametrize(("ribs", "told"), [(("T11", "T12", "L1"), "13 vertebrae"), (("T11",), "11 vertebrae")])
def test_an_odd_number_of_ribs_is_flagged_and_shifts_no_name(ribs: tuple[str, ...], told: str) -> None:
    scan, seen, _ = seen_by_networks(ribs=ribs)
    found = label(seen, scan)
    assert levels_of(found) == LEVELS
    assert not found.names_certain
    assert told in str(found.remark)


def test_a_body_that_was_missed_makes_the_names_beyond_it_uncertain() -> None:
    scan, seen, numbers = seen_by_networks()
    seen.class_probability[0][numbers == 4] = 1
    seen.class_probability[3][numbers == 4] = 0
    found = label(seen, scan)
    assert levels_of(found) == tuple(level for level in LEVELS if level != LEVELS[3])
    assert found.uncertain == (LEVELS[4],)  # what is counted without it stays certain
    assert f"between {LEVELS[2]} and {LEVELS[4]}" in str(found.remark)


def test_a_body_cleft_in_two_makes_the_names_uncertain() -> None:
    scan, seen, numbers = seen_by_networks(levels=("T9", "T10", "T11", "T12", "L1"))
    z = np.argwhere(numbers == 5)[:, 0]
    cleft = (numbers == 5) & (np.abs(np.arange(len(numbers)) - z.mean()) < 2.5)[:, None, None]
    seen.class_probability[0][cleft] = 1
    seen.class_probability[3][cleft] = 0
    assert not label(seen, scan).names_certain


def put_sacrum(seen: NetworkBodies, numbers: np.ndarray, below_mm: float) -> None:
    """Let the coarse network see a sacrum that begins ``below_mm`` under the lowest body."""
    lowest = np.argwhere(numbers == numbers.max()).min(axis=0)[0]
    z = np.indices(seen.level_geometry.shape)[0] * 4.0
    body = (seen.level_probability[1:19] > 0.5).any(axis=(0, 1))
    seen.level_probability[SACRUM] = (z < lowest - below_mm) & body[None]


LUMBAR = ("L1", "L2", "L3", "L4", "L5")


DOWN_TO_THE_SACRUM = ("T10", "T11", "T12", *LUMBAR)


def above_the_sacrum(levels: tuple[str, ...], **options: object) -> tuple[CTScan, NetworkBodies]:
    scan, seen, numbers = seen_by_networks(levels, heights_mm=usual_heights(levels), start_mm=40.0, **options)  # type: ignore[arg-type]
    put_sacrum(seen, numbers, below_mm=6.0)
    return scan, seen


def test_names_are_counted_from_the_last_rib_and_a_sacrum_right_below() -> None:
    scan, seen = above_the_sacrum(DOWN_TO_THE_SACRUM)
    found = label(seen, scan)
    assert levels_of(found) == DOWN_TO_THE_SACRUM
    assert found.names_certain
    assert "counted from the last rib and the sacrum" in str(found.remark)


def test_the_sacrum_alone_leaves_names_uncertain() -> None:
    # L2 to L6 look just the same.
    scan, seen = above_the_sacrum(LUMBAR)
    found = label(seen, scan)
    assert levels_of(found) == LUMBAR
    assert not found.names_certain
    assert "sixth lumbar" in str(found.remark)


def test_ribs_out_of_view_leave_names_counted_from_the_sacrum_uncertain() -> None:
    # T11, T12 and six lumbar vertebrae, taken for T11 to L6: the field of view ends beside the bodies.
    scan, seen = above_the_sacrum(DOWN_TO_THE_SACRUM, ribs=())
    x = np.indices(seen.level_geometry.shape)[2]
    narrow = slice(int(np.argwhere(seen.level_probability[1:19] > 0.5)[:, 3].min()), None)
    kept = x[0, 0, narrow]
    probability = seen.level_probability[..., narrow][..., : len(kept) // 2]
    start = seen.level_geometry.to_lps_mm(np.array([[narrow.start, 0.0, 0.0]]))[0]
    nz, ny, nx = probability.shape[1:]
    geometry = Geometry((nx, ny, nz), seen.level_geometry.spacing_mm, tuple(start), seen.level_geometry.direction)
    found = label(NetworkBodies(seen.geometry, seen.class_probability, geometry, probability), scan)
    assert not found.names_certain


@pytest.mark.parametrize("rib", [0.4, 0.6, 0.9])
def test_a_rib_at_l1_makes_names_uncertain_however_faint(rib: float) -> None:
    # T10 to L4 on the sacrum, each taken for the next lower one: what is called L1 bears the last rib.
    scan, seen = above_the_sacrum(
        ("T10", "T11", "T12", *LUMBAR[:4]), votes=("T11", "T12", *LUMBAR), ribs=("T10", "T11", "T12")
    )
    channel = seen.level_probability[CHANNELS.index("rib")]
    lowest = np.argwhere(channel > 0.5)[:, 0].min()
    channel[: lowest + 4] *= rib
    found = label(seen, scan)
    assert levels_of(found) != ("T10", "T11", "T12", *LUMBAR[:4])
    assert not found.names_certain


def test_a_first_rib_that_is_not_there_speaks_against_the_names() -> None:
    # C7 to L1 without a twelfth rib: taken for the next lower ones, T11's rib is the last.
    levels = ("C7", *THORACIC, "L1")
    votes = ("T1", *THORACIC[1:], "L1", "L2")
    scan, seen, _ = seen_by_networks(levels, votes=votes, ribs=THORACIC[:-1], heights_mm=usual_heights(levels))
    found = label(seen, scan)
    assert not found.names_certain
    assert "no rib is seen at T1;" in str(found.remark)


@pytest.mark.parametrize("gone", [None, "T8", "T10", "T11"])
def test_a_body_lost_above_the_end_of_the_scan_leaves_the_names_uncertain(gone: str | None) -> None:
    levels = ("C7", *(level for level in THORACIC if level != gone))
    scan, seen, _ = seen_by_networks(
        levels, votes=("cervical", *levels[1:]), heights_mm=usual_heights(levels), start_mm=0.0
    )
    found = label(seen, scan)
    assert found.names_certain == (gone is None)
    assert ("like other vertebrae" in str(found.remark) or "like another vertebra" in str(found.remark)) == (
        gone is not None
    )


def test_a_sacrum_beside_the_column_is_none() -> None:
    _, seen, numbers = seen_by_networks(levels=LUMBAR, start_mm=40.0)
    put_sacrum(seen, numbers, below_mm=6.0)
    assert sacrum.follows(seen, numbers == 5)
    z, _, x = np.indices(seen.level_geometry.shape) * 4.0
    lowest = np.argwhere(numbers == 5) * SPACING_ZYX_MM
    beside = (x - 50.0 > lowest[:, 2].max()) & (x - 50.0 < lowest[:, 2].max() + 30.0)
    seen.level_probability[SACRUM] = beside & (z > lowest[:, 0].min()) & (z < lowest[:, 0].max() + 60.0)
    assert not sacrum.follows(seen, numbers == 5)


def test_names_counted_from_the_first_rib_to_the_sacrum_need_no_twelfth_rib() -> None:
    levels = ("C7", *THORACIC, *LUMBAR)
    scan, seen = above_the_sacrum(levels, votes=("cervical", *levels[1:]), ribs=THORACIC[:-1])
    found = label(seen, scan)
    assert levels_of(found) == levels
    assert found.names_certain
    assert "the first rib and the sacrum" in str(found.remark)


def test_a_sacrum_further_down_is_no_landmark() -> None:
    scan, seen, numbers = seen_by_networks(levels=LUMBAR, start_mm=60.0)
    put_sacrum(seen, numbers, below_mm=30.0)
    assert not label(seen, scan).names_certain


def test_a_sacrum_right_below_settles_names_that_the_votes_leave_open() -> None:
    # Two bodies are taken for the one above, two for themselves: the votes alone are a draw.
    scan, seen, numbers = seen_by_networks(levels=LUMBAR, votes=("T12", "L1", "L3", "L3", "L5"), ribs=(), start_mm=40.0)
    alone = label(seen, scan)
    put_sacrum(seen, numbers, below_mm=6.0)
    found = label(seen, scan)
    assert levels_of(found) == LUMBAR
    weakest, before = (min(v.confidence for v in column.vertebrae) for column in (found, alone))
    assert weakest > before + 0.1


@pytest.mark.parametrize(("height_mm", "breadth"), [(7, 1.0), (15, 0.45)], ids=["flat", "narrow"])
@pytest.mark.parametrize("in_view", [True, False])
def test_the_top_of_the_sacrum_is_no_body(in_view: bool, height_mm: int, breadth: float) -> None:
    # L1 to L4, and a part of what lies below them, which the coarse network takes for L5.
    scan, seen, numbers = seen_by_networks(levels=LUMBAR, start_mm=40.0)
    z, y, _ = np.indices(numbers.shape)
    lowest = np.argwhere(numbers == 5)
    top, (front, back) = lowest[:, 0].max(), (lowest[:, 1].min(), lowest[:, 1].max())
    away = (numbers == 5) & ((z < top - height_mm) | (y < back - breadth * (back - front)))
    seen.class_probability[0][away] = 1
    seen.class_probability[3][away] = 0
    if in_view:
        put_sacrum(seen, numbers, below_mm=-14.0)
    assert len(label(seen, scan).vertebrae) == (4 if in_view else 5)


def test_a_sixth_lumbar_vertebra_makes_names_counted_from_the_sacrum_uncertain() -> None:
    # T11, T12, L1 to L3 in view, each taken for the next lower one, and the sacrum: a lumbar vertebra too many.
    scan, seen, numbers = seen_by_networks(
        levels=("T11", "T12", "L1", "L2", "L3"), votes=("T12", "L1", "L2", "L3", "L4"), ribs=(), start_mm=40.0
    )
    put_sacrum(seen, numbers, below_mm=6.0)
    assert not label(seen, scan).names_certain


@pytest.mark.parametrize("murmur", [0.02, 0.05, 0.2])
def test_a_faint_rib_channel_makes_a_sixth_lumbar_vertebra_no_l5(murmur: float) -> None:
    # T12 and L1 to L6, each taken for the next higher one: the only rib is that of what is called T11.
    scan, seen, numbers = seen_by_networks(
        levels=("T11", "T12", *LUMBAR), ribs=("T11",), heights_mm=(26.0,) * 7, start_mm=40.0
    )
    put_sacrum(seen, numbers, below_mm=6.0)
    rib = seen.level_probability[CHANNELS.index("rib")]
    rib[rib < 0.5] = murmur
    found = label(seen, scan)
    assert not found.names_certain
    assert "no rib is seen at T12" in str(found.remark)


@pytest.mark.parametrize("gone", [None, "T9", "T10", "T11"])
def test_a_body_lost_without_a_gap_leaves_the_names_uncertain(gone: str | None) -> None:
    levels = ("C7", *(level for level in THORACIC if level != gone), "L1")
    votes = ("cervical", *levels[1:])
    scan, seen, _ = seen_by_networks(levels=levels, votes=votes, heights_mm=usual_heights(levels))
    found = label(seen, scan)
    assert found.names_certain == (gone is None)
    assert ("11 vertebrae seem to bear ribs" in str(found.remark)) == (gone is not None)


def test_ribs_that_are_not_seen_at_all_are_no_landmark() -> None:
    levels = ("T9", "T10", "T11", "T12", *LUMBAR)
    scan, seen, numbers = seen_by_networks(levels=levels, ribs=(), heights_mm=(26.0,) * len(levels), start_mm=40.0)
    put_sacrum(seen, numbers, below_mm=6.0)
    found = label(seen, scan)
    assert levels_of(found) == levels
    assert not found.names_certain
    assert "no ribs are seen" in str(found.remark)


@pytest.mark.parametrize(
    ("highest_mm", "longer", "below"),
    [
        (15.0, 1.7, True),  # not taller than others' T11: taken for one body
        (22.0, 1.9, False),  # too tall for one: cut in two
    ],
)
def test_a_body_as_long_as_two_makes_the_names_above_it_uncertain(
    highest_mm: float, longer: float, below: bool
) -> None:
    levels = ("T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3")
    heights = tuple(highest_mm + i for i in range(len(levels)))
    scan, seen, _ = seen_by_networks(levels=levels, heights_mm=heights)
    assert label(seen, scan).names_certain
    long = (*heights[:5], longer * heights[5], *heights[6:])
    scan, seen, _ = seen_by_networks(levels=levels, heights_mm=long)
    found = label(seen, scan)
    assert not found.certain("T11")
    assert not found.certain("T6")
    assert found.certain("L1") == below  # counted from the last rib, past no doubtful body


@pytest.mark.parametrize(("seen", "certain"), [(0.5, True), (0.95, False)])
def test_bodies_told_apart_with_no_disc_in_sight_make_the_names_uncertain(seen: float, certain: bool) -> None:
    scan, networks, numbers = seen_by_networks()
    fill_disc(networks.class_probability[3], numbers, 3, seen)
    networks.class_probability[0] = 1 - networks.class_probability[3]
    found = label(networks, scan)
    assert levels_of(found) == LEVELS
    assert found.names_certain == certain
    assert ("no clear disc is seen between L1 and L2" in str(found.remark)) != certain


CHEST = ("C7", *THORACIC, "L1", "L2")


def chest(levels: tuple[str, ...] = CHEST, **options: object) -> tuple[CTScan, NetworkBodies, np.ndarray]:
    votes = tuple("cervical" if level == "C7" else level for level in levels)
    return seen_by_networks(levels, votes=votes, heights_mm=usual_heights(levels), **options)  # type: ignore[arg-type]


def hide_disc(networks: NetworkBodies, numbers: np.ndarray, below: int) -> None:
    fill_disc(networks.class_probability[3], numbers, below, 0.95)
    networks.class_probability[0] = 1 - networks.class_probability[3]


def test_a_doubt_in_the_upper_chest_does_not_reach_the_levels_counted_from_the_last_rib() -> None:
    scan, networks, numbers = chest()
    hide_disc(networks, numbers, CHEST.index("T4") + 1)
    found = label(networks, scan)
    assert levels_of(found) == CHEST
    assert found.names_certain
    assert all(found.certain(level) for level in ("T5", "T12", "L1", "L2"))
    assert all(found.certain(level) for level in ("T1", "T4"))  # counted from the first rib


def test_a_level_between_two_doubts_is_uncertain() -> None:
    scan, networks, numbers = chest()
    for level in ("T4", "T7"):
        hide_disc(networks, numbers, CHEST.index(level) + 1)
    found = label(networks, scan)
    assert found.uncertain == ("T5", "T6", "T7")
    assert found.names_certain
    assert "Of T5 to T7 they are uncertain: no clear disc" in str(found.remark)


def test_a_doubt_below_the_last_rib_makes_what_lies_below_it_uncertain() -> None:
    scan, networks, numbers = chest()
    hide_disc(networks, numbers, CHEST.index("L1") + 1)
    found = label(networks, scan)
    assert found.uncertain == ("L2",)
    assert not found.names_certain


def test_the_other_naming_is_told_with_the_probabilities_of_both() -> None:
    levels = ("T10", "T11", "T12", "L1", "L2", "L3")
    scan, seen, _ = seen_by_networks(levels, heights_mm=usual_heights(levels), ribs=("T10", "T11", "T12"))
    lower = np.roll(seen.level_probability[1:19], 1, axis=0)
    seen.level_probability[1:19] = 0.5 * seen.level_probability[1:19] + 0.5 * lower
    seen.level_probability[CHANNELS.index("rib")] *= 0.6
    found = label(seen, scan)
    assert not found.names_certain
    assert "what is called L2 (probability 0." in str(found.remark)
    assert "might be L3 (0." in str(found.remark)


def test_a_doubt_elsewhere_excuses_no_landmark_that_speaks_against_the_names() -> None:
    # Eleven pairs of ribs on a sacrum, each body taken for the next lower one, and a disc below L3 that is hard to see:
    # what is called L1 is the true T12.
    levels = DOWN_TO_THE_SACRUM
    scan, seen = above_the_sacrum(levels, votes=(*levels[1:], "L5"), ribs=("T10", "T11"))
    foreground, numbers = seen.class_probability[3].astype(np.float32), column(usual_heights(levels), start_mm=40.0)[1]
    fill_disc(foreground, numbers, levels.index("L3") + 1, 0.95)
    seen.class_probability[3], seen.class_probability[0] = foreground, 1 - foreground
    found = label(seen, scan)
    assert not found.names_certain
    assert not any(found.certain(v.level) for v in found.vertebrae)


def test_half_a_body_is_no_certain_one() -> None:
    levels = ("T10", "T11", "T12", "L1", "L2")
    scan, seen, numbers = seen_by_networks(levels, heights_mm=usual_heights(levels))
    z = np.argwhere(numbers == 5)[:, 0]
    cleft = (numbers == 5) & (np.abs(np.arange(len(numbers)) - z.mean()) < 2.5)[:, None, None]
    seen.class_probability[0][cleft], seen.class_probability[3][cleft] = 1, 0
    found = label(seen, scan)
    assert not found.certain(found.vertebrae[-1].level)
    assert not found.names_certain


@pytest.mark.parametrize(("length_mm", "joined"), [(34.0, False), (50.0, True)])
def test_a_body_beside_a_name_left_out_is_two_only_where_it_is_longer_than_others_of_its_level(
    length_mm: float, joined: bool
) -> None:
    lengths = np.array([26.0, 10.0, length_mm, 18.0])  # L1 crushed, L4 cut by the scan
    edges = np.cumsum([0.0, *(lengths + 5.0)])[:-1]
    positions = [NAMES.index(level) for level in ("T12", "L1", "L2", "L4")]
    assert joined_bodies(positions, np.stack([edges, edges + lengths], axis=1)) == ({2} if joined else set())


@pytest.mark.parametrize(("share", "certain"), [(0.6, True), (0.4, False)])
def test_a_body_smaller_than_any_adult_s_makes_the_names_uncertain(share: float, certain: bool) -> None:
    scan, networks, numbers = seen_by_networks()
    voxels = np.argwhere(numbers == 3)
    middle = (voxels.min(axis=0) + voxels.max(axis=0)) / 2
    half = (np.ptp(voxels, axis=0) + 1) / 2
    away = np.linalg.norm(((voxels - middle) / half)[:, 1:], axis=1)  # 1 at the outline
    z, y, x = voxels[away > share].T
    networks.class_probability[:, z, y, x] = np.array([1, 0, 0, 0])[:, None]
    found = label(networks, scan)
    assert levels_of(found) == LEVELS
    assert found.names_certain == certain
    assert ("L1 is smaller than any adult's" in str(found.remark)) != certain


def test_the_first_rib_counts_only_with_a_bare_c7_in_view() -> None:
    upper = ("C7", "T1", "T2", "T3", "T4")
    scan, seen, _ = seen_by_networks(upper, votes=("cervical", *upper[1:]), heights_mm=usual_heights(upper))
    assert "first rib" in str(label(seen, scan).remark)
    upper = ("T1", "T2", "T3", "T4", "T5")
    scan, seen, _ = seen_by_networks(upper, heights_mm=usual_heights(upper))
    assert not label(seen, scan).names_certain


def test_a_faint_row_of_consecutive_levels_is_a_spine() -> None:
    levels = NAMES[NAMES.index("T8") : NAMES.index("L2") + 1]
    scan, seen, _ = seen_by_networks(levels, heights_mm=usual_heights(levels))
    seen.level_probability[1:19] *= 0.42
    found = label(seen, scan)
    assert levels_of(found) == levels
    assert not found.names_certain
    assert "hardly like" in str(found.remark)


def test_names_without_an_anchor_in_view_are_uncertain() -> None:
    scan, seen, _ = seen_by_networks(levels=("T5", "T6", "T7", "T8", "T9"))
    found = label(seen, scan)
    assert levels_of(found) == ("T5", "T6", "T7", "T8", "T9")
    assert not found.names_certain
    assert "neither C7/T1, nor the last rib, nor the sacrum" in str(found.remark)
