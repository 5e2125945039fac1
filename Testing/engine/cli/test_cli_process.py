"""The command as a process of its own: what is installed, and signals."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from helpers_cli import command, entries, environment, ready
from ldct_bmd.cli.terminal import exit_codes
from ldct_bmd.reporting.files import RESULT_FILES


def test_the_installed_command_measures_a_file(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command("measure", scan_file, "-o", tmp_path / "out", "--json", *ready(label_file)),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"].startswith("ldct-bmd")
    assert "Segmenting" in done.stderr
    assert entries(tmp_path / "out") == set(RESULT_FILES)


def test_the_installed_command_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(np.arange(256, dtype=np.uint8).tobytes())
    done = subprocess.run(
        command("series", tmp_path / "photo.jpg"), capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 3
    assert "photo.jpg" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no hangup signal")
def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with exit_codes():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# Takes a marker file and the arguments of the command; makes the file when the segmentation has begun.
SLOW_SEGMENTATION = textwrap.dedent(
    """
    import pathlib, signal, sys, time
    import ldct_bmd.jobs.measuring
    from ldct_bmd.cli import app
    from ldct_bmd.segmentation import ModelIdentity

    # The tests themselves may run in the background, where a shell has them ignore both.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    class Slow:
        identity = ModelIdentity("slow", None)

        def __init__(self, *arguments, **options):
            pass

        def __call__(self, scan, progress):
            pathlib.Path(sys.argv[1]).touch()
            time.sleep(600)

    ldct_bmd.jobs.measuring.LabelMapSegmenter = Slow
    app(sys.argv[2:])
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to a child")
@pytest.mark.parametrize(
    "sent", [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
)
def test_interrupting_exits_130_and_leaves_nothing(
    scan_file: Path, label_file: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    marker = tmp_path / "segmenting"
    arguments = ("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_SEGMENTATION, str(marker), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        deadline = time.monotonic() + 60
        while not marker.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(sent)
        stdout, stderr = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 130
    assert stdout == ""
    assert "Cancelled." in stderr
    assert "Traceback" not in stderr
    assert entries(tmp_path) == {"segmenting"}
