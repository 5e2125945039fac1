"""What is packaged, and that the module opens in a Slicer that has nothing more than what it ships."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "LDCTBoneDensity"
# Published with the wheel; nothing in Slicer reads them.
OF_THE_COMMAND_LINE = {f"ldct_bmd/reporting/{name}.schema.json" for name in ("measurement", "worklist")}
NOT_PACKAGED = {"__pycache__", "ldct_bmd.egg-info"}


def listed(name: str) -> list[str]:
    """The files of a list in the module's CMakeLists.txt."""
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(rf"set\({name}\n(.*?)\)", text, re.DOTALL)
    assert found is not None
    return [line.strip().replace("${MODULE_NAME}", MODULE.name) for line in found[1].splitlines() if line.strip()]


def packaged() -> set[str]:
    """Every file below the module's folder that a package needs."""
    files = [path for path in MODULE.rglob("*") if path.is_file() and path.name != "CMakeLists.txt"]
    return {
        path.relative_to(MODULE).as_posix()
        for path in files
        if not NOT_PACKAGED & set(path.relative_to(MODULE).parts) and path.suffix != ".pyc"
    }


def modules() -> dict[str, Path]:
    """All modules below the module's folder, by dotted name."""
    found = {}
    for path in MODULE.rglob("*.py"):
        parts = path.relative_to(MODULE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path) -> set[str]:
    """Dotted names that a module imports when it runs; of the engine itself also all that it hands out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if name != "ldct_bmd":
        tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node))]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            found |= {start, *(f"{start}.{alias.name}" for alias in node.names)}
    return found


def reached() -> set[str]:
    """Every file that the Slicer side, the engine's process, or a script that imports ``ldct_bmd`` comes to."""
    known, seen = modules(), set()
    left = [MODULE.name, "ldct_bmd", "ldct_bmd.jobs.__main__"]
    left += [name for name in known if name.startswith("LDCTBoneDensityLib")]
    while left:
        name = left.pop()
        if name in known and name not in seen:
            seen.add(name)
            left += [*imported(name, known[name]), name.rpartition(".")[0]]
    return {known[name].relative_to(MODULE).as_posix() for name in seen}


def test_slicer_installs_the_code_that_it_can_reach_and_no_other() -> None:
    scripts = listed("MODULE_PYTHON_SCRIPTS")
    assert len(set(scripts)) == len(scripts), "a file is listed twice"
    assert set(scripts) - reached() == set(), "listed, and nothing in Slicer imports it"
    assert reached() - set(scripts) == set(), "imported in Slicer, and not listed"


def test_the_command_line_is_not_installed_into_slicer_and_is_in_the_wheel() -> None:
    assert not [name for name in listed("MODULE_PYTHON_SCRIPTS") if name.startswith("ldct_bmd/cli/")]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'ldct-bmd = "ldct_bmd.cli:main"' in project
    assert 'include = ["ldct_bmd*"]' in project


def test_cmake_lists_every_other_file_of_the_module() -> None:
    resources = listed("MODULE_PYTHON_RESOURCES")
    assert len(set(resources)) == len(resources), "a file is listed twice"
    others = {name for name in packaged() if not name.endswith(".py")}
    assert set(resources) == others - OF_THE_COMMAND_LINE


def test_the_terminology_holds_every_level_with_its_code_and_colour() -> None:
    from ldct_bmd.anatomy import COLOR_RGB, SNOMED_CODE
    from ldct_bmd.reporting.terminology import TERMINOLOGY_CONTEXT

    (path,) = (MODULE / "Resources" / "Terminologies").glob("*.term.json")
    values = json.loads(path.read_text(encoding="utf-8"))
    assert values["SegmentationCategoryTypeContextName"] == TERMINOLOGY_CONTEXT
    (category,) = values["SegmentationCodes"]["Category"]
    types = {entry["CodeValue"]: entry for entry in category["Type"]}
    for level, code in SNOMED_CODE.items():
        if code is not None:
            assert types[code]["CodeMeaning"] == f"{level} vertebra"
            assert tuple(types[code]["recommendedDisplayRGBValue"]) == COLOR_RGB[level]


def test_the_catalogue_entry_names_what_the_cmake_file_depends_on() -> None:
    entry = json.loads((ROOT / "LDCTBoneDensity.json").read_text(encoding="utf-8"))
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    (depends,) = re.findall(r'set\(EXTENSION_DEPENDS "(.*)"\)', text)
    assert entry["build_dependencies"] == ([] if depends == "NA" else depends.split())
    assert f"depends {depends}" in (ROOT / "extension.s4ext").read_text(encoding="utf-8")


