"""A screening run of four real processes (scheduler, two workers, client), any of which a test may kill.

python helpers_killing.py STORE SCHEDULER    (the client)
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from helpers_screening import outcome
from ldct_bmd.ground.atomic import write_folder
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening.outcome import Outcome, Task

LOG = "executions.log"
ROLES = ("client", "worker", "scheduler")
_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def measure(task: Task) -> Outcome:
    """Take a little while, write a result folder, and tell of it in a log."""
    time.sleep(0.05)
    place = Path(task.store) / task.folder
    place.parent.mkdir(parents=True, exist_ok=True)

    def fill(partial: Path) -> None:
        for part in range(3):
            (partial / f"part{part}").write_text(task.id, encoding="ascii")

    write_folder(place, fill)
    line = os.open(Path(task.store).parent / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, f"{task.id}\n".encode())
    os.close(line)
    return outcome(folder=task.folder)


@dataclass
class Processes:
    """The four processes; those that are not there are started by :meth:`complete`."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def complete(self) -> None:
        """Start what is missing; workers and client of a scheduler that is gone start again with a new one."""
        scheduler = self.running.get("scheduler")
        if scheduler is None or scheduler.poll() is not None:
            self.stop()
            self._start_scheduler()
        for name in ("worker 1", "worker 2"):
            self._start(name, "-m", "distributed.cli.dask_worker", self.address, *_WORKER)
        self._start("client", __file__, str(self.folder / "store"), self.address)

    def kill(self, role: str) -> None:
        """Kill a process without a warning."""
        name = "worker 1" if role == "worker" else role
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def ended(self, seconds: float) -> bool:
        """Whether the client ended well within ``seconds``."""
        with suppress(subprocess.TimeoutExpired):
            return self.running["client"].wait(seconds) == 0
        return False

    def stop(self) -> None:
        """Kill all."""
        for process in self.running.values():
            process.kill()
            process.wait()
        self.running.clear()

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return (self.folder / "address").read_text(encoding="ascii")

    def _start_scheduler(self) -> None:
        (self.folder / "address").unlink(missing_ok=True)
        self._start("scheduler", "-c", _SCHEDULER, str(self.folder / "address"))
        while not (self.folder / "address").is_file():
            time.sleep(0.05)

    def _start(self, name: str, *arguments: str) -> None:
        process = self.running.get(name)
        if process is None or process.poll() is not None:
            settings = {
                "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
                "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
            }
            environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
            self.running[name] = subprocess.Popen([sys.executable, *arguments], env=environment, **_QUIET)  # type: ignore[call-overload]


_WORKER = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "30", "--local-directory", "/tmp")
_SCHEDULER = """
import asyncio, os, sys
from distributed import Scheduler

async def serve():
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address=None, dashboard=False) as scheduler:
        with open(sys.argv[1] + ".part", "w") as stream:
            stream.write(scheduler.address)
        os.replace(sys.argv[1] + ".part", sys.argv[1])
        await scheduler.finished()

asyncio.run(serve())
"""


def work(folder: Path, address: str) -> None:
    """Work through a store."""
    from ldct_bmd.screening.cluster import DaskWorkers, remote_cluster
    from ldct_bmd.screening.run import run
    from ldct_bmd.screening.store import open_store

    store = open_store(folder)
    with remote_cluster(address) as client:
        run(store, DaskWorkers(client, measure), lambda _: None)
    store.database.close()


if __name__ == "__main__":
    try:
        work(Path(sys.argv[1]), sys.argv[2])
    except UsageError as refusal:
        sys.exit(str(refusal))
