"""What the engine says by the way, such as what it put right after a killed run: told by whoever speaks to the user."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("ldct_bmd")


def remark(sentence: str) -> None:
    """Say a sentence to whoever listens."""
    _LOGGER.warning("%s", sentence)


@contextmanager
def remarks_to(tell: Callable[[str], object]) -> Iterator[None]:
    """Let ``tell`` take what is remarked in the block."""
    handler = _Teller(tell)
    _LOGGER.addHandler(handler)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())
