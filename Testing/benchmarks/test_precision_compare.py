"""What the comparison of precisions prints when there is little to compare."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import precision
import pytest


@pytest.fixture
def runtimes(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    names = ("first", "other")
    monkeypatch.setattr(precision, "runtimes", lambda: ((name, None) for name in names))
    return names


def write(folder: Path, runtime: str, **values: Any) -> None:
    bodies = values.pop("bodies", np.zeros((2, 2, 2), np.uint8))
    (folder / f"scan-{runtime}.json").write_text(json.dumps(values), encoding="utf-8")
    np.savez_compressed(folder / f"scan-{runtime}.npz", bodies=bodies)


def test_scans_without_a_reference_body_are_compared(
    runtimes: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for runtime, hu in zip(runtimes, (100.0, 100.25), strict=True):
        bodies = np.ones((2, 2, 2), np.uint8)
        write(tmp_path, runtime, levels=["L1"], hu={"L1": hu}, dice={}, bodies=bodies)
    assert precision.compare(tmp_path) == 0
    assert "1; 0, 0; 1, 0.25, +0.250; 0, -, -; 0.000%" in capsys.readouterr().out


def test_scans_that_were_refused_are_compared(
    runtimes: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for runtime in runtimes:
        write(tmp_path, runtime, refused="no_spine")
    assert precision.compare(tmp_path) == 0
    assert "1; 0, 0; 0, -, -; 0, -, -; none" in capsys.readouterr().out
