"""Parts of a computation side by side: numpy and scipy let other threads run while they work on arrays."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 4  # more wait for each other: what lies between the arrays' work is Python, one thread at a time


def in_threads(work: Callable[..., T], *parts: Iterable[Any]) -> list[T]:
    """Return what ``map(work, *parts)`` gives, in no more threads than OMP_NUM_THREADS says.

    No part may change what another one reads.
    """
    count = min(MOST, environment_threads() or os.cpu_count() or 1)
    if count == 1:
        return list(map(work, *parts))
    with ThreadPoolExecutor(count, thread_name_prefix="part") as pool:
        return list(pool.map(work, *parts))


def environment_threads() -> int | None:
    """Return what OMP_NUM_THREADS says, which numpy and PyTorch heed and others don't; None if it says nothing."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None
