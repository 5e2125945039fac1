"""Whether the name of each level is certain, and what it rests on or what speaks against it.

Certainty belongs to a level: what lies between it and the landmark that it is counted from must be clear; what lies
beyond does not matter.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from ..anatomy import TARGET_LEVELS
from ..segmentation import NetworkBodies
from ..words import Fact, Phrase
from . import sacrum
from .column import Vertebra
from .gaps import GAP_LIMITS, GapLimits, odd_gaps
from .name import Naming, odd_place
from .ribs import RibCount
from .tuned import DRAWN, FOUR_REAL_SCANS, NO_SPINES, SYNTHETIC, tuned
from .usual import NAMES, THORACIC

FIRST_RIB, LAST_RIB, ON_SACRUM = Phrase("names.first_rib"), Phrase("names.last_rib"), Phrase("names.sacrum")


@dataclass(frozen=True)
class CertaintyLimits:
    """What makes a name doubtful."""

    probability: float = tuned(
        0.95,
        "a name less probable than that is uncertain",
        unit="probability",
        source="names with more were right in 119 of 120 bodies of pieces of six real scans, below in 42 of 60",
        data=DRAWN,
    )
    outvoted: float = tuned(
        0.1,
        "a body with less of a vote for its name is taken for another one",
        unit="probability",
        source="voted for less, neighbours are off by a body lost without a gap",
        data=SYNTHETIC,
    )
    faint_disc: float = tuned(
        0.4,
        "of a section that falls by less no clear disc is seen",
        unit="of the section",
        source="in scans that show all of them it falls by at least 0.58",
        data=FOUR_REAL_SCANS,
    )
    long: float = tuned(
        1.5,
        "a longer body is two",
        unit="times what the others let expect",
        source="two bodies, one of them crushed",
        data=SYNTHETIC,
    )
    least_for_trend: int = tuned(
        8,
        "of fewer bodies none is called too long",
        unit="bodies",
        source="what lengths grow by down the spine is not known from fewer",
        data=SYNTHETIC,
    )
    smallest_ml: float = tuned(
        4.0,
        "a smaller whole body is part of its neighbour, C7 apart; a spine of such bodies in the median is none",
        unit="ml",
        source="a whole adult T1 has more, a phantom's rod less",
        data=NO_SPINES,
    )
    gaps: GapLimits = GAP_LIMITS


CERTAINTY_LIMITS = CertaintyLimits()


@dataclass(frozen=True)
class Landmarks:
    """What names can be counted from.

    Attributes:
        numbers: (z, y, x) on the fine grid, 1 for the uppermost body.
    """

    segmentation: NetworkBodies
    numbers: NDArray[np.uint8]
    ribs: RibCount
    sacrum_signs: sacrum.SacrumSigns = sacrum.SACRUM_SIGNS

    def rib(self, naming: Naming, level: str) -> float:
        """Return how surely the body called ``level``, which is one of those named, bears a rib; NaN if out of view."""
        return self.ribs.seen(_body(naming, level), level)

    def seen(self, naming: Naming, found: set[str]) -> list[Phrase]:
        """Return the landmarks that are in view where the names of the bodies ``found`` say that they are."""

        def rib(level: str) -> float:
            return self.rib(naming, level) if level in found else np.nan

        # A place for a rib that is out of view tells nothing: it compares as neither.
        anchors, signs = [], self.ribs.signs
        if rib("T1") > signs.present and rib("C7") < signs.absent:
            anchors.append(FIRST_RIB)
        if rib("T12") > signs.present and rib("L1") < signs.absent:
            anchors.append(LAST_RIB)
        if "L5" in found and max(naming.positions) < len(NAMES):
            lowest = self.numbers == 1 + naming.positions.index(NAMES.index("L5"))
            if sacrum.follows(self.segmentation, lowest, self.sacrum_signs):
                anchors.append(ON_SACRUM)
        return anchors

    def contradiction(self, naming: Naming, found: set[str]) -> Phrase | None:
        """Return which landmark speaks against the names of the bodies ``found``, if one does."""
        signs = self.ribs.signs
        if "T1" in found and self.rib(naming, "T1") < signs.absent:
            return Phrase("names.no_rib_at_t1")
        if "C7" in found and self.rib(naming, "C7") > signs.present:
            return Phrase("names.rib_at_c7")
        lowest = naming.positions[-1]
        is_lowest = self.numbers == len(naming.positions)
        if lowest != NAMES.index("L5") and sacrum.follows(self.segmentation, is_lowest, self.sacrum_signs):
            if lowest < len(NAMES):
                return Phrase("names.sacrum_below", {"level": NAMES[lowest]})
            return Phrase("names.sacrum_below_unnamed")
        return None


@dataclass(frozen=True)
class Judgement:
    """How certain the names of a column are; the attributes are those of :class:`.VertebralColumn`."""

    names_certain: bool
    remark: Phrase
    uncertain: tuple[str, ...] = ()


def judge(
    naming: Naming,
    vertebrae: Sequence[Vertebra],
    extents_mm: NDArray[np.float64],
    discs: NDArray[np.float64],
    votes: NDArray[np.float64],
    landmarks: Landmarks,
    faint: bool = False,
    torn: Collection[str] = (),
    limits: CertaintyLimits = CERTAINTY_LIMITS,
) -> Judgement:
    """Return which names are certain, and why.

    Args:
        vertebrae: those of the named bodies that are on the scan, from the top.
        extents_mm: (n, 2), from where to where each body of ``naming`` goes along the spine.
        discs: (n - 1,), how clearly one is seen between each body and the next, 0 to 1.
        votes: (n, len(NAMES) + 2), as for :func:`~.name.assign`.
        faint: whether the bodies were hardly recognised as vertebrae.
        torn: levels of whose body a part lies apart, which is left out.
    """
    found = {v.level for v in vertebrae}
    anchors = landmarks.seen(naming, found)
    against = (
        (Phrase("names.faint") if faint else None)
        or _odd_ribs(naming, found, landmarks, anchors)
        # Two landmarks that do not agree: either may be wrong, however clear the way to it.
        or landmarks.contradiction(naming, found)
        or _too_little(anchors)
    )
    doubts = _doubts(naming, vertebrae, extents_mm, discs, torn, limits)
    outvoted = {} if ON_SACRUM in anchors else _outvoted(naming, votes, limits)
    reasons: dict[str, Phrase] = {}
    for vertebra in vertebrae:
        reason = against or _between(vertebra.level, naming, anchors, doubts, outvoted)
        if reason is None and vertebra.confidence < limits.probability:
            reason = _other_names(naming, vertebra)
        if reason is not None:
            reasons[vertebra.level] = reason
    return _summary(vertebrae, reasons, anchors)


def _summary(vertebrae: Sequence[Vertebra], reasons: dict[str, Phrase], anchors: Sequence[Phrase]) -> Judgement:
    """Return the judgement of the levels that the measurement is about, of all where none of these is in view."""
    uncertain = tuple(v.level for v in vertebrae if v.level in reasons)
    about = [v for v in vertebrae if v.level in TARGET_LEVELS] or list(vertebrae)
    doubtful = [v.level for v in about if v.level in reasons]
    if doubtful:
        # The lumbar levels decide the category, and their reasons hold for the thoracic ones too more often than not.
        remark = Phrase("names.uncertain", {"reasons": (reasons[doubtful[-1]],)})
        return Judgement(False, remark, () if len(uncertain) == len(vertebrae) else uncertain)
    facts: dict[str, Fact] = {"anchors": tuple(anchors), "probability": min(v.confidence for v in about)}
    exceptions = tuple(_exceptions(vertebrae, reasons))
    if exceptions:
        return Judgement(True, Phrase("names.counted_but", facts | {"exceptions": exceptions}), uncertain)
    return Judgement(True, Phrase("names.counted", facts), uncertain)


def _exceptions(vertebrae: Sequence[Vertebra], reasons: dict[str, Phrase]) -> Iterator[Phrase]:
    """Say of neighbours that are uncertain for one reason that they are, once for all of them."""
    for reason, run in groupby([v.level for v in vertebrae], reasons.get):
        if reason is not None:
            first, *rest = run
            if rest:
                yield Phrase("names.exception_range", {"first": first, "last": rest[-1], "reason": reason})
            else:
                yield Phrase("names.exception", {"level": first, "reason": reason})


def _between(
    level: str, naming: Naming, anchors: Sequence[Phrase], doubts: dict[int, Phrase], outvoted: dict[int, Phrase]
) -> Phrase | None:
    """Return what makes it doubtful to count to ``level`` from every landmark in view, if anything does.

    Doubts are by the place between two bodies: 0 between the first and the second.
    """
    body = _body(naming, level)
    reasons = []
    for anchor, below, known in ((LAST_RIB, "T12", doubts), (FIRST_RIB, "C7", outvoted | doubts)):
        if anchor not in anchors:
            continue
        # The landmark lies at the place below this body.
        place = _body(naming, below)
        way = range(min(place, body), max(place + 1, body))
        first = next((known[number] for number in way if number in known), None)
        if first is None:
            return None
        reasons.append(first)
    return reasons[0]


def _doubts(
    naming: Naming,
    vertebrae: Sequence[Vertebra],
    extents_mm: NDArray[np.float64],
    discs: NDArray[np.float64],
    torn: Collection[str],
    limits: CertaintyLimits,
) -> dict[int, Phrase]:
    """Return what is doubtful about how many bodies there are, by the place between two bodies: the first reason."""
    doubts: dict[int, Phrase] = {}
    for place, reason in chain(
        _left_out(naming),
        _far_or_close(naming, vertebrae, extents_mm, limits),
        _too_long(naming, extents_mm, limits),
        _without_disc(naming, discs, limits),
        _parts(naming, vertebrae, torn, limits),
    ):
        doubts.setdefault(place, reason)
    return doubts


def _left_out(naming: Naming) -> Iterator[tuple[int, Phrase]]:
    """Give the places where names do not follow each other."""
    for place, (upper, lower) in enumerate(_named(naming)):
        if naming.positions[place + 1] - naming.positions[place] != 1:
            yield place, odd_place(upper, lower)


def _far_or_close(
    naming: Naming, vertebrae: Sequence[Vertebra], extents_mm: NDArray[np.float64], limits: CertaintyLimits
) -> Iterator[tuple[int, Phrase]]:
    """Give the places between whole bodies whose distance does not go with their names."""
    whole = [v.level for v in vertebrae if v.complete]
    at = np.array([extents_mm.mean(axis=1)[_body(naming, level)] for level in whole])
    for upper, lower in odd_gaps(whole, np.abs(np.diff(at)), limits.gaps):
        for place in range(_body(naming, upper), _body(naming, lower)):
            yield place, odd_place(upper, lower)


def _too_long(naming: Naming, extents_mm: NDArray[np.float64], limits: CertaintyLimits) -> Iterator[tuple[int, Phrase]]:
    """Give the places on both sides of a body that is two."""
    for body, length in enumerate(relative_lengths(extents_mm, limits), start=1):
        position = naming.positions[body]
        if length > limits.long and 0 <= position < len(NAMES) - 1:
            for place in (body - 1, body):
                yield place, odd_place(NAMES[position], NAMES[position + 1])


def _without_disc(naming: Naming, discs: NDArray[np.float64], limits: CertaintyLimits) -> Iterator[tuple[int, Phrase]]:
    """Give the places where no disc is seen."""
    for place, (upper, lower) in enumerate(_named(naming)):
        if discs[place] < limits.faint_disc and "" not in (upper, lower):
            yield place, Phrase("names.no_disc", {"upper": upper, "lower": lower})


def _parts(
    naming: Naming, vertebrae: Sequence[Vertebra], torn: Collection[str], limits: CertaintyLimits
) -> Iterator[tuple[int, Phrase]]:
    """Give the places on both sides of a body that is in two parts, or is a part of its neighbour."""
    for vertebra in vertebrae:
        body = _body(naming, vertebra.level)
        if vertebra.level in torn:
            for place in (body - 1, body):
                yield place, Phrase("names.torn", {"level": vertebra.level})
        if vertebra.complete and vertebra.level != "C7" and vertebra.volume_ml < limits.smallest_ml:
            for place in (body - 1, body):
                yield place, Phrase("names.small", {"level": vertebra.level})


def _named(naming: Naming) -> Iterator[tuple[str, str]]:
    """Give the names of each body and the next; "" for what lies above C7 or below L5."""
    names = [NAMES[position] if 0 <= position < len(NAMES) else "" for position in naming.positions]
    return pairwise(names)


def _body(naming: Naming, level: str) -> int:
    return naming.positions.index(NAMES.index(level))


def _odd_ribs(naming: Naming, found: set[str], landmarks: Landmarks, anchors: Sequence[Phrase]) -> Phrase | None:
    """Return what is odd about how many vertebrae bear ribs, if anything is."""
    if naming.rib_bearing == 0:
        return Phrase("names.no_ribs")
    at = {level: landmarks.rib(naming, level) for level in ("T12", "L1") if level in found}
    signs = landmarks.ribs.signs
    # What is out of view compares as neither.
    if naming.rib_bearing > len(THORACIC) or at.get("L1", np.nan) >= signs.absent:
        return Phrase("names.rib_at_l1", {"bearing": len(THORACIC) + 1})
    # From the first rib to the sacrum all are counted; from either one, a rib too few may be a name too low.
    counted = FIRST_RIB in anchors and ON_SACRUM in anchors
    if at.get("T12", np.nan) < signs.present and not counted:
        code = "names.no_clear_rib_at_t12" if at["T12"] >= signs.absent else "names.no_rib_at_t12"
        return Phrase(code, {"bearing": len(THORACIC) - 1})
    return None


def _outvoted(naming: Naming, votes: NDArray[np.float64], limits: CertaintyLimits) -> dict[int, Phrase]:
    """Return where neighbours are both taken for another vertebra than their names say, or the lowest body is.

    So it is where one was lost without a gap above them. It matters where names are counted from above alone: votes may
    well be off by one where ribs below tell better.
    """
    columns = np.clip(np.asarray(naming.positions) + 1, 0, votes.shape[1] - 1)
    outvoted = votes[np.arange(len(votes)), columns] < limits.outvoted
    doubts = {}
    for place, (upper, lower) in enumerate(_named(naming)):
        if outvoted[place] and outvoted[place + 1] and naming.positions[place] >= 0 and lower:
            doubts[place] = Phrase("names.like_others", {"upper": upper, "lower": lower})
    last = len(votes) - 1
    if outvoted[last] and last and 0 <= naming.positions[last] < len(NAMES):
        doubts.setdefault(last - 1, Phrase("names.like_another", {"level": NAMES[naming.positions[last]]}))
    return doubts


def _too_little(anchors: Sequence[Phrase]) -> Phrase | None:
    """Return why there is nothing to count from, if there is not."""
    if LAST_RIB in anchors or FIRST_RIB in anchors:
        return None
    if ON_SACRUM in anchors:
        return Phrase("names.only_sacrum")
    return Phrase("names.no_anchor")


def _other_names(naming: Naming, vertebra: Vertebra) -> Phrase:
    """Return the likeliest other name, with the probabilities of both."""
    other, probability = naming.other(_body(naming, vertebra.level))
    return Phrase(
        "names.other_name",
        {
            "level": vertebra.level,
            "probability": vertebra.confidence,
            "other": other,
            "other_probability": probability,
        },
    )


def relative_lengths(
    extents_mm: NDArray[np.float64], limits: CertaintyLimits = CERTAINTY_LIMITS
) -> NDArray[np.float64]:
    """Return how long each body but the first and the last is, over what the others let expect.

    Lengths grow steadily down the spine; the scan's edges may cut the first and the last one.

    Args:
        extents_mm: (n, 2), from where to where each body goes along the spine.
    """
    if len(extents_mm) < limits.least_for_trend:
        return np.ones(max(len(extents_mm) - 2, 0))
    lengths = np.log(np.maximum(np.abs(np.diff(extents_mm[1:-1], axis=1))[:, 0], 1.0))
    number = np.arange(len(lengths))
    lower, upper = np.triu_indices(len(lengths), 1)
    slope = np.median((lengths[upper] - lengths[lower]) / (upper - lower))  # Theil and Sen's line
    intercept = np.median(lengths) - slope * np.median(number)
    return np.asarray(np.exp(lengths - intercept - slope * number))
