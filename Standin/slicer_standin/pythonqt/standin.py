"""The registry of widget classes that stand in for those of CTK, qMRML and qSlicer."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

T = TypeVar("T", bound=type)

_classes: dict[str, type] = {}


def standin(cls: T) -> T:
    """Class decorator: the class may be asked for by name, and refuses attributes that its original does not have."""
    setattr(cls, "STAND_IN", True)  # noqa: B010
    _classes[cls.__name__] = cls
    return cls


def standin_class(name: str) -> type | None:
    """The class of that name, or None."""
    return _classes.get(name)


def not_built(name: str, kind: type) -> type:
    """A class that exists in the application but not here: it can be named, as annotations do, but not made."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{name} exists in the application, but the stand-in does not build it")

    return standin(type(name, (kind,), {"__init__": refuse, "__module__": __name__}))
