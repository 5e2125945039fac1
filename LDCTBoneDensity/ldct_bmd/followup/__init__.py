"""The same place in two scans of one patient: a VOI carried from one scan into the other."""

from .carry import Carried, NotCarried, Seen, Why, carry, carry_all
from .register import LIMITS, Move, Registration, RegistrationLimits, register

__all__ = [
    "LIMITS",
    "Carried",
    "Move",
    "NotCarried",
    "Registration",
    "RegistrationLimits",
    "Seen",
    "Why",
    "carry",
    "carry_all",
    "register",
]
