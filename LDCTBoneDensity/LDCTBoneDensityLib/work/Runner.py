"""What runs the engine, whatever it runs it in: a process here, nothing at all in a test."""

from pathlib import Path
from typing import Protocol

from ..common.Signal import Signal


def fromAnywhere(path: str | Path) -> str:
    """Return a path of this process as a job holds it: what runs the job may start in another folder."""
    return str(Path(path).absolute())


class Runner(Protocol):
    """Runs one job at a time.

    Attributes:
        progressed: emits (stage, fraction).
        finished: emits nothing: the folder holds the result.
        failed: emits a sentence.
        cancelled: emits nothing.
        wrote: emits what the engine wrote.
        remarked: emits a sentence that the engine says by the way.
        folder: the job's folder, while there is one.
    """

    progressed: Signal
    finished: Signal
    failed: Signal
    cancelled: Signal
    wrote: Signal
    remarked: Signal
    folder: Path | None

    @property
    def isRunning(self) -> bool:
        """Whether a job is under way."""
        ...

    def newFolder(self) -> Path:
        """Return an empty folder to lay a job into."""
        ...

    def start(self) -> None:
        """Start the job that was laid into the folder."""
        ...

    def cancel(self) -> None:
        """Stop the job; nothing of it is kept."""
        ...

    def abandon(self) -> None:
        """Stop the job without telling anyone."""
        ...

    def clean(self) -> None:
        """Remove the folder."""
        ...
