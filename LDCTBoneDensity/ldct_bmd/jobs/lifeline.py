"""An engine that ends with whoever started it, who holds the other end of its standard input.

Killing it is not enough: Slicer's ``PythonSlicer`` is a launcher, whose child outlives it, and an application that
crashes kills nobody. A pipe closes in each of these cases.
"""

import _thread
import os
import time
from contextlib import suppress
from threading import Thread

INTERRUPTED = 130  # the exit status
_GRACE_S = 2.0  # to remove what is half-written


def end_with_input() -> None:
    """Stop this process when its standard input closes: the main thread is interrupted, and soon ended."""
    Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    # Not by sys.stdin: a thread that waits in it keeps the interpreter from ending.
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    _thread.interrupt_main()
    time.sleep(_GRACE_S)
    os._exit(INTERRUPTED)
