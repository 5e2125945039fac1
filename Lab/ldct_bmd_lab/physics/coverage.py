"""Whether 95 % intervals hold the truth: simulated bodies, drawn at the VOI, through the engine's own budget.

Of each patient, scanner and level the polychromatic simulation gives the HU at each setting, and those that the same
bone shows at 120 kVp in a trunk of the reference size: with the scanner's true line they make the true BMD. Phantom
scan, image noise, the VOI's place, and what nobody knows of the simulation and of scanners are drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ldct_bmd.calibration import Calibration, Method, Provenance
from ldct_bmd.calibration import Scanner as SiteScanner
from ldct_bmd.calibration.budget import PLACEMENT_IN_COMMON
from ldct_bmd.calibration.carry import for_scan
from ldct_bmd.calibration.match import ScanConditions
from ldct_bmd.calibration.size import MOST_MG_CM3_PER_MM, REFERENCE_MM, BodySize, size_error_mg_cm3
from ldct_bmd.calibration.transfer import DOUBTED_SHARE
from ldct_bmd.calibration.transfers import shipped_table

from ..simulation.intervals import pad_fit
from .beam import Setting
from .cohort import Subject, draw_subject, scan_all
from .materials import ENERGY_KEV, attenuation
from .projection import line_integrals, scanned_hu
from .table import CHECKED, REFERENCE, name
from .torso import TrunkSlice, trunk, voi_points

SEED = 4711  # neither the table's nor its check's, nor one that anything was set on
DRAWS = 3
LEVELS = ("T12", "L1", "L2")
IN_MEAN = (1, 2)
SETTINGS = (REFERENCE, *CHECKED)
# What the engine states for virtual patients at 20 to 40 HU of noise and more; each statement is an estimate itself.
NOISE_HU, NOISE_KNOWN_TO = (0.7, 4.0), 0.1
PLACEMENT_HU, PLACEMENT_KNOWN_TO = (0.3, 2.5), 0.3
BONE_BETWEEN_LEVELS, FAT_BETWEEN_LEVELS = 0.006, 0.04
_WATER_KEV = 70.0
_SCANNER = SiteScanner("SIMULATED", "CT", "A", "1")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bodies:
    """What is simulated: patients by levels by ``SETTINGS``.

    Attributes:
        hu: of the bone in the patient's own trunk, (patients, levels, settings).
        reference_hu: of the same bone at 120 kVp in a trunk of the reference size, (patients, levels).
        slope, intercept_mg_cm3: the scanner's true line at 120 kVp, (patients,).
        water_equivalent_mm: of the patient's trunk, (patients,).
    """

    hu: Array
    reference_hu: Array
    slope: Array
    intercept_mg_cm3: Array
    water_equivalent_mm: Array


@dataclass(frozen=True)
class Held:
    """How many intervals held the truth.

    Attributes:
        error_mg_cm3, half_mg_cm3: of each level, or of each mean over L1 and L2.
    """

    setting: Setting
    is_mean: bool
    error_mg_cm3: Array
    half_mg_cm3: Array

    @property
    def share(self) -> float:
        """Of the intervals, those that hold the truth."""
        return float((np.abs(self.error_mg_cm3) <= self.half_mg_cm3).mean())

    @property
    def share_between(self) -> tuple[float, float]:
        """The 95 % interval of the share (Wilson), as if all intervals were independent."""
        count = len(self.error_mg_cm3)
        between = stats.binomtest(round(self.share * count), count).proportion_ci(method="wilson")
        return float(between.low), float(between.high)


def water_equivalent_mm(body: TrunkSlice) -> float:
    """Return the water-equivalent diameter of a trunk, from attenuation at 70 keV."""
    at_70 = attenuation()[:, int(np.argmin(np.abs(ENERGY_KEV - _WATER_KEV)))]
    water_mm2 = 0.0
    for one in trunk(body):
        amounts = one.filled.vector() - (0.0 if one.around is None else one.around.vector())
        water_mm2 += np.pi * one.semi_axes_mm[0] * one.semi_axes_mm[1] * float(amounts @ at_70) / float(at_70[0])
    return float(np.sqrt(4.0 / np.pi * water_mm2))


def of_reference_size(body: TrunkSlice) -> TrunkSlice:
    """Return the same bone in a usual trunk of the reference size."""
    usual = replace(body, size_scale=1.0, fat_mm=14.0, inner_fat=0.3)
    low, high = 0.6, 1.4
    for _ in range(30):
        middle = (low + high) / 2.0
        is_small = water_equivalent_mm(replace(usual, size_scale=middle)) < REFERENCE_MM
        low, high = (middle, high) if is_small else (low, middle)
    return replace(usual, size_scale=low)


def simulate_bodies(patients: int, seed: int = SEED) -> Bodies:
    """Simulate every level of every patient at every setting: 0.7 s of a processor a patient."""
    subjects = [draw_subject(seed, number) for number in range(patients)]
    phantoms = scan_all(subjects, (REFERENCE,))
    hu = np.empty((patients, len(LEVELS), len(SETTINGS)))
    reference_hu = np.empty((patients, len(LEVELS)))
    points = voi_points()
    for n, subject in enumerate(subjects):
        for k, body in enumerate(levels_of(subject, np.random.default_rng([seed, n, 3]))):
            hu[n, k] = scanned_hu(line_integrals(trunk(body)), SETTINGS, subject.scanner, points).mean(axis=1)
            usual = line_integrals(trunk(of_reference_size(body)))
            reference_hu[n, k] = scanned_hu(usual, (REFERENCE,), subject.scanner, points).mean()
    return Bodies(
        hu,
        reference_hu,
        phantoms.phantom_slope[:, 0],
        phantoms.phantom_intercept_mg_cm3[:, 0],
        np.array([water_equivalent_mm(one.body) for one in subjects]),
    )


def coverage(bodies: Bodies, doubted: bool, seed: int = SEED, draws: int = DRAWS) -> list[Held]:
    """Return how often intervals hold the truth, for each setting, of the levels and of the means over L1 and L2.

    Args:
        doubted: let the world differ from the simulation as the engine doubts it: the change of HU between settings by
            22 % (:data:`.calibration.transfer.DOUBTED_SHARE`), and by how much size lowers a BMD as scanners differ in
            it. False: the simulation is right, and the engine's doubt too much.
        draws: of phantom scan, noise, place and doubt for each patient.
    """
    out = []
    for place, setting in enumerate(SETTINGS):
        rng = np.random.default_rng([seed, place, 4])
        levels, means = [], []
        for number in np.repeat(np.arange(len(bodies.hu)), draws).tolist():
            each, mean = _of_patient(bodies, number, place, setting, doubted, rng)
            levels += each
            means.append(mean)
        for is_mean, pairs in ((False, levels), (True, means)):
            errors, halves = np.array(pairs).T
            out.append(Held(setting, is_mean, errors, halves))
    return out


def _of_patient(
    bodies: Bodies, number: int, place: int, setting: Setting, doubted: bool, rng: np.random.Generator
) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """Return error and half interval of each level, and of the mean over L1 and L2."""
    slope, intercept = bodies.slope[number], bodies.intercept_mg_cm3[number]
    truth = slope * bodies.reference_hu[number] + intercept
    own, size = bodies.hu[number], BodySize(float(bodies.water_equivalent_mm[number]), cut=False)
    calibration = for_scan(site_calibration(slope, intercept, rng), conditions(setting))
    changed = own[:, place] - own[:, 0]
    doubt, per_mm = rng.normal(0.0, DOUBTED_SHARE), -rng.uniform(0.0, MOST_MG_CM3_PER_MM)
    if doubted:
        # In mg/cm3 as the scan is measured, by the carried line: as the budget states it.
        gain = 1.0 if calibration.transfer is None else calibration.transfer.gain
        shift = per_mm * (size.water_equivalent_mm - REFERENCE_MM) / (gain * slope)
        shown = bodies.reference_hu[number] + _doubted(changed, setting, doubt) + shift
    else:
        shown = own[:, 0] + changed
    noise, placement = rng.uniform(*NOISE_HU), rng.uniform(*PLACEMENT_HU, len(LEVELS))
    placed = np.sqrt(PLACEMENT_IN_COMMON) * rng.standard_normal()
    placed = placement * (placed + np.sqrt(1.0 - PLACEMENT_IN_COMMON) * rng.standard_normal(len(LEVELS)))
    measured = shown + rng.normal(0.0, noise, len(LEVELS)) + placed
    stated_noise = noise * np.exp(rng.normal(0.0, NOISE_KNOWN_TO, len(LEVELS)))
    stated_placement = placement * np.exp(rng.normal(0.0, PLACEMENT_KNOWN_TO, len(LEVELS)))
    added = size_error_mg_cm3(size)

    def pair(levels: Sequence[int]) -> tuple[float, float]:
        budget = calibration.bmd_error(
            [float(measured[k]) for k in levels],
            [float(stated_noise[k]) for k in levels],
            [float(stated_placement[k]) for k in levels],
            [added for _ in levels],
        )
        mean = float(np.mean([calibration.bmd_mg_cm3(float(measured[k])) for k in levels]))
        return mean - float(truth[list(levels)].mean()), budget.half_interval_mg_cm3

    return [pair([k]) for k in range(len(LEVELS))], pair(IN_MEAN)


def _doubted(changed_hu: Array, setting: Setting, doubt: float) -> Array:
    """Return the change of HU between settings where the correction back to 120 kVp is 1 + ``doubt`` times as large.

    If h = x + d (x) is what the simulation makes of x at ``setting``, of slope g, then h = x + (1 + doubt) d (x).
    """
    pair = shipped_table()[0].pair(name(setting), name(REFERENCE))
    gain = 1.0 if pair is None else pair.gain
    return changed_hu * ((1.0 + doubt) * gain / (1.0 + (1.0 + doubt) * (gain - 1.0)))


def site_calibration(slope: float, intercept_mg_cm3: float, rng: np.random.Generator) -> Calibration:
    """Return the calibration by one noisy scan of the example pad on a scanner with this true line at 120 kVp."""
    fit = pad_fit(slope, intercept_mg_cm3, rng)
    made = Provenance(Method.PHANTOM, _SCANNER, None, "smooth", "2026-01-05")
    return Calibration(
        "simulated", fit.slope, fit.intercept_mg_cm3, "K2HPO4", float(REFERENCE.kvp), False, "", made, fit.quality
    )


def conditions(setting: Setting) -> ScanConditions:
    """Return what the header of a scan at ``setting`` says."""
    return ScanConditions(_SCANNER, float(setting.kvp), "TIN" if setting.tin else None, "B30f", "20260106")


def levels_of(subject: Subject, rng: np.random.Generator) -> Iterator[TrunkSlice]:
    """Yield the trunk at each level: the same patient, with more or less bone and fat in the vertebra."""
    for _ in LEVELS:
        bone = float(np.clip(subject.body.bone + rng.normal(0.0, BONE_BETWEEN_LEVELS), 0.02, 0.25))
        fat = float(np.clip(subject.body.marrow_fat + rng.normal(0.0, FAT_BETWEEN_LEVELS), 0.1, 0.9))
        yield replace(subject.body, bone=bone, marrow_fat=fat)
