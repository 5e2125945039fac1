"""Bodies on the scan's own grid: where they are, and which the scan's edge cuts."""

import numpy as np
import pytest

from helpers_networks import LEVELS, seen_by_networks
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.labeling import label


@pytest.mark.parametrize("thickness_mm", [0.5, 1.0, 2.5])
def test_masks_lie_on_the_scans_grid_where_the_bodies_are(thickness_mm: float) -> None:
    scan, seen, numbers = seen_by_networks(thickness_mm=thickness_mm)
    found = label(seen, scan)
    for number, level in enumerate(LEVELS, start=1):
        vertebra = found.vertebra(level)
        assert vertebra is not None
        voxels = np.argwhere(numbers == number)
        centre = seen.geometry.to_lps_mm(voxels.mean(axis=0)[::-1])
        # Whole slices are in or out, at both ends alike at the worst.
        assert np.allclose(vertebra.centroid_lps_mm, centre, atol=max(0.3, 0.5 * thickness_mm))
        true_ml = len(voxels) * seen.geometry.voxel_volume_mm3 / 1000
        assert vertebra.volume_ml == pytest.approx(true_ml, rel=0.06)
        box, body = found.mask(level)
        assert body.sum() * scan.geometry.voxel_volume_mm3 / 1000 == pytest.approx(vertebra.volume_ml)
        assert (found.bodies[box] == VERSE_VALUE[level]).sum() == body.sum()


def test_a_body_cut_by_the_edge_is_incomplete_and_the_others_are_not() -> None:
    scan, seen, _ = seen_by_networks(start_mm=-12.0)
    found = label(seen, scan)
    assert [v.complete for v in found.vertebrae] == [True, True, True, True, False]
