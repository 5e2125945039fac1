"""One rule set: its limits, whom it is meant for, and where it was published."""

import math
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from ..anatomy import ASSESSED_LEVELS, LEVELS
from ..words import Phrase

_HIGHEST_MG_CM3 = 400.0  # trabecular bone of the spine is below
_HIGHEST_HU = 600.0


class Category(str, Enum):
    """Bone mass by the mean BMD of L1 and L2."""

    NORMAL = "normal"
    OSTEOPENIA = "osteopenia"
    OSTEOPOROSIS = "osteoporosis"
    SEVERE_OSTEOPOROSIS = "severe_osteoporosis"  # with a fragility fracture that a reader confirmed
    NOT_OSTEOPOROSIS = "not_osteoporosis"  # of a rule set that says no more

    @property
    def is_osteoporosis(self) -> bool:
        """Whether it is osteoporosis, severe or not."""
        return self in (Category.OSTEOPOROSIS, Category.SEVERE_OSTEOPOROSIS)


@dataclass(frozen=True)
class HULimit:
    """A site's own limit on the mean HU of one level: a finding says where it is passed, the category does not ask.

    Attributes:
        source: with which regions of interest, on which scanner and against what it was found.

    Raises:
        ValueError: there is no such level, or HU of bone can't be at that limit.
    """

    level: str
    below_hu: float
    source: str

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(Phrase("rules.no_level", {"level": self.level}))
        if not 0.0 < self.below_hu < _HIGHEST_HU:
            raise ValueError(Phrase("rules.hu_limit", {"below_hu": self.below_hu, "most_hu": _HIGHEST_HU}))


@dataclass(frozen=True)
class RuleSet:
    """The limits of the categories, for BMD in K2HPO4 equivalents.

    Attributes:
        name: by which a user chooses it.
        title: as it is shown.
        osteoporosis_below_mg_cm3: below it is osteoporosis.
        normal_above_mg_cm3: above it is normal, and osteopenia lies between; None: what is not osteoporosis has no
            further name.
        lumbar_levels: how many of L1 and L2 the mean has to rest on for a category.
        severe_with_fracture: osteoporosis with a confirmed fracture is called severe.
        sexes: of the patients that it is meant for, as DICOM codes them; none: of any.
        from_age_years: the age from which it is meant; None: nothing is said.
        source: the publication.
        address: where it can be read.
        hu_limit: a site's own.

    Raises:
        ValueError: the limits are not in order or beyond what bone has, or the number of levels is not 1 or 2.
    """

    name: str
    title: str | Phrase
    osteoporosis_below_mg_cm3: float
    normal_above_mg_cm3: float | None
    source: str
    address: str | None = None
    lumbar_levels: int = 1
    severe_with_fracture: bool = False
    sexes: tuple[str, ...] = ()
    from_age_years: float | None = None
    hu_limit: HULimit | None = None

    def __post_init__(self) -> None:
        limits = (0.0, *self.limits_mg_cm3, _HIGHEST_MG_CM3)
        if not all(low < high for low, high in pairwise(limits)):
            raise ValueError(Phrase("rules.limits", {"most_mg_cm3": _HIGHEST_MG_CM3}))
        if not 1 <= self.lumbar_levels <= len(ASSESSED_LEVELS):
            raise ValueError(Phrase("rules.lumbar_levels"))
        if not set(self.sexes) <= {"F", "M"}:
            raise ValueError(Phrase("rules.sexes"))

    @property
    def limits_mg_cm3(self) -> tuple[float, ...]:
        """The limits between the categories, ascending."""
        normal = () if self.normal_above_mg_cm3 is None else (self.normal_above_mg_cm3,)
        return (self.osteoporosis_below_mg_cm3, *normal)

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories that the limits divide, ascending by BMD."""
        above = (Category.NOT_OSTEOPOROSIS,)
        return (
            Category.OSTEOPOROSIS,
            *(above if self.normal_above_mg_cm3 is None else (Category.OSTEOPENIA, Category.NORMAL)),
        )

    def categorize(self, mean_bmd_mg_cm3: float) -> Category:
        """Return the category of ``mean_bmd_mg_cm3``, unrounded; what equals a limit is neither below nor above it.

        Raises:
            ValueError: the BMD is not finite.
        """
        if not math.isfinite(mean_bmd_mg_cm3):
            raise ValueError(f"a BMD of {mean_bmd_mg_cm3} mg/cm3 has no category")
        if mean_bmd_mg_cm3 < self.osteoporosis_below_mg_cm3:
            return Category.OSTEOPOROSIS
        if self.normal_above_mg_cm3 is None:
            return Category.NOT_OSTEOPOROSIS
        return Category.NORMAL if mean_bmd_mg_cm3 > self.normal_above_mg_cm3 else Category.OSTEOPENIA
