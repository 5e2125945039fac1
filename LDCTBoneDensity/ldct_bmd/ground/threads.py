"""Parts of a computation side by side: numpy and scipy let other threads run while they work on arrays."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 4  # more wait for each other: what lies between the arrays' work is Python, one thread at a time


def in_threads(work: Callable[..., T], *parts: Iterable[Any]) -> list[T]:
    """Return what ``map(work, *parts)`` gives; no part may change what another one reads."""
    with ThreadPoolExecutor(min(MOST, os.cpu_count() or 1), thread_name_prefix="part") as pool:
        return list(pool.map(work, *parts))
