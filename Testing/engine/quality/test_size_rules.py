"""Bodies that no adult has: the voxel size looks wrong."""

import pytest

from ldct_bmd.morphometry import BodyHeights
from ldct_bmd.quality import LevelHeights, size_findings

# Section (cm2) and height (mm) of L1 to L3 of women and men by quantitative CT (Gilsanz 1994), and of a man with spurs.
WOMAN, MAN, OLD_MAN = (8.2, 27.3), (11.0, 28.1), (18.7, 31.0)


def found(section_cm2: float, *heights_mm: float) -> list[str]:
    levels = ("L1", "L2", "L3")
    heights = [LevelHeights(level, BodyHeights(mm, mm, mm, 0.5)) for level, mm in zip(levels, heights_mm, strict=False)]
    volumes_ml = {one.level: section_cm2 * one.heights.middle_mm / 10.0 for one in heights}
    return [str(finding.facts["case"]) for finding in size_findings(volumes_ml, heights)]


@pytest.mark.parametrize("body", [WOMAN, MAN, OLD_MAN])
def test_adults_are_let_pass(body: tuple[float, float]) -> None:
    section_cm2, height_mm = body
    assert found(section_cm2, height_mm, height_mm, height_mm) == []


@pytest.mark.parametrize("body", [WOMAN, MAN])
@pytest.mark.parametrize(("wide", "high", "case"), [(1.0, 1.5, "height"), (1.0, 0.6, "height"), (1.7, 1.0, "section")])
def test_bodies_of_a_wrong_voxel_size_are_told(body: tuple[float, float], wide: float, high: float, case: str) -> None:
    section_cm2, height_mm = body
    assert found(section_cm2 * wide**2, height_mm * high, height_mm * high) == [case]


def test_a_crushed_body_is_no_wrong_voxel_size() -> None:
    assert found(11.0, 12.0, 14.0, 27.0) == []


def test_nothing_is_told_without_a_whole_lumbar_body() -> None:
    assert found(11.0) == []
