"""Virtual patients of known BMD, scanned in simulation and measured by the whole engine."""

from .conditions import Conditions, Varied
from .patients import VirtualPatient, draw_patient
from .plan import PlannedScan, cohort_plan, repeatability_plan
from .run import simulate

__all__ = [
    "Conditions",
    "PlannedScan",
    "Varied",
    "VirtualPatient",
    "cohort_plan",
    "draw_patient",
    "repeatability_plan",
    "simulate",
]
