"""What a release is made of, as far as it is made without a network."""

import fnmatch
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import release
from places import LAB, MODULE, ROOT, WEB


def test_the_extension_holds_what_slicer_installs_and_its_engine_is_found(tmp_path: Path) -> None:
    archive = release.write_extension(tmp_path)
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        opened.extractall(tmp_path / "unpacked")
    listed = {f"LDCTBoneDensity/{name}" for name in release.extension_files()}
    assert names - listed == {f"LDCTBoneDensity/{name}" for name in ("LICENSE.txt", "README.md", "CHANGELOG.md")}
    assert listed <= names
    code = "import sys; sys.path.insert(0, 'LDCTBoneDensity'); import ldct_bmd; print(ldct_bmd.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path / "unpacked", capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    both = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        both.append(release.write_extension(tmp_path / name).read_bytes())
    assert both[0] == both[1]


def test_checksums_are_of_every_file_and_show_a_change(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_bytes(b"a")
    (tmp_path / "b.zip").write_bytes(b"b")
    lines = release.write_checksums(tmp_path).read_text(encoding="utf-8").splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert set(told) == {"wheels/a.whl", "b.zip"}
    assert told["b.zip"] == hashlib.sha256(b"b").hexdigest()
    (tmp_path / "b.zip").write_bytes(b"c")
    assert release.write_checksums(tmp_path).read_text(encoding="utf-8").splitlines() != lines


@pytest.mark.skipif(os.name == "nt", reason="the shims are shell scripts")
def test_a_python_that_does_not_start_is_not_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.10"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert release.find("python3.10") is None
    kept = tmp_path / "pyenv" / "versions" / "3.10.9" / "bin" / "python3.10"
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\nexit 0\n")
    kept.chmod(0o755)
    assert release.find("python3.10") == str(kept)


@pytest.mark.parametrize(
    ("package", "project"),
    [(MODULE / "ldct_bmd", ROOT), (LAB / "ldct_bmd_lab", LAB), (WEB / "ldct_bmd_web", WEB)],
)
def test_a_wheel_takes_every_file_of_its_package(package: Path, project: Path) -> None:
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'\[tool\.setuptools\.package-data\]\n"\*" = \[(.*?)\]', text, re.DOTALL)
    assert found is not None
    patterns = re.findall(r'"([^"]+)"', found[1])
    for path in package.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns), path
            assert any((folder / "__init__.py").is_file() for folder in (path.parent, *path.parents)), path


def test_the_version_of_a_release_is_that_of_the_engine() -> None:
    import ldct_bmd

    assert release.version() == ldct_bmd.__version__
