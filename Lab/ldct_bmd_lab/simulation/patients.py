"""Virtual patients, distributed as the 374 whom Pan et al. 2020 evaluated."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Pan et al. 2020, Subjects: 196 men and 178 women, 62.6 +- 7.6 years, 50 to 88.
PAPER_PATIENTS, PAPER_MEN = 374, 196
AGE_MEAN, AGE_SD, AGE_RANGE = 62.6, 7.6, (50.0, 88.0)
# Pan et al. 2020, Table 2: of each sex, the share with a mean BMD of L1 and L2 below 80, and up to 120 mg/cm3.
PAPER_SHARES = {"F": (43 / 178, 120 / 178), "M": (20 / 196, 98 / 196)}
BMD_RANGE_MG_CM3 = (25.0, 230.0)
# Assumed, for want of published figures on these patients: how BMD goes with age, and how levels differ in one patient.
AGE_CORRELATION = -0.4
LEVEL_STEP_MG_CM3, LEVEL_SD_MG_CM3 = {"T12": 8.0, "L1": 2.0, "L2": -2.0}, 4.0
# Assumed builds; 1 is the phantom's average adult.
SIZE_MEAN, SIZE_SD, SIZE_RANGE = {"F": 0.95, "M": 1.04}, 0.04, (0.86, 1.12)


@dataclass(frozen=True)
class VirtualPatient:
    """A patient's body, the same in every scan.

    Attributes:
        bmd_mg_cm3: true BMD of T12, L1 and L2 over the VOI that the method would place with a perfect mask.
    """

    name: str
    sex: str
    age_years: float
    bmd_mg_cm3: dict[str, float]
    size_scale: float
    fat_mm: float
    cortex_mm: float
    kyphosis_scale: float
    scoliosis_deg: float
    anatomy_seed: int


def draw_patient(seed: int, number: int) -> VirtualPatient:
    """Return patient ``number`` (0, 1, ...) of the cohort of this seed, whoever else is drawn.

    Any first part of a cohort has both sexes in the paper's proportion; 374 are 196 men and 178 women.
    """
    rng = np.random.default_rng([seed, number, 0])
    share = PAPER_MEN / PAPER_PATIENTS
    sex = "M" if int((number + 1) * share + 1e-9) > int(number * share + 1e-9) else "F"
    age, standing = _age(rng)
    mean, sd = bmd_distribution(sex)
    bmd = mean + sd * (AGE_CORRELATION * standing + np.sqrt(1 - AGE_CORRELATION**2) * rng.standard_normal())
    between = LEVEL_SD_MG_CM3 * rng.standard_normal(2)
    # L1 and L2 move against each other, so that their mean stays the patient's.
    moved = {"T12": between[0], "L1": between[1] / 2, "L2": -between[1] / 2}
    return VirtualPatient(
        name=f"virtual-{number + 1:04d}",
        sex=sex,
        age_years=round(age, 1),
        bmd_mg_cm3={
            level: float(np.clip(bmd + step + moved[level], *BMD_RANGE_MG_CM3))
            for level, step in LEVEL_STEP_MG_CM3.items()
        },
        size_scale=float(np.clip(rng.normal(SIZE_MEAN[sex], SIZE_SD), *SIZE_RANGE)),
        fat_mm=float(rng.uniform(6.0, 22.0)),
        cortex_mm=float(rng.uniform(0.45, 1.0)),  # Pan et al. 2020, citing 0.45 to 1.02 mm
        kyphosis_scale=float(rng.uniform(0.8, 1.3)),
        scoliosis_deg=float(np.clip(rng.normal(0.0, 4.0), -12.0, 12.0)),
        anatomy_seed=int(rng.integers(2**31)),
    )


def bmd_distribution(sex: str) -> tuple[float, float]:
    """Return mean and SD in mg/cm3 of the normal distribution with the paper's shares below 80 and up to 120."""
    low, high = (stats.norm.ppf(share) for share in PAPER_SHARES[sex])
    sd = (120.0 - 80.0) / (high - low)
    return float(80.0 - low * sd), float(sd)


def _age(rng: np.random.Generator) -> tuple[float, float]:
    """Return an age, beta-distributed with the paper's mean, SD and range, and how many SD it is off the mean."""
    low, high = AGE_RANGE
    m, v = (AGE_MEAN - low) / (high - low), (AGE_SD / (high - low)) ** 2
    total = m * (1 - m) / v - 1
    age = float(low + (high - low) * rng.beta(m * total, (1 - m) * total))
    return age, (age - AGE_MEAN) / AGE_SD
