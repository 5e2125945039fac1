"""Runs the job that lies in a folder, here or as a process of its own.

    python -m ldct_bmd.jobs FOLDER [--language zh] [--face panel] [--end-with-input]

As a process it writes one JSON object a line to standard output: ``{"stage", "fraction"}``, ``{"remark"}`` with a
sentence, and at the end ``{"done"}`` or ``{"failed"}`` with a sentence. It ends with 0 (done), 3 (refused), 1 (a
defect) or 130 (interrupted).
"""

import gc
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..ground.errors import CannotMeasure, UsageError
from ..ground.progress import Progress
from ..ground.remarks import remarks_to
from ..ground.scratch import used_by_engine
from .folder import load
from .spec import ExportSpec, MeasureSpec, PhantomSpec

DONE, DEFECT, REFUSED = 0, 1, 3


def run(folder: Path, progress: Progress) -> None:
    """Do the job in ``folder``; its result comes next to it.

    Raises:
        UsageError, CannotMeasure: what prevents it.
        Cancelled: ``progress`` raised it.
    """
    spec = load(folder)
    match spec:
        case MeasureSpec():
            from .measuring import measure_in

            measure_in(folder, spec, progress)
        case PhantomSpec():
            from .phantoms import find_in

            find_in(folder, spec, progress)
        case ExportSpec():
            from .exporting import export_in

            export_in(folder, spec, progress)


def main(folder: Path) -> int:
    """Do the job in ``folder`` and tell of it on standard output; return the exit status."""
    # A process of one job makes many small objects that stay: to look through them again and again for what to clear
    # away takes a tenth of an export, and finds nothing.
    gc.set_threshold(100_000, 50, 50)
    try:
        with used_by_engine(folder), remarks_to(lambda sentence: _tell({"remark": sentence})):
            run(folder, _told_by_percent(_tell))
    except (CannotMeasure, UsageError) as error:
        _tell({"failed": str(error)})
        return REFUSED
    except MemoryError:
        _tell({"failed": str(CannotMeasure("job.no_memory"))})
        return REFUSED
    except Exception as error:  # noqa: BLE001 (the last place where a defect can be told)
        traceback.print_exc()
        problem = f"{type(error).__name__}: {error}"
        _tell({"failed": str(CannotMeasure("job.defect", problem=problem)), "defect": True})
        return DEFECT
    _tell({"done": True})
    return DONE


def _told_by_percent(tell: Callable[[dict[str, Any]], None]) -> Progress:
    """Return a progress that tells how far the work is, at most once a percent."""
    last: tuple[str, int] | None = None

    def progress(stage: str, fraction: float) -> None:
        nonlocal last
        now = (stage, int(100 * fraction))
        if now != last:
            last = now
            tell({"stage": stage, "fraction": fraction})

    return progress


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
