"""Doing what may fail, where the panel must go on whatever happens."""

import logging
from collections.abc import Callable
from types import TracebackType

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.words import text


class telling:
    """Let ``refuse`` tell what the block refuses, or that there is a defect; the block ends there, and all goes on."""

    def __init__(self, refuse: Callable[[str], object]) -> None:
        self._refuse = refuse

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Tell of ``error``; returns whether it was told of."""
        if not isinstance(error, Exception):
            return False
        if isinstance(error, (UsageError, CannotMeasure)):
            self._refuse(str(error))
        else:  # Qt would swallow it, and leave the panel as it happened to be
            logging.error("LDCTBoneDensity", exc_info=error)
            self._refuse(text("application.defect", problem=f"{type(error).__name__}: {error}"))
        return True
