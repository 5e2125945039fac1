"""The methods that find and name the vertebrae, as the option ``--method`` names them."""

from pathlib import Path

from ..ground.errors import CannotMeasure, UsageError
from ..segmentation.pan2020 import Pan2020Segmenter
from ..segmentation.weights import METHODS, PAN2020


def networks_of(method: str) -> tuple[str, ...]:
    """Return the networks that ``method`` needs; UsageError if there is no such method."""
    if method not in METHODS:
        raise UsageError("cli.method", method=method, known=tuple(METHODS))
    return METHODS[method]


def is_pan2020(method: str | None) -> bool:
    """Return whether the method asked for is that of Pan et al. 2020; UsageError if there is no such method."""
    return method is not None and networks_of(method) == PAN2020


def pan2020_segmenter(device: str, weights: Path | None) -> Pan2020Segmenter:
    """Load the network of Pan et al. 2020; UsageError if no file is named or it can't be used."""
    if weights is None:
        raise UsageError("cli.pan2020_without_weights")
    try:
        return Pan2020Segmenter(device, weights)
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error
