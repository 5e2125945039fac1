"""What calibration by the patient's own tissues does on virtual patients, beside a phantom's line and the nominal one.

A site scans its phantom once. Some of its patients, whose line that is, pre-calibrate the tissues; others are measured,
before and after the scanner has drifted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ldct_bmd.calibration.nominal import NOMINAL
from ldct_bmd.calibration.tissue import TissueHU, scale_offset_hu

from ..simulation.intervals import pad_fit
from .internal import DRIFTS, NO_DRIFT, SHIFTS, SITES, Drift, Scans, Shown, Tissues, draw_scans
from .internal_methods import AIR, BLOOD, BONE, FAT, MUSCLE, PreCalibrated, beam, pre_calibrate

Array = NDArray[np.float64]

DRAWS, SCANS, TOGETHER = 100, (10, 30), 30
MOST_FALSE = 0.01
_FEW_DRAWS = 5  # of what takes a fit for each patient, or is told of each patient alone
_SOFT, _WITH_BONE = (AIR, FAT, MUSCLE, BLOOD), (FAT, MUSCLE, BLOOD, BONE)

NOMINAL_WAY, SITE_WAY = "nominal line", "the site's phantom line"
# Not pre-calibrated: BMD of one scan's tissues and its bone's HU. Air and cortical bone share no line of density.
ALONE: dict[str, Callable[[Sequence[float], float], float]] = {
    "alone: air, fat, muscle, blood; in triglyceride": lambda hu, bone: beam(hu, _SOFT, _SOFT).in_fat_mg_cm3(bone),
    "alone: fat, muscle, blood, cortical bone; in triglyceride": lambda hu, bone: beam(
        hu, _WITH_BONE, _WITH_BONE
    ).in_fat_mg_cm3(bone),
    "alone: energy by cortical bone; in water": lambda hu, bone: beam(hu, _WITH_BONE, _SOFT).in_water_mg_cm3(bone),
}
# The first and the last are the best ones of https://discovery.researcher.life/article/opportunistic-screening-with-ct-
# comparison-of-phantomless-bmd-calibration-methods/5cdd09b05c2c3d999f40bdf096bf1687; the second is what a scan of the
# chest holds.
PRE_CALIBRATED = {
    "air, blood": (AIR, BLOOD),
    "air, fat, muscle, blood": _SOFT,
    "fat, blood, cortical bone": (FAT, BLOOD, BONE),
}
EXISTING_LIGHT = "the engine's warning light"


@dataclass(frozen=True)
class Errors:
    """Errors of one way in one drift, over sites, draws and patients, in mg/cm3."""

    way: str
    drift: Drift
    error_mg_cm3: Array

    @property
    def bias_mg_cm3(self) -> float:
        """Their mean."""
        return float(self.error_mg_cm3.mean())

    @property
    def sd_mg_cm3(self) -> float:
        """Their standard deviation."""
        return float(self.error_mg_cm3.std(ddof=1))


@dataclass(frozen=True)
class Alarms:
    """How many patients, or series of patients, a way says that the line is wrong for."""

    way: str
    drift: Drift
    share: float


@dataclass(frozen=True)
class _Line:
    """Of a site's phantom scan, with its error."""

    slope: float
    intercept_mg_cm3: float

    def bmd(self, hu: Array) -> Array:
        return self.slope * hu + self.intercept_mg_cm3


@dataclass(frozen=True)
class _Draw:
    """A site, its phantom scan, and its patients ``before`` any drift; the first ones in ``order`` pre-calibrate."""

    shown: Shown
    tissues: Tissues
    place: int
    number: int
    line: _Line
    before: Scans
    order: NDArray[np.int64]
    seed: int

    def after(self, drift: Drift) -> Scans:
        """Return scans of the same patients after ``drift``: the same draws whatever that is."""
        rng = np.random.default_rng([self.seed, self.number, self.place, 1])
        return draw_scans(self.shown, self.place, SITES[self.place], drift, self.tissues, rng)

    def pre_calibrated(self, count: int, taken: tuple[int, ...]) -> PreCalibrated:
        known = self.before.tissue_hu[self.order[:count]]
        return pre_calibrate(known, self.line.slope, self.line.intercept_mg_cm3, taken)

    def off(self, made: PreCalibrated, scans: Scans) -> Array:
        """Return BMD by the tissues less BMD by the line."""
        return made.bmd_of(scans.tissue_hu, scans.bone_hu) - self.line.bmd(scans.bone_hu)


