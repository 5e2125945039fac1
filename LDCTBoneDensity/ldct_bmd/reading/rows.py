"""The table of vertebrae: one row per level, T12, L1 and L2 first."""

from dataclasses import dataclass

from ..anatomy import TARGET_LEVELS, order
from ..column import names_confirmed
from ..examination import Examination
from ..findings import FindingCode
from ..words import text
from .values import NONE, bmd_word, hu_words, level_word, state_word
from .verdicts import fracture_of, fracture_word


@dataclass(frozen=True)
class LevelRow:
    """A vertebra in words.

    Attributes:
        level: its name, or the key of one without a name.
        name: as it is shown.
        used: whether it counts; None where nothing was measured that could.
        hu, bmd, confidence, state: the cells.
        is_open: whether a suspected fracture waits for the reader's verdict.
        findings: sentences about it.
    """

    level: str
    name: str
    used: bool | None
    hu: str
    bmd: str
    confidence: str
    state: str
    is_open: bool
    findings: tuple[str, ...]


def levels_in(examination: Examination) -> list[str]:
    """Return all levels found or asked for, the targets first, and the keys of vertebrae without a name."""
    asked = [f.level for f in examination.findings if f.level is not None]
    found = {v.level for v in examination.vertebrae} | {m.level for m in examination.measurements} | set(asked)
    others = sorted(found - set(TARGET_LEVELS), key=order)
    above, below = (
        [one.key for one in examination.unnamed if (one.beyond < 0) is is_above] for is_above in (True, False)
    )
    return [*(level for level in TARGET_LEVELS if level in found), *above, *others, *below]


def level_row(examination: Examination, level: str) -> LevelRow:
    """Return the row of ``level``, a level or the key of a vertebra without a name."""
    measurement = examination.measurement(level)
    unnamed = {one.key: one.vertebra for one in examination.unnamed}
    found = {one.level: one for one in examination.vertebrae} | unnamed
    vertebra = found.get(level)
    is_confirmed = vertebra is not None and level not in unnamed and names_confirmed(examination)
    confidence = NONE if vertebra is None else f"{100 * vertebra.confidence:.0f} %"
    return LevelRow(
        level=level,
        name=text("vertebra_table.unnamed") if level in unnamed else level_word(examination, level),
        used=None if measurement is None else measurement.excluded is None,
        hu=NONE if measurement is None else hu_words(measurement),
        bmd=NONE if measurement is None else bmd_word(measurement.bmd_mg_cm3),
        confidence=text("vertebra_table.confirmed") if is_confirmed else confidence,
        state=_state(examination, level, vertebra is not None, is_confirmed),
        is_open=fracture_of(examination, level) is FindingCode.SUSPECTED_FRACTURE,
        findings=tuple(finding.message for finding in examination.findings if finding.level == level),
    )


def _state(examination: Examination, level: str, is_found: bool, is_confirmed: bool) -> str:
    """Return what the row says of its state, with what waits for the reader's verdict, or what the reader said."""
    measurement = examination.measurement(level)
    if measurement is not None:
        state = state_word(examination, measurement)
    else:
        state = text(f"vertebra_table.{'not_measured' if is_found else 'not_in_view'}")
    if any(one.key == level for one in examination.unnamed):
        state = text("vertebra_table.unnamed_state")
    elif is_confirmed:
        state = text("vertebra_table.state_confirmed", state=state)
    said = fracture_word(examination, level)
    if said in state:
        return state
    return said if fracture_of(examination, level) is FindingCode.SUSPECTED_FRACTURE else ", ".join((state, said))
