"""Virtual patients with contrast agent: what the engine takes off their BMD, against the same patients without."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.calibration.contrast import NATIVE_BLOOD_SD_HU, PHASES, Phase, PhaseModel, shift_at

from .beam import Scanner, Setting
from .cohort import Subject, phantom_line
from .projection import line_integrals, scanned_hu
from .table import NOISE_HU, REFERENCE, name
from .torso import TrunkSlice, trunk, vessel_points, voi_points

CHECKED = (Setting(100), REFERENCE)
# What a mg/cm3 of iodine shows in the aorta and in the trabecular bone of simulated trunks at 120 kVp: to draw by.
_AORTA_HU, _BONE_HU = 23.2, 21.5
_LEAST_RISE_HU = 20.0
_TRIED = 6.0, 0.1  # mg/cm3 in the blood, and the share of it in bone
# Of what the blood holds: muscle rises by 6 to 9 HU where the aorta rises by 110 and more
# (https://discovery.researcher.life/article/correcting-posterior-paraspinal-muscle-computed-tomography-density-for-
# intravenous-contrast-material-independent-of-sex-and-vascular-phase/7c4e3845f03b3cc38c9de73ff83bcf21).
_IN_MUSCLE = 0.05

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ContrastCheck:
    """Errors of the BMD of patients with contrast agent, against the same without, in mg/cm3.

    Attributes:
        stated: the standard errors that the engine states for ``corrected``.
    """

    setting: Setting
    phase: Phase
    uncorrected: Array
    corrected: Array
    stated: Array


def iodine_against_120(settings: Sequence[Setting], subjects: Sequence[Subject]) -> dict[str, float]:
    """Return what iodine in the aorta shows at each setting, over what it shows at 120 kVp: the subjects' mean."""
    asked = (REFERENCE, *(setting for setting in settings if setting != REFERENCE))
    shown = [_hu_per_mg_cm3(one, asked)[1] for one in subjects]
    ratios = np.mean([one / one[0] for one in shown], axis=0)
    return {name(setting): float(ratio) for setting, ratio in zip(asked, ratios, strict=True)}


def check_contrast(
    subjects: Sequence[Subject], settings: Sequence[Setting] = CHECKED, seed: int = 0, injections: int = 10
) -> list[ContrastCheck]:
    """Return what the engine's correction leaves in each phase at each setting, with image noise.

    Args:
        injections: how many are drawn for each subject and phase, as the publications scatter.
    """
    rng = np.random.default_rng(seed)
    found: dict[tuple[Setting, Phase], list[tuple[float, float, float]]] = {}
    for subject in subjects:
        slopes, _ = phantom_line(settings, subject.scanner)
        in_bone, in_aorta = _hu_per_mg_cm3(subject, settings)
        for phase in PHASES:
            for _ in range(injections):
                aorta, bone = _drawn_hu(phase, rng)
                # The blood without contrast agent differs between patients, and is not known.
                own = rng.normal(0.0, NATIVE_BLOOD_SD_HU)
                for k, setting in enumerate(settings):
                    rise = max(own + aorta * in_aorta[k] / _AORTA_HU, 0.0)
                    shift = shift_at(rise, NATIVE_BLOOD_SD_HU, name(setting))
                    off = bone * in_bone[k] / _BONE_HU + rng.normal(0.0, NOISE_HU)
                    values = (off, off - shift.shift_hu, float(np.hypot(shift.sd_hu, NOISE_HU)))
                    row = tuple(float(slopes[k]) * value for value in values)
                    found.setdefault((setting, phase.phase), []).append(row)  # type: ignore[arg-type]
    return [ContrastCheck(setting, phase, *np.array(rows).T) for (setting, phase), rows in found.items()]


def _drawn_hu(phase: PhaseModel, rng: np.random.Generator) -> tuple[float, float]:
    """Return what contrast agent adds to aorta and trabecular bone at 120 kVp."""
    rise = max(float(rng.normal(phase.aorta_hu, phase.aorta_sd_hu)), _LEAST_RISE_HU)
    sigma = float(np.sqrt(np.log1p(phase.bone_cv**2)))
    return rise, phase.bone_at(rise) * float(np.exp(rng.normal(-0.5 * sigma**2, sigma)))


def _hu_per_mg_cm3(subject: Subject, settings: Sequence[Setting]) -> tuple[Array, Array]:
    """Return what a mg/cm3 of iodine shows in trabecular bone and in the aorta, at each setting."""
    body, (iodine, share) = subject.body, _TRIED
    enhanced = replace(body, iodine_mg_cm3=iodine, bone_iodine=share, muscle_iodine=_IN_MUSCLE)
    (bone, aorta), (native_bone, native_aorta) = (
        _bone_and_aorta(one, settings, subject.scanner) for one in (enhanced, body)
    )
    return (bone - native_bone) / (iodine * share), (aorta - native_aorta) / iodine


def _bone_and_aorta(body: TrunkSlice, settings: Sequence[Setting], scanner: Scanner) -> tuple[Array, Array]:
    """Return the mean HU of the trabecular bone and of the aorta at each setting."""
    bone, aorta = voi_points(), vessel_points(body)
    hu = scanned_hu(line_integrals(trunk(body)), settings, scanner, np.concatenate([bone, aorta]))
    return hu[:, : len(bone)].mean(axis=1), hu[:, len(bone) :].mean(axis=1)
