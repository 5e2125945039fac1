"""What an evaluation has done so far, kept beside its result folder, so that a killed run goes on where it was."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...examination.plain import from_plain, to_plain
from .case import CaseResult

ARGUMENTS_FILE = "arguments.json"
RESULTS_FILE = "cases.jsonl"


class Journal:
    """The results of cases, one JSON line each, in ``.DIR.unfinished`` beside ``DIR``.

    Args:
        folder: the result folder.
        arguments: whatever the results depend on, as plain JSON values; another run takes up the results only if it
            has the same.

    Raises:
        UsageError: there is an unfinished evaluation with other arguments, or the place can't be written to.
    """

    def __init__(self, folder: Path, arguments: Mapping[str, Any]) -> None:
        self._folder = unfinished(folder)
        try:
            self._open(folder, dict(arguments))
        except OSError as error:
            raise UsageError(f"Can't write to {self._folder}: {error.strerror or error}.") from error

    def _open(self, folder: Path, arguments: dict[str, Any]) -> None:
        stored = self._folder / ARGUMENTS_FILE
        if stored.is_file():
            try:
                earlier = json.loads(stored.read_text(encoding="utf-8"))
            except ValueError:
                earlier = None
            if earlier != arguments:
                raise UsageError(
                    f"An unfinished evaluation for {folder} with other arguments lies in {self._folder}: "
                    "finish it with those, remove it, or name another folder with -o."
                )
        else:
            self._folder.mkdir(exist_ok=True)
            stored.write_text(json.dumps(arguments, indent=2) + "\n", encoding="utf-8")
        self._results = {result.name: result for result in self._read()}
        # Written again without the line that a kill may have torn.
        whole = self._folder / f"{RESULTS_FILE}.whole"
        whole.write_text("".join(_line(result) for result in self._results.values()), encoding="utf-8")
        whole.replace(self._folder / RESULTS_FILE)

    @property
    def results(self) -> Mapping[str, CaseResult]:
        """The results so far, by case."""
        return self._results

    def add(self, result: CaseResult) -> None:
        """Keep a result, on the disk when this returns."""
        try:
            with (self._folder / RESULTS_FILE).open("a", encoding="utf-8") as file:
                file.write(_line(result))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"Can't write to {self._folder}: {error.strerror or error}.") from error
        self._results[result.name] = result

    def remove(self) -> None:
        """Remove what was kept, once the result folder is written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self) -> list[CaseResult]:
        path = self._folder / RESULTS_FILE
        results: list[CaseResult] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                results.append(from_plain(CaseResult, json.loads(line), str(path)))
            except ValueError:
                break
        return results


def unfinished(folder: Path) -> Path:
    """Return where what an evaluation needs to go on is kept until its result ``folder`` is written."""
    folder = folder.absolute()
    return folder.with_name(f".{folder.name}.unfinished")


def _line(result: CaseResult) -> str:
    return json.dumps(to_plain(result)) + "\n"
