"""From the options of ``ldct-bmd evaluate`` to the result folder."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from rich import box
from rich.console import Console
from rich.table import Table

from ldct_bmd import __version__
from ldct_bmd.anatomy import LEVELS
from ldct_bmd.cli.methods import networks
from ldct_bmd.cli.terminal import safe, say
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.jobs.measuring import network_segmenter
from ldct_bmd.segmentation.label_map import Parts, Values
from ldct_bmd.words import text

from ..evaluation.segmentation import Case, CaseResult, Summary, evaluate_case
from ..evaluation.segmentation.folder import check_evaluation_folder, write_evaluation
from ..evaluation.segmentation.page import Subject
from ..evaluation.segmentation.pairs import Pair, files_of, find_pairs, read_case
from ..evaluation.segmentation.summary import ALL, PAPER_LEVELS, Share
from ..ground.journal import Journal, unfinished
from ..torso.totalsegmentator_atlas import FILES, is_totalsegmentator

if TYPE_CHECKING:
    from ..training.heldout import Drawing, HeldOut

STAGE = "Evaluating"
KINDS = ("held-out", "robustness", "no-spine")  # of synthetic scans
SEGMENTING = 0.9  # of the time that a case takes


@dataclass(frozen=True)
class Request:
    """What the user asked for, as typed; :func:`evaluate` says what is wrong with it."""

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


@dataclass(frozen=True)
class Plan:
    """The cases of an evaluation, each read only when its turn comes.

    Attributes:
        arguments: what the results depend on, besides the model.
        cases: (name, what reads the case); unread cases cost little.
        inputs: what tells, by name, whether a case has changed; None: the arguments tell.
    """

    scans: str
    reference: str
    synthetic: bool
    count: int
    arguments: dict[str, Any]
    cases: Iterator[tuple[str, Callable[[], Case]]]
    inputs: dict[str, Any] | None = None


def evaluate(request: Request, progress: Progress = silent) -> Summary:
    """Evaluate every case, go on where a killed run stopped, and write the folder.

    A case that can't be read stops none of the others, but the folder is not written.

    Raises:
        UsageError: the request makes no sense.
        CannotMeasure: a scan or a reference can't be read; what was done with the others is kept.
    """
    check_evaluation_folder(request.folder, request.overwrite)
    plan = _synthetic(request) if request.pairs is None else _pairs(request, request.pairs)
    segmenter = network_segmenter(networks(request.device, request.weights, request.method))
    model = segmenter.identity
    arguments = plan.arguments | {"version": __version__, "model": model.sha256}
    journal = Journal(request.folder, CaseResult, arguments, "evaluation", plan.inputs)
    names, unreadable = [], []
    for number, (name, read) in enumerate(plan.cases):
        names.append(name)
        progress(STAGE, number / plan.count)
        if name not in journal.results:
            try:
                case = read()
            except CannotMeasure as error:
                unreadable.append(str(error))
                continue
            journal.add(evaluate_case(case, segmenter, partial(_within, progress, number, plan.count)))
    if unreadable:
        if not journal.results:
            journal.remove()
        raise CannotMeasure.of_text(" ".join((*unreadable, *_what_to_do(len(unreadable), len(names)))))
    subject = Subject(plan.scans, plan.reference, plan.synthetic, model)
    summary = write_evaluation(request.folder, subject, [journal.results[name] for name in names], request.overwrite)
    journal.remove()
    progress(STAGE, 1.0)
    return summary


def _what_to_do(unreadable: int, count: int) -> Iterator[str]:
    if unreadable < count:
        yield (
            f"{unreadable} of {count} cases can't be read, and the others are done: mend these or leave them out, "
            "and run the same command again."
        )


def print_evaluation(console: Console, summary: Summary, folder: Path) -> None:
    """Print the sums that matter most, by group."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("group", overflow="fold")
    for heading in ("scans", "all names right", "wrong though certain", "Dice", "VOIs", "HU difference", "within 4"):
        table.add_column(heading, justify="right")
    for scans in summary.scans:
        rows = {row.level: row for row in summary.levels if row.group == scans.group and row.bodies == "complete"}
        row = rows.get(PAPER_LEVELS) or rows.get(ALL)
        dice = None if row is None else row.dice_by_name
        difference = None if row is None else row.voi_difference_hu
        placed = "-" if row is None else f"{row.measured.count}/{row.measured.of}"
        table.add_row(
            safe(scans.group) if row is None else f"{safe(scans.group)}, {row.level}",
            str(scans.scans),
            _percent(scans.names_right),
            str(scans.wrong_though_certain),
            "-" if dice is None else f"{dice.mean:.3f}",
            placed,
            "-" if difference is None else f"{difference.mean:+.1f} ({difference.sd or 0.0:.1f})",
            "-" if row is None else _percent(row.within_4_hu),
        )
    console.print(table)
    say(console, "Complete bodies, by name; mean (SD).")
    say(console, text("terminal.research_use"), "bold")
    say(console, f"Written to {folder}")


