"""One writer at a time: who comes second is refused, and no lock outlives its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.lock import locked

HOLD = "import sys; from pathlib import Path; from ldct_bmd.ground.lock import locked\n"
HOLD += "with locked(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def take(folder: Path) -> None:
    with locked(folder):
        pass


def test_a_second_writer_is_refused_until_the_first_is_done_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with locked(folder), pytest.raises(UsageError, match="out is being written by another"):
        take(folder)
    take(folder)
    assert list(tmp_path.iterdir()) == []


def test_another_folder_and_one_inside_are_free(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"), locked(tmp_path / "other"), locked(tmp_path / "out" / "inner"):
        pass


def test_the_same_folder_by_another_path_is_locked_too(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with locked(tmp_path / "out"), pytest.raises(UsageError):
        take(tmp_path / "link" / "out")


def test_a_lock_goes_with_its_process_even_if_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    process = holder(folder)
    with pytest.raises(UsageError):
        take(folder)
    process.kill()
    process.communicate()
    take(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_parent_takes_no_file_is_locked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldct_bmd.ground.lock.os.access", lambda *_: False)
    with locked(tmp_path / "out"):
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(UsageError):
            take(tmp_path / "out")


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / ".out.ldct-bmd-lock").symlink_to(tmp_path / "precious")
    with pytest.raises(UsageError, match="cannot be written"):
        take(tmp_path / "out")
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_where_a_group_shares_a_folder_a_lock_that_one_left_keeps_no_other_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    for shared in ("", "1"):
        monkeypatch.setenv("LDCT_BMD_SHARED", shared)
        with locked(tmp_path / "out"):
            modes += [path.stat().st_mode & 0o066 for path in tmp_path.iterdir()]
    umask = os.umask(0)
    os.umask(umask)
    assert modes == [0, 0o066 & ~umask]
