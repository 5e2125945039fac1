"""What the command ``train`` does: its options checked, its progress shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import get_args

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from ldct_bmd.cli.terminal import messages, progress_bar, say
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.segmentation.label_map import Parts, Values

from ..training.annotated import AnnotatedFolder
from ..training.log import StepRecord
from ..training.loop import Report, Trainer
from ..training.run import TrainingRequest, prepare

SMOOTHING = 0.98  # of the loss and the time shown
PLAIN_EVERY = 100  # steps, where the output is no terminal


def pair_folders(folders: Sequence[Path], values: Sequence[str], parts: Sequence[str]) -> tuple[AnnotatedFolder, ...]:
    """Return the folders with their label values and parts, given for each or once for all; UsageError if not."""
    for option, given, known in (("values", values, get_args(Values)), ("parts", parts, get_args(Parts))):
        if folders and len(given) not in (1, len(folders)):
            raise UsageError.of_text(f"Say --{option} {'|'.join(known)} once, or once for each --pairs.")
        if not folders and given:
            raise UsageError.of_text(f"--{option} goes with --pairs: name a folder of annotated scans.")
        for value in given:
            if value not in known:
                raise UsageError.of_text(f"--{option} is {' or '.join(known)}, not {value!r}.")
    each = zip_longest(folders, values, parts)
    return tuple(
        AnnotatedFolder(folder, value or values[0], part or parts[0])  # type: ignore[arg-type]
        for folder, value, part in each
    )


def review_folders(reviews: Sequence[Path], scans: Path | None) -> tuple[AnnotatedFolder, ...]:
    """Return the folders of signed reviews, whose scans lie in ``scans``; UsageError if one is given alone."""
    if bool(reviews) != (scans is not None):
        raise UsageError.of_text(
            "Give --reviews, the folder of signed results, and --scans, the folder of their scans, together."
        )
    return tuple(AnnotatedFolder(folder, "verse", "body", scans) for folder in reviews)


def train_network(request: TrainingRequest, held_out_elsewhere: bool = False) -> str:
    """Train as ``request`` says, with a bar; return what was done. CannotMeasure if a worker process was ended.

    Args:
        held_out_elsewhere: scans are kept back by the caller, so that none need be here.
    """
    skipped: list[str] = []
    try:
        with progress_bar() as progress:
            trainer = prepare(request, progress, skipped.append)
    finally:
        for sentence in skipped:
            say(messages(), sentence)
    name, steps = trainer.configuration.name, trainer.configuration.steps
    if trainer.step >= steps:
        return f"{name} is trained to its {steps} steps already; raise --steps to go on."
    if trainer.held_out is None and not held_out_elsewhere:
        say(messages(), "No scan is held out of so few patients, so that no Dice is logged: evaluate on other scans.")
    try:
        with training_bar(trainer) as report:
            trainer.run(report)
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise CannotMeasure.of_text(
            "A process that draws examples was ended from outside, perhaps for want of memory: "
            "give the same command again, with fewer --workers."
        ) from error
    return f"{name} is trained to step {trainer.step}: {trainer.checkpoint}."


@contextmanager
def training_bar(trainer: Trainer) -> Iterator[Report]:
    """Show step, loss, seconds a step, Dice and what is left on standard error; a line now and then if it is a file."""
    console = messages()
    facts = TextColumn("loss {task.fields[loss]:.3f}  {task.fields[seconds]:.2f} s/step  {task.fields[dice]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), facts, TimeRemainingColumn())
    with RichProgress(*columns, console=console, refresh_per_second=2, disable=not console.is_terminal) as bar:
        total = trainer.configuration.steps
        name = trainer.configuration.name
        task = bar.add_task(name, total=total, completed=trainer.step, loss=0.0, seconds=0.0, dice="")
        shown: dict[str, float] = {}
        looked = ""

        def report(record: StepRecord) -> None:
            nonlocal looked
            for key, value in (("loss", record.loss), ("seconds", record.seconds)):
                shown[key] = SMOOTHING * shown[key] + (1 - SMOOTHING) * value if key in shown else value
            if record.dice is not None:
                looked = f"Dice {record.dice.classes:.3f}, outline {record.dice.outline:.3f}"
            bar.update(task, completed=record.step, dice=looked, **shown)  # type: ignore[arg-type]
            if not console.is_terminal and (record.step % PLAIN_EVERY == 0 or record.step == total):
                text = (
                    f"{name} {record.step}/{total}  loss {shown['loss']:.3f}  {shown['seconds']:.2f} s/step  {looked}"
                )
                console.print(text.rstrip(), soft_wrap=True)

        yield report
