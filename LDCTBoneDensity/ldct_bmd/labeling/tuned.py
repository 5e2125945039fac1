"""Numbers that were chosen by looking at data: each says its unit, why it is what it is, and which data that was.

They are fields of frozen dataclasses, one for each step. A step takes its dataclass as an argument, so that another
value can be tried, on other data, without a change to the code.
"""

from dataclasses import field
from typing import Any, TypeVar

# Which scans a number was chosen on. What was chosen on a scan is not tested by it.
CHEST_AND_ABDOMEN = "a chest CT of 1.25 mm (MIDRC-RICORD-1A) and an abdomen CT of 3 mm, then kept for the others"
FOUR_REAL_SCANS = (
    "the chest CT of 1.25 mm (MIDRC-RICORD-1A), the abdomen CT of 3 mm and the two low-dose PET/CTs of 4.25 mm "
    "(ACRIN-FLT-Breast)"
)
UPPER_PETCT = "the upper of the low-dose PET/CTs of 4.25 mm (ACRIN-FLT-Breast)"
LOWER_PETCT = "the lower of the low-dose PET/CTs of 4.25 mm (ACRIN-FLT-Breast)"
SYNTHETIC = "synthetic scans that the networks were not trained on"
NO_SPINES = (
    "scans of phantoms' rods and of spines upside down, and synthetic scans without a spine, together with whole chests"
)
PATIENTS_ATLAS_PHANTOM = "two patients' scans, the torso atlas and the phantom"
THREE_SLICES = "three scans whose bodies are outlined, with slices of 1, 2 and 3.3 mm"
NOT_RECORDED = "not recorded"
DRAWN = "columns drawn for the tests; no scan"
ANATOMY = "adult anatomy; no scan"

T = TypeVar("T")


def tuned(value: T, means: str, *, unit: str, source: str, data: str) -> T:
    """Return the field of a frozen dataclass with the default ``value``.

    Args:
        means: what the number does.
        unit: what it is counted in.
        source: why it is this value.
        data: what it was chosen on.
    """
    metadata = {"means": means, "unit": unit, "source": source, "data": data}
    made: Any = field(default=value, metadata=metadata)
    return made
