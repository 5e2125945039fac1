"""From the options of ``ldct-bmd evaluate`` to the result folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from rich import box
from rich.console import Console
from rich.table import Table

from ldct_bmd.cli.methods import networks
from ldct_bmd.cli.terminal import safe, say
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.jobs.measuring import network_segmenter
from ldct_bmd.segmentation.label_map import Parts, Values
from ldct_bmd.words import text

from ..evaluation.segmentation import Summary
from ..evaluation.segmentation.folder import check_evaluation_folder
from ..evaluation.segmentation.run import Drawn, Plan, evaluate, plan_of_drawings, plan_of_pairs
from ..evaluation.segmentation.summary import ALL, PAPER_LEVELS, Share
from ..ground.journal import unfinished
from ..synthetic.held_out import held_out_cases, sources_of
from ..synthetic.no_spine import no_spine_cases
from ..synthetic.robustness import VARIANTS, robustness_cases
from ..torso.totalsegmentator_atlas import is_totalsegmentator

KINDS = ("held-out", "robustness", "no-spine")  # of synthetic scans


@dataclass(frozen=True)
class EvaluationRequest:
    """What the user asked for, as typed; :func:`evaluate_cases` says what is wrong with it."""

    folder: Path
    pairs: Path | None = None
    values: str | None = None
    parts: str | None = None
    reference_kind: str | None = None
    synthetic: int | None = None
    atlas: Path | None = None
    masks: Path | None = None
    seed: int | None = None
    kind: str | None = None
    weights: Path | None = None
    method: str | None = None
    device: str = "auto"
    overwrite: bool = False


def evaluate_cases(request: EvaluationRequest, progress: Progress = silent) -> Summary:
    """Evaluate what was asked for, and write the folder.

    Raises:
        UsageError: the request makes no sense.
        CannotMeasure: a scan or a reference can't be read; what was done with the others is kept.
    """
    check_evaluation_folder(request.folder, request.overwrite)
    plan = _synthetic(request) if request.pairs is None else _pairs(request, request.pairs)
    segmenter = network_segmenter(networks(request.device, request.weights, request.method))
    return evaluate(request.folder, plan, segmenter, request.overwrite, progress)


def print_evaluation(console: Console, summary: Summary, folder: Path) -> None:
    """Print the sums that matter most, by group."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("group", overflow="fold", min_width=8)
    for heading in ("scans", "all names\nright", "wrong,\ncertain", "Dice", "VOIs", "HU off", "within 4"):
        table.add_column(heading, justify="right", no_wrap=True)
    for scans in summary.scans:
        rows = {row.level: row for row in summary.levels if row.group == scans.group and row.bodies == "complete"}
        row = rows.get(PAPER_LEVELS) or rows.get(ALL)
        dice = None if row is None else row.dice_by_name
        difference = None if row is None else row.voi_difference_hu
        placed = "-" if row is None else f"{row.measured.count}/{row.measured.of}"
        table.add_row(
            safe(scans.group) if row is None else f"{safe(scans.group)}\n{row.level}",
            str(scans.scans),
            _percent(scans.names_right),
            str(scans.wrong_though_certain),
            "-" if dice is None else f"{dice.mean:.3f}",
            placed,
            "-" if difference is None else f"{difference.mean:+.1f}\n({difference.sd or 0.0:.1f})",
            "-" if row is None else _percent(row.within_4_hu),
        )
    console.print(table)
    say(console, "Complete bodies, by name; HU off: mean (SD). Wrong, certain: wrong names that are called certain.")
    say(console, text("terminal.research_use"), "bold")
    say(console, f"Written to {folder}")


def _pairs(request: EvaluationRequest, path: Path) -> Plan:
    if (request.synthetic, request.atlas, request.masks, request.seed, request.kind) != (None,) * 5:
        raise UsageError.of_text("Give either PAIRS or --synthetic with --kind, --atlas, --masks and --seed, not both.")
    values, parts, kind = request.values, request.parts, (request.reference_kind or "").strip()
    if values not in get_args(Values) or parts not in get_args(Parts):
        raise UsageError.of_text(
            f"PAIRS need --values ({' or '.join(get_args(Values))}) and --parts ({' or '.join(get_args(Parts))}): "
            "what the references hold."
        )
    if not kind:
        raise UsageError.of_text(
            "PAIRS need --reference-kind: one sentence for the page on who or what made the references, and of whom, "
            'as in "patients; TotalSegmentator 2, not checked".'
        )
    return plan_of_pairs(path, cast(Values, values), cast(Parts, parts), kind)


def _synthetic(request: EvaluationRequest) -> Plan:
    if request.synthetic is None:
        raise UsageError.of_text("Give PAIRS to evaluate on, or --synthetic N with --atlas FILE.")
    if (request.values, request.parts, request.reference_kind) != (None,) * 3:
        raise UsageError.of_text(
            "--values, --parts and --reference-kind describe PAIRS: leave them out with --synthetic."
        )
    if request.synthetic < 1:
        raise UsageError.of_text("--synthetic is the number of scans to draw, 1 or more.")
    kind, seed = request.kind or KINDS[0], request.seed or 0
    if kind not in KINDS:
        raise UsageError.of_text(f"--kind is {', '.join(KINDS)}, not {kind}.")
    if kind == "no-spine":
        drawn = Drawn(request.synthetic, kind, seed, masks=request.masks)
        return plan_of_drawings(drawn, drawn.scans, "without a spine", no_spine_cases(drawn.scans, seed))
    torso = request.atlas is not None and is_totalsegmentator(request.atlas)
    if request.atlas is None or not (torso or request.atlas.is_file()):
        raise UsageError.of_text(
            f"--kind {kind} needs --atlas TORSO, a label map or a folder of TotalSegmentator's labels; "
            f"there is no file {request.atlas or ''}."
        )
    if torso and request.masks is not None:
        raise UsageError.of_text(
            "--masks are set into the label map: leave them out with a folder of TotalSegmentator's labels."
        )
    if request.masks is not None and not request.masks.is_dir():
        raise UsageError.of_text(f"--masks: there is no folder {request.masks}.")
    # The atlas alone needs no mask.
    sources = sources_of(request.atlas) if torso or request.masks is not None else ("atlas",)
    grafts = "" if request.masks is None else f" and the masks in {request.masks.name}"
    draw, each = (robustness_cases, len(VARIANTS)) if kind == "robustness" else (held_out_cases, 1)
    cache = unfinished(request.folder)  # an anatomy takes a minute to prepare: a run that goes on has it ready
    cases = draw(request.synthetic, request.atlas, request.masks or Path(), seed, cache, sources=sources)
    drawn = Drawn(request.synthetic, kind, seed, request.atlas, request.masks, by_variant=kind == "robustness")
    return plan_of_drawings(drawn, drawn.scans * each, f"drawn from {request.atlas.name}{grafts}", cases)


def _percent(share: Share) -> str:
    if share.fraction is None or share.low is None or share.high is None:
        return "-"
    return f"{100 * share.fraction:.1f} %\n({100 * share.low:.1f}-{100 * share.high:.1f})"
