"""The members of Slicer's and CTK's own classes that the stand-in offers, read from their sources and kept as data.

    python Testing/standin/real_members.py --slicer CLONE@v5.12.3 --ctk CLONE@COMMIT

CLONE is a clone of github.com/Slicer/Slicer or github.com/commontk/CTK, bare or not; the commit of CTK is the one that
Slicer names in SuperBuild/External_CTK.cmake. Writes `real_members.json` next to this file: of each member its class,
its file and line, and its signature; of the functions of Slicer's own Base/Python their parameters. Run it again when
the stand-in learns a member, or for another version of Slicer.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).with_name("real_members.json")
BASE_PYTHON = "Base/Python/slicer/"

# Of the stand-in alone: where Python's class is needed but the application has none of that name.
OWN_CLASSES = {"SegmentEditorModule"}
# Written in Python, or given to Python by PythonQt decorators, in the application.
ELSEWHERE = {"qSlicerApplication": {"testingEnabled"}, "qSlicerScriptedLoadableModuleWidget": {"self"}}


def standins() -> dict[str, type]:
    """Return the stand-in's classes that have an original, by name; the stand-in has been started."""
    import ctk  # noqa: F401 - fills the registry

    from slicer_standin.pythonqt import standin

    return {name: cls for name, cls in sorted(standin._classes.items()) if name not in OWN_CLASSES}


def own_members(cls: type) -> set[str]:
    """Return the public names that the stand-in classes define, less those of Qt and those written in Python."""
    ours = [c for c in cls.__mro__ if c.__module__.startswith("slicer_standin.")]
    qt = [c for c in cls.__mro__ if not c.__module__.startswith("slicer_standin.")]
    names = {name for c in ours for name in vars(c) if not name.startswith("_")}
    elsewhere = {name for c in cls.__mro__ for name in ELSEWHERE.get(c.__name__, ())}
    kept = {"SIGNALS", "STAND_IN", "staticMetaObject"} | elsewhere
    return {n for n in names - kept if not any(hasattr(c, n) for c in qt)}


def signals(cls: type) -> set[str]:
    """Return the signatures of the signals that a stand-in names."""
    return {signal for c in cls.__mro__ for signal in vars(c).get("SIGNALS", ())}


def parameters_of(source: str) -> dict[str, list[str]]:
    """Return the names of the parameters of each public function and method of a Python file."""
    found = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
                given = node.args
                names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
                names += [f"*{one.arg}" for one in (given.vararg,) if one]
                names += [f"**{one.arg}" for one in (given.kwarg,) if one]
                found[prefix + node.name] = names
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                visit(node.body, f"{prefix}{node.name}.")

    visit(ast.parse(source).body, "")
    return dict(sorted(found.items()))


def base_python_files() -> list[Path]:
    """Return the files of the stand-in that are written anew after Slicer's own, relative to its folder."""
    folder = ROOT / "Standin" / "slicer_standin" / "base_python" / "slicer"
    return [path.relative_to(folder) for path in sorted(folder.rglob("*.py")) if path.name != "__init__.py"]


_SECTION = re.compile(r"^(?:(?:public|protected|private|signals|Q_SIGNALS|slots|Q_SLOTS|\s)+:)+")


