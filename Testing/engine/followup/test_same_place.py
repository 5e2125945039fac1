"""A VOI carried into an earlier scan: virtual patients scanned twice, whose move and loss of bone are known."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.followup import LIMITS, Carried, Move, NotCarried, Seen, Why, carry, carry_all
from ldct_bmd.labeling import find_bodies
from ldct_bmd.voi import CylinderVOI, place_voi
from ldct_bmd_lab.phantom import Phantom, PhantomSpec, build_phantom

LEVELS = ("T12", "L1", "L2")
SPINE = {"matrix": (112, 112), "top_level": "T12", "bottom_level": "L2", "table": False}
LESS = 0.93  # of the bone is left
NO_LIMITS = replace(LIMITS, similarity=0.0, overlap=0.0, residual_mm=math.inf, turn_deg=180.0, likelier=1.0)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans of a patient, and the VOIs of the first."""

    now: Phantom
    then: Phantom

    @property
    def seen(self) -> tuple[Seen, Seen]:
        return Seen(self.now.scan, self.now.bodies), Seen(self.then.scan, self.then.bodies)

    def voi(self, level: str) -> CylinderVOI:
        box = find_bodies(self.now.bodies)[VERSE_VALUE[level]]
        return place_voi(self.now.bodies[box] == VERSE_VALUE[level], box, self.now.scan.geometry)

    def exactly(self, level: str) -> CylinderVOI:
        """The VOI where the patient's bone lay then."""
        voi = self.voi(level)
        center = self.then.pose.to_lps(self.now.pose.to_torso(np.asarray(voi.center_lps_mm)))
        axes = np.asarray(voi.axes_lps) @ (self.then.pose.rotation @ self.now.pose.rotation.T).T
        return replace(voi, center_lps_mm=tuple(center.tolist()), axes_lps=tuple(map(tuple, axes.tolist())))


def phantom(bmd: float, seed: int, **spec: object) -> Phantom:
    given = {"spacing_mm": (0.78, 0.78, 1.0), "noise_hu": 30.0, **SPINE, **spec}
    return build_phantom(PhantomSpec(bmd_mg_cm3=bmd, seed=seed, **given))


@pytest.fixture(scope="module")
def pair() -> Pair:
    """Turned by 7 degrees, moved by 11 mm, in thicker slices then."""
    turned = {"rotation_deg": (5.0, -3.0, 4.0), "position_mm": (6.0, -17.0, -5.0), "spacing_mm": (0.7, 0.7, 1.5)}
    return Pair(phantom(110.0 * LESS, 1, position_mm=(0.0, -24.0, 0.0)), phantom(110.0, 2, **turned))


@pytest.fixture(scope="module")
def carried(pair: Pair) -> dict[str, Carried | NotCarried]:
    found = carry_all({level: pair.voi(level) for level in LEVELS}, *pair.seen)
    return {one.level: one for one in found}


@pytest.mark.parametrize("level", LEVELS)
def test_the_voi_is_at_the_same_place_in_the_bone(pair: Pair, carried: dict[str, Carried], level: str) -> None:
    one, exact = carried[level], pair.exactly(level)
    assert isinstance(one, Carried), one
    assert np.linalg.norm(np.subtract(one.voi.center_lps_mm, exact.center_lps_mm)) < 0.7
    turned = np.asarray(one.voi.axes_lps) @ np.asarray(exact.axes_lps).T
    assert math.degrees(math.acos(min(1.0, (np.trace(turned) - 1.0) / 2.0))) < 1.5
    assert one.voi.semi_axes_mm == pair.voi(level).semi_axes_mm
    assert one.registration.move.turn_deg == pytest.approx(7.0, abs=1.5)


