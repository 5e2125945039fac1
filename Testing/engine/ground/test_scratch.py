"""What killed processes left is swept by the next one; what a live one works in never is."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from helpers_cli import environment
from ldct_bmd.ground import atomic, scratch
from ldct_bmd.ground.lock import locked

WRITE = """
import sys
from pathlib import Path
from ldct_bmd.ground.atomic import write_folder
def fill(partial):
    (partial / "a").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
write_folder(Path(sys.argv[1]), fill)
"""
HOLD = """
import sys
from pathlib import Path
from ldct_bmd.ground.scratch import temporary_folder, used_by_engine
with temporary_folder() if len(sys.argv) == 1 else used_by_engine(Path(sys.argv[1])) as folder:
    if folder:
        (folder / "hu.npy").write_text("voxels")
    print(folder, flush=True)
    sys.stdin.read()
"""


def started(code: str, *arguments: object) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**environment(), "TMPDIR": tempfile.gettempdir()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_the_next_writer_sweeps_what_a_dead_one_left_and_leaves_what_a_live_one_writes(tmp_path: Path) -> None:
    process, word = started(WRITE, tmp_path / "out")
    assert word == "writing"
    atomic.write_text(tmp_path / "other", "x")
    assert len(list(tmp_path.iterdir())) == 2  # its work is untouched
    kill(process)
    assert len(list(tmp_path.iterdir())) == 2
    atomic.write_text(tmp_path / "other", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_whoever_locks_a_folder_sweeps_next_to_it_and_in_it(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for place in (tmp_path / "out", tmp_path / "out" / "dicom"):
        kill(started(WRITE, place)[0])
    assert len(list(tmp_path.rglob("half"))) == len(list(tmp_path.rglob("a"))) - 2
    with atomic.writing(tmp_path / "out"):
        assert not list(tmp_path.rglob("a"))
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


def test_the_lock_of_a_dead_process_is_swept_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from ldct_bmd.ground.lock import locked\n"
    code += "with locked(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    kill(started(code, tmp_path / "gone")[0])
    with locked(tmp_path / "held"):
        scratch.sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [".held.ldct-bmd-lock"]


def test_temporary_files_go_with_the_next_start_once_their_process_is_dead(temporary: Path) -> None:
    process, made = started(HOLD)
    assert (Path(made) / "hu.npy").is_file()
    assert Path(made).stat().st_mode & 0o077 == 0
    with scratch.temporary_folder() as own:
        assert (Path(made) / "hu.npy").is_file()
        assert own.is_dir()
    kill(process)
    assert (Path(made) / "hu.npy").is_file()
    with scratch.temporary_folder() as own:
        assert list(temporary.iterdir()) == [own]
    assert list(temporary.iterdir()) == []


def test_a_job_is_not_swept_while_the_engine_works_on_it_for_a_panel_that_is_dead(temporary: Path) -> None:
    panel, made = started(HOLD)
    engine, _ = started(HOLD, made)
    kill(panel)
    with scratch.temporary_folder():
        assert (Path(made) / "hu.npy").is_file()
    kill(engine)
    with scratch.temporary_folder():
        assert not Path(made).exists()


def test_a_folder_goes_with_its_owner_though_the_engine_in_it_was_killed(temporary: Path) -> None:
    with scratch.temporary_folder() as folder:
        engine, _ = started(HOLD, folder)
        (folder / "hu.npy").write_text("voxels")
        kill(engine)
    assert list(temporary.iterdir()) == []


def test_a_live_engine_keeps_its_folder_though_the_owner_lets_go_of_it(temporary: Path) -> None:
    with scratch.temporary_folder() as folder:
        engine, _ = started(HOLD, folder)
    assert [path.name for path in folder.iterdir()] == [".engine.ldct-bmd-lock"]
    kill(engine)
    scratch.sweep_temporary()
    assert list(temporary.iterdir()) == []


def test_a_folder_of_such_a_name_that_is_a_link_is_not_followed(temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "kept").write_text("kept")
    (temporary / f"ldct-bmd-{'0' * 32}").symlink_to(tmp_path / "precious", target_is_directory=True)
    with scratch.temporary_folder():
        pass
    assert (tmp_path / "precious" / "kept").read_text() == "kept"


def test_one_that_is_swept_as_soon_as_it_is_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir, made = Path.mkdir, []

    def swept(path: Path, *arguments: object, **options: object) -> None:
        mkdir(path, *arguments, **options)
        made.append(path)
        if len(made) == 1:
            scratch.sweep(tmp_path)

    monkeypatch.setattr(Path, "mkdir", swept)
    atomic.write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len(made) > 1
    assert not made[0].exists()
