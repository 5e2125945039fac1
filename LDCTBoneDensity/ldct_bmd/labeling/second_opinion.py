"""Whether the names of a ready label map agree with those that this software counts on the same scan.

The map's names count. They are doubted only where the own ones are certain, by the rules of :mod:`.judge`.
On eleven real scans no right name was doubted; shifted by one level, up or down, the names of six were, those of the
others being uncertain to this software as well.
"""

from dataclasses import replace

import numpy as np

from ..anatomy import LEVEL_OF_VERSE_VALUE, TARGET_LEVELS, VERSE_VALUE
from ..words import Phrase
from .column import VertebralColumn

_VALUES = 1 + max(LEVEL_OF_VERSE_VALUE)
SAME_BODY = 0.5  # of a body's voxels: less is the neighbour that touches it


def doubted(given: VertebralColumn, own: VertebralColumn) -> VertebralColumn:
    """Return ``given`` with the names uncertain that ``own`` contradicts.

    Both lie on the same grid.
    """
    levels = [v.level for v in given.vertebrae]
    reasons = {level: reason for level in levels if (reason := _contradiction(given, own, level)) is not None}
    if not reasons:
        return given
    about = [level for level in levels if level in TARGET_LEVELS] or levels
    doubtful = [level for level in about if level in reasons]
    uncertain = () if len(reasons) == len(levels) else tuple(level for level in levels if level in reasons)
    if doubtful:
        # The lumbar levels decide the category.
        remark = Phrase("names.uncertain", {"reasons": (reasons[doubtful[-1]],)})
        return replace(given, names_certain=False, remark=remark, uncertain=uncertain)
    level, reason = next(iter(reasons.items()))
    exception = Phrase("names.exception", {"level": level, "reason": reason})
    return replace(given, remark=Phrase("names.given_but", {"exceptions": (exception,)}), uncertain=uncertain)


def _contradiction(given: VertebralColumn, own: VertebralColumn, level: str) -> Phrase | None:
    """Return what ``own`` is certain of that contradicts the body called ``level`` in ``given``; None if nothing."""
    box, body = given.mask(level)
    there = np.bincount(own.bodies[box][body], minlength=_VALUES)
    held = tuple(
        name for name in _certain(own) if there[VERSE_VALUE[name]] > SAME_BODY * np.count_nonzero(own.mask(name)[1])
    )
    if len(held) > 1:
        return Phrase("names.holds_several", {"given": level, "own": held})
    there[0] = 0
    name = LEVEL_OF_VERSE_VALUE.get(int(np.argmax(there)))
    is_same_body = there.max() > SAME_BODY * np.count_nonzero(body)
    if name is None or name == level or not is_same_body or not own.certain(name):
        return None
    anchors = own.remark.facts.get("anchors", ())
    return Phrase("names.counted_otherwise", {"given": level, "own": name, "anchors": anchors})


def _certain(own: VertebralColumn) -> list[str]:
    return [v.level for v in own.vertebrae if own.certain(v.level)]
