"""Which scans a simulation makes."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import to_plain

from .conditions import Conditions, Varied, draw_conditions
from .patients import VirtualPatient, draw_patient


@dataclass(frozen=True)
class PlannedScan:
    """One scan to make.

    Attributes:
        repeat: 1, 2, ... where the patient is scanned more than once, else None.
    """

    patient: VirtualPatient
    conditions: Conditions
    repeat: int | None = None

    @property
    def name(self) -> str:
        """What the scan is kept under."""
        return self.patient.name if self.repeat is None else f"{self.patient.name}/{self.repeat}"

    @property
    def sha256(self) -> str:
        """Of all that is planned: two scans with the same give the same result."""
        return hashlib.sha256(json.dumps(to_plain(self), sort_keys=True).encode()).hexdigest()


def cohort_plan(patients: int, seed: int) -> tuple[PlannedScan, ...]:
    """Return one scan a patient, each under its own conditions; a longer plan begins with a shorter one."""
    _check(patients, seed)
    return tuple(
        PlannedScan(draw_patient(seed, k), draw_conditions(seed, k, 0, tuple(Varied))) for k in range(patients)
    )


def repeatability_plan(patients: int, repeats: int, varied: Collection[Varied], seed: int) -> tuple[PlannedScan, ...]:
    """Return ``repeats`` scans of each patient that differ in ``varied`` alone."""
    _check(patients, seed)
    if repeats < 2:
        raise UsageError.of_text("--repeats is the number of scans of each patient, 2 or more.")
    if not varied:
        raise UsageError.of_text(f"--vary names what differs between the scans: {', '.join(v.value for v in Varied)}.")
    return tuple(
        PlannedScan(draw_patient(seed, k), draw_conditions(seed, k, repeat, varied), repeat + 1)
        for k in range(patients)
        for repeat in range(repeats)
    )


def _check(patients: int, seed: int) -> None:
    if patients < 1:
        raise UsageError.of_text("--patients is the number of virtual patients, 1 or more.")
    if seed < 0:
        raise UsageError.of_text("--seed is 0 or more.")
