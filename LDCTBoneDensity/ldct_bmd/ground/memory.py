"""Memory that was freed, given back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Give back what was freed and is kept for later; nothing where the system's C library does so by itself.

    The GNU C library keeps blocks below 32 MB: after the networks ran, as much as the scan takes itself.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
