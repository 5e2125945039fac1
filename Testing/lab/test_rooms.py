"""The lab adds its commands to the engine's, and its rooms know only those below them."""

import ast
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import ldct_bmd
import ldct_bmd_lab
from ldct_bmd.cli import further
from ldct_bmd_lab.cli.app import register
from places import LAB, MODULE

PACKAGE = LAB / "ldct_bmd_lab"
# Bottom to top: a room imports itself and the rooms before it.
ROOMS = (
    "ground",
    "scanner",
    "phantom",
    "torso",
    "synthetic",
    "agreement",
    "evaluation",
    "simulation",
    "physics",
    "training",
    "cli",
)


def imported(path: Path, package: str) -> set[str]:
    """Absolute dotted names of the modules that ``path`` imports from."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + 1] if node.level else ()
            found.add(".".join([*base, *([node.module] if node.module else [])]))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] == package}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_of_the_lab_imports_only_rooms_below_its_own(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    if len(parts) == 1:
        return
    allowed = ROOMS[: ROOMS.index(parts[0]) + 1]
    assert {name.split(".")[1] for name in imported(path, "ldct_bmd_lab") if "." in name} <= set(allowed)


def test_the_engine_never_imports_the_lab() -> None:
    for path in (MODULE / "ldct_bmd").rglob("*.py"):
        assert "ldct_bmd_lab" not in path.read_text(encoding="utf-8"), path


def test_both_distributions_have_one_version() -> None:
    assert ldct_bmd_lab.__version__ == ldct_bmd.__version__


def commands(app: typer.Typer) -> list[str]:
    return [str(command.name) for command in app.registered_commands]


def test_the_engine_knows_the_names_of_the_labs_commands() -> None:
    app = typer.Typer()
    register(app)
    assert tuple(commands(app)) == further.OF_THE_LAB


def test_without_the_lab_its_commands_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(further, "entry_points", lambda **_: [])
    app = typer.Typer()
    further.add_further_commands(app)
    result = CliRunner().invoke(app, ["train", "coarse", "--runs", "somewhere"])
    assert result.exit_code == 2
    assert "install the distribution ldct-bmd-lab" in result.stderr


def test_the_labs_commands_come_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("lab", "ldct_bmd_lab.cli.app:register", further.GROUP)
    asked: dict[str, Any] = {}

    def entry_points(**names: Any) -> list[EntryPoint]:
        asked.update(names)
        return [point]

    monkeypatch.setattr(further, "entry_points", entry_points)
    app = typer.Typer()
    further.add_further_commands(app)
    assert asked == {"group": further.GROUP}
    assert set(commands(app)) - set(further.OF_THE_WEB) == set(further.OF_THE_LAB)
