"""Evaluating many cases, one after the other, so that a killed run resumes."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ldct_bmd import __version__
from ldct_bmd.anatomy import LEVELS
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.segmentation import Segmenter
from ldct_bmd.segmentation.label_map import Parts, Values

from ...ground.journal import Journal
from ...synthetic.held_out import DEFORMATIONS, Drawing, HeldOut
from ...torso.totalsegmentator_atlas import FILES
from .case import Case, CaseResult
from .evaluate import evaluate_case
from .folder import write_evaluation
from .page import Subject
from .references import ReferencePair, files_of, find_pairs, read_case
from .summary import Summary

STAGE = "Evaluating"
SEGMENTING = 0.9  # of the time that a case takes


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


def evaluate(folder: Path, plan: Plan, segmenter: Segmenter, overwrite: bool, progress: Progress = silent) -> Summary:
    """Evaluate every case, resume where a killed run stopped, and write the folder.

    A case that can't be read stops none of the others, but the folder is not written.

    Raises:
        CannotMeasure: a scan or a reference can't be read; what was done with the others is kept.
    """
    model = segmenter.identity
    arguments = plan.arguments | {"version": __version__, "model": model.sha256}
    journal = Journal(folder, CaseResult, arguments, "evaluation", plan.inputs)
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
    summary = write_evaluation(folder, subject, [journal.results[name] for name in names], overwrite)
    journal.remove()
    progress(STAGE, 1.0)
    return summary


def _what_to_do(unreadable: int, count: int) -> Iterator[str]:
    if unreadable < count:
        yield (
            f"{unreadable} of {count} cases can't be read, and the others are done: mend these or leave them out, "
            "and run the same command again."
        )


def plan_of_pairs(path: Path, values: Values, parts: Parts, reference: str) -> Plan:
    """Return the pairs that a table or a folder names, as cases; see :func:`.find_pairs`.

    Args:
        reference: who or what made the references, and of whom.
    """
    pairs = find_pairs(path)

    def read(pair: ReferencePair) -> Case:
        return read_case(pair, values, parts)

    return Plan(
        scans=f"from {path.name}",
        reference=reference,
        synthetic=False,
        count=len(pairs),
        arguments={"pairs": True, "values": values, "parts": parts},
        cases=((pair.name, partial(read, pair)) for pair in pairs),
        inputs={pair.name: [pair.group, files_of(pair)] for pair in pairs},
    )


@dataclass(frozen=True)
class Drawn:
    """What synthetic scans are drawn from.

    Attributes:
        scans: how many were asked for.
        kind: of them, as the page names it.
        atlas: a label map, or a folder of TotalSegmentator's labels; None: no torso.
        masks: a folder of VerSe masks; None: none.
        by_variant: whether scans are summed up by the way in which they were taken.
    """

    scans: int
    kind: str
    seed: int
    atlas: Path | None = None
    masks: Path | None = None
    by_variant: bool = False


def plan_of_drawings(drawn: Drawn, count: int, scans: str, drawings: Iterable[Drawing]) -> Plan:
    """Return synthetic scans as cases, each drawn when its turn comes; ``scans`` says what they are."""
    masks = drawn.masks
    return Plan(
        scans=f"{scans} ({drawn.kind}, seed {drawn.seed})",
        reference="the shapes that the scans were drawn from",
        synthetic=True,
        count=count,
        arguments={
            "synthetic": drawn.scans,
            "kind": drawn.kind,
            "atlas": _sha256(drawn.atlas),
            "masks": masks and {file.name: _sha256(file) for file in sorted(masks.glob("*.nii.gz"))},
            "seed": drawn.seed,
        },
        cases=((one.name, partial(_draw, one, drawn.by_variant)) for one in drawings),
    )


def _draw(drawing: Drawing, by_variant: bool) -> Case:
    return as_case(drawing.draw(), by_variant)


def _sha256(path: Path | None) -> str | None:
    if path is None:
        return None
    if path.is_dir():
        return hashlib.sha256("".join(str(_sha256(path / name)) for name in FILES).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_case(drawn: HeldOut, by_variant: bool = False) -> Case:
    """Return a synthetic scan as a case, in the group of its kind, or of the way it was scanned.

    Bodies that are not a real patient's are summed up with the atlas's, in whichever scan they are.
    """
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
