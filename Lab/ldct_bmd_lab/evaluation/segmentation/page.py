"""The results as one page that needs nothing else: tables, plots, and how to read them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ldct_bmd import __version__
from ldct_bmd.anatomy import TARGET_LEVELS
from ldct_bmd.segmentation import ModelIdentity

from ..confidence import BINS, confidence_text
from .case import CaseResult
from .conditions import ConditionChange, compare_conditions
from .names import name_confidence
from .overlap import FOUND_DICE
from .plots import draw_confusion, draw_dice, draw_reliability, draw_voi_differences
from .summary import ALL, SPANS, WITHIN_HU, LevelSummary, ScanSummary, Share, Spread, Summary
from .tables import listed, not_found, wrong_names

TEMPLATE = Path(__file__).with_name("evaluation.html.j2")
LOW_DICE = 0.8
MOST_LISTED = 100
ENOUGH_FOR_PERCENTILES = 20  # a 2.5th percentile of fewer is the lowest value


@dataclass(frozen=True)
class Subject:
    """What was evaluated, as the page says it.

    Attributes:
        scans: what the scans are.
        reference: who or what made the reference.
        synthetic: whether the scans are drawn by a computer.
    """

    scans: str
    reference: str
    synthetic: bool
    model: ModelIdentity


def make_page(subject: Subject, results: Sequence[CaseResult], summary: Summary) -> str:
    """Return the page as HTML; all text from outside is escaped."""
    complete = [row for row in summary.levels if row.group == ALL and row.bodies == "complete"]
    by_group = [row for row in summary.levels if row.level in SPANS and row.group != ALL and row.bodies == "complete"]
    cut = [row for row in summary.levels if row.level == ALL and row.bodies == "cut"]
    has_truth = any(row.voi_bias_hu is not None for row in complete)
    looked_at = _to_look_at(results)
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        subject=subject,
        version=__version__,
        scans=len(results),
        found_dice=f"{FOUND_DICE:g}",
        within_hu=f"{WITHIN_HU:g}",
        enough=ENOUGH_FOR_PERCENTILES,
        scan_rows=[_scan_row(row) for row in summary.scans],
        without_spine=summary.scans[0].clean_without_spine,
        level_rows=[(_kind(row), _level_row(row)) for row in complete],
        group_rows=[(row.group, row.bodies, *_level_row(row)) for row in (*by_group, *cut)],
        has_truth=has_truth,
        voi_rows=[(_kind(row), _voi_row(row, has_truth)) for row in complete if row.measured.of],
        voi_group_rows=[(row.group, *_voi_row(row, has_truth)) for row in by_group if row.measured.of],
        reliability_rows=[
            (f"{b.low:g} to {b.high:g}", f"{b.stated_mean:.3f}", _share(b.right)) for b in summary.reliability
        ],
        names=None if (names := name_confidence(results)) is None else confidence_text(names),
        bins=BINS,
        condition_rows=[_condition_row(change) for change in compare_conditions(results)],
        looked_at=looked_at[:MOST_LISTED],
        left_off=len(looked_at) - len(looked_at[:MOST_LISTED]),
        low_dice=f"{LOW_DICE:g}",
        plots={
            "dice": _data_uri(draw_dice(results)),
            "voi": _data_uri(draw_voi_differences(results)),
            "confusion": _data_uri(draw_confusion(results)),
            "reliability": _data_uri(draw_reliability(summary.reliability)),
        },
    )


def _kind(row: LevelSummary) -> str:
    return "sum" if row.level in SPANS else "target" if row.level in TARGET_LEVELS else ""


def _scan_row(row: ScanSummary) -> tuple[str, ...]:
    return (
        row.group,
        str(row.scans),
        _share(row.names_right),
        _share(row.names_right_where_certain),
        str(row.wrong_though_certain),
        str(row.nothing_found),
        f"{row.false_bodies} + {row.false_bodies_beyond}",
        str(row.split_or_merged),
    )


def _level_row(row: LevelSummary) -> tuple[str, ...]:
    heights = (row.anterior_mm, row.middle_mm, row.posterior_mm)
    return (
        _level_name(row.level),
        str(row.found.of),
        _spread(row.dice_by_name, ".3f"),
        "–" if row.dice_by_name is None else f"{row.dice_by_name.median:.3f}",
        _percent(row.found),
        _percent(row.named_right),
        _spread(row.surface_distance_mm, ".2f"),
        _spread(row.hausdorff95_mm, ".2f"),
        " / ".join("–" if height is None else _number(height.mean, "+.1f") for height in heights),
    )


def _voi_row(row: LevelSummary, has_truth: bool) -> tuple[str, ...]:
    difference = row.voi_difference_hu
    limits = "–"
    if difference is not None and difference.n >= ENOUGH_FOR_PERCENTILES:
        limits = f"{_number(difference.percentile_2_5, '+.1f')} to {_number(difference.percentile_97_5, '+.1f')}"
    return (
        _level_name(row.level),
        f"{row.measured.count} / {row.measured.of}",
        _spread(difference, "+.1f"),
        limits,
        _percent(row.within_4_hu),
        *([_spread(row.voi_bias_hu, "+.1f")] if has_truth else []),
        _spread(row.voi_distance_mm, ".1f"),
    )


def _condition_row(change: ConditionChange) -> tuple[str, ...]:
    return (
        change.group,
        str(change.scans),
        _spread(change.dice, "+.3f"),
        _share(change.names_kept),
        _spread(change.bmd_mg_cm3, "+.1f"),
        _share(change.within_4_mg_cm3),
        _share(change.reference_within_4_mg_cm3),
    )


def _to_look_at(results: Sequence[CaseResult]) -> list[tuple[str, str, str]]:
    """Return (case, group, why) of the cases that went wrong, the most dangerous first."""
    ranked = []
    for case in results:
        wrong, missed, low = wrong_names(case), not_found(case), ""
        found = [row for row in case.levels if row.complete and row.found]
        if found:
            worst = min(found, key=lambda row: row.dice_of_found)
            low = f"Dice {worst.dice_of_found:.2f} at {worst.level}" if worst.dice_of_found < LOW_DICE else ""
        reasons = [
            f"wrong names, called certain: {wrong}" if wrong and case.names_certain else "",
            f"nothing found: {case.failure}" if case.failure and case.levels else "",
            f"wrong names, called uncertain: {wrong}" if wrong and not case.names_certain else "",
            f"false: {listed(case.false_bodies)}" if case.false_bodies else "",
            f"not found: {missed}" if missed and not case.failure else "",
            low,
        ]
        first = next((rank for rank, reason in enumerate(reasons) if reason), None)
        if first is not None:
            ranked.append((first, (case.name, case.group, "; ".join(reason for reason in reasons if reason))))
    return [row for _, row in sorted(ranked, key=lambda entry: entry[0])]


def _level_name(level: str) -> str:
    return "all levels" if level == ALL else level.replace("-", " to ")


def _share(share: Share) -> str:
    if share.fraction is None or share.low is None or share.high is None:
        return "–"
    return (
        f"{share.count} / {share.of} = {100 * share.fraction:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"
    )


def _percent(share: Share) -> str:
    return "–" if share.fraction is None else f"{100 * share.fraction:.1f}"


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return "–"
    return _number(spread.mean, form) + ("" if spread.sd is None else f" ± {_number(spread.sd, form.lstrip('+'))}")


def _number(value: float, form: str) -> str:
    return format(round(value, int(form[-2])) + 0.0, form)  # no minus before a zero


def _data_uri(svg: str) -> str:
    # As an image, so that the ids in one plot don't meet those in another.
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
