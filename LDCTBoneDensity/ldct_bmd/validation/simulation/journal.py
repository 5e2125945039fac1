"""What a simulation has done so far, kept beside its file, so that a killed run goes on where it was."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...examination.plain import from_plain, to_plain
from .measuring import ScanResult


class Journal:
    """The results of scans, one JSON line each, in ``.NAME.unfinished`` beside the file; the first line says of what.

    Args:
        file: the file that the results go to in the end.
        arguments: whatever the results depend on; another run takes them up only if it has the same.

    Raises:
        UsageError: there is an unfinished simulation with other arguments, or the place can't be written to.
    """

    def __init__(self, file: Path, arguments: Mapping[str, Any]) -> None:
        self._path = file.absolute().with_name(f".{file.name}.unfinished")
        self._results: dict[str, ScanResult] = {}
        try:
            if self._path.exists():
                self._read(file, dict(arguments))
            # Written again without the line that a kill may have torn.
            whole = self._path.with_name(f"{self._path.name}.whole")
            lines = [json.dumps(dict(arguments)), *(json.dumps(to_plain(r)) for r in self._results.values())]
            whole.write_text("\n".join(lines) + "\n", encoding="utf-8")
            whole.replace(self._path)
        except OSError as error:
            raise UsageError(f"Can't write to {self._path}: {error.strerror or error}.") from error

    @property
    def results(self) -> Mapping[str, ScanResult]:
        """The results so far, by scan."""
        return self._results

    def add(self, result: ScanResult) -> None:
        """Keep a result, on the disk when this returns."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(to_plain(result)) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"Can't write to {self._path}: {error.strerror or error}.") from error
        self._results[result.name] = result

    def remove(self) -> None:
        """Remove what was kept, once the file is written."""
        self._path.unlink(missing_ok=True)

    def _read(self, file: Path, arguments: dict[str, Any]) -> None:
        first, *rest = self._path.read_text(encoding="utf-8").splitlines() or [""]
        try:
            earlier = json.loads(first)
        except ValueError:
            earlier = None
        if earlier != arguments:
            raise UsageError(
                f"An unfinished simulation for {file.name} with other arguments lies in {self._path}: "
                "finish it with those, remove it, or name another file with -o."
            )
        for line in rest:
            try:
                result = from_plain(ScanResult, json.loads(line), str(self._path))
            except ValueError:
                break
            self._results[result.name] = result
