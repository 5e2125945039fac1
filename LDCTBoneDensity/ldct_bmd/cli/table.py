"""What the commands print on standard output."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..anatomy import order
from ..assessment import format_bmd
from ..calibration import BMDError
from ..calibration.described import carried_line, contrast_line, name_words
from ..examination import Examination, unused_levels
from ..findings import Effect, Finding, FindingCode, Severity
from ..scan import ChoiceReason, ScanDescription, SeriesChoice, SeriesSummary
from ..words import catalogue, current_language, text
from ..worklist import Facts, Worklist
from .terminal import pairs, safe, say, say_block

SEVERITY_STYLE = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def print_result(console: Console, examination: Examination, folder: Path) -> None:
    """Print which series was measured, the table, the findings, the statement and where the files are."""
    from ..reporting.page.about import age_caveat, mean_line

    words = catalogue(current_language())
    _print_choice(console, examination.scan)
    console.print(_measurement_table(examination))
    _print_left_out(console, examination)
    if any(m.bmd_error is not None and m.bmd_error.total_mg_cm3 is None for m in examination.measurements):
        say(console, text("result.noise_alone"), "dim")
    calibration, choice = examination.calibration, examination.calibration_choice
    line = text(
        "result.calibration_nominal" if calibration.nominal else "result.calibration",
        name=name_words(calibration),
        slope=calibration.slope,
        intercept=examination.line.intercept_mg_cm3,
        material=calibration.material,
    )
    say(console, line, "yellow" if calibration.nominal else "")
    carried = carried_line(calibration)
    if carried is not None:
        say(console, text("result.carried", line=carried))
    contrast = contrast_line(examination.contrast)
    if contrast is not None:
        say(console, text("result.contrast", line=contrast))
    # Where none matched, a finding says so in the same words.
    if choice is not None and choice.matched:
        say(console, str(choice.reason))
    for finding in _anatomical(examination.findings):
        say(console, _finding_line(finding), SEVERITY_STYLE[finding.severity])
    console.print()
    say(console, examination.assessment.statement, "bold")
    for line in filter(None, (mean_line(examination, words), age_caveat(examination.scan.patient, words))):
        say(console, line)
    say(console, text("terminal.research_use"), "bold")
    say(console, text("terminal.written", path=folder))


def print_series(console: Console, series: Sequence[SeriesSummary]) -> None:
    """Print a block per series found in the input; a volume file has none."""
    if not series:
        say(console, text("series_table.none"))
    for place, one in enumerate(series):
        if place:
            console.print()
        facts = (
            ("slices", str(one.slices)),
            ("spacing", _number(one.spacing_z_mm, ".2f")),
            ("coverage", _number(one.coverage_z_mm, ".0f")),
            ("kernel", one.kernel or "-"),
        )
        say_block(
            console,
            one.series_uid,
            f"{one.modality} {one.description}".strip() or "-",
            pairs(*((text(f"series_table.{name}"), value) for name, value in facts)),
            _suitability(one),
        )


def print_worklist(console: Console, worklist: Worklist, limit: int) -> None:
    """Print a block for each of the first ``limit`` rows (0: all), and how many more there are."""
    shown = worklist.rows[: limit or None]
    for row in shown:
        facts = row.facts
        mean = "-" if facts.mean_bmd_mg_cm3 is None else format_bmd(facts.mean_bmd_mg_cm3)
        urgency, state = text(f"worklist.urgency.{row.urgency.value}"), text(f"worklist.state.{row.state.value}")
        say_block(
            console,
            f"{urgency}   {facts.patient_id or '-'}   {facts.scan_date or '-'}   {state}",
            pairs((text("worklist.mean"), mean), (text("worklist.category"), _category(facts))),
            pairs((text("worklist.why"), _why(facts))),
        )
        say(console, f"  {pairs((text('worklist.result'), row.folder or '-'))}")
        console.print()
    if len(worklist.rows) > len(shown):
        say(console, text("worklist.more", count=len(worklist.rows) - len(shown)))


def _category(facts: Facts) -> str:
    if facts.category is None:
        return "-"
    return text("category.limited" if facts.limited else "category.plain", category=text(f"category.{facts.category}"))


def _why(facts: Facts) -> str:
    if facts.reason is not None:
        return facts.reason
    parts = (
        ("fractures_confirmed", facts.fractures_confirmed),
        ("fractures_to_check", facts.fractures_to_check),
        ("uncertain", facts.uncertain),
    )
    found = [text(f"worklist.why.{name}", levels=levels) for name, levels in parts if levels]
    return " ".join([*found, *_no_category(facts)]) or "-"


def _no_category(facts: Facts) -> list[str]:
    if facts.category is not None:
        return []
    codes = [code for code in FindingCode if code.effect is Effect.FORBIDS and code.value in facts.limited]
    reasons = [text(f"because.{code.value}") for code in codes]
    return [text("worklist.why.no_category", reasons=reasons)] if reasons else []


def _print_choice(console: Console, scan: ScanDescription) -> None:
    source = scan.source
    if source.choice is not None:
        say(console, _chosen(source.choice, scan.acquisition.series_description))
    elif source.file_name is not None:
        say(console, text("choice.file", name=source.file_name))
    for other in source.other_series:
        if other.series_uid:
            named = text("choice.named", name=_label(other.series_uid, other.description), slices=other.slices)
        else:
            named = text("choice.of_another_patient", slices=other.slices)
        key = "choice.not_measured" if other.unsuitable is None else "choice.unsuitable"
        say(console, text(key, series=named, reason=str(other.unsuitable)), "dim")


def _chosen(choice: SeriesChoice, description: str | None) -> str:
    name = _label(choice.address, description)
    if choice.reason in (ChoiceReason.ONLY, ChoiceReason.NAMED, ChoiceReason.LOADED):
        return text(f"choice.chosen.{choice.reason.value}", name=name)
    because = text(f"choice.because.{choice.reason.value}")
    key = "choice.chosen" if choice.patients == 1 else "choice.chosen.patients"
    return text(key, name=name, series=choice.series, patients=choice.patients, because=because)


def _label(series_uid: str, description: str | None) -> str:
    return text("choice.label", description=description, uid=series_uid) if description else series_uid


def _measurement_table(examination: Examination) -> Table:
    """Return a row per level that was measured or should have been, top to bottom."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(text("result.level"))
    for column in ("bmd", "error", "mean_hu", "sd_hu", "volume"):
        table.add_column(text(f"result.{column}"), justify="right")
    measured = {measurement.level: measurement for measurement in examination.measurements}
    for level in sorted({*measured, *examination.quality.requested_levels}, key=order):
        name = Text(level if examination.quality.certain(level) else f"{level}?", "bold")
        measurement = measured.get(level)
        if measurement is None:
            table.add_row(name, *"-----")
            continue
        table.add_row(
            name,
            format_bmd(measurement.bmd_mg_cm3),
            _standard_error(measurement.bmd_error),
            f"{measurement.mean_hu:.1f}",
            f"{measurement.sd_hu:.1f}",
            f"{measurement.volume_mm3 / 1000:.2f}",
        )
    return table