REQUIREMENTS = ("requirements.txt", "requirements-report.txt", "requirements-fhir.txt", "requirements-pacs.txt")
# What Slicer 5.12 ships of what the engine uses (SuperBuild/External_python-*.cmake).
SHIPPED = {"numpy", "scipy", "simpleitk", "pydicom", "pyjpegls", "highdicom", "pillow", "requests", "cryptography"}
# Slicer reads the files itself, draws on its own and has no terminal.
NOT_NEEDED = {"torch", "typer", "rich", "python-gdcm", "pylibjpeg", "pylibjpeg-openjpeg", "openvino"}


def read_requirements(name: str) -> list[tuple[str, str, str]]:
    """Name, whole requirement and comment of each line."""
    from packaging.requirements import Requirement

    lines = (MODULE / "Resources" / name).read_text(encoding="utf-8").splitlines()
    parts = [line.split("#") for line in lines]
    return [(Requirement(text).name.lower(), str(Requirement(text)), comment) for text, comment in parts]


def project() -> dict[str, set[str]]:
    """Requirements of the project: those of a measurement, and those of all extras together."""
    from packaging.requirements import Requirement

    tomllib = pytest.importorskip("tomllib")
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {str(Requirement(text)) for texts in table["optional-dependencies"].values() for text in texts}
    return {"needed": {str(Requirement(text)) for text in table["dependencies"]}, "extras": extras}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_what_the_panel_asks_for_has_the_bounds_of_the_project_and_is_nothing_that_slicer_ships(name: str) -> None:
    known = project()
    for package, requirement, megabytes in read_requirements(name):
        assert requirement in known["needed"] | known["extras"]
        assert package not in SHIPPED | NOT_NEEDED
        assert int(megabytes) > 0


def test_measuring_asks_for_one_runtime_of_less_than_90_megabytes() -> None:
    ((package, _, megabytes),) = read_requirements("requirements.txt")
    assert package == "onnxruntime"
    assert int(megabytes) <= 90


def test_all_that_measuring_needs_is_shipped_or_asked_for() -> None:
    from packaging.requirements import Requirement

    needed = {Requirement(text).name.lower() for text in project()["needed"]}
    drawn_for_reports = {"matplotlib"}
    assert needed - SHIPPED - NOT_NEEDED - drawn_for_reports == {"onnxruntime"}


def test_all_that_reports_need_is_shipped_or_asked_for() -> None:
    from packaging.requirements import Requirement

    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    needed = {Requirement(text).name.lower() for text in extras["reports"]} | {"matplotlib"}
    asked = {package for name in REQUIREMENTS[1:] for package, _, _ in read_requirements(name)}
    assert needed - SHIPPED <= asked


OPEN_BARE = """
import importlib.abc, importlib.metadata, json, sys
BLOCKED = ("torch", "onnxruntime", "openvino", "skimage", "safetensors", "matplotlib", "typer", "rich")

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

version = importlib.metadata.version

def without(name):
    if name in BLOCKED:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)

importlib.metadata.version = without
# What pydicom 2.4, of an older Slicer, does not have.
import pydicom.encaps
del pydicom.encaps.generate_fragments
sys.modules["pydicom.pixels.decoders.base"] = None
sys.meta_path.insert(0, Nothing())
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import slicer_standin
app = slicer_standin.start()
from pathlib import Path
from slicer_standin.application.modules import load_scripted_module
from slicer_standin.pythonqt.failures import take_failures
import slicer
load_scripted_module(Path(sys.argv[2]) / "LDCTBoneDensity.py")
slicer.util.selectModule("LDCTBoneDensity")
ui = slicer.modules.LDCTBoneDensityWidget.widget.ui
assert not take_failures(), take_failures()
assert not set(BLOCKED) & set(sys.modules)
print(json.dumps([ui.requirementsLabel.text, sorted(sys.modules)]))
"""
# What only measuring, correcting or exporting needs: together they take as long to import as the panel to open.
NOT_TO_OPEN = {
    "SimpleITK",
    "highdicom",
    "scipy.fft",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.special",
}


@pytest.fixture(scope="module")
def opened_bare() -> tuple[str, set[str]]:
    """What the panel says that it needs where nothing is installed, and the modules that opening it imported."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN_BARE, str(ROOT / "Standin"), str(MODULE)],
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    told, imported = json.loads(done.stdout.strip().splitlines()[-1])
    return told, set(imported)


def test_the_panel_opens_with_nothing_but_what_slicer_ships_and_says_what_it_will_install(
    opened_bare: tuple[str, set[str]],
) -> None:
    told, _ = opened_bare
    assert all(name in told for name in ("onnxruntime", "MB"))


def test_opening_the_panel_imports_nothing_heavy_that_it_does_not_need_yet(opened_bare: tuple[str, set[str]]) -> None:
    _, imported = opened_bare
    assert "ldct_bmd.voi" in imported
    assert not imported & NOT_TO_OPEN
