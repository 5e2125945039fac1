"""Which vertebrae bear a rib: bands beside a straight spine, in the coarse network's rib channel."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from ldct_bmd.labeling.curve import SpineCurve
from ldct_bmd.labeling.ribs import RIB_SIGNS, RibCount
from ldct_bmd.scan import Geometry
from ldct_bmd.segmentation import NetworkBodies
from ldct_bmd.segmentation.levels import CHANNELS

VOXEL_MM = 4.0
UPPER = ("C7", "T1", "T2", "T3")
LOWER = ("T9", "T10", "T11", "T12", "L1", "L2")
HEIGHT_MM = {"C7": 18.0, "T1": 20.0, "T2": 21.0, "T3": 22.0, "T9": 26.0, "T10": 27.0, "T11": 29.0, "T12": 31.0}
LOWER_BEARERS = ("T9", "T10", "T11", "T12")
MARGIN_MM = 50.0  # of scan above and below the middles of the first and last bodies


def ribs_beside(
    levels: Sequence[str],
    bearers: Sequence[str],
    descent: float = 0.0,
    above_mm: float = 7.0,
    sides: Sequence[float] = (-1.0, 1.0),
    width_mm: float = 240.0,
    begin_mm: float = 22.0,
    below_mm: float = MARGIN_MM,
) -> RibCount:
    """Return the count beside bodies of these levels, of which ``bearers`` bear ribs 10 mm thick.

    Args:
        descent: mm that a rib comes down for each mm sideways.
        above_mm: how far its start lies above the middle of its body.
        width_mm: of the scan, about the spine.
        begin_mm: how far beside the spine's middle the ribs begin.
        below_mm: how far the scan goes below the middle of the last body.
    """
    steps = [(HEIGHT_MM.get(a, 33.0) + HEIGHT_MM.get(b, 33.0)) / 2 for a, b in pairwise(levels)]
    centres = below_mm + sum(steps) - np.concatenate([[0.0], np.cumsum(steps)])
    shape = (round((centres[0] + MARGIN_MM) / VOXEL_MM), 30, round(width_mm / VOXEL_MM))
    z, y, x = (i * VOXEL_MM for i in np.indices(shape))
    spine_y, spine_x = 40.0, (shape[2] - 1) * VOXEL_MM / 2
    rib = np.zeros(shape)
    for level, centre in zip(levels, centres, strict=True):
        if level not in bearers:
            continue
        for side in sides:
            aside = side * (x - spine_x)
            away = np.abs(z - (centre + above_mm - descent * (aside - begin_mm))) / np.hypot(1.0, descent)
            rib[(aside > begin_mm) & (away <= 5.0) & (np.abs(y - spine_y - 15.0) <= 6.0)] = 1.0
    probability = np.zeros((len(CHANNELS), *shape), dtype=np.float16)
    probability[CHANNELS.index("rib")] = rib
    geometry = Geometry(
        (shape[2], shape[1], shape[0]),
        (VOXEL_MM, VOXEL_MM, VOXEL_MM),
        (0.0, 0.0, 0.0),
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    )
    seen = NetworkBodies(geometry, np.zeros((4, 1, 1, 1), dtype=np.float16), geometry, probability)
    line = np.arange(-20.0, shape[0] * VOXEL_MM + 20.0)
    curve = SpineCurve(line, np.full_like(line, spine_y), np.full_like(line, spine_x), line)
    return RibCount(seen, curve, centres)


# A rib that starts low and comes down steeply lies where the next one would: no such combination here.
@pytest.mark.parametrize(
    ("descent", "above_mm"),
    [*((descent, above_mm) for descent in (0.0, 0.4, 0.8) for above_mm in (3.0, 6.0, 9.0)), (1.2, 6.0), (1.2, 9.0)],
)
def test_the_last_rib_is_seen_however_steep_and_none_below_it(descent: float, above_mm: float) -> None:
    ribs = ribs_beside(LOWER, LOWER_BEARERS, descent, above_mm)
    last = LOWER.index("T12")
    assert ribs.seen(last, "T12") > RIB_SIGNS.present
    assert ribs.seen(last + 1, "L1") < RIB_SIGNS.absent
    # Nor is it, were the names off by one: what counts is where a body lies.
    assert ribs.seen(last, "T11") > RIB_SIGNS.present
    assert ribs.seen(last + 1, "T12") < RIB_SIGNS.absent


@pytest.mark.parametrize("descent", [0.0, 0.4, 0.8, 1.2])
def test_a_twelfth_vertebra_without_a_rib_is_not_lent_the_eleventh(descent: float) -> None:
    ribs = ribs_beside(LOWER, LOWER_BEARERS[:-1], descent)
    assert ribs.seen(LOWER.index("T11"), "T11") > RIB_SIGNS.present
    assert ribs.seen(LOWER.index("T12"), "T12") < RIB_SIGNS.absent


@pytest.mark.parametrize("above_mm", [5.0, 8.0, 11.0])
def test_the_first_rib_is_seen_and_none_at_c7(above_mm: float) -> None:
    ribs = ribs_beside(UPPER, UPPER[1:], 0.1, above_mm)
    assert ribs.seen(UPPER.index("T1"), "T1") > RIB_SIGNS.present
    assert ribs.seen(UPPER.index("C7"), "C7") < RIB_SIGNS.absent


def test_a_band_that_comes_up_sideways_is_no_lower_rib() -> None:
    ribs = ribs_beside(LOWER, LOWER_BEARERS, -0.8)
    assert ribs.seen(LOWER.index("T12"), "T12") < RIB_SIGNS.absent


def test_a_rib_on_one_side_is_a_rib() -> None:
    ribs = ribs_beside(LOWER, LOWER_BEARERS, 0.6, sides=(1.0,))
    assert ribs.seen(LOWER.index("T12"), "T12") > RIB_SIGNS.present


def test_a_rib_that_ends_or_begins_within_reach_of_a_transverse_process_is_none() -> None:
    ribs = ribs_beside(LOWER, LOWER_BEARERS, 0.4, begin_mm=56.0)
    assert ribs.seen(LOWER.index("T12"), "T12") < RIB_SIGNS.absent


@pytest.mark.parametrize("level", ["T8", "T9", "T12"])
def test_beside_a_narrow_scan_nothing_is_known(level: str) -> None:
    ribs = ribs_beside(LOWER, LOWER_BEARERS, width_mm=72.0)
    assert np.isnan(ribs.seen(0, level))


@pytest.mark.parametrize("level", ["T8", "T9", "T12", "L1"])
def test_near_the_lower_edge_nothing_is_known_whatever_the_name(level: str) -> None:
    # A steep rib would leave the scan: that none is seen tells neither name.
    ribs = ribs_beside(LOWER[:4], (), below_mm=2.0)
    assert np.isnan(ribs.seen(3, level))
    evidence = ribs.evidence()
    assert not evidence.bearing[3].any()
    assert not evidence.bare[3].any()
