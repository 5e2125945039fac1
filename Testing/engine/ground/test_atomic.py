"""What is written appears whole or not at all, and is written in one place."""

import ast
import os
import signal
import stat
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
        seen.append(partial.relative_to(tmp_path).as_posix())
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


@pytest.fixture(params=["in one call", "in two renames"])
def exchanging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How folders change places; only some systems and drives do it in one call."""
    if request.param == "in two renames":
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    elif sys.platform != "linux":
        pytest.skip("the system has no such call")
    return request.param


@pytest.mark.usefixtures("exchanging")
def test_a_folder_that_must_not_go_is_put_back_whole(tmp_path: Path) -> None:
    looked = []
    place = tmp_path / "place"
    atomic.write_folder(place, lambda partial: (partial / "a").write_text("old"))

    def refuse(held: Path) -> None:
        assert (held / "a").read_text() == "old"
        looked.append(held)
        if held != place:  # as if someone had put a file there after the first look
            raise UsageError("output.not_empty", folder=place)

    with pytest.raises(UsageError, match="not empty"):
        atomic.write_folder(place, lambda partial: (partial / "b").write_text("new"), refuse)
    assert entries(tmp_path) == {"place/a"}
    assert looked == [place, looked[1]]


def test_on_linux_a_folder_is_at_its_place_at_every_moment(tmp_path: Path, exchanging: str) -> None:
    place = tmp_path / "place"
    atomic.write_folder(place, lambda partial: (partial / "a").write_text("old"))
    there = []

    def look(held: Path) -> None:
        there.append((held == place, place.is_dir()))

    atomic.write_folder(place, lambda partial: (partial / "a").write_text("new"), look)
    assert there == [(True, True), (False, exchanging == "in one call")]


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


KILLED = """
import os, signal, sys
from pathlib import Path
from ldct_bmd.ground import atomic
atomic._exchange = lambda *_: False
def kill_where_the_place_is_empty(held):
    if held != Path(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
atomic.write_folder(Path(sys.argv[1]), lambda partial: (partial / "a").write_text("new"), kill_where_the_place_is_empty)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill that can't be caught")
def test_a_kill_between_two_renames_is_put_right_by_whoever_comes_next_who_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "place"
    atomic.write_folder(place, lambda partial: (partial / "a").write_text("old"))
    environment = {**os.environ, "PYTHONPATH": str(MODULE)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(place)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not place.exists()
    atomic.settle(place)
    assert entries(tmp_path) == {"place/a"}
    assert (place / "a").read_text() == "old"
    assert f"killed while it replaced {place}: the earlier content is back" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", [0o022, 0o000, 0o027])
def test_what_is_written_is_for_its_user_alone_unless_asked_otherwise(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(partial: Path) -> None:
        (partial / "dicom").mkdir()
        (partial / "dicom" / "a").write_text("x")

    def modes() -> list[int]:
        paths = (tmp_path / "f", tmp_path / "d", tmp_path / "d" / "dicom", tmp_path / "d" / "dicom" / "a")
        return [stat.S_IMODE(path.stat().st_mode) for path in paths]

    def write() -> list[int]:
        atomic.write_text(tmp_path / "f", "x")
        atomic.write_folder(tmp_path / "d", fill)
        return modes()

    before = os.umask(umask)
    try:
        assert write() == [0o600, 0o700, 0o700, 0o600]
        (tmp_path / "d").chmod(0o750)
        (tmp_path / "f").chmod(0o640)
        assert write() == [0o640, 0o750, 0o750, 0o640]  # what takes its place is as open as it was
        monkeypatch.setenv("LDCT_BMD_SHARED", "1")
        assert write() == [mode & ~umask for mode in (0o666, 0o777, 0o777, 0o666)]
    finally:
        os.umask(before)


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
