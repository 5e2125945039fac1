"""Real vertebrae scanned again, turned and moved by a known amount: found again, and told from their neighbours."""

import sys
from itertools import pairwise

import numpy as np
import pytest

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.followup import Carried, NotCarried, Seen, Why, carry_all
from places import DATA, ROOT

NAME = "acrin_fdg_042"  # nothing was chosen on it
SCAN = DATA / "real" / "train" / NAME
pytestmark = pytest.mark.skipif(not SCAN.is_dir(), reason=f"{SCAN} is not there")
sys.path.insert(0, str(ROOT / "Testing" / "benchmarks"))


@pytest.fixture(scope="module")
def again():
    from same_place_real import load, scanned_before

    return scanned_before(load(SCAN), 2)


def test_they_are_found_within_half_a_millimetre_and_their_change_within_its_error(again) -> None:
    from same_place_real import errors

    rows = np.asarray(list(errors(again)))
    assert len(rows) == 4  # T11 to L2
    _, carried, said, _, carried_mm = rows.T
    assert (carried_mm < 0.5).all()
    assert (np.abs(carried) < 3.0 * said).all()


def test_a_column_that_was_named_one_off_is_noticed_at_every_level(again) -> None:
    from same_place_real import placed

    shifted = np.zeros_like(again.then.bodies)
    names = ("T11", "T12", "L1", "L2", "L3")
    for was, called in pairwise(names):
        shifted[again.then.bodies == VERSE_VALUE[was]] = VERSE_VALUE[called]
    vois = {level: voi for level, voi in placed(again.now).items() if level != "T11"}
    found = carry_all(vois, again.now, Seen(again.then.scan, shifted))
    assert not any(isinstance(one, Carried) for one in found)
    assert {one.why for one in found if isinstance(one, NotCarried)} == {Why.OTHER_LEVEL}
