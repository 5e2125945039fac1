"""Loss of height: how far a body is below what its level, its own other heights and its neighbours let expect."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..anatomy import order
from .heights import BodyHeights, slice_uncertainty_mm
from .usual import NATURAL_SD, levels_apart, usual_heights_mm, usual_size

# Genant 1993 (semiquantitative grading, T4-L4): a loss of 20 % or more of a height is a fracture, grade 1 up to 25 %.
FRACTURE_LOSS = 0.20
GRADED_FROM, GRADED_TO = "T4", "L4"
COVERAGE_FACTOR = 2.0
NEIGHBOURS = 2  # levels above and below
# Heights less sure than this part of themselves say nothing about their neighbours.
LARGEST_NEIGHBOUR_UNCERTAINTY = 0.12

ANTERIOR, MIDDLE, WHOLE = "anterior", "middle", "whole"
_FRONT, _CENTER, _BACK = range(3)


@dataclass(frozen=True)
class HeightLoss:
    """The largest loss of one body.

    Attributes:
        height: which: "anterior", "middle", or "whole", the mean of the three.
        height_mm: as measured.
        expected_mm: what is usual for the level in this patient.
        loss: part of the expected height that is missing; negative where nothing is.
        uncertainty: standard uncertainty of ``loss``: of the heights and of what is natural.
        suspected: whether the loss counts: 20 % or more, and more than twice its uncertainty.
    """

    level: str
    height: str
    height_mm: float
    expected_mm: float
    loss: float
    uncertainty: float
    suspected: bool


@dataclass(frozen=True)
class _Body:
    """One body's heights as logarithms over the usual ones, and their standard uncertainties; front, middle, back."""

    size: NDArray[np.float64]
    sd: NDArray[np.float64]


@dataclass(frozen=True)
class _Expected:
    """What is expected of a height, as a logarithm over the usual one."""

    size: float
    variance: float


def height_losses(levels: Sequence[tuple[str, BodyHeights]]) -> tuple[HeightLoss, ...]:
    """Return the largest loss of every body from T4 to L4.

    Args:
        levels: complete vertebral bodies with their level, top to bottom.
    """
    return _height_losses(tuple(levels))


@lru_cache(maxsize=8)  # a VOI on the move leaves the heights as they are
def _height_losses(levels: tuple[tuple[str, BodyHeights], ...]) -> tuple[HeightLoss, ...]:
    bodies = {level: _body(level, heights) for level, heights in levels if min(heights.each_mm) > 0.0}
    return tuple(
        _largest_loss(level, bodies) for level in bodies if order(GRADED_FROM) <= order(level) <= order(GRADED_TO)
    )


def smallest_loss(spacing_z_mm: float, height_mm: float = 25.0) -> float:
    """Return the part of a height (T12 and L1 are about 25 mm high) that must be lost to be told at such slices."""
    sd = slice_uncertainty_mm(spacing_z_mm) / height_mm
    # The expectation rests on one height of the body itself and on two or more of its neighbours.
    return max(FRACTURE_LOSS, COVERAGE_FACTOR * math.sqrt(sd**2 + (sd**2 + NATURAL_SD**2) / 2.0))


def _body(level: str, heights: BodyHeights) -> _Body:
    sd = np.asarray(heights.each_uncertainty_mm) / np.asarray(heights.each_mm)
    return _Body(np.asarray(usual_size(level, heights.each_mm)), sd)


def _largest_loss(level: str, bodies: Mapping[str, _Body]) -> HeightLoss:
    own, usual = bodies[level], usual_heights_mm(level)
    near = _neighbours(level, bodies)
    by_itself = (_Expected(float(own.size[_BACK]), own.sd[_BACK] ** 2 + NATURAL_SD**2), _ends(own))
    found = []
    for name, place, itself in zip((ANTERIOR, MIDDLE), (_FRONT, _CENTER), by_itself, strict=True):
        expected = itself if near is None else _both(itself, near[place])
        found.append(_loss(level, name, usual[place], float(own.size[place]), float(own.sd[place]), expected))
    if near is not None:
        every = _Expected(float(np.mean([one.size for one in near])), float(np.mean([one.variance for one in near])))
        size, sd = float(own.size.mean()), float(np.sqrt((own.sd**2).mean()))
        found.append(_loss(level, WHOLE, float(np.mean(usual)), size, sd, every))
    # One that counts goes before a larger one that is less sure.
    return max(found, key=lambda loss: (loss.suspected, loss.loss))


def _ends(body: _Body) -> _Expected:
    """Return what front and back let expect of the middle."""
    variance = (body.sd[_FRONT] ** 2 + body.sd[_BACK] ** 2) / 4.0
    return _Expected(float(body.size[[_FRONT, _BACK]].mean()), float(variance) + NATURAL_SD**2)


def _both(one: _Expected, other: _Expected) -> _Expected:
    """Return the mean of two expectations, the surer one weighing more."""
    weight = other.variance / (one.variance + other.variance)
    size = weight * one.size + (1.0 - weight) * other.size
    return _Expected(size, one.variance * other.variance / (one.variance + other.variance))


def _neighbours(level: str, bodies: Mapping[str, _Body]) -> tuple[_Expected, _Expected, _Expected] | None:
    """Return what the neighbours let expect of the three heights; None without a neighbour.

    The larger half of them counts, since a neighbour may be fractured too.
    """
    near = [body for other, body in bodies.items() if other != level and levels_apart(level, other) <= NEIGHBOURS]
    front, middle, back = (_larger_half(near, place) for place in range(3))
    return None if front is None or middle is None or back is None else (front, middle, back)


def _larger_half(bodies: Sequence[_Body], place: int) -> _Expected | None:
    sure = [body for body in bodies if body.sd[place] <= LARGEST_NEIGHBOUR_UNCERTAINTY]
    if not sure:
        return None
    larger = sorted(sure, key=lambda body: float(body.size[place]))[len(sure) // 2 :]
    measured = float(np.mean([body.sd[place] ** 2 for body in larger])) / len(larger)
    return _Expected(float(np.mean([body.size[place] for body in larger])), measured + NATURAL_SD**2)


def _loss(level: str, name: str, usual_mm: float, size: float, sd: float, expected: _Expected) -> HeightLoss:
    remains = math.exp(size - expected.size)
    uncertainty = remains * math.sqrt(sd**2 + expected.variance)
    loss = 1.0 - remains
    return HeightLoss(
        level=level,
        height=name,
        height_mm=usual_mm * math.exp(size),
        expected_mm=usual_mm * math.exp(expected.size),
        loss=loss,
        uncertainty=uncertainty,
        suspected=loss >= FRACTURE_LOSS and loss > COVERAGE_FACTOR * uncertainty,
    )
