"""The rooms of the Slicer side know only those on their left, and `scene` stands on Slicer's core alone."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from places import HELPERS, MODULE

PACKAGE = MODULE / "LDCTBoneDensityLib"
# Left to right: a room imports itself and the rooms before it.
ROOMS = ("common", "scene", "work", "calibration", "panel")
# What only an application has.
OF_THE_APPLICATION = {"mrmlScene", "util", "app", "modules", "dicomDatabase", "i18n"}
PANEL_IMPORTS = 7


def modules() -> dict[str, Path]:
    """All modules by dotted name, below the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, only_when_run: bool = False) -> set[str]:
    """Names ("scene.Nodes") that a module imports of the package; for type hints too unless ``only_when_run``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if only_when_run:
        tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node))]
    here = (PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1])
    known, found = modules(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = list(here[: len(here) - node.level + 1]) if node.level else []
            start = [*base, *(node.module.split(".") if node.module else [])]
            if start[0] == PACKAGE.name:
                names = {".".join([*start[1:], alias.name]) for alias in node.names}
                found |= {name if name in known else name.rpartition(".")[0] for name in names}
    return found


@pytest.mark.parametrize("name", sorted(name for name in modules() if name))
def test_a_room_imports_only_rooms_on_its_left(name: str) -> None:
    room = name.split(".")[0]
    assert {target.split(".")[0] for target in imported(modules()[name])} <= set(ROOMS[: ROOMS.index(room) + 1])


def test_no_two_modules_import_each_other() -> None:
    graph = {name: imported(path, only_when_run=True) - {name} for name, path in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_the_panel_knows_few_others() -> None:
    others = {name for name in imported(PACKAGE / "panel" / "Panel.py") if not name.startswith("common.")}
    assert len(others) <= PANEL_IMPORTS


@pytest.mark.parametrize("path", sorted((PACKAGE / "scene").glob("*.py")), ids=lambda path: path.stem)
def test_the_scene_asks_nothing_of_an_application(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "slicer"
    }
    assert not asked & OF_THE_APPLICATION
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    assert not {name.split(".")[0] for name in names} & {"qt", "ctk"}
    assert not {name for name in names if name.startswith("slicer.")}


ALONE = """
import sys
import importlib.abc

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("qt", "ctk", "PySide6", "PythonQt", "slicer_standin"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
sys.path[:0] = sys.argv[1:3]
import numpy as np
import slicer
assert not hasattr(slicer, "mrmlScene") and not hasattr(slicer, "app")

from helpers_record import SITE
from helpers_spine import ReadySegmenter, spine_bodies, spine_scan
from ldct_bmd.examination import bodies_in
from ldct_bmd.pipeline import measure
from LDCTBoneDensityLib.scene.Nodes import matrixOf, setVoxels
from LDCTBoneDensityLib.scene.ReviewStore import ReviewStore, StoredReview, checksum, reviewNodeOf
from LDCTBoneDensityLib.scene.SceneReview import SceneReview
from LDCTBoneDensityLib.scene.VertebraSegments import VertebraSegments
from LDCTBoneDensityLib.scene.VOIGeometry import VOIGeometry
from LDCTBoneDensityLib.scene.VolumeReader import VolumeReader

scan = spine_scan()
measured = measure(scan, ReadySegmenter(spine_bodies()), SITE)
scene = slicer.vtkMRMLScene()
volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
geometry = scan.geometry
to_ras = np.diag([-1.0, -1.0, 1.0])
grid = np.eye(4)
grid[:3, :3] = to_ras @ np.array(geometry.direction) * np.array(geometry.spacing_mm)
grid[:3, 3] = to_ras @ np.array(geometry.origin_lps_mm)
volume.SetIJKToRASMatrix(matrixOf(grid))
setVoxels(volume, scan.hu)
assert np.array_equal(VolumeReader(volume).voxels(), scan.hu)

node = ReviewStore.create(volume)
stored = StoredReview(measured.examination, scan.stored_geometry, None, checksum(scan.hu))
ReviewStore.write(node, stored)
bodies = bodies_in(measured.column.bodies)
review = SceneReview(volume, node, ReviewStore.read(reviewNodeOf(volume)), bodies, lambda: "R")
review.makeSegments()
segments = VertebraSegments.bodies(review.segmentationNode, VolumeReader(volume))
assert set(segments) == {v.level for v in measured.examination.vertebrae}
assert all(np.array_equal(segments[level].inside, body.inside) for level, body in review.bodies.items())
assert review.segmentationNode.GetScene() is scene

roi = review.markups.roi("L1")
before = review.examination.measurement("L1")
assert not VOIGeometry.differ(VOIGeometry.fromROI(roi), before.voi)
r, a, s = roi.GetCenter()
roi.SetCenter(r + 2.0, a, s)
review.commit()
after = ReviewStore.read(node).examination.measurement("L1")
assert after.automatic is not None and after.voi != before.voi
review.do(lambda kept: kept.undo())
assert ReviewStore.read(node).examination.measurement("L1").mean_hu == before.mean_hu
print("stands alone")
"""


def test_a_review_lives_in_a_scene_of_its_own_on_slicers_core_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(MODULE), str(HELPERS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("stands alone")
