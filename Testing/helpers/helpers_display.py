"""A display of its own for a script that needs real windows, a real mouse and real keys."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MISSING = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
NO_PLUGIN = "Qt's xcb plugin does not load here (libxcb-cursor0, libxcb-icccm4, libxcb-keysyms1)"


@contextmanager
def display(width: int, height: int) -> Iterator[str]:
    """An X server without a screen; gives its name. Skips where there is none."""
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} not installed")
    read, write = os.pipe()
    screen = f"{width}x{height}x24"
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", screen], pass_fds=[write])
    try:
        os.close(write)
        with os.fdopen(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def run_there(arguments: list[str], name: str, folder: Path, *paths: Path, timeout_s: float = 240) -> str:
    """What a Python script with its window on the display ``name`` prints; skips where Qt can't open one."""
    environment = {**os.environ, "DISPLAY": name, "QT_QPA_PLATFORM": "xcb"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout_s,
        check=False,
    )  # fmt: skip
    if "xcb" in done.stderr and "could not be initialized" in done.stderr.replace("no Qt platform plugin ", ""):
        pytest.skip(NO_PLUGIN)
    assert done.returncode == 0, done.stderr
    return done.stdout
