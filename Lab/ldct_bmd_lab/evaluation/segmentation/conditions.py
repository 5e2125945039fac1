"""The same patients under other conditions: what noise, thick slices, a tilt, ... change."""

from collections.abc import Sequence
from dataclasses import dataclass

from ldct_bmd.calibration import NOMINAL

from .case import CaseResult, LevelResult
from .summary import Share, Spread, share, spread

WITHIN_MG_CM3 = 4.0


@dataclass(frozen=True)
class ConditionChange:
    """Scans of one group against those of the same patients under usual conditions; bodies complete in both.

    Attributes:
        dice: of a body of its name, mean over a scan's bodies: change.
        names_kept: scans in which every body that had been found is found, under the same name.
        bmd_mg_cm3: change of what the place of the automatic VOI makes of the true density (by the nominal
            calibration; noise and blur apart).
        within_4_mg_cm3: of these changes.
        reference_within_4_mg_cm3: the same of the VOIs in the reference's bodies: an axial VOI takes another part of a
            body that lies tilted, however well it is outlined.
    """

    group: str
    scans: int
    dice: Spread | None
    names_kept: Share
    bmd_mg_cm3: Spread | None
    within_4_mg_cm3: Share
    reference_within_4_mg_cm3: Share


def compare_conditions(results: Sequence[CaseResult]) -> tuple[ConditionChange, ...]:
    """Compare each group's cases with those that they name; groups in the order of their first case."""
    by_name = {case.name: case for case in results}
    pairs: dict[str, list[tuple[CaseResult, CaseResult]]] = {}
    for case in results:
        if case.compared_with in by_name:
            pairs.setdefault(case.group, []).append((by_name[case.compared_with], case))
    return tuple(_change(group, chosen) for group, chosen in pairs.items())


def _change(group: str, pairs: Sequence[tuple[CaseResult, CaseResult]]) -> ConditionChange:
    dice, kept, bmd, reference = [], [], [], []
    for usual, other in pairs:
        bodies = _bodies(usual, other)
        if bodies:
            dice.append(sum(new.dice_by_name - old.dice_by_name for old, new in bodies) / len(bodies))
            kept.append(all(new.found_as == old.found_as for old, new in bodies if old.found))
        for old, new in bodies:
            bmd += _bmd_change(old.noise_free_voi_hu, new.noise_free_voi_hu)
            reference += _bmd_change(old.true_voi_hu, new.true_voi_hu)
    return ConditionChange(
        group=group,
        scans=len(pairs),
        dice=spread(dice),
        names_kept=share(kept),
        bmd_mg_cm3=spread(bmd),
        within_4_mg_cm3=_within(bmd),
        reference_within_4_mg_cm3=_within(reference),
    )


def _bmd_change(old_hu: float | None, new_hu: float | None) -> list[float]:
    """Return the change in mg/cm3, or nothing where one of them is not known."""
    return [] if old_hu is None or new_hu is None else [NOMINAL.slope * (new_hu - old_hu)]


def _within(changes_mg_cm3: Sequence[float]) -> Share:
    return share(abs(change) <= WITHIN_MG_CM3 for change in changes_mg_cm3)


def _bodies(usual: CaseResult, other: CaseResult) -> list[tuple[LevelResult, LevelResult]]:
    """Return the reference bodies that are complete in both scans."""
    there = {row.level: row for row in other.levels if row.complete}
    return [(row, there[row.level]) for row in usual.levels if row.complete and row.level in there]
