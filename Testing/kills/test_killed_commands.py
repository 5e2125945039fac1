"""Whatever moment a command is killed at: what it writes is old or new, the next one works, nothing is left over."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers_cli import environment

KILLS = 10


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the children are forked, and say what they say in Linux's memory")
def test_a_killed_command_leaves_the_old_or_the_new_and_nothing_else() -> None:
    command = [sys.executable, str(Path(__file__).with_name("kill_each.py")), "--sample", str(KILLS)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(", 0 faults")