def check_internal(
    shown: Shown, tissues: Tissues, drifts: Sequence[Drift] = DRIFTS, draws: int = DRAWS, seed: int = 0
) -> list[Errors]:
    """Return the errors of the nominal line, the site's phantom line, and pre-calibrated tissues, in every drift."""
    found: dict[tuple[str, Drift], list[Array]] = {}
    for one in _draws(shown, tissues, draws, seed):
        made = {
            f"pre-calibrated by {count}: {name}": one.pre_calibrated(count, taken)
            for count in SCANS
            for name, taken in PRE_CALIBRATED.items()
        }
        for drift in drifts:
            scans = one.after(drift)
            ways = {
                NOMINAL_WAY: NOMINAL.slope * scans.bone_hu + NOMINAL.intercept_mg_cm3,
                SITE_WAY: one.line.bmd(scans.bone_hu),
                **{name: by.bmd_of(scans.tissue_hu, scans.bone_hu) for name, by in made.items()},
            }
            for name, bmd in ways.items():
                # None that pre-calibrated is measured.
                found.setdefault((name, drift), []).append((bmd - scans.true_mg_cm3)[one.order[max(SCANS) :]])
    return [Errors(name, drift, np.concatenate(parts)) for (name, drift), parts in found.items()]


def check_alone(
    shown: Shown, tissues: Tissues, drifts: Sequence[Drift] = DRIFTS, draws: int = _FEW_DRAWS, seed: int = 0
) -> list[Errors]:
    """Return the errors of tissues that nothing has pre-calibrated, in every drift."""
    found: dict[tuple[str, Drift], list[float]] = {}
    for one in _draws(shown, tissues, draws, seed):
        for drift in drifts:
            scans = one.after(drift)
            for hu, bone, true in zip(scans.tissue_hu, scans.bone_hu, scans.true_mg_cm3, strict=True):
                for name, way in ALONE.items():
                    found.setdefault((name, drift), []).append(way(hu.tolist(), float(bone)) - float(true))
    return [Errors(name, drift, np.array(errors)) for (name, drift), errors in found.items()]


def check_alarms(
    shown: Shown, tissues: Tissues, drifts: Sequence[Drift] = (*DRIFTS, *SHIFTS), draws: int = DRAWS, seed: int = 0
) -> list[Alarms]:
    """Return how often each way says that the line is wrong: by one patient's tissues, and by a series' together."""
    found: dict[tuple[str, Drift], list[float]] = {}
    count = max(SCANS)
    # Student's t of one value more against a sample.
    beyond = float(stats.t.ppf(1.0 - MOST_FALSE / 2.0, count - 1)) * np.sqrt(1.0 + 1.0 / count)
    for one in _draws(shown, tissues, draws, seed):
        others = one.order[count:]
        for drift in drifts:
            scans = one.after(drift)
            shares: dict[str, float] = {}
            for name, taken in PRE_CALIBRATED.items():
                made = one.pre_calibrated(count, taken)
                base, now = one.off(made, one.before)[one.order[:count]], one.off(made, scans)[others]
                shares[name] = float(np.mean(np.abs(now - base.mean()) > beyond * base.std(ddof=1)))
                told = stats.ttest_ind(now[:TOGETHER], base).pvalue < MOST_FALSE
                shares[f"{name}: {TOGETHER} patients together"] = float(told)
            if one.number < _FEW_DRAWS:
                shares[EXISTING_LIGHT] = float(np.mean([_is_lit(hu) for hu in scans.tissue_hu[others]]))
            for name, share in shares.items():
                found.setdefault((name, drift), []).append(share)
    return [Alarms(name, drift, float(np.mean(parts))) for (name, drift), parts in found.items()]


def _draws(shown: Shown, tissues: Tissues, draws: int, seed: int) -> Iterator[_Draw]:
    for number in range(draws):
        for place, site in enumerate(SITES):
            rng = np.random.default_rng([seed, number, place])
            fit = pad_fit(*site.line(shown.slope[place, 0], shown.intercept_mg_cm3[place, 0]), rng)
            before = draw_scans(shown, place, site, NO_DRIFT, tissues, rng)
            order = rng.permutation(len(before.bone_hu))
            line = _Line(fit.slope, fit.intercept_mg_cm3)
            yield _Draw(shown, tissues, place, number, line, before, order, seed)


def _is_lit(hu: Array) -> bool:
    air, fat, muscle, blood = (float(hu[place]) for place in (AIR, FAT, MUSCLE, BLOOD))
    return scale_offset_hu(TissueHU(air, fat, muscle, blood), is_enhanced=False) is not None
