"""Loaded by each worker of this machine as it starts: Ctrl-C reaches it too, and is left to the client."""

import signal

from distributed import Worker


def dask_setup(worker: Worker) -> None:
    """Ignore SIGINT; the client ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
