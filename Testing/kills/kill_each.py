"""Kill commands at their touches of the file system: ``python Testing/kills/kill_each.py [--sample N] [COMMAND ...]``.

After each kill, what the command writes is old or new; then the same command does its work, and nothing is left over.
Exit 1 if not, with a line for each fault.
"""

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")

import argparse
import contextlib
import hashlib
import io
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIME = "2024-05-06T07:08:09Z"
SEED = 1
_RANDOM = re.compile(r"[0-9a-f]{32}")  # in the names of scratch folders


def killed(name: str, sources: Any, sample: int | None, seed: int, folder: Path) -> Iterator[str | None]:
    """Give for each kill of a command None, or what is wrong after it."""
    from scenarios import SCENARIOS
    from touches import run_killed

    scenario = SCENARIOS[name]
    before, home, temporary = (folder / part for part in ("before", "home", "tmp"))
    for place in (before, temporary):
        place.mkdir()
    if scenario.before is not None:
        with _quiet():
            scenario.before(before, sources)
    tempfile.tempdir = str(temporary)

    def fresh() -> None:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(before, home)

    def run() -> int:
        return scenario.run(home, sources)

    fresh()
    old = scenario.states(home)
    with _quiet():
        assert run() == 0
    new, names = scenario.states(home), _names(home)
    assert old != new
    fresh()
    counted = run_killed(run, (home, temporary), None)
    assert counted.code == 0, counted.said
    print(f"{name}: {counted.touches} touches", flush=True)
    numbers = range(counted.touches)
    count = len(numbers) if sample is None else min(sample, len(numbers))
    judged: dict[object, str] = {}
    for number in sorted(random.Random(f"{seed}/{name}").sample(numbers, count)):
        fresh()
        if run_killed(run, (home, temporary), number).code is not None:
            yield f"{name}, touch {number}: was not killed"
            continue
        # Many a touch only looks: what the next command makes of files that are the same is known.
        left_behind = _everything(home, temporary)
        if left_behind in judged:
            known = judged[left_behind]
            _remove(temporary)
            yield f"{name}, touch {number}: {known}" if known else None
            continue
        found = scenario.states(home)
        torn = [unit for unit, state in found.items() if state not in (old[unit], new[unit])]
        is_done = found == new
        again = run_killed(run, (home, temporary), None)
        left = (_names(home) ^ names) | _names(temporary)
        problems = [f"{unit} is neither old nor new" for unit in torn]
        if again.code != 0 and not (is_done and again.code == scenario.once_done):
            problems.append(f"the next command failed ({again.code}): {again.said}")
        elif scenario.states(home) != new:
            problems.append("the next command did not do its work")
        problems += [f"{one} is left over or lost" for one in sorted(left)]
        judged[left_behind] = "; ".join(problems)
        yield f"{name}, touch {number}: {judged[left_behind]}" if problems else None


def _everything(*folders: Path) -> object:
    """What a killed process left, its random names apart."""
    return tuple(
        (
            _RANDOM.sub("*", path.relative_to(folder).as_posix()),
            path.lstat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        )
        for folder in folders
        for path in sorted(folder.rglob("*"), key=lambda path: _RANDOM.sub("*", path.as_posix()))
    )


def _remove(folder: Path) -> None:
    """Remove what ``folder`` holds."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _stop_the_clocks() -> None:
    """Let the same command give the same bytes; before anything imports them."""
    import ldct_bmd.ground.clock

    ldct_bmd.ground.clock.now = lambda: TIME
    time.perf_counter = lambda: 0.0


def main(arguments: list[str]) -> int:
    """Kill the commands that are named, or all, and print what is wrong after a kill."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, help="so many kills a command; without it one at each touch")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("commands", nargs="*")
    options = parser.parse_args(arguments)
    _stop_the_clocks()
    from scenarios import SCENARIOS, Sources

    faults = kills = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:
        sources = Sources.made(Path(root).resolve())
        for name in options.commands or SCENARIOS:
            started, first = time.monotonic(), kills
            with tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as folder:
                for fault in killed(name, sources, options.sample, options.seed, Path(folder).resolve()):
                    kills += 1
                    if fault is not None:
                        faults += 1
                        print(fault, flush=True)
            tempfile.tempdir = None
            print(f"{name}: {kills - first} kills, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{kills} kills, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    here = Path(__file__).resolve()
    root = here.parents[2]
    sys.path[:0] = [
        str(root / "LDCTBoneDensity"),
        str(root / "Lab"),
        str(here.parents[1] / "helpers"),
        str(here.parent),
    ]
    sys.exit(main(sys.argv[1:]))
