"""Whether found bodies bear the right names, against where a reader saw each level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldct_bmd.anatomy import order
from ldct_bmd.labeling import Vertebra, VertebralColumn

BODY_SHARE = 0.75  # of the way from a body's middle to the next one's, the rest being disc
DEFAULT_STEP_MM = 25.0  # of that way, where a single level is known: about that of a lower thoracic one


@dataclass(frozen=True)
class Placed:
    """A known level and the body found there, or a found body at no known level.

    Attributes:
        level: None: the body lies at no level that is known.
        found: None: no body lies there.
        offset_mm: z of the body less that of the level.
        misplaced: the body bears the name of a level that is known to lie elsewhere, or lies between known levels.
    """

    level: str | None
    found: Vertebra | None
    offset_mm: float | None = None
    misplaced: bool = False


@dataclass(frozen=True)
class Certainty:
    """What the software says of a name: the probability that it is right, and whether it calls it certain."""

    probability: float
    certain: bool


def certainty(column: VertebralColumn, vertebra: Vertebra) -> Certainty:
    """Return how certain the name of ``vertebra`` is."""
    return Certainty(float(vertebra.confidence), column.certain(vertebra.level))


def place(vertebrae: Sequence[Vertebra], z_mm: Mapping[str, float]) -> list[Placed]:
    """Set found bodies against known levels, from head to foot, then those at no known level.

    A body lies at the known level whose z is nearest to its centroid's, if it is within half a body's height of it.
    Of two such bodies the nearer is taken; the other one is misplaced.
    """
    at: dict[str, list[Vertebra]] = {level: [] for level in sorted(z_mm, key=order)}
    elsewhere: list[Placed] = []
    for vertebra in vertebrae:
        z = vertebra.centroid_lps_mm[2]
        level = min(at, key=lambda name: abs(z_mm[name] - z), default=None)
        if level is not None and abs(z_mm[level] - z) <= half_height_mm(level, z_mm):
            at[level].append(vertebra)
            continue
        between = bool(z_mm) and min(z_mm.values()) <= z <= max(z_mm.values())
        elsewhere.append(Placed(None, vertebra, misplaced=between or vertebra.level in z_mm))
    placed: list[Placed] = []
    for level, there in at.items():
        there.sort(key=lambda vertebra: abs(vertebra.centroid_lps_mm[2] - z_mm[level]))
        offset = there[0].centroid_lps_mm[2] - z_mm[level] if there else None
        placed.append(Placed(level, there[0] if there else None, offset))
        elsewhere += [Placed(None, vertebra, misplaced=True) for vertebra in there[1:]]
    return placed + elsewhere


def half_height_mm(level: str, z_mm: Mapping[str, float]) -> float:
    """Return half the height of a body, from how far away the known levels above and below are."""
    column = sorted(z_mm, key=order)
    number = column.index(level)
    steps_mm = [
        abs(z_mm[other] - z_mm[level]) / max(1.0, abs(_number(other) - _number(level)))
        for other in (*column[max(number - 1, 0) : number], *column[number + 1 : number + 2])
    ]
    return BODY_SHARE * min(steps_mm, default=DEFAULT_STEP_MM) / 2


def _number(level: str) -> float:
    """Return the place of ``level`` in a column of twelve thoracic bodies; T13 is half a step below T12."""
    return 12.5 if level == "T13" else order(level) - (level.startswith("L"))
