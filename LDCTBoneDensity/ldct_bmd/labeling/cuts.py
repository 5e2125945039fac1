"""Where the spine is cut into vertebral bodies: the ends and the discs of a profile of cross-sections."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .profile import STEP_MM
from .tuned import ANATOMY, CHEST_AND_ABDOMEN, DRAWN, FOUR_REAL_SCANS, SYNTHETIC, UPPER_PETCT, tuned
from .usual import HEIGHTS_MM

FALL = "of a fall of the section to nothing"  # what a cut gains at the clearest disc


@dataclass(frozen=True)
class CutCosts:
    """What cuts and bodies cost, against the depth of the fall of the section that a cut gains (0 to 1)."""

    cut: float = tuned(
        0.45,
        "each cut",
        unit=FALL,
        source="a body has a waist, and darker bone above and below its middle",
        data=CHEST_AND_ABDOMEN,
    )
    no_disc: float = tuned(
        0.12,
        "a cut where the section falls by less costs more",
        unit="of the section",
        source="no height is reason enough for a cut through bone",
        data=SYNTHETIC,
    )
    through_bone: float = tuned(
        1.5,
        "a cut where the section does not fall at all",
        unit=FALL,
        source="no body too tall is cut there",
        data=SYNTHETIC,
    )
    irregular: float = tuned(
        0.25,
        "neighbours that differ by a factor e in height",
        unit=FALL,
        source="heights grow slowly down the spine",
        data=CHEST_AND_ABDOMEN,
    )
    free_irregularity: float = tuned(
        0.15,
        "neighbours that differ by less cost nothing",
        unit="logarithm of the ratio of heights",
        source="neighbours differ by up to a sixth in most columns",
        data=DRAWN,
    )
    most_irregular: float = tuned(
        0.1,
        "the most that one pair of neighbours costs",
        unit=FALL,
        source="a crushed body is not a reason to cut others",
        data=CHEST_AND_ABDOMEN,
    )
    empty: float = tuned(
        0.02,
        "less is not a body",
        unit="of the largest section",
        source="bodies may lie apart, with nothing between them",
        data=CHEST_AND_ABDOMEN,
    )
    least_mm: float = tuned(
        9.0,
        "a body and its disc are no lower, but at the ends of what is seen",
        unit="mm along the spine",
        source="L1 crushed to a quarter",
        data=ANATOMY,
    )
    most_mm: float = tuned(
        55.0,
        "a body and its disc are no higher",
        unit="mm along the spine",
        source="L4 of a tall man",
        data=ANATOMY,
    )
    sliver_mm: float = tuned(
        12.0,
        "a lower body costs",
        unit="mm along the spine",
        source="T1 of a small woman is that high",
        data=ANATOMY,
    )
    cut_sliver: float = tuned(
        0.3,
        "a body lower than that at the end of what is seen",
        unit=FALL,
        source="the scan cuts a body seldom so close to its edge",
        data=FOUR_REAL_SCANS,
    )
    sliver: float = tuned(
        0.15,
        "a body lower than that elsewhere",
        unit=FALL,
        source="it is crushed, which is rarer than whole",
        data=DRAWN,
    )
    inseparable: float = tuned(
        2.0,
        "a stretch longer than any body, in which no disc is seen",
        unit=FALL,
        source="more than any cut costs: the last resort",
        data=CHEST_AND_ABDOMEN,
    )
    levels: float = tuned(
        0.8,
        "a stretch over which the level changes by two, or not at all",
        unit=FALL,
        source="from one end of a body to the other it changes by one",
        data=UPPER_PETCT,
    )
    most_levels: float = tuned(
        1.0,
        "the most that a change of level costs",
        unit=FALL,
        source="the coarse network may be wrong",
        data=UPPER_PETCT,
    )
    mid_body: float = tuned(
        0.6,
        "a cut where the coarse network sees the middle of a body, and gains half way between two; on average nothing",
        unit=FALL,
        source=(
            "a clear disc gains more, so that this decides where the scan shows none: bridged discs, bodies with dark "
            "middles"
        ),
        data=UPPER_PETCT,
    )
    tall: float = tuned(
        1.2,
        "a body may be that much taller than usual",
        unit="times the usual height of its level",
        source="bodies joined in pairs are told apart, a tall man's are not cut",
        data=UPPER_PETCT,
    )
    too_tall: float = tuned(
        5.0,
        "a body that is e times taller than that",
        unit=FALL,
        source="a body of 1.5 times the usual height costs more than a cut",
        data=UPPER_PETCT,
    )
    most_tall: float = tuned(
        2.0,
        "the most that a tall body costs",
        unit=FALL,
        source="no more than a stretch longer than any body",
        data=UPPER_PETCT,
    )


CUT_COSTS = CutCosts()
_UPWARDS_MM = np.array(list(HEIGHTS_MM.values())[::-1])
_NUMBERS = np.arange(1.0, len(_UPWARDS_MM) + 1)
Stretch = tuple[int, int]  # the nodes from which and to which it goes


def choose_cuts(
    profile: NDArray[np.float64], level: NDArray[np.float64] | None = None, costs: CutCosts = CUT_COSTS
) -> NDArray[np.intp]:
    """Return positions (in samples, from the bottom) of the ends and of the discs in a profile of cross-sections.

    Dynamic programming over the local minima: the depth of each cut against the lower of the two highest sections
    beside it, less a cost per cut, less the irregularity of neighbouring heights. Where there is nothing, a stretch may
    have any length. A second look (``level``, the expected number of the body at each sample, counted upwards) adds
    that from one end of a body to the other it changes by one, that cuts lie between two levels, and that bodies of a
    level are seldom taller than usual.
    """
    nodes = _nodes(profile, costs)
    stretches = _Stretches(profile, level, nodes, costs)
    last = len(nodes) - 1
    best: dict[Stretch, tuple[float, Stretch | None]] = {}
    for b in range(1, last + 1):
        for a in range(b):
            if not stretches.allowed(a, b):
                continue
            value, before = _best_before(stretches, best, a, b)
            if np.isfinite(value):
                best[(a, b)] = (value - stretches.cost(a, b), before)
    finished = [(value, stretch) for stretch, (value, _) in best.items() if stretch[1] == last]
    stretch: Stretch | None = max(finished)[1]
    path = [last]
    while stretch is not None:
        path.append(stretch[0])
        stretch = best[stretch][1]
    return nodes[path[::-1]]


def _nodes(profile: NDArray[np.float64], costs: CutCosts) -> NDArray[np.intp]:
    """Return where cuts may lie: the ends of what is seen, and the local minima between them."""
    inside = np.flatnonzero(profile > costs.empty * profile.max())
    first, last = int(inside[0]), int(inside[-1])
    falls, rises = np.diff(profile)[:-1], np.diff(profile)[1:]
    minima = np.flatnonzero(((falls <= 0) & (rises > 0)) | ((falls < 0) & (rises >= 0))) + 1
    return np.array([first, *minima[(minima > first) & (minima < last)], last])


def _best_before(
    stretches: "_Stretches", best: dict[Stretch, tuple[float, Stretch | None]], a: int, b: int
) -> tuple[float, Stretch | None]:
    """Return the most that a row of stretches up to the one from ``a`` to ``b`` gains, and the one below that."""
    value = -np.inf if a else -stretches.too_long(a, b)
    chosen: Stretch | None = None
    for before in range(a):
        state = best.get((before, a))
        if state is None:
            continue
        gain = stretches.gain(state[0], before, a, b)
        if gain > value:
            value, chosen = gain, (before, a)
    return value, chosen


class _Stretches:
    """What the stretches between the nodes of a profile gain and cost."""

    def __init__(
        self,
        profile: NDArray[np.float64],
        level: NDArray[np.float64] | None,
        nodes: NDArray[np.intp],
        costs: CutCosts,
    ) -> None:
        # Of Python, which reads one number of a list ten times as fast as one of an array.
        self._profile: list[float] = profile.tolist()
        self._nodes: list[int] = nodes.tolist()
        self._level, self._costs = None if level is None else level.tolist(), costs
        self._last = len(nodes) - 1
        self._nothing = costs.empty * float(profile.max())
        peaks = np.zeros((len(nodes), len(nodes)))
        for a in range(len(nodes)):
            peaks[a, a:] = np.maximum.accumulate(profile[nodes[a] :])[nodes[a:] - nodes[a]]
        self._peaks: list[list[float]] = peaks.tolist()

    def allowed(self, a: int, b: int) -> bool:
        """Return whether a stretch may be a body, or nothing."""
        low = self._costs.least_mm / STEP_MM
        return self._empty(a, b) or self._at_end(a, b) or self._length(a, b) >= low

    def too_long(self, a: int, b: int) -> float:
        """Return what a stretch costs for being longer than any body."""
        return self._costs.inseparable * (self._length(a, b) > self._costs.most_mm / STEP_MM)

    def cost(self, a: int, b: int) -> float:
        """Return what a stretch costs whatever lies below it."""
        if self._empty(a, b):
            return 0.0
        start, end = self._nodes[a], self._nodes[b]
        of_levels = _levels_cost(self._level, start, end, self._at_end(a, b), self._costs)
        return of_levels + _height_cost(self._level, start, end, self._costs)

    def gain(self, so_far: float, before: int, a: int, b: int) -> float:
        """Return what is gained with the stretch from ``a`` to ``b`` upon one from ``before`` to ``a``."""
        if self._empty(a, b):
            return so_far
        if self.too_long(a, b):
            return so_far - self.too_long(a, b)
        if self._empty(before, a):
            return so_far
        return self._with_cut(so_far, before, a, b)

    def _with_cut(self, so_far: float, before: int, a: int, b: int) -> float:
        costs, at = self._costs, self._nodes[a]
        depth = 1.0 - self._profile[at] / min(self._peaks[before][a], self._peaks[a][b])
        gain = so_far + (depth - costs.cut - costs.through_bone * max(0.0, 1.0 - depth / costs.no_disc))
        gain -= _mid_body_cost(self._level, at, costs)
        above, below = self._length(a, b), self._length(before, a)
        sliver = costs.sliver_mm / STEP_MM
        if min(above, below) < sliver:
            cut = (b == self._last and above < sliver) or (before == 0 and below < sliver)
            gain -= costs.cut_sliver if cut else costs.sliver
        if before and b < self._last:  # a body that the scan cuts may have any height
            ratio = abs(float(np.log(above / below)))
            gain -= min(costs.irregular * max(0.0, ratio - costs.free_irregularity), costs.most_irregular)
        return gain

    def _length(self, a: int, b: int) -> int:
        """Return how long a stretch is, in samples."""
        return self._nodes[b] - self._nodes[a]

    def _empty(self, a: int, b: int) -> bool:
        return self._peaks[a][b] <= self._nothing

    def _at_end(self, a: int, b: int) -> bool:
        return a == 0 or b == self._last


def _mid_body_cost(level: list[float] | None, at: int, costs: CutCosts) -> float:
    """Return what a cut at sample ``at`` costs for lying in a body: levels are whole numbers in its middle."""
    if level is None:
        return 0.0
    off = level[at] - math.floor(level[at]) - 0.5  # evenly spread from -0.5 to 0.5, (2 off)^2 has the mean 1/3
    return costs.mid_body * ((2.0 * off) ** 2 - 1.0 / 3.0)


def _levels_cost(level: list[float] | None, start: int, end: int, at_end: bool, costs: CutCosts) -> float:
    """Return what a body from sample ``start`` to ``end`` costs for the change of level over it; a cut one may lack."""
    if level is None:
        return 0.0
    excess = level[end] - level[start] - 1.0
    if at_end:
        excess = max(excess, 0.0)
    return min(costs.levels * excess**2, costs.most_levels)


def _height_cost(level: list[float] | None, start: int, end: int, costs: CutCosts) -> float:
    """Return what a body from sample ``start`` to ``end`` costs for being taller than others of its level."""
    if level is None:
        return 0.0
    number = level[(start + end) // 2]  # 1: L5
    usual_mm = float(np.interp(number, _NUMBERS, _UPWARDS_MM))
    excess = float(np.log((end - start) * STEP_MM / (costs.tall * usual_mm)))
    return min(max(costs.too_tall * excess, 0.0), costs.most_tall)
