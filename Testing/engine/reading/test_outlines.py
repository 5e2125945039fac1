"""Where a slice cuts a VOI or a body, against what geometry says."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers_record import UPRIGHT, body_mask, column_scan
from ldct_bmd.examination import BodyMask
from ldct_bmd.reading.outlines import body_outlines, voi_outline
from ldct_bmd.scan import Geometry
from ldct_bmd.voi import CylinderVOI

GRID = Geometry((100, 100, 100), (0.8, 0.8, 1.25), (-40.0, -40.0, -60.0), UPRIGHT)
CENTER_LPS_MM = (3.0, -4.0, 10.0)
CENTER_MM = np.array([43.0, 36.0, 70.0])  # along the scan's axes, from the first voxel
VOI = CylinderVOI(CENTER_LPS_MM, (12.0, 8.0), UPRIGHT, 9.0)


def area(outline: NDArray[np.float64]) -> float:
    x, y = outline.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def test_an_axial_slice_cuts_the_ellipse() -> None:
    outline = voi_outline(VOI, GRID, 2, float(CENTER_MM[2]))
    offset = (outline - CENTER_MM[:2]) / VOI.semi_axes_mm
    assert np.hypot(*offset.T) == pytest.approx(1.0, abs=1e-9)
    assert area(outline) == pytest.approx(np.pi * 12.0 * 8.0, rel=1e-3)


@pytest.mark.parametrize(("across", "semi", "other"), [(0, 12.0, 8.0), (1, 8.0, 12.0)])
@pytest.mark.parametrize("part", [0.0, 0.6])
def test_a_lengthwise_slice_cuts_a_rectangle_that_narrows_off_the_middle(
    across: int, semi: float, other: float, part: float
) -> None:
    outline = voi_outline(VOI, GRID, across, float(CENTER_MM[across] + part * semi))
    width, height = np.ptp(outline, axis=0)
    assert height == pytest.approx(9.0, abs=1e-9)
    assert width == pytest.approx(2 * other * np.sqrt(1 - part**2), rel=2e-3)


@pytest.mark.parametrize(("across", "beyond"), [(2, 4.6), (0, 12.1), (1, -8.1)])
def test_a_slice_beside_the_voi_cuts_nothing(across: int, beyond: float) -> None:
    assert len(voi_outline(VOI, GRID, across, float(CENTER_MM[across] + beyond))) == 0


def test_a_tilted_voi_is_cut_along_a_longer_ellipse() -> None:
    turn = np.radians(20.0)
    axes = ((1.0, 0.0, 0.0), (0.0, np.cos(turn), np.sin(turn)), (0.0, -np.sin(turn), np.cos(turn)))
    tilted = replace(VOI, axes_lps=axes, height_mm=40.0)
    assert area(voi_outline(tilted, GRID, 2, float(CENTER_MM[2]))) == pytest.approx(
        np.pi * 12.0 * 8.0 / np.cos(turn), rel=1e-3
    )


@pytest.mark.parametrize("across", [0, 1, 2])
def test_the_outline_of_a_body_holds_its_voxels(across: int) -> None:
    body, geometry = body_mask("L1"), column_scan().geometry
    axis = 2 - across
    index = (body.box[axis].start + body.box[axis].stop) // 2
    voxels = np.take(body.inside, index - body.box[axis].start, axis=axis).sum()
    (outline,) = body_outlines(body, geometry, across, index)
    # Lines at half between voxels cut a corner's half off each step of the border.
    assert area(outline) == pytest.approx(float(voxels), rel=0.04)
    first, second = (i for i in range(3) if i != across)
    plane = np.argwhere(np.take(body.inside, index - body.box[axis].start, axis=axis)).mean(axis=0)
    middle = [plane[1] + body.box[2 - first].start, plane[0] + body.box[2 - second].start]
    assert outline.mean(axis=0) == pytest.approx(middle, abs=1.0)


def test_a_slice_beside_a_body_has_no_outline() -> None:
    body = body_mask("L1")
    assert body_outlines(BodyMask(body.box, body.inside), column_scan().geometry, 2, body.box[0].stop) == []
