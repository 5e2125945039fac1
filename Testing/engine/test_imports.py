"""The engine stands alone, and its rooms know only those below them."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from places import MODULE

PACKAGE = MODULE / "ldct_bmd"
# Bottom to top: a room imports itself and the rooms before it.
ROOMS = (
    "words",
    "ground",
    "anatomy",
    "findings",
    "scan",
    "segmentation",
    "voi",
    "morphometry",
    "labeling",
    "calibration",
    "noise",
    "placement",
    "rules",
    "reference",
    "densitometry",
    "assessment",
    "quality",
    "examination",
    "corrections",
    "column",
    "verdicts",
    "pipeline",
    "review",
    "worklist",
    "followup",
    "reporting",
    "reading",
    "jobs",
    "api",
    "screening",
    "cli",
    "__main__",
)
FORBIDDEN = {"slicer", "qt", "ctk", "vtk", "vtkmodules", "PythonQt", "PySide6", "PyQt5", "PyQt6", "LDCTBoneDensityLib"}


def modules() -> dict[str, Path]:
    """All modules of the engine by dotted name, the package itself as ""."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported(name: str, path: Path, only_when_run: bool = False) -> set[str]:
    """Dotted names that a module imports, absolute; those of the engine start with "ldct_bmd".

    ``only_when_run`` leaves out what is imported for type hints alone.
    """
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    if only_when_run:
        tree.body = [
            node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        ]
    package = ("ldct_bmd." + name).rstrip(".").split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{start}.{alias.name}" for alias in node.names}
    return found


def engine_modules_imported(name: str, path: Path, known: dict[str, Path], only_when_run: bool = False) -> set[str]:
    """Which of the engine's own modules a module imports ("ldct_bmd.scan.CTScan" is the module "scan")."""
    targets = set()
    for target in imported(name, path, only_when_run):
        parts = target.split(".")
        if parts[0] != "ldct_bmd":
            continue
        inner = ".".join(parts[1:])
        targets.add(inner if inner in known else ".".join(parts[1:-1]))
    return targets


@pytest.mark.parametrize(("name", "path"), sorted(modules().items()), ids=lambda value: str(value) or "ldct_bmd")
def test_the_engine_imports_neither_slicer_nor_qt_nor_vtk(name: str, path: Path) -> None:
    roots = {target.split(".")[0] for target in imported(name, path)}
    assert not roots & FORBIDDEN


def test_only_the_runtime_of_that_name_imports_torch() -> None:
    having = {name for name, path in modules().items() if {t.split(".")[0] for t in imported(name, path)} & {"torch"}}
    assert having == {"segmentation.runtime.on_torch", "segmentation.runtime.dense_unet"}


def test_every_module_stands_in_a_known_room() -> None:
    rooms = {name.split(".")[0] for name in modules() if name}
    assert rooms <= set(ROOMS)


@pytest.mark.parametrize(("name", "path"), sorted(modules().items()), ids=lambda value: str(value) or "ldct_bmd")
def test_a_module_imports_only_rooms_below_its_own(name: str, path: Path) -> None:
    room = name.split(".")[0]
    allowed = set() if not room else set(ROOMS[: ROOMS.index(room) + 1]) | {""}
    above = {
        target
        # The package itself names what it hands out for type checkers, and imports it when it is asked for.
        for target in engine_modules_imported(name, path, modules(), only_when_run=not name)
        if target.split(".")[0] not in allowed and target != name
    }
    assert not above


def test_no_two_modules_import_each_other() -> None:
    known = modules()
    graph = {
        name: engine_modules_imported(name, path, known, only_when_run=True) - {name} for name, path in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_the_parser_sees_relative_and_absolute_imports(tmp_path: Path) -> None:
    module = tmp_path / "overview.py"
    module.write_text("from ..scan import CTScan\nfrom . import files\nimport vtk\nfrom ldct_bmd import cli\n")
    assert imported("reporting.overview", module) == {
        "ldct_bmd.scan.CTScan",
        "ldct_bmd.reporting.files",
        "vtk",
        "ldct_bmd.cli",
    }


def test_measuring_needs_no_command_line_package() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ldct_bmd.pipeline; "
        "sys.exit(','.join({'typer', 'rich', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(PACKAGE.parent)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_help_is_there_before_anything_heavy_is_imported() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from ldct_bmd.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'SimpleITK', 'pydicom', 'matplotlib', 'torch'}\n"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(PACKAGE.parent), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "measure" in done.stdout


@pytest.mark.parametrize("command", ["validating", "simulating", "evaluating"])
def test_statistics_need_no_package_of_the_reports(command: str) -> None:
    # As with the extras cli and validation alone: what only reports and the panel need is not there.
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules |= dict.fromkeys("
        "('reportlab', 'highdicom', 'pynetdicom', 'requests', 'keyring', 'PySide6')); "
        f"import ldct_bmd_lab.cli.{command}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(PACKAGE.parent)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_map_of_the_project_names_the_rooms_in_their_order() -> None:
    page = (MODULE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.partition("## The rooms of the engine")[2].partition("The rooms of the Slicer side")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    there = {name.split(".")[0] for name in modules() if name} - {"__main__"}
    assert named == [room for room in ROOMS if room in there]
