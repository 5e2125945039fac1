"""What all commands share: text that is safe to print, the progress bar, exit codes."""

import codecs
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, TextIO

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.segment import Segment
from rich.table import Column
from rich.text import Text

from ..ground.errors import CannotMeasure, OutOfReach, UsageError
from ..ground.progress import Cancelled, Progress, stage_words
from ..ground.quiet import silence_libraries
from ..ground.remarks import remarks_to
from ..ground.text import visible
from ..words import current_language, speaking, text

FACE = "cli"  # how the catalogue of words knows the command line
EXIT_USAGE = 2
EXIT_CANNOT_MEASURE = 3
EXIT_OUT_OF_REACH = 4
EXIT_CANCELLED = 130  # what a shell gives for SIGINT
EXIT_PIPE_CLOSED = 141  # and for SIGPIPE

_ASCII = {"\u00b3": "3", "\u00b2": "2", "\u00b1": "+/-", "\u2212": "-"}  # of what units and intervals are written with


def safe(words: str, style: str = "") -> Text:
    """Return text from outside as Rich shows it literally, whatever markup or control characters it holds."""
    return Text(visible(words), style=style)


def output() -> Console:
    """Return the console on standard output."""
    return _console(sys.stdout)


def messages() -> Console:
    """Return the console on standard error."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    # Where it is no terminal, Rich takes COLUMNS, or 80.
    console = _Console(file=stream, highlight=False)
    console.push_render_hook(_Escaping())
    return console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to :func:`exit_codes`; Rich would exit with 1."""
        raise BrokenPipeError


class _Escaping(RenderHook):
    """Replaces control characters in whatever is printed: a header's text can't steer the terminal from any place."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap what is about to be printed."""
        return [_Escaped(one) for one in renderables]


@dataclass(frozen=True)
class _Escaped:
    renderable: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.renderable, options):
            # What Rich itself sends to move the cursor is not text.
            words = segment.text if segment.control else "\n".join(map(visible, segment.text.split("\n")))
            yield Segment(words, segment.style, segment.control)


def print_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a defect, whose message may quote what a scan says."""
    for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
        sys.stderr.write(f"{visible(line)}\n")


def say(console: Console, sentence: str, style: str = "") -> None:
    """Print a sentence: between words on a terminal, on one line however long where another program reads it."""
    words = safe(sentence, style)
    if console.is_terminal:
        console.print(words, overflow="ignore", crop=False)
    else:
        console.print(words, soft_wrap=True)


def say_block(console: Console, head: str, *lines: str | Text) -> None:
    """Print what belongs together: a line that stays whole, and indented lines that are folded between words."""
    console.print(safe(head, "bold"), soft_wrap=True)
    for line in lines:
        console.print(Padding(line if isinstance(line, Text) else safe(line), (0, 0, 0, 2), expand=False))


def pairs(*facts: tuple[str, str]) -> str:
    """Return facts as "name: value", next to each other."""
    return "   ".join(f"{name}: {value}" for name, value in facts)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what a user can cause into one sentence on standard error and an exit code; a defect raises on."""
    never_fail_on_a_character()
    silence_libraries()
    before = _interrupt_on_signals()
    try:
        with speaking(current_language(), FACE), _told(), remarks_to(_remark):
            yield
            sys.stdout.flush()  # a reader that has gone is noticed here, not at the end of Python
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remark(sentence: str) -> None:
    say(messages(), sentence, "yellow")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OutOfReach as error:
        say(messages(), str(error), "red")
        raise typer.Exit(EXIT_OUT_OF_REACH) from None
    except UsageError as error:
        say(messages(), str(error), "red")
        raise typer.Exit(EXIT_USAGE) from None
    except CannotMeasure as error:
        say(messages(), str(error), "red")
        raise typer.Exit(EXIT_CANNOT_MEASURE) from None
    except (KeyboardInterrupt, Cancelled):
        say(messages(), text("terminal.cancelled"))
        raise typer.Exit(EXIT_CANCELLED) from None
    except BrokenPipeError:
        close_quietly()
        raise typer.Exit(EXIT_PIPE_CLOSED) from None


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a bar per stage on standard error and give the callback that moves it."""
    name = TextColumn("{task.description}", table_column=Column(min_width=17))
    columns = (name, BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with RichProgress(*columns, TimeElapsedColumn(), console=messages(), refresh_per_second=5) as bars:
        tasks: dict[str, TaskID] = {}

        def move(stage: str, fraction: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage_words(stage), total=1.0)
            bars.update(tasks[stage], completed=min(max(fraction, 0.0), 1.0))

        yield move


@contextmanager
def count_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how many of how many are done, the rate and the time left; give the callback that tells (what, done, of)."""
    columns = (
        TextColumn("{task.description}", table_column=Column(min_width=17)),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=messages(), refresh_per_second=5) as bars:
        tasks: dict[str, TaskID] = {}

        def move(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                for before in bars.tasks:  # is over, and so is its time
                    bars.update(before.id, total=before.completed)
                tasks[what] = bars.add_task(what, total=of, rate="")
            task = bars.tasks[bars.task_ids.index(tasks[what])]
            elapsed_s = task.elapsed or 0.0
            # In the first second any number of files a minute would be told.
            rate = "" if elapsed_s < 1.0 else text("screen.rate", rate=60 * done / elapsed_s)
            bars.update(tasks[what], completed=done, total=of, rate=rate)

        yield move


def close_quietly() -> None:
    """Send what is still to be written nowhere: its reader (``| head``) has gone, and Python would say so."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())


def never_fail_on_a_character() -> None:
    """Print a character that the terminal's encoding lacks as ASCII does, or as a question mark."""
    codecs.register_error("plainer", _plainer)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plainer")


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """Write what a terminal has no letter for as ASCII does: mg/cm3, +/-."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ASCII.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def _interrupt_on_signals() -> dict[signal.Signals, Any]:
    """Make the signals that end a process cancel the work, so that it cleans up; return the handlers before."""
    # Windows has no SIGHUP. One that is ignored (nohup) stays ignored.
    wanted = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return {
        number: signal.signal(number, _interrupt) for number in wanted if signal.getsignal(number) != signal.SIG_IGN
    }


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
