"""Virtual patients through the whole engine, each calibrated by a noisy phantom scan of its own: do intervals hold?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ldct_bmd.anatomy import TARGET_LEVELS
from ldct_bmd.calibration import BMDError, Calibration
from ldct_bmd.calibration.budget import PLACEMENT_IN_COMMON
from ldct_bmd.calibration.phantom.description import load_phantom
from ldct_bmd.calibration.phantom.rod_fit import RodFit, expected_hu, fit_rods
from ldct_bmd.corrections import move_voi
from ldct_bmd.examination import Examination, Measurement
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.pipeline import measure
from ldct_bmd.placement import PlacementError
from ldct_bmd.segmentation import Segmenter

from ..phantom import PHANTOM_INTERCEPT_MG_CM3, PHANTOM_SLOPE, Phantom, build_phantom
from .conditions import Field, phantom_spec
from .one_scan import ExactMask
from .plan import PlannedScan

ROD_NOISE_HU = 1.0  # of a rod's mean
_READER, _TIME = "simulation", "2026-01-06T00:00:00Z"
MOST_MOVED_MM = 12.0  # half a body: beyond, the VOI lies in another vertebra


@dataclass(frozen=True)
class Interval:
    """One BMD and its budget.

    Attributes:
        level: "T12", "L1", "L2", or "mean" of the last two.
        error_mg_cm3: measured less true.
        budget: what the record states.
        moved_mm: the VOI's centre less that of the ideal VOI, (x, y, z); of the mean nothing.
        size_ratio: the VOI's long and short semi-axis over those of the ideal one.
    """

    level: str
    error_mg_cm3: float
    budget: BMDError
    moved_mm: tuple[float, float, float] | None = None
    size_ratio: tuple[float, float] | None = None

    def holds(self, with_size: bool = True) -> bool:
        """Return whether the interval holds the truth; the phantoms know no effect of the patient's size."""
        half = self.budget.half_interval_mg_cm3
        if not with_size and self.budget.total_mg_cm3 and self.budget.size_mg_cm3:
            half *= float(np.sqrt(max(1.0 - (self.budget.size_mg_cm3 / self.budget.total_mg_cm3) ** 2, 0.0)))
        return abs(self.error_mg_cm3) <= half


def measured_intervals(
    planned: PlannedScan, field: Field, segmenter: Segmenter | None, misplaced: PlacementError | None = None
) -> list[Interval]:
    """Return the intervals of one scan, none if it cannot be measured.

    Levels under a wrong name are left out: that is another error than this one.

    Args:
        segmenter: None takes the exact masks.
        misplaced: how far VOIs are put elsewhere, as a reader moves them, before they are measured; None: not at all.
    """
    phantom = build_phantom(phantom_spec(planned.patient, planned.conditions, field))
    seed = planned.conditions.noise_seed
    calibration = _calibration(np.random.default_rng([seed, 5]), phantom.spec.kvp)
    try:
        examination = measure(phantom.scan, segmenter or ExactMask(phantom.bodies), calibration).examination
        if misplaced is not None:
            examination = _moved(examination, phantom, misplaced, np.random.default_rng([seed, 6]))
    except CannotMeasure:
        return []
    truth = {level: phantom.mean_bmd_truth(phantom.ideal_voi(level)) for level in TARGET_LEVELS}
    found = list(_levels(phantom, truth, {m.level: m for m in examination.measurements}))
    assessment = examination.assessment
    mean, budget = assessment.mean_bmd_mg_cm3, assessment.mean_bmd_error
    if mean is not None and budget is not None and set(assessment.levels) <= {one.level for one in found}:
        true = sum(truth[level] for level in assessment.levels) / len(assessment.levels)
        found.append(Interval("mean", mean - true, budget))
    return found


def _moved(
    examination: Examination, phantom: Phantom, misplaced: PlacementError, rng: np.random.Generator
) -> Examination:
    """Return the record with every VOI elsewhere and of another size, in part alike in all."""
    along_mm = float(np.hypot(misplaced.along_mm, misplaced.slices * phantom.scan.geometry.spacing_mm[2]))
    spread = np.array([misplaced.across_mm, misplaced.back_mm, along_mm, misplaced.size])
    shared = np.sqrt(PLACEMENT_IN_COMMON) * rng.standard_normal(4)
    for one in examination.measurements:
        off = spread * (shared + np.sqrt(1.0 - PLACEMENT_IN_COMMON) * rng.standard_normal(4))
        x, y, z = (np.asarray(one.voi.center_lps_mm) + off[:3]).tolist()
        long_mm, short_mm = ((1.0 + float(off[3])) * axis for axis in one.voi.semi_axes_mm)
        voi = replace(one.voi, center_lps_mm=(x, y, z), semi_axes_mm=(long_mm, short_mm))
        examination = move_voi(examination, phantom.scan, one.level, voi, _READER, _TIME, None)
    return examination


def _levels(phantom: Phantom, truth: dict[str, float], measured: dict[str, Measurement]) -> Iterator[Interval]:
    for level in TARGET_LEVELS:
        one, ideal = measured.get(level), phantom.ideal_voi(level)
        if one is None or one.bmd_error is None:
            continue
        moved = np.subtract(one.voi.center_lps_mm, ideal.center_lps_mm)
        if np.abs(moved).max() > MOST_MOVED_MM:
            continue
        ratio = np.divide(one.voi.semi_axes_mm, ideal.semi_axes_mm)
        x, y, z = moved.tolist()
        long, short = ratio.tolist()
        yield Interval(level, one.bmd_mg_cm3 - truth[level], one.bmd_error, (x, y, z), (long, short))


def pad_fit(slope: float, intercept_mg_cm3: float, rng: np.random.Generator) -> RodFit:
    """Return what one noisy scan of the example pad gives on a scanner with this true line."""
    pad = load_phantom("k2hpo4-pad-example")
    shown = expected_hu(pad, slope, intercept_mg_cm3) + rng.normal(0.0, ROD_NOISE_HU, len(pad.rods))
    return fit_rods(pad, shown.tolist())


def _calibration(rng: np.random.Generator, kvp: float) -> Calibration:
    fit = pad_fit(PHANTOM_SLOPE, PHANTOM_INTERCEPT_MG_CM3, rng)
    return Calibration("simulated", fit.slope, fit.intercept_mg_cm3, "K2HPO4", kvp, False, "", None, fit.quality)
