"""Read damaged inputs in child processes: ``python Testing/fuzz/run.py INPUTS [SEED]``; exit 1 if one is not refused.

A traceback, a hang, a killed process and a value that an independent reading does not share are each one line.
"""

import contextlib
import os
import random
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

LONGEST_S = 20.0
STARTING_S = 120.0
SEED = 1


def faults(inputs: int, seed: int = SEED) -> Iterator[str]:
    """Give a line for each of ``inputs`` that is neither read nor refused; its name makes it again."""
    done = 0
    while done < inputs:
        begun = None
        for line in _lines(seed, done, inputs):
            if line.startswith("begin "):
                begun = line.removeprefix("begin ")
                continue
            begun = None
            done += 1
            if line != "ok":
                yield line
        if done < inputs:
            if begun is None:
                raise RuntimeError("the reading process ended before it began")
            yield f"{begun}: the process ended, or took more than {LONGEST_S:g} s"
            done += 1


def _lines(seed: int, first: int, end: int) -> Iterator[str]:
    """Give what a child process says of the inputs from ``first`` on, until it ends or hangs."""
    command = [sys.executable, __file__, "--child", str(seed), str(first), str(end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        left, wait_s = b"", STARTING_S
        while select.select([child.stdout], [], [], wait_s)[0]:
            block = os.read(child.stdout.fileno(), 1 << 16)
            if not block:
                break
            *lines, left = (left + block).split(b"\n")
            wait_s = LONGEST_S
            yield from (line.decode() for line in lines)
        child.kill()


def _child(seed: int, first: int, end: int) -> None:
    from inputs import KINDS
    from judge import judge

    names = list(KINDS)
    for number in range(first, end):
        kind = names[number % len(names)]
        print(f"begin {kind} {seed}/{number}", flush=True)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            rng = random.Random(f"{seed}/{number}")
            problem = judge(kind, KINDS[kind](rng, Path(folder)))
        said = f"{kind} {seed}/{number}: {problem}".encode("ascii", "backslashreplace").decode() if problem else "ok"
        print(" ".join(said.split()), flush=True)


def main(arguments: list[str]) -> int:
    """Read as many inputs as told, and print what is wrong."""
    if arguments[0] == "--child":
        out = os.dup(1)
        with contextlib.redirect_stdout(os.fdopen(out, "w")):
            os.dup2(2, 1)  # libraries print as well
            _child(*map(int, arguments[1:]))
        return 0
    inputs, seed = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else SEED
    found = 0
    for found, line in enumerate(faults(inputs, seed), start=1):  # noqa: B007 (the last number counts)
        print(line, flush=True)
    print(f"{inputs} inputs of seed {seed}, {found} not refused or read as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    here = Path(__file__).resolve()
    sys.path[:0] = [str(here.parents[2] / "LDCTBoneDensity"), str(here.parents[1] / "helpers"), str(here.parent)]
    sys.exit(main(sys.argv[1:]))
