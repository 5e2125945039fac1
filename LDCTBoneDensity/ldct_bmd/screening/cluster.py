"""Workers by Dask: processes of this machine, or any cluster whose scheduler has an address."""

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass

import dask
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.comm.core import CommClosedError

from ..ground.errors import OutOfReach
from .outcome import Outcome, Task
from .run import Ended, WorkerKilled

_DASHBOARD = "127.0.0.1:8787"
_AHEAD = 8  # one task in so many waits at the scheduler, so that no worker waits for the database


@dataclass(frozen=True)
class _Ended:
    task: Task
    future: Future[Outcome]

    def outcome(self) -> Outcome:
        try:
            return self.future.result()
        except KilledWorker as error:
            raise WorkerKilled from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise OutOfReach("screen.scheduler_lost") from error


class DaskWorkers:
    """The workers of a Dask cluster.

    Args:
        measure: what a worker does with a task; it must be importable there.
    """

    def __init__(self, client: Client, measure: Callable[[Task], Outcome]) -> None:
        self._client, self._measure = client, measure
        self._given: dict[str, Future[Outcome]] = {}
        self._ended: queue.SimpleQueue[_Ended] = queue.SimpleQueue()

    def free(self) -> int:
        """Return how many tasks can be given out now."""
        threads = sum(self._client.nthreads().values())
        return int(threads + threads // _AHEAD - len(self._given))

    def give(self, tasks: list[Task]) -> None:
        """Give out tasks."""
        for task in tasks:
            future = self._client.submit(self._measure, task, pure=False, retries=0)
            self._given[task.id] = future
            future.add_done_callback(lambda future, task=task: self._ended.put(_Ended(task, future)))

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks that ended, once there is one or the time is up."""
        if self._client.status in ("closed", "closing"):
            raise OutOfReach("screen.scheduler_lost")
        ended: list[Ended] = []
        try:
            ended.append(self._ended.get(timeout=seconds))
            while True:
                ended.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        for one in ended:
            del self._given[one.task.id]
        return ended


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Start ``workers`` processes of one thread each, which end with the block."""
    options = {
        # A study that ends its process is charged at once, and no other with it: none waits in the process.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.logging": {"distributed": "critical", "distributed.nanny": "critical"},
    }
    with (
        dask.config.set(options),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=_DASHBOARD, security=True, silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def remote_cluster(address: str) -> Iterator[Client]:
    """Join the cluster whose scheduler is at ``address``; UsageError if it cannot be reached."""
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise OutOfReach("screen.no_scheduler", address=address) from error
    with client:
        yield client
