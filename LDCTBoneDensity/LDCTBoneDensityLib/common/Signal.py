"""Telling others that something happened, without Qt."""

from collections.abc import Callable
from typing import Any


class Signal:
    """Calls its slots, in the order in which they were connected."""

    def __init__(self) -> None:
        self._slots: list[Callable[..., Any]] = []

    def connect(self, slot: Callable[..., Any]) -> None:
        """Call ``slot`` from now on."""
        self._slots.append(slot)

    def disconnectAll(self) -> None:
        """Call nobody any more."""
        self._slots.clear()

    def emit(self, *values: Any) -> None:
        """Call all slots with ``values``."""
        for slot in list(self._slots):
            slot(*values)
