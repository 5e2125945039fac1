"""The results on real scans as one page that needs nothing else."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ldct_bmd import __version__

from ..confidence import BINS, Confidence, confidence_text
from ..segmentation.summary import Share, Spread
from .plots import draw_level_reliability, draw_risk_coverage
from .result import ScanResult
from .summary import WITHIN_HU, WITHIN_MM, OutlineSummary, ScansSummary
from .tables import misnamed, suspected, wrong_names

TEMPLATE = Path(__file__).with_name("scans.html.j2")
NONE = "–"


@dataclass(frozen=True)
class ScansSubject:
    """What was evaluated, as the page says it.

    Attributes:
        scans: what the scans are.
        reference: who or what said where the levels lie and made the bodies; "": the page does not say.
        model: name of the weights, or of what they were trained from.
        trained_on: whether the weights have seen these scans.
        folds: whether each scan was measured with weights of its own fold.
    """

    scans: str
    reference: str
    model: str
    trained_on: bool = False
    folds: bool = False


def make_scans_page(subject: ScansSubject, results: Sequence[ScanResult], summary: ScansSummary) -> str:
    """Return the page as HTML; all text from outside is escaped."""
    names = summary.names
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        subject=subject,
        summary=summary,
        version=__version__,
        weights=list(dict.fromkeys(result.weights_sha256 for result in results if result.weights_sha256)),
        totals=list(totals(summary)),
        scan_rows=[_scan_row(result, subject.folds) for result in results],
        outline_rows=[_outline_row(row) for row in summary.outlines],
        within_hu=f"{WITHIN_HU:g}",
        within_mm=f"{WITHIN_MM:g}",
        names=names is not None,
        plots={} if names is None else _plots(names, summary.target_names),
        confidence_rows=[
            (name, confidence_text(one))
            for name, one in (("All names", names), ("T12 to L2", summary.target_names))
            if one is not None
        ],
        bin_rows=[
            (f"{one.low:.3f} to {one.high:.3f}", f"{one.stated:.3f}", share_text(one.right))
            for one in (() if names is None else names.bins)
        ],
        bins=BINS,
        cards=[
            {"name": result.name, "picture": result.picture, "lines": [line for line in _card(result) if line]}
            for result in results
        ],
    )


def totals(summary: ScansSummary) -> Iterator[tuple[str, str]]:
    """Yield the figures of the whole, each with its name."""
    yield "T12 to L2 named right, as far as in view", share_text(summary.targets_right)
    yield "T1 to T12 named right, where all are in view", share_text(summary.chest_right)
    yield "Every known level named right", share_text(summary.all_right)
    yield "Called certain, of scans with one of T12 to L2", share_text(summary.certain)
    yield "A category, of scans with L1 and L2", share_text(summary.category)
    yield "Bodies of a wrong name that was called certain", str(summary.wrong_though_certain)
    yield "Scans refused", f"{summary.refused} / {summary.scans}"
    yield "Fracture suspected, of bodies with heights", share_text(summary.suspected)
    yield (
        f"VOIs of T12 to L2 within {WITHIN_HU:g} HU of the reference's",
        f"{share_text(summary.target_vois)}; worst {_number(summary.worst_target_voi_hu, '+.1f')} HU",
    )
    yield "Suspicions that the reference's heights contradict", share_text(summary.contradicted)


def share_text(share: Share) -> str:
    """Return a share as "k / n = p % (from to)"."""
    if share.fraction is None or share.low is None or share.high is None:
        return NONE
    return (
        f"{share.count} / {share.of} = {100 * share.fraction:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"
    )


def yes_or_no(flag: bool | None) -> str:
    """Return a flag in a word; a dash where there is none."""
    return NONE if flag is None else "yes" if flag else "no"


def _scan_row(result: ScanResult, folds: bool) -> dict[str, Any]:
    outlines = [row.outline for row in result.levels if row.outline is not None]
    differences = [d for outline in outlines if (d := outline.voi_difference_hu) is not None]
    wrong, missed = wrong_names(result), ", ".join(result.missed)
    words = [
        f"refused: {result.refused}" if result.refused else "",
        wrong,
        f"missed: {missed}" if missed and not result.refused else "",
    ]
    with_heights = sum(row.heights_mm[0] is not None for row in result.levels)
    cells = [
        result.name,
        *([NONE if result.fold is None else str(result.fold)] if folds else []),
        _number(result.spacing_mm[2] or None, ".2f"),
        str(len(result.found)),
        yes_or_no(result.targets_right),
        yes_or_no(result.chest_right),
        yes_or_no(result.targets_certain if result.found else None),
        _number(result.lowest_probability, ".2f"),
        result.category or "none",
        f"{len(result.suspected)} / {with_heights}",
        _number(sum(o.dice_by_name for o in outlines) / len(outlines) if outlines else None, ".3f"),
        _number(max(differences, key=abs, default=None), "+.1f"),
    ]
    return {"cells": cells, "flags": {3 + folds, 4 + folds}, "words": "; ".join(word for word in words if word)}


def _outline_row(row: OutlineSummary) -> tuple[str, ...]:
    return (
        row.span.replace("-", " to ") or "others",
        row.verdict or "not graded",
        row.slices,
        str(row.bodies),
        _spread(row.dice_by_name, ".3f"),
        _spread(row.dice_of_found, ".3f"),
        _spread(row.surface_distance_mm, ".2f"),
        _spread(row.voi_difference_hu, "+.1f"),
        _number(row.worst_voi_hu, "+.1f"),
        f"{row.within_hu.count} / {row.within_hu.of}",
        _spread(row.height_error_mm, "+.2f"),
        f"{row.within_mm.count} / {row.within_mm.of}",
    )


def _card(result: ScanResult) -> Iterator[str]:
    """Yield the lines beside a scan's picture."""
    if result.refused:
        yield f"Refused: {result.refused}"
    else:
        yield result.names_remark
    if not any(row.judged for row in result.levels):
        yield "Its names are not judged."
    certain = ", ".join(misnamed(row) for row in result.wrong_though_certain)
    yield f"Wrong, though called certain: {certain}." if certain else ""
    wrong = wrong_names(result)
    yield f"Wrong names: {wrong}." if wrong else ""
    yield f"Missed: {', '.join(result.missed)}." if result.missed else ""
    for row in result.suspected:
        loss = row.reference_loss
        known = "" if loss is None else f" The reference's heights at {row.level} differ by {100 * loss:.0f} %."
        yield f"{row.suspected}{known}"
    names = suspected(result)
    yield "" if names or result.refused else "No fracture is suspected."
    yield f"The reference bodies can't be compared with: {result.reference_problem}" if result.reference_problem else ""
    dice = ", ".join(
        f"{row.level} {row.outline.dice_of_found:.2f}" for row in result.levels if row.outline is not None and row.level
    )
    yield f"Dice with the body found there: {dice}." if dice else ""


def _plots(names: Confidence, targets: Confidence | None) -> dict[str, str]:
    curves = {"all names": names} | ({} if targets is None else {"T12 to L2": targets})
    drawn = {"risk": draw_risk_coverage(curves), "reliability": draw_level_reliability(names)}
    # As images, so that the ids in one plot don't meet those in another.
    return {
        name: "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
        for name, svg in drawn.items()
    }


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return NONE
    return _number(spread.mean, form) + ("" if spread.sd is None else f" ± {_number(spread.sd, form.lstrip('+'))}")


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else format(round(value, int(form[-2])) + 0.0, form)  # no minus before a zero
