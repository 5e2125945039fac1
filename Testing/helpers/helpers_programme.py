"""Examinations of a screening programme as a store's database has them, drawn at random."""

import random

from ldct_bmd.screening.states import State
from ldct_bmd.screening.tables import Result, Study

MONTHS, FIRST_SHIFTED = 18, 13
SHIFT_MG_CM3 = 25.0  # of a calibration gone wrong


def ended(
    number: int,
    mean: float | None,
    month: int = 1,
    age: float | None = 60.0,
    sex: str | None = "F",
    category: str | None = "osteopenia",
    soft_tissue_hu: float | None = None,
    **more: object,
) -> tuple[Study, Result]:
    """One examination of a programme."""
    row = {
        "mean_bmd_mg_cm3": mean,
        "category": category,
        "uncertain": [],
        "fractures_confirmed": [],
        "fractures_to_check": [],
        "patient_age_years": age,
        "patient_sex": sex,
        "scan_date": f"{2024 + (month - 1) // 12}{(month - 1) % 12 + 1:02d}15",
        **more,
    }
    facts = {
        "row": row,
        "scanner_manufacturer": "ACME",
        "scanner_model": "One",
        "device_serial": "7",
        "scan_kvp": 120.0,
        "soft_tissue_hu": soft_tissue_hu,
        "names_certain": {} if mean is None else {"L1": not row["uncertain"]},
    }
    study = Study(id=str(number), state=State.MEASURED.value)
    result = Result(
        state=State.MEASURED.value,
        folder="f",
        code=None,
        sentence=None,
        facts=facts,
        cpu_s=4.0,
        ended=f"2026-01-01T00:{number % 60:02d}:00Z",
    )
    return study, result


def programme(
    shift_from: int | None = None, seed: int = 1, bmd: float = SHIFT_MG_CM3, hu: float = 0.0
) -> list[tuple[Study, Result]]:
    """Eighteen months of one scanner, twenty examinations each; from one month on BMD or the HU scale are shifted."""
    chance = random.Random(seed)
    made = []
    for month in range(1, MONTHS + 1):
        for _ in range(20):
            age = chance.uniform(50, 80)
            shifted = shift_from is not None and month >= shift_from
            mean = 230 - 1.9 * age + chance.gauss(0, 28) + shifted * (bmd + 0.77 * hu)
            # SD of fat and of muscle between people, as in docs/explanation/uncertainty.md; muscle loses HU with age.
            tissue = (chance.gauss(-106, 8.5) + chance.gauss(65 - 0.5 * age, 8.5)) / 2 + shifted * hu
            made.append(ended(len(made), mean, month, age, chance.choice("FM"), soft_tissue_hu=tissue))
    return made
