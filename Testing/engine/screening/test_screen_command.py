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
