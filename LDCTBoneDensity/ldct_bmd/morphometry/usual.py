"""What heights are usual for a level: natural growth down the column, natural wedging and concavity."""

import math

# Posterior heights in mm, dry bones (Panjabi et al., Spine 16:888, 1991, and 17:299, 1992; Cervical: Spine 16:861,
# 1991). Only their growth from level to level counts here; how large a patient is, the neighbours say.
_POSTERIOR_MM = {
    "C7": 12.8,
    "T1": 14.1,
    "T2": 15.6,
    "T3": 15.7,
    "T4": 16.2,
    "T5": 16.2,
    "T6": 17.4,
    "T7": 18.2,
    "T8": 18.7,
    "T9": 19.3,
    "T10": 20.2,
    "T11": 21.3,
    "T12": 22.7,
    "L1": 23.8,
    "L2": 24.3,
    "L3": 23.8,
    "L4": 24.1,
    "L5": 22.9,
}
# Anterior over posterior height, near the walls. T9 to L5: sagittal wedging of 240 spines, mean of both sexes
# (Masharawi et al., Eur Spine J 19:768, 2010, Table 1: 3.8, 3.2, 5.0, 4.2, 3.4, 1.7, 0.1, -1.9 and -6.2 degrees) over
# three quarters of the depth. T1 to T8: wedged in front too, most at T7 (Masharawi et al., Clin Anat 21:46, 2008); set
# between T9 and a peak that the intact bodies of two patients' reference masks show (0.87).
_ANTERIOR_TO_POSTERIOR = {
    "C7": 0.98,
    "T1": 0.96,
    "T2": 0.96,
    "T3": 0.95,
    "T4": 0.94,
    "T5": 0.92,
    "T6": 0.90,
    "T7": 0.88,
    "T8": 0.90,
    "T9": 0.93,
    "T10": 0.94,
    "T11": 0.915,
    "T12": 0.93,
    "L1": 0.95,
    "L2": 0.975,
    "L3": 1.0,
    "L4": 1.03,
    "L5": 1.12,
}
# Middle over the mean of front and back: endplates are hollow. Mean of three patients' reference masks.
_MIDDLE_TO_ENDS = 0.95
# SD of one person's ratio about the level's: 0.06 to 0.08 at T10 to L2 in healthy people, the error of the reading
# included (Matsumoto et al., Surg Radiol Anat 33:223, 2011). Of one level's height about what its neighbours suggest:
# about the same in three patients' reference masks.
NATURAL_SD = 0.05

_SAME_AS = {"T13": "T12", "L6": "L5"}  # transitional: as high as the one above
_PLACE = {level: place for place, level in enumerate(_POSTERIOR_MM)}


def usual_heights_mm(level: str) -> tuple[float, float, float]:
    """Return the anterior, middle and posterior height that are usual for ``level`` in someone of medium size."""
    level = _SAME_AS.get(level, level)
    posterior = _POSTERIOR_MM[level]
    anterior = posterior * _ANTERIOR_TO_POSTERIOR[level]
    return anterior, _MIDDLE_TO_ENDS * (anterior + posterior) / 2.0, posterior


def levels_apart(level: str, other: str) -> int:
    """Return how many levels lie between two, those that few people have left out."""
    return abs(_PLACE[_SAME_AS.get(level, level)] - _PLACE[_SAME_AS.get(other, other)])


def usual_size(level: str, heights_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the logarithm of each height over what is usual for ``level``."""
    front, middle, back = (
        math.log(height / usual) for height, usual in zip(heights_mm, usual_heights_mm(level), strict=True)
    )
    return front, middle, back
