"""The methods that find and name the vertebrae, as the option ``--method`` names them."""

from pathlib import Path

from ..ground.errors import UsageError
from ..jobs.spec import Networks
from ..segmentation.weights import METHODS


def networks_of(method: str) -> tuple[str, ...]:
    """Return the networks that ``method`` needs; UsageError if there is no such method."""
    if method not in METHODS:
        raise UsageError("weights.no_method", method=method, known=tuple(METHODS))
    return METHODS[method]


def networks(device: str, weights: Path | None, method: str | None = None) -> Networks:
    """Return what the options say of the networks; UsageError if there is no such method."""
    if method is not None:
        networks_of(method)
    return Networks(device, None if weights is None else str(weights), method)
