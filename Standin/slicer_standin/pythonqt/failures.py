"""What went wrong where nobody could catch it: in signal handlers, observers and painting.

The application prints such errors and goes on. Here they are kept, and the test that ran into one fails.
"""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

_failures: list[str] = []


def record_failure(where: str, error: BaseException) -> None:
    """Keep an error and print it, as the Python console of the application would show it."""
    text = "".join(traceback.format_exception(error))
    _failures.append(f"{where}:\n{text}")
    sys.stderr.write(f"{where}:\n{text}")


def take_failures() -> list[str]:
    """What was recorded since the last call."""
    taken = list(_failures)
    _failures.clear()
    return taken


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    record_failure("in a callback", error.with_traceback(trace))


def install() -> None:
    """Record what PySide6 and VTK hand to `sys.excepthook`."""
    sys.excepthook = _hook
