"""Packages that only some commands need."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..ground.errors import UsageError


@contextmanager
def extra(name: str, distribution: str = "ldct-bmd") -> Iterator[None]:
    """Turn a failed import into a sentence that says which extra of which distribution to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("ldct_bmd"):
            raise  # a defect, not a package that is missing
        raise UsageError("cli.package_missing", package=error.name, distribution=distribution, extra=name) from error
