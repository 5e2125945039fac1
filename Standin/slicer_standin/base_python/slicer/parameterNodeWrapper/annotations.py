"""What may stand in `Annotated[type, ...]`; validators raise ValueError."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin


class Default:
    """The value of a member that was never set."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Choice:
    """One of these values."""

    def __init__(self, choices: Iterable[Any]) -> None:
        self.choices = list(choices)

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is not one of {self.choices}")


class Minimum:
    """Not below."""

    def __init__(self, minimum: float) -> None:
        self.minimum = minimum

    def validate(self, value: float) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is below {self.minimum}")


class Maximum:
    """Not above."""

    def __init__(self, maximum: float) -> None:
        self.maximum = maximum

    def validate(self, value: float) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is above {self.maximum}")


class WithinRange:
    """Both ends included."""

    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum = minimum
        self.maximum = maximum

    def validate(self, value: float) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} and {self.maximum}")


def split_annotations(annotated: Any) -> tuple[Any, list[Any]]:
    """The plain type and its annotations."""
    if get_origin(annotated) is Annotated:
        plain, *annotations = get_args(annotated)
        return plain, annotations
    return annotated, []
