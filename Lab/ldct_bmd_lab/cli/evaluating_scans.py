"""From the options of ``ldct-bmd evaluate --scans`` to the result folder."""

from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ldct_bmd.cli.methods import networks
from ldct_bmd.cli.terminal import safe, say
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.jobs.measuring import network_segmenter
from ldct_bmd.words import text

from ..evaluation.confidence import confidence_text
from ..evaluation.scans import ScanFolder, ScanResult, ScansSummary, find_scans
from ..evaluation.scans.page import ScansSubject, share_text, totals, yes_or_no
from ..evaluation.scans.report import check_scans_folder
from ..evaluation.scans.run import evaluate_scans
from ..evaluation.scans.tables import suspected, wrong_names


@dataclass(frozen=True)
class ScansRequest:
    """What the user asked for, as typed; :func:`evaluate_real_scans` says what is wrong with it.

    Attributes:
        shapes_only: names of scans whose list tells places but not names.
        trained_on: whether the weights have seen the scans.
    """

    folder: Path
    scans: Path
    shapes_only: tuple[str, ...] = ()
    trained_on: bool = False
    reference_kind: str | None = None
    weights: Path | None = None
    method: str | None = None
    device: str = "auto"
    overwrite: bool = False


def evaluate_real_scans(request: ScansRequest, progress: Progress = silent) -> tuple[ScansSummary, list[ScanResult]]:
    """Evaluate the scans of a folder, and write the report; UsageError says what is wrong."""
    check_scans_folder(request.folder, request.overwrite)
    scans = find_scans(request.scans)
    check_shapes_only(request.shapes_only, scans)
    segmenter = network_segmenter(networks(request.device, request.weights, request.method))
    kind = (request.reference_kind or "").strip()
    subject = ScansSubject(f"from {request.scans.name}", kind, segmenter.identity.name, request.trained_on)
    return evaluate_scans(request.folder, scans, segmenter, subject, request.shapes_only, request.overwrite, progress)


def check_shapes_only(names: tuple[str, ...], scans: list[ScanFolder]) -> None:
    """Raise UsageError if a name is not that of a scan."""
    unknown = sorted(set(names) - {scan.name for scan in scans})
    if unknown:
        raise UsageError.of_text(f"--shapes-only names {unknown[0]}, and there is no such scan.")


def print_scans(console: Console, summary: ScansSummary, results: list[ScanResult], folder: Path) -> None:
    """Print a row per scan, the sums, and where everything is."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("scan", "found", "T12-L2 right", "T1-T12 right", "certain", "probability", "suspected"):
        table.add_column(heading, overflow="fold", justify="left" if heading in ("scan", "suspected") else "right")
    table.add_column("wrong or missed", overflow="fold")
    for result in results:
        lowest = result.lowest_probability
        words = [f"refused: {result.refused}"] if result.refused else [wrong_names(result), *_missed(result)]
        table.add_row(
            safe(result.name),
            str(len(result.found)),
            yes_or_no(result.targets_right),
            yes_or_no(result.chest_right),
            yes_or_no(result.targets_certain if result.found else None),
            "-" if lowest is None else f"{lowest:.2f}",
            suspected(result),
            safe("; ".join(word for word in words if word)),
        )
    console.print(table)
    for name, figure in totals(summary):
        say(console, f"{name}: {figure}")
    for name, one in (("Names", summary.names), ("Names T12 to L2", summary.target_names)):
        if one is not None:
            say(console, f"{name}: {confidence_text(one)}")
    for row in summary.outlines:
        if row.dice_by_name is not None:
            say(
                console,
                f"{row.span or 'others'}, {row.verdict or 'not graded'}, {row.slices}: bodies {row.bodies}, "
                f"Dice {row.dice_by_name.mean:.3f}, VOIs within 3 HU {share_text(row.within_hu)}",
            )
    problems = [result for result in results if result.reference_problem]
    for result in problems:
        say(console, f"{result.name}: the reference bodies can't be compared with: {result.reference_problem}", "red")
    say(console, text("terminal.research_use"), "bold")
    say(console, f"Written to {folder}")


def _missed(result: ScanResult) -> list[str]:
    return [f"missed: {', '.join(result.missed)}"] if result.missed else []
