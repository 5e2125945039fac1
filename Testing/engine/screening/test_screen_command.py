"""The commands of screening where a package of their extras is missing."""

import sys
from pathlib import Path

import pytest

from helpers_cli import run


def test_a_missing_package_is_told_with_the_extras_that_bring_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("ldct_bmd.screening", "ldct_bmd.cli.screening"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused = run("screen", tmp_path, "--store", tmp_path / "store")
    assert refused.exit_code == 2
    assert "ldct-bmd[reports,screen]" in " ".join(refused.stderr.split())
    assert not (tmp_path / "store").exists()


def test_a_cluster_and_a_number_of_processes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    options = ("--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
    refused = run("screen", tmp_path, "--store", tmp_path / "store", *options)
    assert refused.exit_code == 2
    assert "--workers counts processes of this machine" in " ".join(refused.stderr.split())
    assert not (tmp_path / "store").exists()
