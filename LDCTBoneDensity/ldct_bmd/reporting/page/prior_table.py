"""The tables of changes since earlier examinations: of two records, and at the same place in two scans."""

from collections.abc import Sequence

from ...assessment import format_bmd
from ...followup import NotCarried
from ...words import Catalogue
from ..priors import Change, Comparison, Remark
from .report import Column, Table
from .words import DASH, date, number, signed, visible

_COLUMNS = (
    "priors.level",
    "priors.date",
    "priors.then",
    "priors.now",
    "priors.change",
    "priors.percent",
    "priors.rate",
    "priors.lsc",
    "priors.verdict",
)
_SAME_PLACE_COLUMNS = (*_COLUMNS[:5], "same_place.error", *_COLUMNS[5:])
_TEXT = ("priors.level", "priors.date", "priors.verdict")
# How many decimals the numbers of a sentence on a level that was not carried over have.
_DECIMALS = {"similarity": 2, "overlap": 2, "turn_deg": 0, "residual_mm": 1}


def prior_table(comparisons: Sequence[Comparison], say: Catalogue) -> Table:
    """Return a row for the mean and for each level of each earlier examination."""
    rows, notes = [], [say("priors.note.units")]
    site_lsc = {c.site_lsc_mg_cm3 for c in comparisons if c.site_lsc_mg_cm3 is not None}
    for comparison in comparisons:
        when = _when(comparison, say)
        rows += [_row(change, when, say) for change in comparison.changes]
        notes += [_remark(remark, comparison, when, say) for remark in comparison.remarks]
        if comparison.same_place is None and comparison.changes:
            notes.append(say("priors.note.record_only", date=when))
    if site_lsc:
        notes.append(say("priors.note.lsc_site", lsc=say.listed(tuple(number(lsc) for lsc in sorted(site_lsc)))))
    else:
        notes.append(say("priors.note.lsc_noise"))
    columns = tuple(Column(say(key), "left" if key in _TEXT else "right") for key in _COLUMNS)
    return Table(columns, tuple(rows), tuple(notes))


def same_place_table(comparisons: Sequence[Comparison], say: Catalogue) -> Table | None:
    """Return a row for the mean and for each level of each earlier scan at hand; None if none is."""
    rows, notes = [], [say("same_place.note")]
    looked = [comparison for comparison in comparisons if comparison.same_place is not None]
    for comparison in looked:
        when = _when(comparison, say)
        for change in comparison.same_place or ():
            row = _row(change, when, say)
            error = DASH if change.error_mg_cm3 is None else number(change.error_mg_cm3)
            rows.append((*row[:5], error, *row[5:]))
        notes += [say("same_place.not_carried", date=when, reason=_why(one, say)) for one in comparison.not_carried]
    columns = tuple(Column(say(key), "left" if key in _TEXT else "right") for key in _SAME_PLACE_COLUMNS)
    return Table(columns, tuple(rows), tuple(notes)) if looked else None


def _why(one: NotCarried, say: Catalogue) -> str:
    facts = {
        name: number(value, _DECIMALS[name]) if isinstance(value, float) else value for name, value in one.facts.items()
    }
    return say(f"not_carried.{one.why.value}", level=one.level, **facts)


def _when(comparison: Comparison, say: Catalogue) -> str:
    if comparison.date is not None:
        return date(comparison.date) or ""
    if comparison.years is None:
        return say("priors.undated")
    return say("priors.relative", years=number(comparison.years, 2))


def _row(change: Change, when: str, say: Catalogue) -> tuple[str, ...]:
    level = change.levels[0] if len(change.levels) == 1 and not change.is_mean else None
    lsc = change.lsc_mg_cm3
    verdict = "priors.unknown" if lsc is None else "priors.beyond" if change.exceeds_lsc else "priors.within"
    return (
        level or say("priors.mean", levels=say.listed(change.levels)),
        when,
        format_bmd(change.then_mg_cm3),
        format_bmd(change.now_mg_cm3),
        signed(change.change_mg_cm3),
        DASH if change.percent is None else signed(change.percent),
        DASH if change.per_year_mg_cm3 is None else signed(change.per_year_mg_cm3),
        DASH if lsc is None else number(lsc),
        say(verdict),
    )


def _remark(remark: Remark, comparison: Comparison, when: str, say: Catalogue) -> str:
    return say(f"priors.note.{remark.value}", date=when, **{k: visible(v) for k, v in comparison.facts.items()})