def _pairs(request: Request, path: Path) -> Plan:
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
    pairs = find_pairs(path)

    def read(pair: Pair) -> Case:
        return read_case(pair, cast(Values, values), cast(Parts, parts))

    return Plan(
        scans=f"from {path.name}",
        reference=kind,
        synthetic=False,
        count=len(pairs),
        arguments={"pairs": True, "values": values, "parts": parts},
        cases=((pair.name, partial(read, pair)) for pair in pairs),
        inputs={pair.name: [pair.group, files_of(pair)] for pair in pairs},
    )


def _synthetic(request: Request) -> Plan:
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
        from ..training.no_spine import no_spine_cases

        return _drawn(request, kind, request.synthetic, "without a spine", no_spine_cases(request.synthetic, seed))
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
    from ..training.heldout import held_out_cases, sources_of
    from ..training.robustness import VARIANTS, robustness_cases

    # The atlas alone needs no mask.
    sources = sources_of(request.atlas) if torso or request.masks is not None else ("atlas",)
    grafts = "" if request.masks is None else f" and the masks in {request.masks.name}"
    draw, each = (robustness_cases, len(VARIANTS)) if kind == "robustness" else (held_out_cases, 1)
    cache = unfinished(request.folder)  # an anatomy takes a minute to prepare: a run that goes on has it ready
    cases = draw(request.synthetic, request.atlas, request.masks or Path(), seed, cache, sources=sources)
    return _drawn(request, kind, request.synthetic * each, f"drawn from {request.atlas.name}{grafts}", cases)


def _drawn(request: Request, kind: str, count: int, scans: str, drawings: Iterator["Drawing"]) -> Plan:
    seed = request.seed or 0
    return Plan(
        scans=f"{scans} ({kind}, seed {seed})",
        reference="the shapes that the scans were drawn from",
        synthetic=True,
        count=count,
        arguments={
            "synthetic": request.synthetic,
            "kind": kind,
            "atlas": None if kind == "no-spine" else _sha256(request.atlas),
            "masks": request.masks and {file.name: _sha256(file) for file in sorted(request.masks.glob("*.nii.gz"))},
            "seed": seed,
        },
        cases=((one.name, partial(_draw, one, kind == "robustness")) for one in drawings),
    )


def _draw(drawing: "Drawing", by_variant: bool) -> Case:
    return as_case(drawing.draw(), by_variant)


def _sha256(path: Path | None) -> str | None:
    if path is None:
        return None
    if path.is_dir():
        return hashlib.sha256("".join(str(_sha256(path / name)) for name in FILES).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_case(drawn: "HeldOut", by_variant: bool = False) -> Case:
    """Return a synthetic scan as a case, in the group of its kind, or of the way it was scanned.

    Bodies that are not a real patient's are summed up with the atlas's, in whichever scan they are.
    """
    from ..training.heldout import DEFORMATIONS

    of_atlas = [level for level in LEVELS if level not in drawn.real_levels] if drawn.real_levels else []
    return Case(
        name=drawn.name,
        group=drawn.variant if by_variant else drawn.group,
        scan=drawn.scan(),
        reference=drawn.labels,
        noise_free_hu=drawn.noise_free_hu,
        level_groups={} if by_variant else dict.fromkeys(of_atlas, DEFORMATIONS),
        compared_with=drawn.compared_with,
    )


def _within(progress: Progress, number: int, count: int, stage: str, fraction: float) -> None:
    done = SEGMENTING * fraction if stage == "segment" else SEGMENTING
    progress(STAGE, (number + done) / count)


def _percent(share: Share) -> str:
    if share.fraction is None or share.low is None or share.high is None:
        return "-"
    return f"{100 * share.fraction:.1f} %\n({100 * share.low:.1f}-{100 * share.high:.1f})"