@pytest.mark.parametrize("level", LEVELS)
def test_the_mean_there_is_the_true_one_within_its_error(pair: Pair, carried: dict[str, Carried], level: str) -> None:
    one = carried[level]
    truth = pair.then.mean_hu_truth(pair.exactly(level))
    assert abs(one.mean_hu - truth) < 3.0 * math.hypot(one.noise_hu, one.place_hu)
    assert 0.0 < one.place_hu < 4.0


def test_the_same_scans_give_the_same_place_bit_for_bit(pair: Pair, carried: dict[str, Carried]) -> None:
    again = carry("L1", pair.voi("L1"), *pair.seen)
    assert again == carried["L1"]


def test_a_vertebra_that_has_its_neighbours_name_then_is_not_compared(pair: Pair) -> None:
    # T12 was called L1 then, and so on down.
    names = {VERSE_VALUE["T12"]: VERSE_VALUE["L1"], VERSE_VALUE["L1"]: VERSE_VALUE["L2"]}
    names[VERSE_VALUE["L2"]] = VERSE_VALUE["L3"]
    bodies = np.zeros_like(pair.then.bodies)
    for value, called in names.items():
        bodies[pair.then.bodies == value] = called
    now, then = pair.seen
    found = carry_all({level: pair.voi(level) for level in ("L1", "L2")}, now, replace(then, bodies=bodies))
    assert [(one.why, one.facts["other"]) for one in found] == [(Why.OTHER_LEVEL, "L2"), (Why.OTHER_LEVEL, "L3")]


def test_a_level_without_an_outline_then_is_not_compared(pair: Pair) -> None:
    now, then = pair.seen
    bodies = np.where(then.bodies == VERSE_VALUE["L2"], 0, then.bodies)
    assert carry("L2", pair.voi("L2"), now, replace(then, bodies=bodies)) == NotCarried("L2", Why.NO_BODY)


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ({"similarity": 1.0}, Why.UNLIKE),
        ({"turn_deg": 1.0}, Why.TURN),
        ({"overlap": 1.0}, Why.OVERLAP),
        ({"residual_mm": 0.0}, Why.RESIDUAL),
    ],
)
def test_what_is_beyond_a_limit_is_refused_with_its_number(pair: Pair, limit: dict[str, float], why: Why) -> None:
    refused = carry("L1", pair.voi("L1"), *pair.seen, replace(LIMITS, **limit))
    assert isinstance(refused, NotCarried)
    assert refused.why is why
    (number,) = refused.facts.values()
    assert isinstance(number, float)


def test_a_voi_that_would_leave_the_earlier_scan_is_refused(pair: Pair) -> None:
    far = replace(pair.voi("L2"), height_mm=120.0)
    assert carry("L2", far, *pair.seen, NO_LIMITS) == NotCarried("L2", Why.LEAVES_SCAN)


def test_a_body_that_collapsed_since_is_not_laid_over_itself(pair: Pair) -> None:
    spec = {"fracture_level": "L1", "fracture_ratio": 0.55, "position_mm": (0.0, -24.0, 0.0)}
    broken = phantom(110.0, 3, **spec)
    refused = carry("L1", pair.voi("L1"), pair.seen[0], Seen(broken.scan, broken.bodies))
    assert isinstance(refused, NotCarried)


def test_a_move_turns_about_its_point_and_keeps_the_voi_a_cylinder() -> None:
    quarter = Move(((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), (10.0, 0.0, 0.0), (0.0, 0.0, 5.0))
    assert quarter(np.array([11.0, 0.0, 1.0])) == pytest.approx([10.0, 1.0, 6.0])
    assert quarter.turn_deg == pytest.approx(90.0)
    upright = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    moved = quarter.moved(CylinderVOI((11.0, 0.0, 1.0), (12.0, 8.0), upright, 9.0))
    assert moved.center_lps_mm == pytest.approx((10.0, 1.0, 6.0))
    assert np.asarray(moved.axes_lps[0]) == pytest.approx([0.0, 1.0, 0.0])
    assert moved.volume_mm3 == pytest.approx(math.pi * 12.0 * 8.0 * 9.0)
