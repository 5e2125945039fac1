"""What is written appears whole or not at all, and is written in one place."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ldct_bmd.ground import atomic
from ldct_bmd.ground.errors import UsageError
from places import LAB, MODULE

FULL = OSError(28, "No space left on device")


def entries(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic.write_text(path, "old\n")
    atomic.write_text(path, "new: 椎体\n")
    assert path.read_bytes() == "new: 椎体\n".encode()
    assert entries(tmp_path) == {"a.txt"}


def test_a_writer_that_goes_by_the_ending_finds_that_of_the_file(tmp_path: Path) -> None:
    seen = []

    def fill(partial: Path) -> str:
        seen.append(partial.name)
        partial.write_bytes(b"x")
        return "done"

    assert atomic.write_file(tmp_path / "cache.npz", fill) == "done"
    assert seen[0].endswith(".npz")
    assert seen[0].startswith(".")  # whoever lists the folder meanwhile takes it for no file of theirs


@pytest.mark.parametrize("write", [atomic.write_file, atomic.write_folder, atomic.write_into])
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt(), ZeroDivisionError()])
def test_whatever_stops_the_writing_leaves_what_was_there(tmp_path: Path, write, error: BaseException) -> None:
    place = tmp_path / "place"
    if write is atomic.write_file:
        place.write_text("old")
    else:
        place.mkdir()
        (place / "a").write_text("old")
    before = entries(tmp_path)

    def fill(partial: Path) -> None:
        (partial if write is atomic.write_file else partial / "a").write_text("new")
        raise error

    with pytest.raises(UsageError if error is FULL else type(error)):
        write(place, fill)
    assert entries(tmp_path) == before
    assert (place if write is atomic.write_file else place / "a").read_text() == "old"


def test_a_full_disk_is_told_with_the_place(tmp_path: Path) -> None:
    def fill(partial: Path) -> None:
        raise FULL

    with pytest.raises(UsageError, match=r"cache\.npz cannot be written \(No space left on device\)"):
        atomic.write_file(tmp_path / "cache.npz", fill)


def test_a_folder_takes_the_place_of_all_that_the_one_before_held(tmp_path: Path) -> None:
    place = tmp_path / "place"
    for name in ("a", "b"):
        atomic.write_folder(place, lambda partial, name=name: (partial / name).write_text(name))
    assert entries(tmp_path) == {"place/b"}


def test_a_folder_that_must_not_go_is_put_back_whole(tmp_path: Path) -> None:
    place = tmp_path / "place"
    atomic.write_folder(place, lambda partial: (partial / "a").write_text("old"))

    def refuse(held: Path) -> None:
        assert (held / "a").read_text() == "old"
        assert not place.exists()
        raise UsageError("output.not_empty", folder=place)

    with pytest.raises(UsageError, match="not empty"):
        atomic.write_folder(place, lambda partial: (partial / "b").write_text("new"), refuse)
    assert entries(tmp_path) == {"place/a"}


def test_files_come_into_a_folder_whose_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "a").write_text("old")

    def fill(partial: Path) -> None:
        (partial / "a").write_text("new")
        (partial / "dicom").mkdir()
        (partial / "dicom" / "b").write_text("new")

    atomic.write_into(tmp_path, fill)
    assert entries(tmp_path) == {"kept", "a", "dicom/b"}
    assert (tmp_path / "a").read_text() == "new"


def test_the_content_is_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic.write_text(tmp_path / "a", "x")
    assert [one for one in done if one != "folder"] == ["file", "rename"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill that can't be caught")
def test_a_kill_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from ldct_bmd.ground.atomic import write_file\n"
        "def fill(partial):\n    partial.write_text('ne'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_file(Path(sys.argv[1]), fill)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")],
        env={**os.environ, "PYTHONPATH": str(MODULE)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"


def renames(path: Path) -> list[int]:
    """Lines on which a module renames a file or folder: the calls with one argument are those of a path."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        of_a_path = node.func.attr in ("replace", "rename") and len(node.args) == 1 and not node.keywords
        of_a_module = (owner, node.func.attr) in {("os", "replace"), ("os", "rename")}
        if of_a_path or of_a_module:
            lines.append(node.lineno)
    return lines


def test_only_one_module_renames_what_it_wrote(tmp_path: Path) -> None:
    writer = MODULE / "ldct_bmd" / "ground" / "atomic.py"
    assert renames(writer)
    found = {str(path): lines for root in (MODULE, LAB) for path in root.rglob("*.py") if (lines := renames(path))}
    assert set(found) == {str(writer)}
