"""Whether vertebral bodies have a size that adults have: if none has, the voxel size that the scan states looks wrong.

People differ by more than a wrong voxel size of 20 % makes, so only what no adult has is told. In 13 real scans the
logarithms of heights, of sections and of their ratio have an SD of .09, .20 and .12; 20 % in one direction are 2.3, 2.1
and 1.7 of these, so that a limit with one false alarm in a hundred would miss two of three. A BMD, which is a mean over
voxels, hardly depends on their size: with pixels or slices of one real scan 20 to 40 % off, the HU of L2 stay within
2.2 HU, and those of L1 within 2.1 HU unless its outline is told to be doubtful.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from ..findings import Finding, FindingCode
from ..words import Fact
from .facts import LevelHeights

# L1 to L3 by quantitative CT: sections of 8.2 (SD 1.1) cm2 in 25 women and 11.0 (SD 1.3) in 18 men, volumes of 22.4
# (SD 2.4) and 30.9 (SD 2.6) ml, so heights of 27.3 and 28.1 mm (Gilsanz et al., Radiology 190:678, 1994). Half of the
# women's section and twice the men's: spurs widen bodies with age. Heights: a third more, or less, than either.
LEVELS = ("L1", "L2", "L3")
SECTION_CM2 = (4.1, 22.0)
HEIGHT_MM = (18.0, 37.5)


def size_findings(volumes_ml: Mapping[str, float], heights: Sequence[LevelHeights]) -> list[Finding]:
    """Return whether the whole lumbar bodies are larger or smaller than any adult's.

    Args:
        volumes_ml: of all bodies.
        heights: of the whole ones.
    """
    heights_mm = {
        one.level: sum(one.heights.each_mm) / 3.0 for one in heights if one.level in LEVELS and one.level in volumes_ml
    }
    if not heights_mm:
        return []
    section_cm2 = median(10.0 * volumes_ml[level] / height for level, height in heights_mm.items())
    # A crushed body is low: all of them are only where the slices are not as far apart as is stated.
    low, high = max(heights_mm.values()), median(heights_mm.values())
    facts: dict[str, Fact] = {"levels": tuple(heights_mm)}
    if low < HEIGHT_MM[0] or high > HEIGHT_MM[1]:
        facts |= {
            "case": "height",
            "height_mm": low if low < HEIGHT_MM[0] else high,
            "least": HEIGHT_MM[0],
            "most": HEIGHT_MM[1],
        }
    elif not SECTION_CM2[0] <= section_cm2 <= SECTION_CM2[1]:
        facts |= {"case": "section", "section_cm2": section_cm2, "least": SECTION_CM2[0], "most": SECTION_CM2[1]}
    else:
        return []
    return [Finding(FindingCode.VOXEL_SIZE, None, facts)]
