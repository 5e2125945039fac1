"""Every class, member and signal that the stand-in offers is one of Slicer's or CTK's own, with its parameters.

What these have is in `real_members.json`, which `real_members.py` made of their sources.
"""

import inspect
import json
import re
from typing import Any

import pytest
from real_members import (
    DATA,
    OWN_CLASSES,
    base_python_files,
    own_members,
    parameters_of,
    signals,
    standins,
)

from places import ROOT

REAL = json.loads(DATA.read_text(encoding="utf-8"))
CLASSES = REAL["classes"]
AGAIN = "run Testing/standin/real_members.py again if the sources have it"
# Behind the decorator `parameterNodeWrapper`, of which a module sees nothing.
INTERNAL = {f"parameterNodeWrapper/{name}.py" for name in ("annotations", "connectors", "serializers")}


def declared(name: str, member: str) -> list[str]:
    """The signatures of a member, overloads included."""
    return [one["signature"] for one in CLASSES.get(name, {"members": {}})["members"].get(member, ())]


def split(signature: str, member: str) -> list[str] | None:
    """The parameters of a method; None for a property or an enumerator."""
    held = re.search(rf"\b{member}\s*\((.*)\)(?:\s*const)?$", signature)
    if held is None or signature.startswith("Q_PROPERTY"):
        return None
    return [one.strip() for one in re.split(r",(?![^<(]*[>)])", held[1]) if one.strip()]


def test_the_data_are_of_the_version_that_the_stand_in_says_it_is(application: Any) -> None:
    major, minor = REAL["made_from"]["Slicer"]["revision"].removeprefix("v").split(".")[:2]
    assert (application.majorVersion, application.minorVersion) == (int(major), int(minor))


def test_every_standin_has_an_original(application: Any) -> None:
    assert [name for name in standins() if name not in CLASSES] == [], AGAIN
    assert OWN_CLASSES.isdisjoint(CLASSES)


def test_every_member_exists_in_the_original(application: Any) -> None:
    unknown = [
        f"{name}.{member}"
        for name, cls in standins().items()
        for member in sorted(own_members(cls))
        if not declared(name, member)
    ]
    assert unknown == [], AGAIN


def test_no_member_is_left_over(application: Any) -> None:
    offered = {
        name: own_members(cls) | {signal.split("(")[0] for signal in signals(cls)} for name, cls in standins().items()
    }
    left = [f"{name}.{member}" for name, held in CLASSES.items() for member in held["members"] if name in offered]
    assert [one for one in left if one.split(".")[1] not in offered[one.split(".")[0]]] == []


def test_every_method_takes_what_the_original_takes(application: Any) -> None:
    """PythonQt refuses a call with fewer or more arguments than a C++ method has parameters."""
    wrong = []
    for name, cls in standins().items():
        for member in sorted(own_members(cls)):
            held = inspect.getattr_static(cls, member)
            found = [p for p in (split(one, member) for one in declared(name, member)) if p is not None]
            if not inspect.isfunction(held) or not found:
                continue
            given = list(inspect.signature(held).parameters.values())[1:]
            if any(one.kind is one.VAR_POSITIONAL for one in given):
                continue
            least = len([one for one in given if one.default is one.empty])
            allowed = [(len([p for p in params if "=" not in p]), len(params)) for params in found]
            if least < min(low for low, _ in allowed) or len(given) > max(high for _, high in allowed):
                wrong.append(f"{name}.{member} takes {least} to {len(given)}: {declared(name, member)}")
    assert wrong == []


def test_every_signal_has_the_signature_of_the_original(application: Any) -> None:
    from PySide6.QtCore import QMetaObject

    def plain(parameters: list[str]) -> str:
        """Types alone: without names of parameters."""
        types = [re.sub(r"([\w>*&])\s+\w+$", r"\1", p.split("=")[0].strip()) for p in parameters]
        types = [re.sub(r"\s*([*&])\s*\w*$", r"\1", t) for t in types]
        return bytes(QMetaObject.normalizedSignature(f"f({', '.join(types)})").data()).decode()[1:]

    unknown = set()
    for name, cls in standins().items():
        for signal in signals(cls):
            called = signal.split("(")[0]
            found = {called + plain(split(one, called) or []) for one in declared(name, called)}
            if signal not in found:
                unknown.add(f"{name}: {signal}, not {sorted(found)}")
    assert unknown == set()


@pytest.mark.parametrize("path", [str(path) for path in base_python_files() if str(path) not in INTERNAL])
def test_functions_written_anew_after_slicers_own_have_its_parameters(path: str) -> None:
    """A call that fits here must fit there: no name that the original does not have, in the original's order."""
    own = parameters_of((ROOT / "Standin" / "slicer_standin" / "base_python" / "slicer" / path).read_text("utf-8"))
    real = REAL["python"][path]
    unknown = [name for name in own if name not in real]
    assert unknown == [], AGAIN
    wrong = {}
    for name, parameters in own.items():
        named = [one for one in parameters if not one.startswith("*")]
        order = [one for one in real[name] if one in named]
        if order != named:
            wrong[name] = (parameters, real[name])
    assert wrong == {}
