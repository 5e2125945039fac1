"""Sums over real scans: names, certainty, outlines, heights, suspicions."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from ldct_bmd.anatomy import LEVELS, TARGET_LEVELS, order

from ..confidence import Confidence, JudgedBody, confidence
from ..segmentation.summary import Share, Spread, share, spread
from .result import LevelRow, ScanResult

THIN_MM = 2.0  # slices up to here are summed up apart from thicker ones
THIN, THICK = "up to 2 mm", "over 2 mm"
SPANS = {"T1-T4": ("T1", "T4"), "T5-L2": ("T5", "L2"), "L3-L5": ("L3", "L5")}
WITHIN_HU = 3.0
WITHIN_MM = 1.5
FRACTURE_LOSS = 0.20  # Genant 1993, of the reference's own heights


@dataclass(frozen=True)
class OutlineSummary:
    """Found bodies against reference bodies of one span, verdict and slice spacing.

    Attributes:
        bodies: reference bodies.
        dice_by_name: with the body of the same name, 0 without one; ``dice_of_found`` with the body found there.
        worst_voi_hu: of the differences in ``voi_difference_hu``, the one farthest from 0.
        within_hu: of these differences.
        height_error_mm: found less reference, all three heights of a body; of bodies with heights in the reference.
        within_mm: of these errors.
    """

    span: str
    verdict: str
    slices: str
    bodies: int
    dice_by_name: Spread | None
    dice_of_found: Spread | None
    surface_distance_mm: Spread | None
    voi_difference_hu: Spread | None
    worst_voi_hu: float | None
    within_hu: Share
    height_error_mm: Spread | None
    within_mm: Share


@dataclass(frozen=True)
class ScansSummary:
    """What all scans give together.

    Attributes:
        judged: scans whose levels are known.
        targets_right: T12 to L2, as far as in view, all named right; ``chest_right`` the same of T1 to T12.
        all_right: every known level named right, and nothing else named wrongly.
        certain: scans that call the names of T12 to L2 certain, of those with one of them known to be in view.
        category: scans that give a category, of those with L1 and L2 known to be in view.
        wrong_though_certain: bodies of a wrong name that was called certain.
        suspected: bodies in which a fracture is suspected, of those with heights.
        contradicted: of the suspected ones with heights in the reference, those that these show to have lost less.
        target_vois: VOIs of T12 to L2 whose mean HU is within 3 of the reference VOI's, of those that both have;
            ``worst_target_voi_hu`` the difference farthest from 0.
        names: how far the probabilities of the names can be trusted; ``target_names`` those of T12 to L2.
    """

    scans: int
    refused: int
    judged: int
    targets_right: Share
    chest_right: Share
    all_right: Share
    certain: Share
    category: Share
    wrong_though_certain: int
    suspected: Share
    contradicted: Share
    outlines: tuple[OutlineSummary, ...]
    target_vois: Share
    worst_target_voi_hu: float | None
    names: Confidence | None
    target_names: Confidence | None


def summarize_scans(results: Sequence[ScanResult]) -> ScansSummary:
    """Sum up over all scans."""
    with_targets = [result for result in results if result.targets_right is not None]
    measurable = [r for r in results if {"L1", "L2"} <= {row.level for row in r.levels if row.judged}]
    with_heights = [row for result in results for row in result.levels if row.heights_mm[0] is not None]
    vois = [
        difference
        for result in results
        for row in result.levels
        if row.level in TARGET_LEVELS and row.outline is not None
        if (difference := row.outline.voi_difference_hu) is not None
    ]
    checked = [row.reference_loss for row in with_heights if row.suspected and row.reference_loss is not None]
    return ScansSummary(
        scans=len(results),
        refused=sum(bool(result.refused) for result in results),
        judged=sum(result.all_right is not None for result in results),
        targets_right=_of(result.targets_right for result in results),
        chest_right=_of(result.chest_right for result in results),
        all_right=_of(result.all_right for result in results),
        certain=share(result.targets_certain for result in with_targets),
        category=share(result.category is not None for result in measurable),
        wrong_though_certain=sum(len(result.wrong_though_certain) for result in results),
        suspected=share(bool(row.suspected) for row in with_heights),
        contradicted=share(loss < FRACTURE_LOSS for loss in checked),
        outlines=tuple(_outlines(results)),
        target_vois=share(abs(difference) <= WITHIN_HU for difference in vois),
        worst_target_voi_hu=max(vois, key=abs, default=None),
        names=confidence(judged_bodies(results)),
        target_names=confidence(judged_bodies(results, TARGET_LEVELS)),
    )


def judged_bodies(results: Sequence[ScanResult], names: Collection[str] | None = None) -> list[JudgedBody]:
    """Return the found bodies that are judged; with ``names`` only those that are called so."""
    return [
        JudgedBody(result.name, row.found_as, row.probability, bool(row.right))
        for result in results
        for row in result.levels
        if row.judged and row.found_as is not None and row.probability is not None
        if names is None or row.found_as in names
    ]


def _of(flags: Iterable[bool | None]) -> Share:
    return share(flag for flag in flags if flag is not None)


def _outlines(results: Sequence[ScanResult]) -> Iterator[OutlineSummary]:
    compared: dict[tuple[str, str, str], list[LevelRow]] = {}
    for result in results:
        slices = THIN if result.spacing_mm[2] <= THIN_MM else THICK
        for row in result.levels:
            if row.outline is not None and row.level is not None:
                compared.setdefault((_span(row.level), row.verdict, slices), []).append(row)
    verdicts = sorted({verdict for _, verdict, _ in compared}, key=lambda text: (text != "good", text != "fair", text))
    for key in product((*SPANS, ""), verdicts, (THIN, THICK)):
        if key in compared:
            yield _outline(*key, compared[key])


def _span(level: str) -> str:
    number = LEVELS.index(level)
    return next((name for name, (top, end) in SPANS.items() if order(top) <= number <= order(end)), "")


def _outline(span: str, verdict: str, slices: str, rows: Sequence[LevelRow]) -> OutlineSummary:
    outlines = [row.outline for row in rows if row.outline is not None]
    differences = [d for outline in outlines if (d := outline.voi_difference_hu) is not None]
    errors = [error for row in rows for error in height_errors_mm(row) if error is not None]
    return OutlineSummary(
        span=span,
        verdict=verdict,
        slices=slices,
        bodies=len(rows),
        dice_by_name=spread(outline.dice_by_name for outline in outlines),
        dice_of_found=spread(outline.dice_of_found for outline in outlines if outline.found_as is not None),
        surface_distance_mm=spread(outline.surface_distance_mm for outline in outlines),
        voi_difference_hu=spread(differences),
        worst_voi_hu=max(differences, key=abs, default=None),
        within_hu=share(abs(difference) <= WITHIN_HU for difference in differences),
        height_error_mm=spread(errors),
        within_mm=share(abs(error) <= WITHIN_MM for error in errors),
    )


def height_errors_mm(row: LevelRow) -> tuple[float | None, ...]:
    """Return the anterior, middle and posterior height of a found body less those of the reference."""
    return tuple(
        None if found is None or true is None else found - true
        for found, true in zip(row.heights_mm, row.reference_heights_mm, strict=True)
    )
