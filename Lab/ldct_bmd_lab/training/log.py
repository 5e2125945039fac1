"""The log of a training run, a row a step, and its plot."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from ldct_bmd.ground.atomic import write_file, write_text

from .dice import Dice

COLUMNS = ("step", "loss", "seconds", "learning_rate", "dice_classes", "dice_outline")
SMOOTHING = 50  # steps


@dataclass(frozen=True)
class StepRecord:
    """One step: its loss, how long it took, and the validation Dice where it was looked at."""

    step: int
    loss: float
    seconds: float
    learning_rate: float
    dice: Dice | None = None


class TrainingLog:
    """A CSV file that goes on after ``last_step``: what a killed run wrote beyond its checkpoint is left out."""

    def __init__(self, path: Path, last_step: int) -> None:
        kept = [row for row in read_rows(path) if int(row["step"]) <= last_step]
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(kept)
        write_text(path, text.getvalue())
        self._file = path.open("a", newline="", encoding="ascii")
        self._writer = csv.DictWriter(self._file, COLUMNS)

    def write(self, record: StepRecord) -> None:
        """Add a step."""
        values = {
            "step": record.step,
            "loss": f"{record.loss:.5f}",
            "seconds": f"{record.seconds:.3f}",
            "learning_rate": f"{record.learning_rate:.3e}",
            "dice_classes": f"{record.dice.classes:.4f}" if record.dice else "",
            "dice_outline": f"{record.dice.outline:.4f}" if record.dice else "",
        }
        self._writer.writerow(values)
        self._file.flush()

    def __enter__(self) -> "TrainingLog":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a log, steps rising; a row that a kill cut short ends it."""
    if not path.exists():
        return []
    rows: list[dict[str, str]] = []
    with path.open(newline="", encoding="ascii") as file:
        for row in csv.DictReader(file, COLUMNS, restval=""):
            if not row["step"].isdigit():
                continue
            if rows and int(row["step"]) <= int(rows[-1]["step"]):
                break
            rows.append(row)
    return rows


def plot(log: Path, picture: Path) -> None:
    """Draw the log as a PNG, where Matplotlib is installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    rows = read_rows(log)
    if not rows:
        return
    steps = np.array([int(row["step"]) for row in rows])
    losses = np.array([float(row["loss"]) for row in rows])
    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    width = min(SMOOTHING, len(losses))
    above.plot(steps, losses, color="0.8", linewidth=0.5)
    above.plot(steps[width - 1 :], np.convolve(losses, np.ones(width) / width, "valid"))
    above.set_ylabel(f"loss (mean of {width} steps)")
    for column, label in (("dice_classes", "classes"), ("dice_outline", "outline")):
        points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
        if points:
            below.plot(*zip(*points, strict=True), marker=".", label=label)
    below.set(xlabel="step", ylabel="validation Dice", ylim=(0, 1))
    if below.lines:
        below.legend()
    write_file(picture, lambda partial: figure.savefig(partial, format="png"))
