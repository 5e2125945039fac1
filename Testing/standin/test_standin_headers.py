"""Every member and signal that the stand-in offers exists in the C++ class of the same name.

Runs where SLICER_SOURCE and CTK_SOURCE name checkouts of github.com/Slicer/Slicer and github.com/commontk/CTK.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SOURCES = [Path(os.environ[name]) for name in ("SLICER_SOURCE", "CTK_SOURCE") if os.environ.get(name)]
pytestmark = pytest.mark.skipif(len(SOURCES) < 2, reason="SLICER_SOURCE and CTK_SOURCE do not name the sources")

# Of the stand-in alone: where Python's class is needed but the application has none of that name.
OWN_CLASSES = {"SegmentEditorModule"}
# Written in Python, or given to Python by PythonQt decorators, in the application.
ELSEWHERE = {"qSlicerApplication": {"testingEnabled"}, "qSlicerScriptedLoadableModuleWidget": {"self"}}


@cache
def headers() -> dict[str, str]:
    """Text of every header, by name."""
    return {path.name: path.read_text(errors="replace") for source in SOURCES for path in source.rglob("*.h")}


@cache
def declared(class_name: str) -> str:
    """The header of a class and those of its bases."""
    text = headers().get(f"{class_name}.h", "")
    text = re.sub(r"///?.*", "", text)
    base = re.search(rf"class\s+(?:\w+\s+)?{class_name}\s*:\s*public\s+(\w+)", text)
    return text + (declared(base.group(1)) if base else "")


def standins() -> dict[str, type]:
    import ctk  # noqa: F401 - fills the registry

    from slicer_standin.pythonqt import standin

    return {name: cls for name, cls in standin._classes.items() if name not in OWN_CLASSES}


def own_members(cls: type) -> set[str]:
    """Public names that the stand-in classes define, less those of Qt."""
    ours = [c for c in cls.__mro__ if c.__module__.startswith("slicer_standin.")]
    qt = [c for c in cls.__mro__ if not c.__module__.startswith("slicer_standin.")]
    names = {name for c in ours for name in vars(c) if not name.startswith("_")}
    return {n for n in names if not any(hasattr(c, n) for c in qt)} - {"SIGNALS", "STAND_IN", "staticMetaObject"}


def test_every_standin_has_an_original(application: Any) -> None:
    missing = [name for name in standins() if not declared(name)]
    assert missing == []


def test_every_member_exists_in_the_original(application: Any) -> None:
    unknown = {
        f"{name}.{member}"
        for name, cls in standins().items()
        for member in own_members(cls) - ELSEWHERE.get(name, set())
        if not re.search(rf"\b{member}\b", declared(name))
    }
    assert unknown == set()


def test_every_signal_has_the_signature_of_the_original(application: Any) -> None:
    from PySide6.QtCore import QMetaObject

    def plain(parameters: str) -> str:
        """Types alone: without names of parameters."""
        types = [re.sub(r"([\w>*&])\s+\w+$", r"\1", p.strip()) for p in parameters.split(",") if p.strip()]
        types = [re.sub(r"\s*([*&])\s*\w*$", r"\1", t) for t in types]
        return bytes(QMetaObject.normalizedSignature(f"f({', '.join(types)})").data()).decode()[1:]

    unknown = set()
    for name, cls in standins().items():
        for signal in (s for c in cls.__mro__ for s in vars(c).get("SIGNALS", ())):
            called = signal.split("(")[0]
            found = {called + plain(p) for p in re.findall(rf"\bvoid\s+{called}\s*\(([^)]*)\)", declared(name))}
            if signal not in found:
                unknown.add(f"{name}: {signal}, not {sorted(found)}")
    assert unknown == set()
