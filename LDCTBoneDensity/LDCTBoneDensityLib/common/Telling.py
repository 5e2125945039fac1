"""Doing what may fail, where the panel must go on whatever happens."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.words import text


@contextmanager
def telling(refuse: Callable[[str], object]) -> Iterator[None]:
    """Let ``refuse`` tell what the block refuses, or that there is a defect; the block ends there, and all goes on."""
    try:
        yield
    except (UsageError, CannotMeasure) as error:
        refuse(str(error))
    except Exception as error:  # Qt would swallow it, and leave the panel as it happened to be
        logging.exception("LDCTBoneDensity")
        refuse(text("application.defect", problem=f"{type(error).__name__}: {error}"))