def _print_left_out(console: Console, examination: Examination) -> None:
    unused = unused_levels(examination)
    for measurement in examination.measurements:
        if measurement.excluded is not None:
            said = text("result.excluded", reason=measurement.excluded.text)
        elif measurement.level in unused:
            said = text("result.unused", reason=unused[measurement.level].words)
        else:
            continue
        say(console, pairs((measurement.level, said)))


def _standard_error(error: BMDError | None) -> str:
    if error is None:
        return "-"
    if error.total_mg_cm3 is not None:
        return f"{error.total_mg_cm3:.1f}"
    return f"{error.known_mg_cm3:.1f}*"


def _anatomical(findings: Sequence[Finding]) -> list[Finding]:
    """Return those of the whole examination first, then those of the levels from top to bottom."""
    return sorted(findings, key=lambda finding: -1 if finding.level is None else order(finding.level))


def _finding_line(finding: Finding) -> str:
    key = "result.finding" if finding.level is None or finding.level in finding.message else "result.finding_at"
    severity = text(f"result.severity.{finding.severity.value}")
    return text(key, severity=severity, level=finding.level, message=finding.message, code=finding.code.value)


def _suitability(series: SeriesSummary) -> Text:
    if series.unsuitable is None:
        return Text(text("series_table.yes"), "green")
    return safe(text("series_table.no", reason=series.unsuitable), "yellow")


def _number(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)
