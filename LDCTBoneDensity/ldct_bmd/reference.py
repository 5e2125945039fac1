"""Reference curves: BMD by age and sex of a named population, as data, and where one patient stands among them.

None ships: no published table could be read whole, with its calibration and its levels. A site gives the figures that
it has a source for as a file. There is no T-score: the limits of -1 and -2.5 are those of DXA.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import Path

from .anatomy import LEVELS
from .calibration import MATERIALS
from .ground.errors import UsageError
from .ground.plain import PlainError, from_plain, read_json
from .words import Phrase

FILE_SCHEMA = "ldct-bmd-reference/1"
_WHAT = Phrase("reference.file")
_HIGHEST_MG_CM3 = 400.0  # trabecular bone of the spine is below
_OLDEST = 120.0
_STEP_YEARS = 0.5


class Unfit(str, Enum):
    """Why a patient is not compared with a population."""

    NO_MEAN = "no_mean"
    NO_CATEGORY = "no_category"  # what forbids the category forbids this
    MATERIAL = "material"
    LEVELS = "levels"
    SEX = "sex"
    AGE = "age"


@dataclass(frozen=True)
class AgeGroup:
    """What was published of one age group.

    Attributes:
        from_years: the first age in it.
        to_years: the first age above it.
        mean_mg_cm3, sd_mg_cm3: of its people.
        people: how many; None where that was not published.

    Raises:
        ValueError: the ages are not in order, bone has no such BMD, or nobody was measured.
    """

    from_years: float
    to_years: float
    mean_mg_cm3: float
    sd_mg_cm3: float
    people: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.from_years < self.to_years <= _OLDEST:
            raise ValueError(Phrase("reference.ages"))
        if not 0.0 < self.sd_mg_cm3 < self.mean_mg_cm3 < _HIGHEST_MG_CM3:
            raise ValueError(Phrase("reference.bmd", {"most_mg_cm3": _HIGHEST_MG_CM3}))
        if self.people is not None and self.people < 1:
            raise ValueError(Phrase("reference.people"))

    @property
    def middle_years(self) -> float:
        """The age that its figures are taken to be of."""
        return (self.from_years + self.to_years) / 2.0


@dataclass(frozen=True)
class ReferenceCurve:
    """BMD by age and sex of one population.

    Attributes:
        title: as it is shown.
        population: who was measured, where and when.
        material: of the BMD, one of :data:`.calibration.MATERIALS`.
        levels: the levels that the BMD is the mean of.
        calibration: how HU became BMD there: phantom, method, tube voltage.
        source: the publication, or the site's own study.
        address: where it can be read.
        women, men: age groups, youngest first; none: not of that sex.

    Raises:
        ValueError: there is no such material or level, no group at all, or groups overlap.
    """

    title: str
    population: str
    material: str
    levels: tuple[str, ...]
    calibration: str
    source: str
    address: str | None = None
    women: tuple[AgeGroup, ...] = ()
    men: tuple[AgeGroup, ...] = ()

    def __post_init__(self) -> None:
        if self.material not in MATERIALS:
            raise ValueError(Phrase("reference.material", {"material": self.material, "materials": MATERIALS}))
        if not self.levels or not set(self.levels) <= set(LEVELS):
            raise ValueError(Phrase("reference.levels"))
        if not all(text.strip() for text in (self.title, self.population, self.calibration, self.source)):
            raise ValueError(Phrase("reference.unsaid"))
        if not self.women and not self.men:
            raise ValueError(Phrase("reference.empty"))
        for groups in (self.women, self.men):
            if any(younger.to_years > older.from_years for younger, older in pairwise(groups)):
                raise ValueError(Phrase("reference.order"))

    def groups(self, sex: str | None) -> tuple[AgeGroup, ...]:
        """Return the age groups of a sex, as DICOM codes it; none of any other."""
        return {"F": self.women, "M": self.men}.get(sex or "", ())

    def expected(self, sex: str | None, age_years: float) -> tuple[float, float] | None:
        """Return mean and standard deviation in mg/cm3 at an age; None outside of the groups.

        Between the middles of two groups both go along a straight line; a step at a birthday would be nobody's bone.
        """
        groups = self.groups(sex)
        if not any(group.from_years <= age_years < group.to_years for group in groups):
            return None
        for younger, older in pairwise(groups):
            if younger.middle_years <= age_years <= older.middle_years:
                part = (age_years - younger.middle_years) / (older.middle_years - younger.middle_years)
                mean = younger.mean_mg_cm3 + part * (older.mean_mg_cm3 - younger.mean_mg_cm3)
                return mean, younger.sd_mg_cm3 + part * (older.sd_mg_cm3 - younger.sd_mg_cm3)
        end = groups[0] if age_years < groups[0].middle_years else groups[-1]
        return end.mean_mg_cm3, end.sd_mg_cm3

    def drawn(self, sex: str | None) -> tuple[list[float], list[float], list[float]]:
        """Return ages, means and standard deviations to draw the curve of a sex through; empty if it has no values."""
        groups = self.groups(sex)
        if not groups:
            return [], [], []
        steps = int((groups[-1].to_years - groups[0].from_years) / _STEP_YEARS)
        ages = [groups[0].from_years + step * _STEP_YEARS for step in range(steps + 1)]
        there = [(age, *found) for age in ages if (found := self.expected(sex, age)) is not None]
        return [one[0] for one in there], [one[1] for one in there], [one[2] for one in there]


@dataclass(frozen=True)
class Standing:
    """Where a BMD stands among people of the same age and sex.

    Attributes:
        mean_mg_cm3, sd_mg_cm3: of these people.
    """

    bmd_mg_cm3: float
    mean_mg_cm3: float
    sd_mg_cm3: float

    @property
    def z_score(self) -> float:
        """How many standard deviations it lies above their mean."""
        return (self.bmd_mg_cm3 - self.mean_mg_cm3) / self.sd_mg_cm3

    @property
    def percentile(self) -> float:
        """How many of 100 of them have less, if their BMD is normally distributed."""
        return 50.0 * (1.0 + math.erf(self.z_score / math.sqrt(2.0)))


def unfit(
    curve: ReferenceCurve, bmd_mg_cm3: float | None, levels: Sequence[str], material: str | None, has_category: bool
) -> Unfit | None:
    """Return why no mean BMD like this is compared with a population, whoever's it is; None: it is.

    Args:
        bmd_mg_cm3: mean over ``levels`` in mg/cm3 of ``material``; None: there is none.
        has_category: False where something forbids the category, and this with it.
    """
    if bmd_mg_cm3 is None:
        return Unfit.NO_MEAN
    if not has_category:
        return Unfit.NO_CATEGORY
    if material != curve.material:
        return Unfit.MATERIAL
    return None if set(levels) == set(curve.levels) else Unfit.LEVELS


def standing(
    curve: ReferenceCurve,
    bmd_mg_cm3: float | None,
    levels: Sequence[str],
    material: str,
    sex: str | None,
    age_years: float | None,
    has_category: bool = True,
) -> Standing | Unfit:
    """Compare the mean BMD of a patient with a population, or return why not.

    Args:
        bmd_mg_cm3, levels, material, has_category: as :func:`unfit` takes them.
        sex: as DICOM codes it.
    """
    why = unfit(curve, bmd_mg_cm3, levels, material, has_category)
    if why is not None or bmd_mg_cm3 is None:
        return why or Unfit.NO_MEAN
    if not curve.groups(sex):
        return Unfit.SEX
    expected = None if age_years is None else curve.expected(sex, age_years)
    return Unfit.AGE if expected is None else Standing(bmd_mg_cm3, *expected)


def load_reference(path: Path) -> ReferenceCurve:
    """Return the reference curve of a JSON file: ``schema`` ("ldct-bmd-reference/1") and the fields of the class.

    Raises:
        UsageError: it cannot be read, or is no reference curve.
    """
    values = read_json(path, _WHAT)
    schema = values.pop("schema", None) if isinstance(values, dict) else None
    if schema != FILE_SCHEMA:
        raise UsageError("reference.other_schema", file=path.name, known=FILE_SCHEMA)
    try:
        return from_plain(ReferenceCurve, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error
    except ValueError as error:
        raise UsageError("reference.wrong", file=path.name, problem=str(error)) from error


def reference_for(file: Path | None, deidentify: bool) -> ReferenceCurve | None:
    """Return the population of a file; UsageError if it cannot be used, or beside what shall not name the site."""
    if file is None:
        return None
    if deidentify:  # its title and source may name the site
        raise UsageError("reference.deidentified")
    return load_reference(file)