@dataclass(frozen=True)
class Checkout:
    """One revision of a clone."""

    clone: Path
    revision: str

    def git(self, *arguments: str) -> str:
        """Return what git prints."""
        command = ["git", "-C", str(self.clone), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace").stdout

    @cache  # noqa: B019 - two objects, as long as the script runs
    def headers(self) -> dict[str, str]:
        """Return the path of each header by its name."""
        paths = self.git("ls-tree", "-r", "--name-only", self.revision).splitlines()
        return {Path(path).stem: path for path in paths if path.endswith(".h") and "/Testing/" not in path}

    @cache  # noqa: B019
    def text(self, path: str) -> str:
        """Return a file."""
        return self.git("show", f"{self.revision}:{path}")

    def has(self, path: str) -> bool:
        """Return whether there is such a file."""
        return bool(self.git("ls-tree", "--name-only", self.revision, path).strip())


@dataclass(frozen=True)
class Class:
    """The declaration of one class: ``code`` as long as the header's, with comments blanked."""

    name: str
    source: str
    code: str
    start: int
    end: int
    base: str | None

    def line(self, at: int) -> int:
        """Return the number of the line of a place in the header."""
        return self.code.count("\n", 0, at) + 1


def class_in(checkouts: dict[str, Checkout], name: str) -> Class | None:
    """Return the class of that name from the header of that name."""
    for project, checkout in checkouts.items():
        path = checkout.headers().get(name)
        if path is None:
            continue
        code = re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), checkout.text(path), flags=re.S)
        head = re.search(rf"\bclass\s+(?:\w+\s+)?{name}\s*(?::\s*public\s+(\w+)[^{{;]*)?\{{", code)
        if head is None:
            continue
        depth, end = 1, head.end()
        while depth and end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        return Class(name, f"{project}/{path}", code, head.end(), end, head[1])
    return None


def chain(checkouts: dict[str, Checkout], name: str) -> list[Class]:
    """Return a class and its bases, as far as the sources hold them."""
    found = class_in(checkouts, name)
    if found is None:
        return []
    return [found, *(chain(checkouts, found.base) if found.base else [])]


def declarations(classes: list[Class], member: str) -> list[dict[str, Any]]:
    """Return where a member is declared, the most derived class first: methods, properties, enumerators."""
    patterns = (
        rf"[^;{{}}()]*\b{member}\s*\([^;{{}}]*?\)(?:\s*const)?(?=\s*(?:override|final|=|;|\{{|:))",
        rf"Q_PROPERTY\(\s*[\w:*<> ]+\s{member}\b[^)]*\)",
        rf"\b{member}\b(?=\s*(?:=\s*[\w<>| -]+)?\s*[,}}])",
    )
    for pattern in patterns:
        found = []
        for one in classes:
            for match in re.compile(pattern).finditer(one.code, one.start, one.end):
                at = match.start() + len(match[0]) - len(match[0].lstrip())
                words = _SECTION.sub("", " ".join(match[0].split())).strip()
                line = one.line(one.code.index(member, at))
                found.append({"class": one.name, "source": one.source, "line": line, "signature": words})
        if found:
            return found
    return []


def made(checkouts: dict[str, Checkout]) -> dict[str, Any]:
    """Return the data."""
    classes: dict[str, Any] = {}
    missing = []
    for name, cls in standins().items():
        line = chain(checkouts, name)
        members = {member: declarations(line, member) for member in sorted(own_members(cls))}
        members |= {s.split("(")[0]: declarations(line, s.split("(")[0]) for s in sorted(signals(cls))}
        missing += [f"{name}.{member}" for member, found in members.items() if not found] if line else [name]
        classes[name] = {"bases": [one.name for one in line[1:]], "members": members}
    if missing:
        raise SystemExit(f"not in the sources: {', '.join(missing)}")
    slicer = checkouts["Slicer"]
    python = {
        str(path): parameters_of(slicer.text(BASE_PYTHON + path.as_posix()))
        for path in base_python_files()
        if slicer.has(BASE_PYTHON + path.as_posix())
    }
    versions = {
        project: {"revision": one.revision, "commit": one.git("rev-parse", f"{one.revision}^{{commit}}").strip()}
        for project, one in checkouts.items()
    }
    return {"made_from": versions, "classes": classes, "python": python}


def main() -> None:
    """Read the sources and write the data."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("slicer", "ctk"):
        parser.add_argument(f"--{name}", required=True, metavar="CLONE@REVISION")
    given = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(ROOT / "Standin")]
    import slicer_standin

    slicer_standin.start()
    checkouts = {}
    for project, value in (("Slicer", given.slicer), ("CTK", given.ctk)):
        clone, _, revision = value.rpartition("@")
        checkouts[project] = Checkout(Path(clone), revision)
    DATA.write_text(json.dumps(made(checkouts), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
