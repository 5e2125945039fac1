"""What a reader may do next: which corrections make sense, for a level and for the column."""

from dataclasses import dataclass

from ..anatomy import LEVELS, order
from ..examination import Examination
from ..quality import shows_contrast
from ..review import Review
from .verdicts import fracture_of, has_doubtful_outline


@dataclass(frozen=True)
class Offers:
    """Whether each correction can be made; ``rename`` lists the names that are free between the neighbours'."""

    undo: bool = False
    redo: bool = False
    shift: bool = False
    confirm_names: bool = False
    deny_contrast: bool = False
    admit_contrast: bool = False
    reset: bool = False
    exclude: bool = False
    include: bool = False
    add: bool = False
    remove: bool = False
    fracture: bool = False
    dismiss: bool = False
    outline: bool = False
    rename: tuple[str, ...] = ()


def offers_of(review: Review, level: str | None) -> Offers:
    """Return what makes sense for the review, and for ``level`` if one is selected; nothing if it is signed."""
    examination = review.examination
    if examination.signature is not None:
        return Offers()
    names = [vertebra.level for vertebra in examination.vertebrae]
    found = level in names
    measurement = None if level is None else examination.measurement(level)
    excluded = measurement is not None and measurement.excluded is not None
    denied = examination.quality.contrast_denied_by is not None
    return Offers(
        undo=review.can_undo,
        redo=review.can_redo,
        shift=True,
        confirm_names=any(not examination.quality.certain(name) for name in names),
        deny_contrast=shows_contrast(examination.scan.acquisition.contrast_agent, examination.quality.tissue)
        and not denied,
        admit_contrast=denied,
        reset=measurement is not None and examination.quality.voi(measurement.level).placed_by is not None,
        exclude=measurement is not None and not excluded,
        include=excluded,
        add=found and measurement is None,
        remove=found,
        fracture=found,
        dismiss=found and fracture_of(examination, level) is not None,
        outline=found and has_doubtful_outline(examination, level),
        rename=free_names(examination, level) if level is not None and found else (),
    )


def free_names(examination: Examination, level: str) -> tuple[str, ...]:
    """Return the names that the vertebra ``level`` may get: those between its neighbours'."""
    names = [vertebra.level for vertebra in examination.vertebrae]
    place = names.index(level)
    above = order(names[place - 1]) if place else -1
    below = order(names[place + 1]) if place + 1 < len(names) else len(LEVELS)
    return tuple(name for name in LEVELS[above + 1 : below] if name != level)
