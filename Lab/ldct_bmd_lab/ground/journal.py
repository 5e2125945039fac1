"""What a long run has done so far, kept beside what it will write, so that a killed run goes on where it was."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ldct_bmd.ground.atomic import remove_folder, write_text
from ldct_bmd.ground.errors import OutOfReach, UsageError
from ldct_bmd.ground.plain import from_plain, to_plain

ARGUMENTS_FILE = "arguments.json"
INPUTS_FILE = "inputs.json"
RESULTS_FILE = "results.jsonl"


class Named(Protocol):
    """A result, a frozen dataclass of plain values, that is kept under its name."""

    @property
    def name(self) -> str:
        """What it is kept under."""


Result = TypeVar("Result", bound=Named)


class Journal(Generic[Result]):
    """Results, one JSON line each, in ``.TARGET.unfinished`` beside the target.

    Args:
        target: the file or folder that the results go to in the end.
        kind: type of the results.
        arguments: whatever the results depend on, as plain JSON values; another run takes up the results only if it
            has the same.
        work: what is done, as a sentence calls it ("evaluation").
        inputs: what single results depend on besides, as plain JSON values by the result's name: those whose inputs are
            others now, or are left out, are dropped; None: results depend on the arguments alone.

    Raises:
        UsageError: there is unfinished work with other arguments, or the place can't be written to.
    """

    def __init__(
        self,
        target: Path,
        kind: type[Result],
        arguments: Mapping[str, Any],
        work: str,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        self._kind = kind
        self._folder = unfinished(target)
        try:
            self._check(target, dict(arguments), work)
            kept = None if inputs is None else self._same(inputs)
            self._results = {result.name: result for result in self._read() if kept is None or result.name in kept}
            # Written again without the line that a kill may have torn.
            write_text(self._folder / RESULTS_FILE, "".join(_line(result) for result in self._results.values()))
            if inputs is not None:
                write_text(self._folder / INPUTS_FILE, json.dumps(inputs))
        except OSError as error:
            raise OutOfReach("file.not_written", place=self._folder, problem=error.strerror or str(error)) from error

    @property
    def results(self) -> Mapping[str, Result]:
        """The results so far, by name."""
        return self._results

    def add(self, result: Result) -> None:
        """Keep a result, on the disk when this returns."""
        try:
            with (self._folder / RESULTS_FILE).open("a", encoding="utf-8") as file:
                file.write(_line(result))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutOfReach("file.not_written", place=self._folder, problem=error.strerror or str(error)) from error
        self._results[result.name] = result

    def remove(self) -> None:
        """Remove what was kept, once the target is written."""
        remove_folder(self._folder)

    def _check(self, target: Path, arguments: dict[str, Any], work: str) -> None:
        stored = self._folder / ARGUMENTS_FILE
        if not stored.is_file():
            if self._folder.is_dir():  # nobody knows what results in it would be of
                remove_folder(self._folder)
            self._folder.mkdir(mode=0o700)
            write_text(stored, json.dumps(arguments, indent=2) + "\n")
            return
        try:
            earlier = json.loads(stored.read_text(encoding="utf-8"))
        except ValueError:
            earlier = None
        if earlier != arguments:
            raise other_arguments(target, work)

    def _same(self, inputs: Mapping[str, Any]) -> set[str]:
        """Return the names whose inputs are those of the earlier run."""
        try:
            earlier = json.loads((self._folder / INPUTS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return set()
        return {name for name, facts in json.loads(json.dumps(inputs)).items() if earlier.get(name) == facts}

    def _read(self) -> list[Result]:
        path = self._folder / RESULTS_FILE
        results: list[Result] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                results.append(from_plain(self._kind, json.loads(line), str(path)))
            except ValueError:
                break
        return results


def unfinished(target: Path) -> Path:
    """Return the folder where what a run needs to go on is kept until its ``target`` is written."""
    target = target.absolute()
    return target.with_name(f".{target.name}.unfinished")


def drop_if_written(target: Path) -> None:
    """Remove what was kept for ``target``, if the run that wrote it was killed before it could."""
    kept = unfinished(target)
    try:
        was_written = target.stat().st_mtime_ns >= (kept / RESULTS_FILE).stat().st_mtime_ns
    except OSError:
        return
    if was_written:
        remove_folder(kept)


def other_arguments(target: Path, work: str) -> UsageError:
    """Return the refusal to go on with unfinished work that is not a part of this run."""
    return UsageError.of_text(
        f"An unfinished {work} for {target} with other arguments lies in {unfinished(target)}: "
        "finish it with those, remove it, or name another place with -o."
    )


def _line(result: Named) -> str:
    return json.dumps(to_plain(result)) + "\n"
