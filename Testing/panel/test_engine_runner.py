"""The engine's process: its parent in Qt, and its end when it is cancelled, though a launcher stands between."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from panel_fixtures import Hands

# As PythonSlicer: starts the interpreter with its own input and output, waits for it, and writes down which it is.
LAUNCHER = """#!{python}
import subprocess, sys
from pathlib import Path
child = subprocess.Popen([{python!r}, "-c", {slow!r}, *sys.argv[3:]])
Path({pid!r}).write_text(str(child.pid))
sys.exit(child.wait())
"""
# The engine, whose work takes longer than anything here waits.
SLOW = """
import runpy, sys, time
from ldct_bmd.jobs import runner
runner.run = lambda folder, progress: (progress("segment", 0.5), time.sleep(600))
runpy.run_module("ldct_bmd.jobs", run_name="__main__")
"""


def is_running(pid: int) -> bool:
    """Whether the process is there and not only waiting to be reaped."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def engine(panel: Hands, ct: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A slow engine at work behind a launcher; gives its process ID."""
    from LDCTBoneDensityLib.work import EngineRunner

    if sys.platform != "linux":
        pytest.skip("a script is a program only here")
    launcher, pid = tmp_path / "PythonSlicer", tmp_path / "pid"
    launcher.write_text(LAUNCHER.format(python=sys.executable, slow=SLOW, pid=str(pid)))
    launcher.chmod(0o755)
    monkeypatch.setattr(EngineRunner, "python", lambda: str(launcher))
    told: list[str] = []
    panel.panel.run.progressed.connect(lambda stage, fraction, name: told.append(stage))
    panel.choose(ct)
    panel.click("measureButton")
    panel.wait_until(lambda: "segment" in told)
    running = int(pid.read_text())
    assert is_running(running)
    yield running
    if is_running(running):
        os.kill(running, 9)


def test_cancelling_ends_the_engine_and_not_only_its_launcher(panel: Hands, engine: int) -> None:
    folder = panel.panel.run._runner.folder
    start = time.monotonic()
    panel.click("cancelButton")
    panel.finish_run()
    assert not is_running(engine)
    assert time.monotonic() - start < 100.0
    assert panel.message == "Cancelled: nothing was kept."
    panel.wait_until_gone(folder)
    assert panel.ui.measureButton.enabled


def test_closing_the_scene_ends_the_engine(panel: Hands, engine: int) -> None:
    import slicer

    slicer.mrmlScene.Clear(False)
    panel.wait_until(lambda: not is_running(engine), 100.0)
    assert panel.message == ""


def test_the_process_belongs_to_the_application_so_that_its_own_signal_cannot_delete_it(
    panel: Hands, engine: int
) -> None:
    process = panel.panel.run._runner._process
    import qt

    assert process.parent() is qt.QCoreApplication.instance()
